use std::future::Future;

use fdfs_proto::Command;
use tokio::io::{AsyncWriteExt, DuplexStream, duplex};

use super::*;

const TIMEOUT: Duration = Duration::from_secs(60);
const MAX: usize = 262_144;

fn peer() -> SocketAddr {
    "10.0.0.1:1".parse().unwrap()
}

fn conn() -> (DuplexStream, ServerConn<DuplexStream>, CancellationToken) {
    let (client, server) = duplex(4096);
    let shutdown = CancellationToken::new();
    let limits = ServerLimits { max_package_bytes: MAX, network_timeout: TIMEOUT };
    (client, ServerConn::new(server, peer(), limits, shutdown.clone()), shutdown)
}

fn header(body_len: i64, command: u8) -> [u8; HEADER_LEN] {
    Header { body_len, command, status: 0 }.to_bytes()
}

/// Whether `future` is still waiting after `seconds` of the paused clock.
async fn waits<T>(seconds: u64, future: impl Future<Output = T>) -> bool {
    tokio::time::timeout(Duration::from_secs(seconds), future).await.is_err()
}

/// Answers everything with the body that was asked, until the end.
async fn echo(mut conn: ServerConn<DuplexStream>) -> Result<Vec<u8>, NetError> {
    let mut commands = Vec::new();
    while let Some(request) = conn.next_request().await? {
        commands.push(request.command);
        let body = request.body.to_vec();
        conn.respond(Status::OK, &body).await?;
    }
    Ok(commands)
}

async fn answer(client: &mut DuplexStream) -> (Status, Vec<u8>) {
    let mut head = [0; HEADER_LEN];
    client.read_exact(&mut head).await.unwrap();
    let head = Header::from_bytes(head);
    assert_eq!(head.command, Command::Resp.number());
    let mut body = vec![0; usize::try_from(head.body_len).unwrap()];
    client.read_exact(&mut body).await.unwrap();
    (Status(head.status), body)
}

#[tokio::test(start_paused = true)]
async fn requests_in_any_pieces_are_answered_in_their_order() {
    let bytes = [&header(5, 101)[..], b"hello", &header(0, 111), &header(3, 102), b"abc"].concat();
    for piece_len in [1, 7, bytes.len()] {
        let (mut client, conn, _) = conn();
        let served = tokio::spawn(echo(conn));
        for piece in bytes.chunks(piece_len) {
            client.write_all(piece).await.unwrap();
            tokio::task::yield_now().await;
        }
        assert_eq!(answer(&mut client).await, (Status::OK, b"hello".to_vec()));
        assert_eq!(answer(&mut client).await, (Status::OK, vec![]));
        assert_eq!(answer(&mut client).await, (Status::OK, b"abc".to_vec()));
        drop(client);
        assert_eq!(served.await.unwrap().unwrap(), [101, 111, 102]);
    }
}

#[tokio::test(start_paused = true)]
async fn the_largest_package_is_served_and_one_byte_more_is_not_waited_for() {
    let (mut client, conn, _) = conn();
    let served = tokio::spawn(echo(conn));
    let largest = vec![7; MAX - HEADER_LEN];
    client.write_all(&header(262_134, 101)).await.unwrap();
    client.write_all(&largest).await.unwrap();
    assert_eq!(answer(&mut client).await.1, largest);
    client.write_all(&header(262_135, 101)).await.unwrap();
    assert!(matches!(served.await.unwrap(), Err(NetError::TooLong { len: 262_135, max: 262_134, .. })));
}

#[tokio::test(start_paused = true)]
async fn new_lengths_of_two_gigabytes_and_more_close_instead_of_being_cut_to_32_bits() {
    for len in [1_i64 << 31, 1 << 32, 0x1_FFFF_FFFF, i64::MAX] {
        let (mut client, mut conn, _) = conn();
        client.write_all(&header(len, 111)).await.unwrap();
        assert!(matches!(conn.next_request().await, Err(NetError::TooLong { .. })), "{len}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_negative_length_closes() {
    for len in [-1, i64::MIN] {
        let (mut client, mut conn, _) = conn();
        client.write_all(&header(len, 111)).await.unwrap();
        assert!(matches!(conn.next_request().await, Err(NetError::NegativeLength { len: l, .. }) if l == len));
    }
}

#[tokio::test(start_paused = true)]
async fn an_announced_length_takes_no_memory_before_the_bytes_are_there() {
    let (mut client, mut conn, _) = conn();
    client.write_all(&header(262_134, 101)).await.unwrap();
    assert!(waits(1, conn.next_request()).await);
    assert!(conn.buffer.capacity() <= 4096, "{}", conn.buffer.capacity());
}

#[tokio::test(start_paused = true)]
async fn a_grown_buffer_is_given_back_while_idle() {
    let (mut client, mut conn, _) = conn();
    let body = vec![1; 100_000];
    let send = async {
        client.write_all(&header(100_000, 101)).await.unwrap();
        client.write_all(&body).await.unwrap();
    };
    let (_, request) = tokio::join!(send, conn.next_request());
    assert_eq!(request.unwrap().unwrap().body, body);
    assert!(waits(1, conn.next_request()).await);
    assert!(conn.buffer.capacity() <= IDLE_BUFFER_BYTES);
}

#[tokio::test(start_paused = true)]
async fn w10_a_new_connection_must_complete_a_request_in_time_even_when_it_trickles() {
    let (mut client, conn, _) = conn();
    let start = Instant::now();
    let trickle = async {
        loop {
            client.write_all(&header(1000, 101)[..1]).await.unwrap();
            tokio::time::sleep(TIMEOUT / 7).await;
        }
    };
    let result = tokio::select! {
        result = echo(conn) => result,
        () = trickle => unreachable!("it never ends"),
    };
    assert!(matches!(result, Err(NetError::Timeout { .. })));
    assert_eq!(start.elapsed(), TIMEOUT);
}

#[tokio::test(start_paused = true)]
async fn after_the_first_request_a_peer_may_be_idle_for_ever_but_not_stop_inside_a_package() {
    let (mut client, conn, _) = conn();
    let mut served = tokio::spawn(echo(conn));
    client.write_all(&header(0, 111)).await.unwrap();
    answer(&mut client).await;
    assert!(waits(30 * 24 * 3600, &mut served).await);

    // A package that goes on before each time-out may take as long as it likes.
    for byte in header(2, 101) {
        client.write_all(&[byte]).await.unwrap();
        assert!(waits(59, &mut served).await);
    }
    client.write_all(b"ab").await.unwrap();
    assert_eq!(answer(&mut client).await.1, b"ab");

    client.write_all(&header(2, 101)[..3]).await.unwrap();
    assert!(matches!(served.await.unwrap(), Err(NetError::Timeout { timeout_ms: 60_000, .. })));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_take_its_answer_is_given_up() {
    let (mut client, mut conn, _) = conn();
    client.write_all(&header(0, 91)).await.unwrap();
    conn.next_request().await.unwrap().unwrap();
    let error = conn.respond(Status::OK, &[0; 10_000]).await.unwrap_err();
    assert!(matches!(error, NetError::Timeout { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_closed_its_sending_side_still_gets_its_answer() {
    let (client, conn, _) = conn();
    let served = tokio::spawn(echo(conn));
    let (mut reader, mut writer) = tokio::io::split(client);
    writer.write_all(&[&header(2, 101)[..], b"hi"].concat()).await.unwrap();
    writer.shutdown().await.unwrap();
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).await.unwrap();
    assert_eq!(bytes, [&header(2, 100)[..], b"hi"].concat());
    assert_eq!(served.await.unwrap().unwrap(), [101]);
}

#[tokio::test(start_paused = true)]
async fn an_end_inside_a_package_is_an_error() {
    for cut in 1..13 {
        let (mut client, mut conn, _) = conn();
        client.write_all(&[&header(3, 101)[..], b"abc"].concat()[..cut]).await.unwrap();
        drop(client);
        assert!(matches!(conn.next_request().await, Err(NetError::Closed { .. })), "cut at {cut}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_ends_idle_connections_at_once_and_lets_a_begun_request_finish() {
    for served_before in [false, true] {
        let (mut client, mut conn, shutdown) = conn();
        if served_before {
            client.write_all(&header(0, 111)).await.unwrap();
            conn.next_request().await.unwrap().unwrap();
        }
        let start = Instant::now();
        let (request, ()) = tokio::join!(conn.next_request(), async { shutdown.cancel() });
        assert_eq!(request.unwrap(), None);
        assert_eq!(start.elapsed(), Duration::ZERO);
    }

    let (mut client, conn, shutdown) = conn();
    let served = tokio::spawn(echo(conn));
    client.write_all(&header(2, 101)).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    shutdown.cancel();
    tokio::time::sleep(Duration::from_secs(1)).await;
    client.write_all(b"hi").await.unwrap();
    // What was sent behind it is not served any more.
    client.write_all(&header(0, 111)).await.unwrap();
    assert_eq!(answer(&mut client).await.1, b"hi");
    assert_eq!(served.await.unwrap().unwrap(), [101]);
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_was_dropped_loses_nothing() {
    let (mut client, mut conn, _) = conn();
    client.write_all(&header(2, 101)[..4]).await.unwrap();
    assert!(waits(1, conn.next_request()).await);
    client.write_all(&header(2, 101)[4..]).await.unwrap();
    client.write_all(b"hi").await.unwrap();
    let request = conn.next_request().await.unwrap().unwrap();
    assert_eq!(request, Request { command: 101, status: 0, body: b"hi" });
}
