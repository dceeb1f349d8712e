use super::*;
use crate::h1::stream::Patience;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

const HEAD: &[u8] = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n";

/// What is read of a head when its first bytes have come and the others come then.
async fn read(first: &[u8], then: &[u8]) -> (Option<Result<usize, HeadError>>, Vec<u8>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let mut stream = Stream::new(listener.accept().await.unwrap().0, Patience::default());
    stream.buffer.reserve(first.len() + 1);
    stream.buffer.spare()[..first.len()].copy_from_slice(first);
    stream.buffer.advance(first.len());
    client.write_all(then).await.unwrap();
    let _ = client.shutdown().await;
    let read = read_head(&mut stream).await.unwrap();
    (read, stream.buffer.filled().to_vec())
}

#[tokio::test]
async fn a_head_is_the_same_wherever_it_is_cut() {
    for empty_lines in [0, 1, 3] {
        for head in [HEAD, b"get /a HTTP/1.0\r\n\r\n"] {
            let all = ["\r\n".repeat(empty_lines).as_bytes(), head].concat();
            for at in 0..=all.len() {
                let (read, left) = read(&all[..at], &all[at..]).await;
                assert_eq!(read, Some(Ok(head.len())), "{empty_lines} empty lines, cut at {at}");
                assert_eq!(left, head, "{empty_lines} empty lines, cut at {at}");
            }
        }
    }
}

#[tokio::test]
async fn empty_lines_do_not_go_on_for_ever() {
    let lines = |count: usize| "\r\n".repeat(count).into_bytes();
    let malformed = Some(Err(HeadError::Malformed));
    assert_eq!(read(&lines(EMPTY_LINES_MAX), HEAD).await.0, Some(Ok(HEAD.len())));
    assert_eq!(read(&lines(EMPTY_LINES_MAX + 1), HEAD).await.0, malformed);
    assert_eq!(read(&lines(1), &lines(EMPTY_LINES_MAX)).await.0, malformed);
    // A lone CR is no line, and what begins like TLS needs no end to be refused.
    assert_eq!(read(b"\r", b"GET").await.0, malformed);
    assert_eq!(read(b"\x16", b"").await.0, malformed);
}
