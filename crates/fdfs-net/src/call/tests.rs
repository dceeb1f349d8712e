use std::net::Ipv4Addr;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::net::TcpListener;

use super::*;

const TIMEOUT: Duration = Duration::from_secs(60);
const EMPTY: usize = 0;

fn addr(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

fn caller() -> (Caller<DuplexStream>, DuplexStream) {
    let (client, server) = duplex(64 * 1024);
    (Caller::over(client, addr(1), addr(2), TIMEOUT), server)
}

fn answer(status: u8, body_len: i64, body: &[u8]) -> Vec<u8> {
    [&Header { body_len, command: 100, status }.to_bytes()[..], body].concat()
}

async fn request(server: &mut DuplexStream) -> (Header, Vec<u8>) {
    let mut head = [0; HEADER_LEN];
    server.read_exact(&mut head).await.unwrap();
    let head = Header::from_bytes(head);
    let mut body = vec![0; usize::try_from(head.body_len).unwrap()];
    server.read_exact(&mut body).await.unwrap();
    (head, body)
}

#[tokio::test(start_paused = true)]
async fn calls_follow_one_another_on_one_connection() {
    let (mut caller, mut server) = caller();
    for n in 0..3_u8 {
        server.write_all(&answer(0, 2, &[n, n])).await.unwrap();
        let got = caller.call(Command::QueryFetchOne, n, &[n; 5], 2).await.unwrap();
        assert_eq!(got, Answer { status: Status::OK, body: vec![n, n] });
        assert!(caller.is_reusable());
        let (head, body) = request(&mut server).await;
        assert_eq!((head.command, head.status, body), (102, n, vec![n; 5]));
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_status_is_an_answer_and_keeps_the_connection_even_with_a_body() {
    let (mut caller, mut server) = caller();
    server.write_all(&answer(2, 0, b"")).await.unwrap();
    assert_eq!(caller.call(Command::QueryFetchOne, 0, b"", 9).await.unwrap().status, Status::ENOENT);
    server.write_all(&answer(22, 4, b"echo")).await.unwrap();
    let got = caller.call(Command::QueryFetchOne, 0, b"", 9).await.unwrap();
    assert_eq!(got, Answer { status: Status::EINVAL, body: b"echo".to_vec() });
    assert!(caller.is_reusable());
    // Too long to be read, but the status is known.
    server.write_all(&answer(5, 1 << 40, b"")).await.unwrap();
    let got = caller.call(Command::QueryFetchOne, 0, b"", 9).await.unwrap();
    assert_eq!(got, Answer { status: Status::EIO, body: vec![] });
    assert!(!caller.is_reusable());
}

#[tokio::test(start_paused = true)]
async fn echo_bodies_of_the_reference_are_thrown_away() {
    let (mut caller, mut server) = caller();
    server.write_all(&answer(0, 5, b"stray")).await.unwrap();
    assert_eq!(caller.call_expect_empty(Command::AppendFile, 0, b"x").await.unwrap(), Status::OK);
    assert!(caller.is_reusable());
    server.write_all(&answer(0, 0, b"")).await.unwrap();
    assert_eq!(caller.call_expect_empty(Command::ActiveTest, 0, b"").await.unwrap(), Status::OK);
    // One that would take for ever costs the connection, not the answer.
    server.write_all(&answer(0, 1 << 40, b"")).await.unwrap();
    assert_eq!(caller.call_expect_empty(Command::ActiveTest, 0, b"").await.unwrap(), Status::OK);
    assert!(!caller.is_reusable());
}

#[tokio::test(start_paused = true)]
async fn nonsense_lengths_break_the_connection() {
    let (mut caller, mut server) = caller();
    server.write_all(&answer(0, -1, b"")).await.unwrap();
    let error = caller.call(Command::ActiveTest, 0, b"", EMPTY).await.unwrap_err();
    assert!(matches!(error, NetError::NegativeLength { len: -1, .. }) && error.errno() == 22);
    assert!(!caller.is_reusable());

    let (mut caller, mut server) = self::caller();
    server.write_all(&answer(0, 41, b"")).await.unwrap();
    let error = caller.call(Command::QueryFetchOne, 0, b"", 40).await.unwrap_err();
    assert!(matches!(error, NetError::TooLong { len: 41, max: 40, .. }) && error.errno() == 28);
    assert!(!caller.is_reusable());
    let again = caller.call(Command::QueryFetchOne, 0, b"", 40).await.unwrap_err();
    assert!(matches!(again, NetError::OutOfTurn { .. }));
}

#[tokio::test(start_paused = true)]
async fn every_cut_of_an_answer_is_a_closed_connection() {
    let whole = answer(0, 3, b"abc");
    for cut in 0..whole.len() {
        let (mut caller, mut server) = caller();
        server.write_all(&whole[..cut]).await.unwrap();
        server.shutdown().await.unwrap();
        let error = caller.call(Command::QueryFetchOne, 0, b"", 3).await.unwrap_err();
        assert!(error.is_closed() && error.errno() == 107, "cut at {cut}: {error}");
        assert_eq!(caller.answer_begun(), cut > 0);
        assert!(!caller.is_reusable());
    }
}

#[tokio::test(start_paused = true)]
async fn the_time_out_restarts_with_every_chunk() {
    let (mut caller, mut server) = caller();
    let trickle = async {
        for byte in answer(0, 3, b"abc") {
            tokio::time::sleep(TIMEOUT - Duration::from_millis(1)).await;
            server.write_all(&[byte]).await.unwrap();
        }
    };
    let (got, ()) = tokio::join!(caller.call(Command::QueryFetchOne, 0, b"", 3), trickle);
    assert_eq!(got.unwrap().body, b"abc");

    server.write_all(&answer(0, 3, b"ab")).await.unwrap();
    let error = caller.call(Command::QueryFetchOne, 0, b"", 3).await.unwrap_err();
    assert!(error.is_timeout() && error.errno() == 110, "{error}");
    assert!(error.to_string().contains("127.0.0.1:2") && error.to_string().contains("60000 ms"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_takes_nothing_is_given_up() {
    let (mut caller, _server) = caller();
    caller.send_request_head(Command::UploadFile, 0, 1 << 30, b"head").await.unwrap();
    let error = async {
        loop {
            if let Err(error) = caller.send_content(&[0; 4096]).await {
                return error;
            }
        }
    };
    assert!(error.await.is_timeout());
}

#[tokio::test(start_paused = true)]
async fn bodies_stream_both_ways() {
    let (mut caller, mut server) = caller();
    caller.send_request_head(Command::UploadFile, 0, 9, b"abc").await.unwrap();
    assert!(!caller.is_reusable());
    caller.send_content(b"def").await.unwrap();
    caller.note_content_sent(0).unwrap();
    caller.send_content(b"ghi").await.unwrap();
    let (head, body) = request(&mut server).await;
    assert_eq!((head.command, &body[..]), (11, &b"abcdefghi"[..]));

    server.write_all(&answer(0, 6, b"uvwxyz")).await.unwrap();
    server.write_all(&answer(0, 0, b"")).await.unwrap();
    assert_eq!(caller.read_answer_head().await.unwrap(), AnswerHead { status: Status::OK, len: 6 });
    let mut piece = [0; 4];
    assert_eq!(caller.read_content(&mut piece).await.unwrap(), 4);
    assert_eq!(&piece, b"uvwx");
    assert!(!caller.is_reusable());
    // The body ends at its length, though more bytes are there.
    assert_eq!(caller.read_content(&mut piece).await.unwrap(), 2);
    assert_eq!(caller.read_content(&mut piece).await.unwrap(), 0);
    assert!(caller.is_reusable());
}

#[tokio::test(start_paused = true)]
async fn use_out_of_turn_is_refused() {
    let (mut caller, mut server) = caller();
    assert!(matches!(caller.read_answer_head().await, Err(NetError::OutOfTurn { .. })));

    let (mut short, _server) = self::caller();
    short.send_request_head(Command::UploadFile, 0, 4, b"abc").await.unwrap();
    assert!(matches!(short.send_content(b"de").await, Err(NetError::OutOfTurn { .. })));

    let (mut early, _server2) = self::caller();
    early.send_request_head(Command::UploadFile, 0, 4, b"abc").await.unwrap();
    assert!(matches!(early.read_answer_head().await, Err(NetError::OutOfTurn { .. })));

    let (mut unread, mut server3) = self::caller();
    server3.write_all(&answer(0, 6, b"uvwxyz")).await.unwrap();
    unread.send_request_head(Command::DownloadFile, 0, 0, b"").await.unwrap();
    unread.read_answer_head().await.unwrap();
    assert!(matches!(unread.call(Command::ActiveTest, 0, b"", 0).await, Err(NetError::OutOfTurn { .. })));
    server.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_dropped_halfway_is_not_reusable() {
    let (mut caller, _server) = caller();
    let call = caller.call(Command::ActiveTest, 0, b"", 0);
    assert!(tokio::time::timeout(Duration::from_secs(1), call).await.is_err());
    assert!(!caller.is_reusable());
}

#[tokio::test]
async fn an_answer_given_before_the_whole_request_was_sent_is_found() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = [0; 25];
        stream.read_exact(&mut head).await.unwrap();
        stream.write_all(&answer(28, 0, b"")).await.unwrap();
        // The drop with unread bytes resets the connection.
    };
    let client = async {
        let mut caller = Caller::connect(listener.local_addr().unwrap(), &CallOptions::default()).await.unwrap();
        caller.send_request_head(Command::UploadFile, 0, 1 << 40, &[0; 15]).await.unwrap();
        let piece = vec![0; 64 * 1024];
        let error = loop {
            if let Err(error) = caller.send_content(&piece).await {
                break error;
            }
        };
        assert!(caller.has_early_answer());
        assert!(!caller.is_reusable());
        caller.read_early_answer(error).await
    };
    let ((), status) = tokio::join!(server, client);
    assert_eq!(status.unwrap(), Status::ENOSPC);
}

#[tokio::test]
async fn a_refused_connect_says_so() {
    // Taken, so that nobody else listens there meanwhile.
    let taken = tokio::net::TcpSocket::new_v4().unwrap();
    taken.bind(addr(0)).unwrap();
    let error = Caller::connect(taken.local_addr().unwrap(), &CallOptions::default()).await.unwrap_err();
    assert!(error.is_connect() && error.errno() == 111, "{error}");
}

#[tokio::test]
async fn w45_a_silent_machine_costs_connect_timeout_and_no_more() {
    // A queue of one that is full: the kernel answers no further attempt.
    let listener = crate::listen(&[addr(0)], 0).unwrap().remove(0);
    let peer = listener.local_addr().unwrap();
    let options = CallOptions { connect_timeout: Duration::from_millis(50), ..CallOptions::default() };
    let mut queued = Vec::new();
    let error = loop {
        match Caller::connect(peer, &options).await {
            Ok(caller) => queued.push(caller),
            Err(error) => break error,
        }
        assert!(queued.len() < 10, "the queue takes more than it should");
    };
    assert!(matches!(error, NetError::ConnectTimeout { timeout_ms: 50, .. }) && error.errno() == 110, "{error}");
}

#[tokio::test]
async fn the_local_address_can_be_chosen() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let peer = listener.local_addr().unwrap();
    let bind = "127.0.0.9".parse().unwrap();
    let options = CallOptions { bind: Some(bind), ..CallOptions::default() };
    let caller = Caller::connect(peer, &options).await.unwrap();
    assert_eq!((caller.local_addr().ip(), caller.peer_addr()), (bind, peer));
    assert_eq!(listener.accept().await.unwrap().1.ip(), bind);

    let foreign = CallOptions { bind: Some("192.0.2.1".parse().unwrap()), ..options };
    let error = Caller::connect(peer, &foreign).await.unwrap_err();
    assert!(matches!(error, NetError::Bind { .. }) && error.to_string().contains("is 192.0.2.1 an address of this"));
}
