//! Accepts connections, reads requests, writes answers.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use fdfs_proto::{HEADER_LEN, Header, Status};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;

/// A listening server, until it is dropped.
pub(crate) struct Server {
    pub(crate) addr: SocketAddr,
    accepted: Arc<AtomicUsize>,
    open: Arc<AtomicUsize>,
    /// Rises when all connections shall be closed.
    close: watch::Sender<u64>,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    /// Serves every connection with `serve`, which ends when the connection shall be closed.
    pub(crate) async fn start<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> Self
    where
        F: Future<Output = Option<()>> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (accepted, open) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let close = watch::Sender::new(0);
        let (counter, opened, closed) = (Arc::clone(&accepted), Arc::clone(&open), close.clone());
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::SeqCst);
                opened.fetch_add(1, Ordering::SeqCst);
                let (served, mut closed, opened) = (serve(stream), closed.subscribe(), Arc::clone(&opened));
                tokio::spawn(async move {
                    tokio::select! {
                        _ = served => {}
                        _ = closed.changed() => {}
                    }
                    opened.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self { addr, accepted, open, close, task }
    }

    /// How many connections were ever accepted.
    pub(crate) fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    /// Closes all connections; new ones are accepted.
    pub(crate) async fn close_connections(&self) {
        self.close.send_modify(|n| *n += 1);
        super::until("all connections are closed", || self.open.load(Ordering::SeqCst) == 0).await;
    }

    /// Closes all connections and refuses new ones.
    pub(crate) async fn stop(&self) {
        self.task.abort();
        super::until("the listener is closed", || self.task.is_finished()).await;
        refuse_at(self.addr);
        self.close_connections().await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Takes a port without listening there, so that connections are refused and no other test gets it as long as this process
/// runs.
fn refuse_at(addr: SocketAddr) -> SocketAddr {
    static TAKEN: Mutex<Vec<TcpSocket>> = Mutex::new(Vec::new());
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind(addr).unwrap();
    let addr = socket.local_addr().unwrap();
    TAKEN.lock().unwrap().push(socket);
    addr
}

/// An address that nobody listens at.
pub(crate) fn refused_addr() -> SocketAddr {
    refuse_at(SocketAddr::from(([127, 0, 0, 1], 0)))
}

/// The next request's header; `None` when the client has closed.
pub(crate) async fn read_header(stream: &mut TcpStream) -> Option<Header> {
    let mut bytes = [0; HEADER_LEN];
    stream.read_exact(&mut bytes).await.ok()?;
    Some(Header::from_bytes(bytes))
}

/// The body of a request.
pub(crate) async fn read_body(stream: &mut TcpStream, header: Header) -> Option<Vec<u8>> {
    let mut body = vec![0; usize::try_from(header.body_len).unwrap()];
    stream.read_exact(&mut body).await.ok()?;
    Some(body)
}

/// Writes an answer.
pub(crate) async fn answer(stream: &mut TcpStream, status: Status, body: &[u8]) -> Option<()> {
    let bytes = [&Header::answer(status, body.len() as u64).to_bytes()[..], body].concat();
    stream.write_all(&bytes).await.ok()
}
