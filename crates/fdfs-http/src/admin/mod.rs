//! The admin port: `/healthz`, `/readyz`, `/metrics`, and the dashboard at `/`.
//!
//! * [`cluster`]: what the reference's exporter tells, under its names;
//! * [`dashboard`]: a page that shows the cluster, and what it shows as JSON.

pub mod cluster;
pub mod dashboard;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use fdfs_client::Client;
use fdfs_net::listen;
use fdfs_watch::Watch;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::h1::head::{HEAD_BYTES_MAX, Head, HeadError, end_of};
use crate::h1::send;
use crate::h1::stream::{Patience, Stream};
use crate::pure::answer::{Answer, Body};
use crate::pure::request::Method;
use crate::start::{HttpStartError, listen_error};
use crate::{Server, Site};

/// Connections that wait to be accepted.
const BACKLOG: u32 = 64;
/// Requests that are served at the same time.
const REQUESTS_MAX: usize = 32;
/// How long one may take in all.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long trackers may take to say what they know: what this server knows by itself is told within [`PATIENCE`] all the same.
const CLUSTER_PATIENCE: Duration = Duration::from_secs(12);
/// The pause after an accept that failed: too many open files pass.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What the admin port tells.
pub trait Admin: Send + Sync + 'static {
    /// Whether clients should be sent here; else why not.
    fn readiness(&self) -> impl Future<Output = Result<(), String>> + Send;

    /// The metrics of Prometheus.
    fn metrics(&self) -> impl Future<Output = String> + Send;

    /// Whom the dashboard asks about the cluster, and whether it looks also while nobody looks at it: then plots show the
    /// last hour at once. For the few servers of a cluster only.
    fn watched(&self) -> (Client, bool);
}

/// Opens the port. To be called inside of the runtime that serves it: one that lives while the disks do not.
///
/// # Errors
/// [`HttpStartError`].
pub fn open(addr: SocketAddr) -> Result<Vec<TcpListener>, HttpStartError> {
    listen(&[addr], BACKLOG).map_err(|source| listen_error("http.admin_addr", source))
}

/// Serves it until the shutdown.
pub fn spawn<A: Admin>(admin: &Arc<A>, listeners: Vec<TcpListener>, shutdown: &CancellationToken, runtime: &Handle) {
    if listeners.is_empty() {
        return;
    }
    let permits = Arc::new(tokio::sync::Semaphore::new(REQUESTS_MAX));
    let (client, always) = admin.watched();
    let watch = Watch::new(client, always);
    runtime.spawn(watch.clone().run(shutdown.clone()));
    for listener in listeners {
        let (admin, watch) = (admin.clone(), watch.clone());
        let (shutdown, permits) = (shutdown.clone(), permits.clone());
        runtime.spawn(async move {
            loop {
                let Ok(permit) = permits.clone().acquire_owned().await else { return };
                let accepted = tokio::select! {
                    () = shutdown.cancelled() => return,
                    accepted = listener.accept() => accepted,
                };
                let Ok((socket, _)) = accepted else {
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                };
                let (admin, watch) = (admin.clone(), watch.clone());
                tokio::spawn(async move {
                    // Who sends nothing, or takes nothing, gets nothing.
                    let _ = timeout_at(Instant::now() + PATIENCE, one(socket, &*admin, &watch)).await;
                    drop(permit);
                });
            }
        });
    }
}

/// One request.
async fn one(socket: TcpStream, admin: &impl Admin, watch: &Arc<Watch>) -> io::Result<()> {
    let mut stream = Stream::new(socket, Patience { head: PATIENCE, idle: PATIENCE, stall: PATIENCE });
    let head_len = loop {
        match end_of(stream.buffer.filled(), 0) {
            Some(len) => break len,
            None if stream.buffer.filled().len() >= HEAD_BYTES_MAX => return Ok(()),
            None if stream.read_more(HEAD_BYTES_MAX, None).await? == 0 => return Ok(()),
            None => {}
        }
    };
    let parsed = Head::parse(&stream.buffer.filled()[..head_len]).map(|head| (head.method, head.target.to_vec()));
    let answer = match parsed {
        Ok((method @ (Method::Get | Method::Head), target)) => {
            let mut answer = answer(&target, admin, watch).await;
            answer.is_head = method == Method::Head;
            answer
        }
        Ok(_) => Answer::error(405),
        Err(error) => Answer::error(HeadError::status(error)),
    };
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let head = send::head(&answer, i64::try_from(now).unwrap_or(0), false);
    send::send(&stream, answer, &head).await
}

/// The metrics of whoever has no files: those of HTTP, and those of the cluster.
pub async fn of_cluster<S: Site>(server: &Server<S>, client: &Client) -> String {
    let now = i64::try_from(server.now_us() / 1_000_000).unwrap_or(0);
    let mut out = server.stats.text(server.connection_count());
    // A scraper that sees some metrics is better off than one that sees none.
    match timeout(CLUSTER_PATIENCE, cluster::collect(client, now)).await {
        Ok(Ok(text)) => out.push_str(&cluster::families(&text)),
        Ok(Err(error)) => tracing::warn!("metrics of the cluster: {error}"),
        Err(_) => tracing::warn!("metrics of the cluster: {}", silent()),
    }
    out
}

fn silent() -> String {
    format!("no tracker answers within {} s", CLUSTER_PATIENCE.as_secs())
}

/// What a server without files tells: it is ready when a tracker answers.
#[derive(Debug)]
pub struct ClusterAdmin<S> {
    /// The server.
    pub server: Arc<Server<S>>,
    /// The trackers.
    pub client: Client,
}

impl<S: Site> Admin for ClusterAdmin<S> {
    async fn readiness(&self) -> Result<(), String> {
        match timeout(CLUSTER_PATIENCE, self.client.groups()).await {
            Ok(answered) => answered.map(drop).map_err(|error| error.to_string()),
            Err(_) => Err(silent()),
        }
    }

    async fn metrics(&self) -> String {
        of_cluster(&self.server, &self.client).await
    }

    fn watched(&self) -> (Client, bool) {
        (self.client.clone(), true)
    }
}

async fn answer(target: &[u8], admin: &impl Admin, watch: &Arc<Watch>) -> Answer {
    let path = target.split(|&b| b == b'?').next().unwrap_or_default();
    match path {
        b"/healthz" => text(200, "ok\n".to_owned()),
        b"/readyz" => match admin.readiness().await {
            Ok(()) => text(200, "ready\n".to_owned()),
            Err(why) => text(503, format!("{why}\n")),
        },
        b"/metrics" => text(200, admin.metrics().await),
        b"/" | b"/dashboard" => dashboard::page(),
        b"/dashboard.json" => dashboard::data(watch).await,
        _ => Answer::error(404),
    }
}

fn text(status: u16, text: String) -> Answer {
    let mut answer = Answer::new(status);
    answer.field("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    answer.field("Cache-Control", "no-cache");
    answer.body = Body::Bytes(text.into_bytes().into());
    answer
}
