use fdfs_proto::{Command, Status};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::{ServerConn, ServerLimits};

const OPTIONS: CallOptions =
    CallOptions { connect_timeout: Duration::from_secs(30), network_timeout: Duration::from_secs(30), bind: None };

/// A server that answers every `ACTIVE_TEST`; `stop` closes all its connections.
struct Server {
    addr: SocketAddr,
    stop: CancellationToken,
}

impl Server {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let token = stop.clone();
        tokio::spawn(async move {
            while let Ok((stream, peer)) = listener.accept().await {
                let limits = ServerLimits { max_package_bytes: 1000, network_timeout: OPTIONS.network_timeout };
                let mut conn = ServerConn::new(stream, peer, limits, token.child_token());
                tokio::spawn(async move {
                    while let Ok(Some(_)) = conn.next_request().await {
                        conn.respond(Status::OK, b"").await.unwrap();
                    }
                });
            }
        });
        Self { addr, stop }
    }
}

async fn call(caller: &mut Caller) -> Status {
    caller.call(Command::ActiveTest, 0, b"", 0).await.unwrap().status
}

#[tokio::test]
async fn a_good_connection_is_used_again_and_its_number_is_limited() {
    let server = Server::start().await;
    let pool = Pool::new(PoolOptions { max_idle_per_addr: 2, ..PoolOptions::default() });
    let mut first = pool.take(server.addr, &OPTIONS).await.unwrap();
    assert!(!first.was_reused());
    assert_eq!(call(&mut first).await, Status::OK);
    let local = first.local_addr();
    drop(first);
    let mut again = pool.take(server.addr, &OPTIONS).await.unwrap();
    assert!(again.was_reused() && again.local_addr() == local);
    assert_eq!(call(&mut again).await, Status::OK);

    let others = [(); 3].map(|()| pool.take(server.addr, &OPTIONS));
    let [b, c, d] = others;
    let held = (again, b.await.unwrap(), c.await.unwrap(), d.await.unwrap());
    assert_eq!(pool.idle_count(), 0);
    drop(held);
    assert_eq!(pool.idle_count(), 2);
    pool.forget(server.addr);
    assert_eq!(pool.idle_count(), 0);
}

#[tokio::test]
async fn w36_a_connection_that_the_server_closed_meanwhile_is_not_used_again() {
    let server = Server::start().await;
    let pool = Pool::new(PoolOptions::default());
    let mut pooled = pool.take(server.addr, &OPTIONS).await.unwrap();
    assert_eq!(call(&mut pooled).await, Status::OK);
    server.stop.cancel();
    // The end has arrived when the kernel says so.
    let deadline = Instant::now() + Duration::from_secs(30);
    while pooled.is_alive() {
        assert!(Instant::now() < deadline, "the server's end never arrived");
        tokio::task::yield_now().await;
    }
    drop(pooled);
    assert_eq!(pool.idle_count(), 1);
    assert!(!pool.take(server.addr, &OPTIONS).await.unwrap().was_reused());
}

#[tokio::test]
async fn a_connection_with_stray_bytes_is_not_used_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let pool = Pool::new(PoolOptions::default());
    drop(pool.take(addr, &OPTIONS).await.unwrap());
    assert_eq!(pool.idle_count(), 1);
    let (mut stream, _) = listener.accept().await.unwrap();
    stream.write_all(b"stray").await.unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        match pool.take_idle(addr, &OPTIONS) {
            // The bytes were on their way still.
            Some(pooled) => drop(pooled),
            None => break,
        }
        assert!(Instant::now() < deadline, "the stray bytes never arrived");
        tokio::task::yield_now().await;
    }
    assert_eq!(pool.idle_count(), 0);
}

#[tokio::test]
async fn a_connection_with_an_unread_answer_does_not_go_back() {
    let server = Server::start().await;
    let pool = Pool::new(PoolOptions::default());
    let mut pooled = pool.take(server.addr, &OPTIONS).await.unwrap();
    pooled.send_request_head(Command::ActiveTest, 0, 0, b"").await.unwrap();
    drop(pooled);
    assert_eq!(pool.idle_count(), 0);
}

#[tokio::test]
async fn old_connections_are_thrown_away() {
    let server = Server::start().await;
    let pool = Pool::new(PoolOptions { max_idle_time: Duration::from_secs(3600), max_idle_per_addr: 8 });
    drop(pool.take(server.addr, &OPTIONS).await.unwrap());
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(3599)).await;
    pool.expire();
    assert_eq!(pool.idle_count(), 1);
    tokio::time::advance(Duration::from_secs(1)).await;
    assert!(pool.take_idle(server.addr, &OPTIONS).is_none());
    assert_eq!(pool.idle_count(), 0);
    tokio::time::resume();
    drop(pool.take(server.addr, &OPTIONS).await.unwrap());
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(3600)).await;
    pool.expire();
    assert_eq!(pool.idle_count(), 0);
}
