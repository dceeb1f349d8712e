//! One request after the other.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio_util::sync::WaitForCancellationFuture;

use super::body::BodyReader;
use super::head::{Framing, HEAD_BYTES_MAX, Head, HeadError, end_of, is_token};
use super::send;
use super::stream::Stream;
use crate::access_log::{Ended, Line};
use crate::pure::answer::Answer;
use crate::pure::request::{Method, Request};
use crate::pure::settings::Settings;
use crate::server::{CurrentSettings, Server};
use crate::site::Site;
use crate::write;
use crate::{forwarded, handle};

/// The most of an unwanted body that is read to keep a connection in step; with more to come it is closed instead.
const DRAIN_MAX_BYTES: u64 = 64 << 10;
/// How long a peer that is being closed on may go on sending, and how much of that is looked at.
const LINGER_MAX: Duration = Duration::from_millis(500);
const LINGER_BYTES_MAX: usize = 256 << 10;

/// Empty lines in front of a request that are left out.
const EMPTY_LINES_MAX: usize = 16;

/// Who is at the other end, and the port it came in on.
#[derive(Debug, Clone, Copy)]
struct Ends {
    peer: IpAddr,
    local_port: u16,
}

/// Serves a connection until it closes, breaks the rules or takes too long.
pub async fn serve<S: Site>(server: Arc<Server<S>>, socket: TcpStream, peer: SocketAddr) {
    let _open = server.open_connection();
    let local_port = socket.local_addr().map_or(0, |addr| addr.port());
    let ends = Ends { peer: peer.ip().to_canonical(), local_port };
    let mut stream = Stream::new(socket, server.patience);
    let mut settings = server.current_settings();
    let mut shutdown = pin!(server.shutdown.cancelled());
    loop {
        match serve_one(&server, &mut settings, &mut stream, ends, shutdown.as_mut()).await {
            Ok(true) => {}
            Ok(false) => break,
            Err(e) => {
                if e.kind() == io::ErrorKind::TimedOut {
                    server.stats.timed_out.fetch_add(1, Ordering::Relaxed);
                }
                tracing::debug!("http: {peer}: {e}");
                break;
            }
        }
    }
}

/// One request; whether there can be another.
async fn serve_one<S: Site>(
    server: &Arc<Server<S>>,
    settings: &mut CurrentSettings,
    stream: &mut Stream,
    ends: Ends,
    shutdown: Pin<&mut WaitForCancellationFuture<'_>>,
) -> io::Result<bool> {
    if stream.buffer.filled().is_empty() {
        let came = tokio::select! {
            biased;
            came = stream.first_bytes() => came?,
            () = shutdown => false,
        };
        if !came {
            return Ok(false);
        }
    }
    let _busy = server.begin();
    let started = Instant::now();
    let head_len = match read_head(stream).await? {
        Some(Ok(len)) => len,
        Some(Err(error)) => return refuse(server, stream, error, ends).await,
        None => return Ok(false),
    };
    // The head is looked at where it lies while the body behind it is read: it moves to a place of its own only then.
    let filled = stream.buffer.filled();
    let head = match Head::parse(&filled[..head_len]) {
        Ok(head) => head,
        Err(error) => return refuse(server, stream, error, ends).await,
    };
    let settings = settings.get();
    let has_body = head.framing != Framing::Length(0);
    if !has_body && !writes(head.method) {
        let (keeps_alive, is_11) = (head.keeps_alive, head.is_11);
        let request = request(server, settings, head, ends);
        let line = line(server, &request, filled, is_11);
        let answer = handle::handle(&server.site, settings, &request).await;
        let now = request.now();
        stream.buffer.consume(head_len);
        return finish(server, stream, answer, keeps_alive, (started, now), line).await;
    }
    let bytes = filled[..head_len].to_vec();
    stream.buffer.consume(head_len);
    let Ok(head) = Head::parse(&bytes) else { return Ok(false) };
    let (keeps_alive, is_11) = (head.keeps_alive, head.is_11);
    let mut body = BodyReader::new(stream, head.framing, head.expects_continue);
    let request = request(server, settings, head, ends);
    let line = line(server, &request, &bytes, is_11);
    let answer = if writes(request.method) {
        let mut answer = Box::pin(write::handle(server, settings, &request, &mut body)).await?;
        crate::pure::cors::allow(settings, &request, &mut answer);
        answer
    } else {
        handle::handle(&server.site, settings, &request).await
    };
    // Who is let go anyway is told why at once.
    let in_step = !answer.closes && body.drain(DRAIN_MAX_BYTES).await;
    finish(server, stream, answer, keeps_alive && in_step, (started, server.now()), line).await
}

/// The line of a request whose head begins with its method, where requests are logged.
fn line<S: Site>(server: &Server<S>, request: &Request<'_>, head: &[u8], is_11: bool) -> Option<Box<Line>> {
    let log = server.access_log.as_ref()?;
    let method = head.split(|&b| b == b' ').next().unwrap_or_default();
    Some(log.begin(request, method, if is_11 { "HTTP/1.1" } else { "HTTP/1.0" }))
}

const fn writes(method: Method) -> bool {
    matches!(method, Method::Post | Method::Put | Method::Delete)
}

fn request<'a, S: Site>(server: &Server<S>, settings: &Settings, head: Head<'a>, ends: Ends) -> Request<'a> {
    let mut request = Request {
        method: head.method,
        target: head.target,
        fields: head.fields,
        is_secure: false,
        local_port: ends.local_port,
        peer: ends.peer,
        now_us: server.now_us(),
    };
    forwarded::apply(settings, &mut request);
    request
}

/// Reads until a whole head is buffered, and gives its length; `None` when the peer has closed.
async fn read_head(stream: &mut Stream) -> io::Result<Option<Result<usize, HeadError>>> {
    let (mut seen, mut checked, mut until, mut empty_lines) = (0, 0, None, 0);
    loop {
        // Some clients end a body with one line end too many (RFC 9112, 2.2).
        while seen == 0 && stream.buffer.filled().starts_with(b"\r\n") {
            stream.buffer.consume(2);
            empty_lines += 1;
        }
        if empty_lines > EMPTY_LINES_MAX {
            return Ok(Some(Err(HeadError::Malformed)));
        }
        let filled = stream.buffer.filled();
        if let Some(len) = end_of(filled, seen) {
            return Ok(Some(if len > HEAD_BYTES_MAX { Err(HeadError::TooLarge) } else { Ok(len) }));
        }
        // Half of an empty line, maybe.
        seen = if filled == b"\r" { 0 } else { filled.len() };
        if seen >= HEAD_BYTES_MAX {
            return Ok(Some(Err(HeadError::TooLarge)));
        }
        // What is no request at all need not be read to an end that may never come, nor lines that end in LF alone.
        let is_bare = |at: usize| filled[at] == b'\n' && (at == 0 || filled[at - 1] != b'\r');
        if (checked..seen).any(is_bare) {
            return Ok(Some(Err(HeadError::Malformed)));
        }
        checked = seen;
        if seen > 0 && !is_token(filled[0]) {
            return Ok(Some(Err(HeadError::Malformed)));
        }
        let until = *until.get_or_insert_with(|| stream.head_deadline());
        if stream.read_more(HEAD_BYTES_MAX, Some(until)).await? == 0 {
            return Ok(None);
        }
    }
}

/// Answers what cannot be read, and closes.
async fn refuse<S: Site>(server: &Server<S>, stream: &mut Stream, error: HeadError, ends: Ends) -> io::Result<bool> {
    server.stats.malformed.fetch_add(1, Ordering::Relaxed);
    let mut answer = Answer::error(error.status());
    answer.closes = true;
    let len = stream.buffer.filled().len();
    stream.buffer.consume(len);
    let line = server.access_log.as_ref().map(|log| log.begin_malformed(ends.peer));
    finish(server, stream, answer, false, (Instant::now(), server.now()), line).await
}

/// Sends an answer; whether there can be another request. It is dated `now`, in unix seconds.
async fn finish<S: Site>(
    server: &Server<S>,
    stream: &mut Stream,
    answer: Answer,
    keeps_alive: bool,
    (started, now): (Instant, i64),
    line: Option<Box<Line>>,
) -> io::Result<bool> {
    let keeps_alive = keeps_alive && !answer.closes && !server.shutdown.is_cancelled();
    let head = send::head(&answer, now, keeps_alive);
    let (status, origin) = (answer.status, answer.origin());
    let sent_before = stream.sent_bytes();
    let sent = send::send(stream, answer, &head).await;
    let body_bytes = (stream.sent_bytes() - sent_before).saturating_sub(head.len() as u64);
    let end = Instant::now();
    stream.rest(end);
    let ended = Ended { status, body_bytes, took: end.duration_since(started), is_whole: sent.is_ok() };
    server.ended(ended, origin, line);
    sent?;
    if !keeps_alive {
        linger(stream).await;
    }
    Ok(keeps_alive)
}

/// Closing with unread bytes would reset the connection, and could take the answer with it.
async fn linger(stream: &mut Stream) {
    // The answer ends here for the peer; what it still sends is of no interest, nor are errors.
    let _ = rustix::net::shutdown(stream.socket(), rustix::net::Shutdown::Write);
    let drop_rest = async {
        let mut left = LINGER_BYTES_MAX;
        while left > 0 {
            let len = stream.buffer.filled().len();
            stream.buffer.consume(len);
            match stream.read_more(1, None).await {
                Ok(n) if n > 0 => left = left.saturating_sub(n),
                _ => break,
            }
        }
    };
    let _ = tokio::time::timeout(LINGER_MAX, drop_rest).await;
}

#[cfg(test)]
mod tests;
