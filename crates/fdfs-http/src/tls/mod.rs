//! HTTPS: HTTP/2 and 1.1 over TLS, by libraries that are well kept. There is no `sendfile` here.
//!
//! * [`certificate`]: read again when its files change; [`pieces`]: bodies; [`patient`]: how long a peer may be silent; this
//!   file: connections.

pub mod certificate;
mod patient;
pub mod pieces;

use std::convert::Infallible;
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming as HyperBody};
use hyper::header::{HeaderName, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request as HyperRequest, Response, Version};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::access_log::Ended;
use crate::incoming::Incoming;
use crate::pure::answer::Answer;
use crate::pure::cors;
use crate::pure::date;
use crate::pure::fields::Fields;
use crate::pure::request::{Method, Request};
use crate::server::Server;
use crate::site::Site;
use crate::{forwarded, handle, write};
use patient::{Patient, Phase};
use pieces::Pieces;

/// Requests of one connection at the same time.
const STREAMS_MAX: u32 = 100;
/// How long a client of HTTP/2 may go on sending behind its answer.
const LINGER_MAX: Duration = Duration::from_millis(500);
/// The longest list of fields, in bytes.
const FIELDS_BYTES_MAX: u32 = 16 << 10;

/// Serves a connection until it ends.
pub async fn serve<S: Site>(server: Arc<Server<S>>, acceptor: TlsAcceptor, socket: TcpStream, peer: SocketAddr) {
    let _open = server.open_connection();
    let local_port = socket.local_addr().map_or(0, |addr| addr.port());
    let accepted = match timeout(server.patience.head, acceptor.accept(socket)).await {
        Ok(accepted) => accepted,
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    };
    let stream = match accepted {
        Ok(stream) => stream,
        Err(error) => {
            server.stats.malformed.fetch_add(1, Ordering::Relaxed);
            tracing::debug!("https: {peer}: {error}");
            return;
        }
    };
    let has_streams = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let phase = Phase::default();
    let stream = Patient::new(stream, phase.clone(), server.patience, has_streams);
    let builder = Builder::new(TokioExecutor::new());
    let mut builder = if has_streams { builder.http2_only() } else { builder.http1_only() };
    builder.http1().header_read_timeout(None);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(server.patience.stall)
        .keep_alive_timeout(server.patience.stall)
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(FIELDS_BYTES_MAX);
    let shared = server.clone();
    let service = service_fn(move |request| {
        let server = shared.clone();
        let phase = (!has_streams).then(|| phase.clone());
        async move { Ok::<_, Infallible>(one(&server, request, peer, local_port, phase).await) }
    });
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = server.shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        if is_timeout(&*error) {
            server.stats.timed_out.fetch_add(1, Ordering::Relaxed);
        }
        tracing::debug!("https: {peer}: {error}");
    }
}

/// Whether it goes back to a peer that was silent for too long.
fn is_timeout(error: &(dyn Error + 'static)) -> bool {
    let io = error.downcast_ref::<io::Error>();
    io.is_some_and(|error| error.kind() == io::ErrorKind::TimedOut) || error.source().is_some_and(is_timeout)
}

/// One request.
async fn one<S: Site>(
    server: &Arc<Server<S>>,
    request: HyperRequest<HyperBody>,
    peer: SocketAddr,
    local_port: u16,
    phase: Option<Phase>,
) -> Response<Pieces> {
    if let Some(phase) = &phase {
        phase.begin();
    }
    let busy = server.begin_shared();
    let started = Instant::now();
    let (parts, body) = request.into_parts();
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    let fields = parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    let mut request = Request {
        method: Method::from_name(parts.method.as_str().as_bytes()),
        target: target.as_bytes(),
        fields: Fields(fields.collect()),
        is_secure: true,
        local_port,
        peer: peer.ip().to_canonical(),
        now_us: server.now_us(),
    };
    let settings = server.settings();
    forwarded::apply(&settings, &mut request);
    let line = server.access_log.as_ref().map(|log| {
        let version = if parts.version == Version::HTTP_2 { "HTTP/2.0" } else { "HTTP/1.1" };
        log.begin(&request, parts.method.as_str().as_bytes(), version)
    });
    // The library takes chunks apart, and nothing that lies below them.
    let is_coded = request.fields.all("transfer-encoding").any(|coding| !coding.eq_ignore_ascii_case(b"chunked"));
    let answer = if is_coded {
        Answer::error(501)
    } else if matches!(request.method, Method::Post | Method::Put | Method::Delete) {
        let mut body = OfHyper { body, stall: server.patience.stall };
        let answer = match write::handle(&**server, &settings, &request, &mut body).await {
            Ok(mut answer) => {
                cors::allow(&settings, &request, &mut answer);
                answer
            }
            Err(_) => Answer::error(400),
        };
        if parts.version == Version::HTTP_2 && !body.body.is_end_stream() {
            tokio::spawn(linger(body));
        }
        answer
    } else {
        handle::handle(&server.site, &settings, &request).await
    };
    let (status, origin) = (answer.status, answer.origin());
    // The request ends with the last byte that the library has taken.
    response(server, answer, move |body_bytes, is_whole| {
        let ended = Ended { status, body_bytes, took: started.elapsed(), is_whole };
        busy.server().ended(ended, origin, line);
        if let Some(phase) = phase {
            phase.end();
        }
    })
}

/// Takes what a client of HTTP/2 still sends behind its answer, for a while: the library resets a stream whose body nobody
/// wants, which is allowed, and which some clients (curl 7.88) take for the answer.
async fn linger(mut body: OfHyper) {
    let rest = async { while body.next_piece().await.is_ok_and(|piece| !piece.is_empty()) {} };
    let _ = timeout(LINGER_MAX, rest).await;
}

/// Puts an answer into the library's form.
fn response<S: Site>(
    server: &Server<S>,
    answer: Answer,
    on_end: impl FnOnce(u64, bool) + Send + 'static,
) -> Response<Pieces> {
    let mut response = Response::new(Pieces::empty());
    // All statuses here are ones that exist.
    *response.status_mut() = answer.status.try_into().unwrap_or_default();
    let fields = response.headers_mut();
    for (name, value) in answer.fields.iter() {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_bytes(value.as_bytes())) {
            fields.append(name, value);
        }
    }
    let now = date::format(server.now());
    for (name, value) in [("server", "fdfs".to_owned()), ("date", now)] {
        if let Ok(value) = HeaderValue::try_from(value) {
            fields.insert(name, value);
        }
    }
    if answer.tells_len() {
        fields.insert("content-length", HeaderValue::from(answer.body.len()));
    }
    let pieces = if answer.is_head { Pieces::empty() } else { Pieces::of(answer.body, server.patience.stall) };
    *response.body_mut() = pieces.and_then(on_end);
    response
}

/// The body of a request.
struct OfHyper {
    body: HyperBody,
    stall: Duration,
}

impl Incoming for OfHyper {
    fn bytes_left(&self) -> Option<u64> {
        self.body.size_hint().exact()
    }

    async fn next_piece(&mut self) -> io::Result<Vec<u8>> {
        loop {
            let frame = timeout(self.stall, self.body.frame()).await.map_err(|_| io::ErrorKind::TimedOut)?;
            match frame {
                None => return Ok(Vec::new()),
                Some(Err(error)) => return Err(io::Error::other(error)),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) if !data.is_empty() => return Ok(data.to_vec()),
                    _ => {}
                },
            }
        }
    }
}
