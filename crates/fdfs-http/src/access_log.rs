//! A line for each request, as web servers write it: the combined form of nginx and Apache, or JSON.
//!
//! `ADDRESS - - [TIME] "METHOD TARGET VERSION" STATUS BODY_BYTES "REFERER" "AGENT"`. The address is the client's, which a
//! listed proxy may name. Bytes are those that went out.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use fdfs_conf::LogConf;
use fdfs_log::{AccessLog, LogError, LogTimer, Timestamp, WebStampForm};

use crate::json;
use crate::pure::request::Request;

/// A log of requests as it is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpLogConf {
    /// Where it is.
    pub path: String,
    /// Whether its lines are JSON.
    pub is_json: bool,
    /// How its files are written and rotated.
    pub files: LogConf,
}

/// A log of requests, and the thread that writes and rotates its files.
#[derive(Debug)]
pub struct HttpLog {
    log: Arc<AccessLog>,
    is_json: bool,
    is_device: bool,
    _timer: LogTimer,
}

/// What is known of a request before it is answered.
#[derive(Debug)]
pub struct Line {
    before: String,
    after: String,
    agent: String,
}

/// How a request ended.
#[derive(Debug, Clone, Copy)]
pub struct Ended {
    /// The status.
    pub status: u16,
    /// Bytes of the body that went out.
    pub body_bytes: u64,
    /// From the head of the request to the last byte sent.
    pub took: Duration,
    /// Whether all of the answer went out.
    pub is_whole: bool,
}

impl HttpLog {
    /// Opens a log.
    ///
    /// # Errors
    /// [`LogError`].
    pub fn open(conf: &HttpLogConf) -> Result<Self, LogError> {
        let is_device = conf.path.starts_with("/dev/");
        let mut files = fdfs_daemon::rotation(&conf.files);
        if is_device {
            // Standard output is no file that could be renamed.
            (files.everyday, files.on_size_bytes, files.keep_days, files.compress_old) = (false, 0, 0, false);
        }
        let form = if conf.is_json { WebStampForm::Iso } else { WebStampForm::Clf };
        let log = Arc::new(AccessLog::open_web(Path::new(&conf.path), files, form)?);
        let timer = LogTimer::start_here(vec![log.clone()])
            .map_err(|source| LogError::Open { path: (&conf.path).into(), source })?;
        Ok(Self { log, is_json: conf.is_json, is_device, _timer: timer })
    }

    /// The line of a request. `method` and `version` as it says them.
    #[must_use]
    pub fn begin(&self, request: &Request<'_>, method: &[u8], version: &str) -> Box<Line> {
        let (referer, agent) = (request.fields.first("referer"), request.fields.first("user-agent"));
        let peer = request.peer;
        Box::new(if self.is_json {
            Line {
                before: "{\"time\":\"".to_owned(),
                after: format!(
                    "\",\"client\":\"{peer}\",\"method\":{},\"target\":{},\"version\":\"{version}\",\"tls\":{}",
                    lossy(method),
                    lossy(request.target),
                    request.is_secure
                ),
                agent: format!(
                    ",\"referer\":{},\"agent\":{}",
                    referer.map_or_else(|| "null".to_owned(), lossy),
                    agent.map_or_else(|| "null".to_owned(), lossy)
                ),
            }
        } else {
            let (method, target) = (visible(method), visible(request.target));
            let shown = |value: Option<&[u8]>| value.map_or_else(|| "-".to_owned(), visible);
            Line {
                before: format!("{peer} - - ["),
                after: format!("] \"{method} {target} {version}\""),
                agent: format!(" \"{}\" \"{}\"", shown(referer), shown(agent)),
            }
        })
    }

    /// The line of something that was no request.
    #[must_use]
    pub fn begin_malformed(&self, peer: std::net::IpAddr) -> Box<Line> {
        Box::new(if self.is_json {
            let after = format!("\",\"client\":\"{peer}\",\"method\":null,\"target\":null");
            Line { before: "{\"time\":\"".to_owned(), after, agent: String::new() }
        } else {
            Line { before: format!("{peer} - - ["), after: "] \"-\"".to_owned(), agent: " \"-\" \"-\"".to_owned() }
        })
    }

    /// Writes the line: a copy into memory, most of the time.
    pub fn end(&self, mut line: Line, ended: Ended) {
        let Ended { status, body_bytes, took, is_whole } = ended;
        // Writing to a string cannot fail.
        let _ = if self.is_json {
            let us = took.as_micros();
            write!(line.after, ",\"status\":{status},\"bytes\":{body_bytes},\"us\":{us},\"whole\":{is_whole}")
        } else {
            write!(line.after, " {status} {body_bytes}")
        };
        line.after.push_str(&line.agent);
        if self.is_json {
            line.after.push('}');
        }
        self.log.write_around(Timestamp::now(), &line.before, &line.after);
    }

    /// The signal HUP: begins a new file.
    pub fn hang_up(&self) {
        if self.is_device {
            self.log.flush(Timestamp::now());
        } else {
            self.log.hang_up(Timestamp::now());
        }
    }
}

fn lossy(bytes: &[u8]) -> String {
    json::string(&String::from_utf8_lossy(bytes))
}

/// Bytes as they may stand between quotes in a line: as nginx writes them.
fn visible(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for &byte in bytes {
        match byte {
            b'"' | b'\\' | 0..=31 | 127.. => {
                let _ = write!(out, "\\x{byte:02X}");
            }
            byte => out.push(char::from(byte)),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_sends_ends_no_line_and_no_quotes() {
        assert_eq!(visible(b"/a b\"c\\d\r\n\xC3\xA4\x7F"), "/a b\\x22c\\x5Cd\\x0D\\x0A\\xC3\\xA4\\x7F");
    }
}
