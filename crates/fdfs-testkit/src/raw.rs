//! Any bytes to a server, and what comes back.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, SocketAddrV4, TcpStream};
use std::time::Duration;

use fdfs_proto::{Command, HEADER_LEN, Header};
use rustix::net;

use crate::wait::PATIENCE;

/// A request: header and body.
#[must_use]
pub fn packet(command: u8, body: &[u8]) -> Vec<u8> {
    packet_with(command, 0, body.len() as i64, body)
}

/// A request with a status byte, and a length that may be a lie.
#[must_use]
pub fn packet_with(command: u8, status: u8, len: i64, body: &[u8]) -> Vec<u8> {
    let mut bytes = Header { body_len: len, command, status }.to_bytes().to_vec();
    bytes.extend_from_slice(body);
    bytes
}

/// A text in a field of 16 bytes.
///
/// # Panics
/// For a longer one.
#[must_use]
pub fn padded16(text: &str) -> [u8; 16] {
    let mut field = [0; 16];
    field[..text.len()].copy_from_slice(text.as_bytes());
    field
}

/// What came back for one request.
#[derive(Clone, PartialEq, Eq)]
pub enum RawReply {
    /// A header, and as many bytes as it announced.
    Whole {
        /// The status byte.
        status: u8,
        /// The body.
        body: Vec<u8>,
    },
    /// The server closed the connection, having sent these bytes of a reply.
    Closed(Vec<u8>),
    /// The server reset the connection, having sent these bytes of a reply.
    Reset(Vec<u8>),
    /// Nothing more came for as long as was waited.
    Silent(Vec<u8>),
}

impl RawReply {
    /// The status of a whole reply.
    #[must_use]
    pub fn status(&self) -> Option<u8> {
        match self {
            Self::Whole { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// The body of a whole reply.
    ///
    /// # Panics
    /// When it is none, or not one of success.
    #[must_use]
    pub fn ok(self) -> Vec<u8> {
        match self {
            Self::Whole { status: 0, body } => body,
            other => panic!("not a good reply: {other:?}"),
        }
    }
}

/// Without thousands of bytes.
impl fmt::Debug for RawReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, body) = match self {
            Self::Whole { status, body } => (format!("status {status}"), body),
            Self::Closed(body) => ("closed".to_owned(), body),
            Self::Reset(body) => ("reset".to_owned(), body),
            Self::Silent(body) => ("silent".to_owned(), body),
        };
        write!(f, "{what}, {} bytes: {}", body.len(), body[..body.len().min(96)].escape_ascii())
    }
}

/// What a server did with a connection behind its reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum After {
    /// It takes more requests.
    Open,
    /// It closed or reset the connection.
    Closed,
    /// It sent bytes that nobody asked for, or answered wrongly to an active test.
    Extra(Vec<u8>),
}

/// A connection on which anything can be sent. It has patience, [`PATIENCE`], where nothing else is said.
#[derive(Debug)]
pub struct RawConn {
    stream: TcpStream,
}

impl RawConn {
    /// Connects.
    ///
    /// # Panics
    /// When that fails.
    #[must_use]
    pub fn connect(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).unwrap_or_else(|e| panic!("connect to {addr}: {e}"));
        Self::over(stream)
    }

    /// Connects from an address of this machine.
    ///
    /// # Panics
    /// When that fails.
    #[must_use]
    pub fn connect_from(local: Ipv4Addr, addr: SocketAddr) -> Self {
        Self::over(connect_from(local, addr).unwrap_or_else(|e| panic!("connect from {local} to {addr}: {e}")))
    }

    fn over(stream: TcpStream) -> Self {
        stream.set_nodelay(true).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Self { stream }
    }

    /// Sends bytes. A server may close before it took them all, which is no error here.
    pub fn send(&mut self, bytes: &[u8]) -> &mut Self {
        let _ = self.stream.write_all(bytes);
        self
    }

    /// Says that nothing more will be sent.
    pub fn end_sending(&mut self) -> &mut Self {
        let _ = self.stream.shutdown(Shutdown::Write);
        self
    }

    /// Sends a request and waits for the reply.
    pub fn ask(&mut self, command: u8, body: &[u8]) -> RawReply {
        self.send(&packet(command, body)).reply()
    }

    /// Waits for a reply.
    pub fn reply(&mut self) -> RawReply {
        self.reply_within(PATIENCE)
    }

    /// Waits so long for each piece of a reply.
    ///
    /// # Panics
    /// When the header has a negative length.
    pub fn reply_within(&mut self, patience: Duration) -> RawReply {
        self.stream.set_read_timeout(Some(patience)).unwrap();
        let mut head = Vec::new();
        if let Err(e) = self.read_up_to(HEADER_LEN, &mut head) {
            return ended(&e, head);
        }
        let header = Header::from_bytes(*head.first_chunk().unwrap());
        let len = usize::try_from(header.body_len).unwrap_or_else(|_| panic!("a reply of {} bytes", header.body_len));
        let mut body = Vec::new();
        match self.read_up_to(len, &mut body) {
            Ok(()) => RawReply::Whole { status: header.status, body },
            Err(e) => ended(&e, [head, body].concat()),
        }
    }

    /// What happened to the connection: an active test is sent, which is answered only if the server has kept the
    /// connection and is in step.
    pub fn after(&mut self) -> After {
        match self.send(&packet(Command::ActiveTest as u8, b"")).reply() {
            RawReply::Whole { status: 0, body } if body.is_empty() => After::Open,
            RawReply::Closed(rest) | RawReply::Reset(rest) if rest.is_empty() => After::Closed,
            RawReply::Whole { status, body } => After::Extra([&[status][..], &body].concat()),
            RawReply::Closed(rest) | RawReply::Reset(rest) | RawReply::Silent(rest) => After::Extra(rest),
        }
    }

    /// Waits until the server closes; whether it did within `patience`, without a byte more.
    pub fn is_closed_within(&mut self, patience: Duration) -> bool {
        self.stream.set_read_timeout(Some(patience)).unwrap();
        loop {
            match self.stream.read(&mut [0; 1]) {
                Ok(len) => return len == 0,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return is_reset(&e),
            }
        }
    }

    fn read_up_to(&mut self, len: usize, out: &mut Vec<u8>) -> io::Result<()> {
        let mut piece = vec![0; len.min(64 * 1024)];
        while out.len() < len {
            let most = piece.len().min(len - out.len());
            match self.stream.read(&mut piece[..most]) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(n) => out.extend_from_slice(&piece[..n]),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }
}

/// A connection from an address of this machine.
///
/// # Errors
/// What the kernel says.
pub fn connect_from(local: Ipv4Addr, addr: SocketAddr) -> io::Result<TcpStream> {
    let socket = net::socket(net::AddressFamily::INET, net::SocketType::STREAM, None)?;
    net::bind(&socket, &SocketAddrV4::new(local, 0))?;
    net::connect(&socket, &addr)?;
    Ok(TcpStream::from(socket))
}

fn is_reset(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe)
}

fn ended(error: &io::Error, read: Vec<u8>) -> RawReply {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => RawReply::Closed(read),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => RawReply::Silent(read),
        _ if is_reset(error) => RawReply::Reset(read),
        _ => panic!("reading a reply: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    /// A server that does one thing with one connection.
    fn server(serve: impl FnOnce(TcpStream) + Send + 'static) -> RawConn {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let conn = RawConn::connect(listener.local_addr().unwrap());
        std::thread::spawn(move || serve(listener.accept().unwrap().0));
        conn
    }

    #[test]
    fn replies_and_what_follows_them_are_told_apart() {
        let answer = packet_with(100, 22, 3, b"abc");
        let mut conn = server(move |mut stream| {
            let mut request = [0; 10];
            stream.read_exact(&mut request).unwrap();
            stream.write_all(&answer).unwrap();
            stream.read_exact(&mut request).unwrap();
            stream.write_all(&packet_with(100, 0, 0, b"")).unwrap();
            stream.read_exact(&mut request).unwrap();
            stream.write_all(&packet_with(100, 0, 5, b"ab")).unwrap();
        });
        let reply = conn.ask(1, b"");
        assert_eq!(reply, RawReply::Whole { status: 22, body: b"abc".to_vec() });
        assert_eq!(format!("{reply:?}"), "status 22, 3 bytes: abc");
        assert_eq!(conn.after(), After::Open);
        assert!(matches!(conn.ask(1, b""), RawReply::Closed(rest) if rest.len() == 12));
        assert_eq!(conn.after(), After::Closed);
    }

    #[test]
    fn silence_is_not_the_end() {
        let (done, end) = std::sync::mpsc::channel::<()>();
        let mut conn = server(move |stream| {
            let _ = end.recv();
            drop(stream);
        });
        assert_eq!(conn.reply_within(Duration::from_millis(20)), RawReply::Silent(Vec::new()));
        assert!(!conn.is_closed_within(Duration::from_millis(20)));
        drop(done);
        assert!(conn.is_closed_within(PATIENCE));
    }
}
