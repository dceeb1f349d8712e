//! A plain HTTP client for tests: one request on a connection, or as many as are wanted.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpAnswer {
    /// The status.
    pub status: u16,
    /// The fields, names in small letters.
    pub fields: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl HttpAnswer {
    /// The value of a field.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|field| field.0 == name).map(|field| field.1.as_str())
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A connection.
#[derive(Debug)]
pub struct HttpConn {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// Where and how it ended, for messages.
    end: String,
}

impl HttpConn {
    /// Connects.
    ///
    /// # Panics
    /// When nobody listens.
    #[must_use]
    pub fn connect(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).unwrap_or_else(|error| panic!("connect to {addr}: {error}"));
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Self { stream, buffer: Vec::new(), end: String::new() }
    }

    /// Sends bytes; whether the server takes them.
    pub fn send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    /// Sends nothing more, and says so; answers can still come.
    pub fn end(&self) {
        // A server that has closed already is what some tests wait for.
        let _ = self.stream.shutdown(std::net::Shutdown::Write);
    }

    /// Everything until the server closes; `None` when it does not.
    pub fn rest(&mut self) -> Option<Vec<u8>> {
        let mut out = std::mem::take(&mut self.buffer);
        let mut piece = [0; 16 << 10];
        loop {
            match self.read(&mut piece) {
                Ok(0) => return Some(out),
                Ok(n) => out.extend_from_slice(&piece[..n]),
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Some(out),
                Err(_) => return None,
            }
        }
    }

    /// Reads once; a signal is no end.
    fn read(&mut self, piece: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.stream.read(piece) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }

    fn more(&mut self) -> bool {
        let mut piece = [0; 16 << 10];
        match self.read(&mut piece) {
            Ok(n) if n > 0 => {
                self.buffer.extend_from_slice(&piece[..n]);
                true
            }
            ended => {
                self.end = format!("{ended:?} behind {} bytes", self.buffer.len());
                false
            }
        }
    }

    /// The next answer; `None` when the server closes instead. `is_head` answers have no body.
    ///
    /// # Panics
    /// When what comes is no answer.
    pub fn answer(&mut self, is_head: bool) -> Option<HttpAnswer> {
        let end = loop {
            if let Some(at) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            if !self.more() {
                return None;
            }
        };
        let head = String::from_utf8(self.buffer.drain(..end).collect()).unwrap();
        let mut lines = head.trim_end().split("\r\n");
        let status: u16 = lines.next().unwrap()[9..12].parse().unwrap();
        let field = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()));
        let fields: Vec<_> = lines.map(|line| field(line).unwrap_or_else(|| panic!("no field: {line:?}"))).collect();
        let len = fields.iter().find(|field| field.0 == "content-length").map_or(0, |field| field.1.parse().unwrap());
        let len = if is_head || matches!(status, 100 | 204 | 304) { 0 } else { len };
        while self.buffer.len() < len {
            if !self.more() {
                return None;
            }
        }
        let body = self.buffer.drain(..len).collect();
        Some(HttpAnswer { status, fields, body })
    }

    /// Asks, and waits for the answer. `lines` are further lines of the head.
    ///
    /// # Panics
    /// When there is no answer.
    pub fn ask(&mut self, method: &str, target: &str, lines: &[&str], body: &[u8]) -> HttpAnswer {
        let mut head = format!("{method} {target} HTTP/1.1\r\nHost: test\r\n");
        for line in lines {
            head.push_str(line);
            head.push_str("\r\n");
        }
        if !body.is_empty() {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        self.send(&[head.as_bytes(), body].concat());
        self.answer(method == "HEAD").unwrap_or_else(|| panic!("no answer to {method} {target}: {}", self.end))
    }
}

/// One request on a connection of its own.
#[must_use]
pub fn get(addr: SocketAddr, target: &str, lines: &[&str]) -> HttpAnswer {
    HttpConn::connect(addr).ask("GET", target, lines, b"")
}
