//! Accepting connections: who may come in, how many at once, and never stopping before the shutdown.

use std::future::{Future, poll_fn};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use fdfs_proto::shared::ConnectionCounts;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, info, warn};

use crate::rate_limit::RateLimit;
use crate::socket;

/// Warnings of one kind are at least this far apart.
const WARNING_INTERVAL: Duration = Duration::from_secs(10);
/// The first pause after accepting failed for want of descriptors or memory; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
/// The longest such pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Says whether an address may connect, key `allow_hosts`.
pub type AllowFn = dyn Fn(IpAddr) -> bool + Send + Sync;

/// Who may come in, and how many at once. Several listeners of one server share one gate; clones are the same gate.
#[derive(Clone)]
pub struct Gate {
    inner: Arc<Inner>,
}

struct Inner {
    max_connections: u32,
    allow: Arc<AllowFn>,
    user_timeout: Option<Duration>,
    runtime: Option<Handle>,
    current: AtomicU32,
    max: AtomicU32,
    full: RateLimit,
    refused: RateLimit,
}

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let max_connections = self.inner.max_connections;
        f.debug_struct("Gate").field("max_connections", &max_connections).field("counts", &self.counts()).finish()
    }
}

/// What a gate needs to know.
#[derive(Clone)]
pub struct GateOptions {
    /// The most connections open at once, key `max_connections`.
    pub max_connections: u32,
    /// Whether an address may connect, key `allow_hosts`.
    pub allow: Arc<AllowFn>,
    /// `TCP_USER_TIMEOUT` of accepted connections: how long sent bytes may stay unacknowledged.
    pub user_timeout: Option<Duration>,
    /// The runtime that drives the accepted connections, where it is not the one that accepts.
    pub runtime: Option<Handle>,
}

impl GateOptions {
    /// A gate for anybody, with a limit.
    #[must_use]
    pub fn for_all(max_connections: u32) -> Self {
        Self { max_connections, allow: Arc::new(|_| true), user_timeout: None, runtime: None }
    }
}

impl Gate {
    /// A gate with nobody inside.
    #[must_use]
    pub fn new(options: GateOptions) -> Self {
        Self {
            inner: Arc::new(Inner {
                max_connections: options.max_connections,
                allow: options.allow,
                user_timeout: options.user_timeout,
                runtime: options.runtime,
                current: AtomicU32::new(0),
                max: AtomicU32::new(0),
                full: RateLimit::new(WARNING_INTERVAL),
                refused: RateLimit::new(WARNING_INTERVAL),
            }),
        }
    }

    /// How many are inside now, and how many there ever were at once. There are no connection objects made in advance
    /// here, so `alloc` is the most there ever were.
    #[must_use]
    pub fn counts(&self) -> ConnectionCounts {
        let max = self.inner.max.load(Ordering::Relaxed);
        ConnectionCounts { alloc: max, current: self.inner.current.load(Ordering::Relaxed), max }
    }

    /// Takes a place, or `None` when all are taken. For connections that come in by other ways than [`serve`].
    #[must_use]
    pub fn enter(&self) -> Option<ConnectionPermit> {
        let limit = self.inner.max_connections;
        let take = |n| (n < limit).then_some(n + 1);
        let before = self.inner.current.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).ok()?;
        self.inner.max.fetch_max(before + 1, Ordering::Relaxed);
        Some(ConnectionPermit { inner: self.inner.clone() })
    }

    /// Whether the connection may stay; says in the log why not.
    fn admit(&self, peer: SocketAddr) -> Option<ConnectionPermit> {
        // A listener on [::] sees IPv4 peers of a dual stack as ::ffff:a.b.c.d; lists name them as IPv4.
        if !(self.inner.allow)(peer.ip().to_canonical()) {
            if let Some(count) = self.inner.refused.take() {
                warn!("closed a connection of {peer}: not in allow_hosts ({count} since the last such line)");
            }
            return None;
        }
        let permit = self.enter();
        if permit.is_none()
            && let Some(count) = self.inner.full.take()
        {
            let limit = self.inner.max_connections;
            warn!(
                "closed a connection of {peer}: max_connections = {limit} are open ({count} since the last such line)"
            );
        }
        permit
    }
}

/// A place inside; given back when dropped.
pub struct ConnectionPermit {
    inner: Arc<Inner>,
}

impl std::fmt::Debug for ConnectionPermit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ConnectionPermit")
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        self.inner.current.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Where connections come from; tests put one that fails in its place.
trait Incoming {
    fn poll_accept(&self, context: &mut Context<'_>) -> Poll<io::Result<(TcpStream, SocketAddr)>>;
}

impl Incoming for TcpListener {
    fn poll_accept(&self, context: &mut Context<'_>) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        Self::poll_accept(self, context)
    }
}

/// Accepts until `shutdown`, and runs `on_connection` for everyone the gate lets in, as a task of `tasks`. Whoever is
/// not let in is closed without a word. The listener is closed on return; the tasks may run on.
///
/// Failing to accept never ends it: it is logged once per burst, and tried again after a pause.
pub async fn serve<F, Fut>(
    listener: TcpListener,
    gate: Gate,
    shutdown: CancellationToken,
    tasks: &TaskTracker,
    on_connection: F,
) where
    F: Fn(TcpStream, SocketAddr, ConnectionPermit) -> Fut,
    Fut: Future<Output = ()> + Send + 'static,
{
    serve_incoming(&listener, &gate, &shutdown, tasks, on_connection).await;
}

async fn serve_incoming<F, Fut>(
    incoming: &impl Incoming,
    gate: &Gate,
    shutdown: &CancellationToken,
    tasks: &TaskTracker,
    on_connection: F,
) where
    F: Fn(TcpStream, SocketAddr, ConnectionPermit) -> Fut,
    Fut: Future<Output = ()> + Send + 'static,
{
    let mut burst = Burst::default();
    loop {
        let accepted = tokio::select! {
            biased;
            () = shutdown.cancelled() => return,
            accepted = accept(incoming, gate.inner.runtime.as_ref()) => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                burst.end();
                let Some(permit) = gate.admit(peer) else { continue };
                if let Err(error) = socket::tune(&stream, gate.inner.user_timeout) {
                    debug!("{peer} was gone before it was served: {error}");
                    continue;
                }
                let connection = on_connection(stream, peer, permit);
                match &gate.inner.runtime {
                    Some(runtime) => tasks.spawn_on(connection, runtime),
                    None => tasks.spawn(connection),
                };
            }
            // The connection, and not the listener, is what failed.
            Err(error) if is_of_one_connection(&error) => debug!("a connection was gone before accept: {error}"),
            Err(error) => {
                let pause = burst.failed(&error);
                tokio::select! {
                    () = shutdown.cancelled() => return,
                    () = tokio::time::sleep(pause) => {}
                }
            }
        }
    }
}

/// Accepts one connection, registered with `runtime`, or else with the one that runs this.
async fn accept(incoming: &impl Incoming, runtime: Option<&Handle>) -> io::Result<(TcpStream, SocketAddr)> {
    poll_fn(|context| {
        // A stream belongs to the runtime that is entered when it is made.
        let _entered = runtime.map(Handle::enter);
        incoming.poll_accept(context)
    })
    .await
}

/// Errors that `accept` gives for a connection that died in the queue.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted, TimedOut};
    use io::ErrorKind::{HostUnreachable, NetworkDown, NetworkUnreachable};
    matches!(
        error.kind(),
        ConnectionAborted
            | ConnectionReset
            | Interrupted
            | TimedOut
            | HostUnreachable
            | NetworkDown
            | NetworkUnreachable
    )
}

/// Failures of accept without a success between them.
#[derive(Debug, Default)]
struct Burst {
    failure_count: u64,
    pause: Duration,
}

impl Burst {
    /// Notes a failure, tells the log of the first one, and gives the pause before the next try.
    fn failed(&mut self, error: &io::Error) -> Duration {
        if self.failure_count == 0 {
            warn!("no connection can be accepted: {error}{}; trying on", accept_hint(error));
            self.pause = FIRST_PAUSE;
        } else {
            self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        }
        self.failure_count += 1;
        self.pause
    }

    /// Notes a success.
    fn end(&mut self) {
        if self.failure_count > 0 {
            info!("connections are accepted again, after {} failures", self.failure_count);
            *self = Self::default();
        }
    }
}

/// What the reader can do about a failing accept.
fn accept_hint(error: &io::Error) -> &'static str {
    match error.raw_os_error() {
        Some(24) => " (raise the limit of open files, LimitNOFILE or ulimit -n)",
        Some(23) => " (raise fs.file-max)",
        _ => "",
    }
}

#[cfg(test)]
mod tests;
