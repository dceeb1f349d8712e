//! As much of HTTP as the reference's exporter speaks: one request on a connection.

use std::sync::Arc;
use std::time::Duration;

use fdfs_client::ClientError;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::classic_log;

/// The longest request that is read, in bytes.
const REQUEST_LEN_MAX: usize = 4095;
/// How a request for the metrics begins; what follows does not matter.
const METRICS: &[u8] = b"GET /metrics";
/// The longest answer, in bytes.
const BODY_LEN_MAX: usize = 1 << 20;
/// Requests that are served at the same time.
const REQUESTS_MAX: usize = 32;
/// How long a client may take to send its request or to take the answer.
const CLIENT_TIMEOUT: Duration = Duration::from_secs(10);
/// The pause after an accept that failed: too many open files pass.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves for ever. `authorization` is what must stand behind `Basic`; `collect` gives the metrics.
pub(super) async fn serve<C, F>(listener: &TcpListener, authorization: Option<String>, collect: C)
where
    C: Fn() -> F + Clone + Send + 'static,
    F: Future<Output = Result<String, ClientError>> + Send,
{
    let permits = Arc::new(Semaphore::new(REQUESTS_MAX));
    loop {
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let (authorization, collect) = (authorization.clone(), collect.clone());
                tokio::spawn(async move {
                    // Who sends nothing, or takes nothing, gets nothing.
                    let _ = one(stream, authorization.as_deref(), collect).await;
                    drop(permit);
                });
            }
            Err(error) => {
                classic_log::error(&format!("accept: {error}"));
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// One request.
async fn one<F>(mut stream: TcpStream, authorization: Option<&str>, collect: impl Fn() -> F) -> std::io::Result<()>
where
    F: Future<Output = Result<String, ClientError>>,
{
    let request = timeout(CLIENT_TIMEOUT, read_head(&mut stream)).await??;
    let request = request.as_slice();
    let (status, body) = if !request.starts_with(METRICS) {
        ("404 Not Found", "Not Found".to_owned())
    } else if authorization.is_some_and(|wanted| !is_authorized(request, wanted)) {
        ("401 Unauthorized", "Unauthorized".to_owned())
    } else {
        match collect().await {
            Ok(text) if text.len() <= BODY_LEN_MAX => ("200 OK", text),
            Ok(text) => {
                classic_log::error(&format!("{} bytes of metrics, at most {BODY_LEN_MAX}", text.len()));
                ("500 Internal Server Error", "Internal Server Error".to_owned())
            }
            Err(error) => {
                classic_log::error(&error.to_string());
                ("500 Internal Server Error", "Internal Server Error".to_owned())
            }
        }
    };
    let head = format!("HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n", body.len());
    timeout(CLIENT_TIMEOUT, stream.write_all(&[head.as_bytes(), body.as_bytes()].concat())).await??;
    timeout(CLIENT_TIMEOUT, stream.shutdown()).await?
}

/// The request up to its empty line, or as much of it as is read at all.
///
/// Differs from C: it may come in pieces.
async fn read_head(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(REQUEST_LEN_MAX);
    while head.len() < REQUEST_LEN_MAX && !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let left = (REQUEST_LEN_MAX - head.len()) as u64;
        if (&mut *stream).take(left).read_buf(&mut head).await? == 0 {
            break;
        }
    }
    Ok(head)
}

/// Whether a line `Authorization: Basic VALUE` is there: name and `Basic` in any case, the value to the letter.
fn is_authorized(request: &[u8], wanted: &str) -> bool {
    let Ok(text) = std::str::from_utf8(request) else { return false };
    let head = text.split("\r\n\r\n").next().unwrap_or_default();
    head.lines().filter_map(|line| line.split_once(':')).any(|(name, value)| {
        let (scheme, credentials) = value.trim().split_once(' ').unwrap_or_default();
        name.eq_ignore_ascii_case("authorization")
            && scheme.eq_ignore_ascii_case("basic")
            && credentials.trim() == wanted
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn ask(request: &str, authorization: Option<&str>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let authorization = authorization.map(str::to_owned);
        let server = tokio::spawn(async move {
            serve(&listener, authorization, || async { Ok("some metrics\n".to_owned()) }).await;
        });
        let mut client = TcpStream::connect(addr).await.unwrap();
        for piece in request.as_bytes().chunks(7) {
            client.write_all(piece).await.unwrap();
            client.flush().await.unwrap();
        }
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        server.abort();
        answer
    }

    /// The answers are the recorded ones, each with its number of bytes.
    #[tokio::test]
    async fn requests_are_answered_as_the_reference_answers_them() {
        let refused = |status: &str, body: &str| {
            let len = body.len();
            format!("HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {len}\r\n\r\n{body}")
        };
        let recorded = include_str!("../../tests/golden/exporter.txt");
        for (status, body) in [("404 Not Found", "Not Found"), ("401 Unauthorized", "Unauthorized")] {
            let lines: String = refused(status, body).lines().map(|line| format!("| {line}\n")).collect();
            assert!(recorded.contains(lines.trim_end()), "{lines}");
        }
        let found = refused("200 OK", "some metrics\n");
        assert_eq!(ask("GET / HTTP/1.1\r\n\r\n", None).await, refused("404 Not Found", "Not Found"));
        assert_eq!(ask("HEAD /metrics HTTP/1.1\r\n\r\n", None).await, refused("404 Not Found", "Not Found"));
        assert_eq!(ask("GET /metrics HTTP/1.1\r\n\r\n", None).await, found);
        assert_eq!(ask("GET /metricsfoo HTTP/1.1\r\n\r\n", None).await, found);
        let with = |line: &str| format!("GET /metrics HTTP/1.1\r\nHost: x\r\n{line}\r\n\r\n");
        let unauthorized = refused("401 Unauthorized", "Unauthorized");
        for (line, answer) in [
            ("Accept: */*", &unauthorized),
            ("Authorization: Basic wrong", &unauthorized),
            ("Authorization: Bearer YTpi", &unauthorized),
            ("Authorization:", &unauthorized),
            ("authorization: BASIC YTpi", &found),
        ] {
            assert_eq!(ask(&with(line), Some("YTpi")).await, *answer, "{line}");
        }
    }
}
