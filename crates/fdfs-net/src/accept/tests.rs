use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::sync::Mutex;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Notify;

use super::*;

const PATIENCE: Duration = Duration::from_secs(30);

struct Server {
    addr: SocketAddr,
    gate: Gate,
    shutdown: CancellationToken,
    tasks: TaskTracker,
    accepting: tokio::task::JoinHandle<()>,
}

/// A server that sends "hi" to everyone it serves and waits for their end.
async fn start(options: GateOptions) -> Server {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let addr = listener.local_addr().unwrap();
    let (gate, shutdown, tasks) = (Gate::new(options), CancellationToken::new(), TaskTracker::new());
    let accepting = tokio::spawn({
        let (gate, shutdown, tasks) = (gate.clone(), shutdown.clone(), tasks.clone());
        async move { serve(listener, gate, shutdown, &tasks, greet).await }
    });
    Server { addr, gate, shutdown, tasks, accepting }
}

async fn greet(mut stream: TcpStream, _: SocketAddr, _permit: ConnectionPermit) {
    let _ = stream.write_all(b"hi").await;
    let _ = stream.read(&mut [0]).await;
}

/// Connects and says whether it is served; the connection stays open.
async fn is_served(addr: SocketAddr) -> Option<TcpStream> {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    let mut greeting = [0; 2];
    match tokio::time::timeout(PATIENCE, stream.read_exact(&mut greeting)).await.expect("neither served nor closed") {
        Ok(_) => Some(stream),
        Err(_) => None,
    }
}

async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let wait = async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("never happened: {what}"));
}

#[tokio::test]
async fn at_the_limit_connections_are_closed_at_once_and_served_again_after() {
    let server = start(GateOptions::for_all(2)).await;
    let first = is_served(server.addr).await.expect("the first is served");
    let _second = is_served(server.addr).await.expect("the second is served");
    assert!(is_served(server.addr).await.is_none());
    assert!(is_served(server.addr).await.is_none());
    assert_eq!(server.gate.counts(), ConnectionCounts { alloc: 2, current: 2, max: 2 });
    drop(first);
    until("a place becomes free", || server.gate.counts().current == 1).await;
    assert!(is_served(server.addr).await.is_some());
    assert_eq!(server.gate.counts().max, 2);
}

#[tokio::test]
async fn peers_that_are_not_allowed_are_closed_without_a_word() {
    let allow: Arc<AllowFn> = Arc::new(|ip| ip != IpAddr::V4(Ipv4Addr::LOCALHOST));
    let server = start(GateOptions { allow, ..GateOptions::for_all(2) }).await;
    assert!(is_served(server.addr).await.is_none());
    assert_eq!(server.gate.counts(), ConnectionCounts::default());
}

#[tokio::test]
async fn a_shutdown_ends_accepting_and_closes_the_port() {
    let server = start(GateOptions::for_all(2)).await;
    let open = is_served(server.addr).await.unwrap();
    server.shutdown.cancel();
    tokio::time::timeout(PATIENCE, server.accepting).await.expect("accepting goes on").unwrap();
    assert!(TcpStream::connect(server.addr).await.is_err());
    // Those who are inside are not touched.
    assert_eq!(server.gate.counts().current, 1);
    server.tasks.close();
    drop(open);
    tokio::time::timeout(PATIENCE, server.tasks.wait()).await.expect("the connection's task goes on");
    assert_eq!(server.gate.counts().current, 0);
}

#[test]
fn connections_can_live_on_another_runtime() {
    let data = tokio::runtime::Builder::new_multi_thread().worker_threads(1).thread_name("data").enable_all().build();
    let data = data.unwrap();
    let control = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let name = Arc::new(Mutex::new(None));
    control.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let gate = Gate::new(GateOptions { runtime: Some(data.handle().clone()), ..GateOptions::for_all(2) });
        let (tasks, shutdown) = (TaskTracker::new(), CancellationToken::new());
        let served = serve(listener, gate, shutdown.clone(), &tasks, |mut stream, _, _permit| {
            let name = name.clone();
            async move {
                // Waits for the peer: the stream's own runtime must wake it.
                let byte = stream.read_u8().await.unwrap();
                *name.lock().unwrap() = std::thread::current().name().map(str::to_owned);
                stream.write_all(&[byte]).await.unwrap();
            }
        });
        let client = async {
            let mut stream = TcpStream::connect(addr).await.unwrap();
            stream.write_all(b"x").await.unwrap();
            assert_eq!(tokio::time::timeout(PATIENCE, stream.read_u8()).await.unwrap().unwrap(), b'x');
            shutdown.cancel();
        };
        tokio::join!(served, client);
    });
    assert_eq!(name.lock().unwrap().as_deref(), Some("data"));
}

/// Fails as told, then gives one connection, then nothing.
struct Failing {
    errnos: Mutex<VecDeque<i32>>,
    connection: Mutex<Option<(TcpStream, SocketAddr)>>,
}

impl Incoming for Failing {
    fn poll_accept(&self, _: &mut Context<'_>) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        if let Some(errno) = self.errnos.lock().unwrap().pop_front() {
            return Poll::Ready(Err(io::Error::from_raw_os_error(errno)));
        }
        self.connection.lock().unwrap().take().map_or(Poll::Pending, |accepted| Poll::Ready(Ok(accepted)))
    }
}

#[tokio::test]
async fn running_out_of_descriptors_pauses_accepting_and_never_ends_it() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (accepted, _) = tokio::join!(listener.accept(), async { &client });
    tokio::time::pause();
    // EMFILE, ENFILE, ENOBUFS, ENOMEM are paused for; ECONNABORTED is one connection's end.
    let errnos = VecDeque::from([24, 23, 105, 12, 24, 24, 24, 24, 24, 24, 103]);
    let failing = Failing { errnos: errnos.into(), connection: Some(accepted.unwrap()).into() };
    let (gate, shutdown, tasks) = (Gate::new(GateOptions::for_all(9)), CancellationToken::new(), TaskTracker::new());
    let served = Arc::new(Notify::new());
    let start = tokio::time::Instant::now();
    let accepting = serve_incoming(&failing, &gate, &shutdown, &tasks, |_, _, _| {
        let served = served.clone();
        async move { served.notify_one() }
    });
    let wait = async {
        served.notified().await;
        shutdown.cancel();
    };
    tokio::join!(accepting, wait);
    // 10, 20, 40, ... 640 ms, then 1 s each.
    let waited = start.elapsed();
    assert!((Duration::from_millis(4270)..Duration::from_millis(4400)).contains(&waited), "{waited:?}");
}

#[test]
fn a_burst_of_failures_is_told_once() {
    let mut burst = Burst::default();
    let error = io::Error::from_raw_os_error(24);
    assert_eq!(burst.failed(&error), FIRST_PAUSE);
    for _ in 0..20 {
        assert!(burst.failed(&error) > FIRST_PAUSE);
    }
    assert_eq!(burst.failed(&error), LONGEST_PAUSE);
    burst.end();
    assert_eq!(burst.failed(&error), FIRST_PAUSE);
    assert!(accept_hint(&error).contains("LimitNOFILE"));
}
