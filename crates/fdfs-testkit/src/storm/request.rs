//! One request of a client, of which the outcome may stay unknown.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use fdfs_proto::{Command, HEADER_LEN, Header};

/// A client does not wait longer.
const PATIENCE: Duration = Duration::from_secs(4);
/// The longest answer of any use.
const ANSWER_MAX_BYTES: i64 = 64 << 20;

/// How a request ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was acknowledged.
    Done(Vec<u8>),
    /// It was refused, and nothing was changed.
    Refused(u8),
    /// Nobody knows whether it was or will be done.
    Unknown(String),
}

impl Outcome {
    /// Whether it was acknowledged.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        matches!(self, Self::Done(_))
    }
}

/// Statuses behind which nothing was changed: no such file, exists, nonsense, no space.
const CLEAN: [u8; 4] = [2, 17, 22, 28];

/// Asks.
#[must_use]
pub fn ask(addr: SocketAddr, command: Command, head: &[u8], content: &[u8]) -> Outcome {
    match try_ask(addr, command, head, content) {
        Ok((0, body)) => Outcome::Done(body),
        Ok((status, _)) if CLEAN.contains(&status) => Outcome::Refused(status),
        Ok((status, _)) => Outcome::Unknown(format!("status {status}")),
        Err(e) => Outcome::Unknown(e.to_string()),
    }
}

fn try_ask(addr: SocketAddr, command: Command, head: &[u8], content: &[u8]) -> std::io::Result<(u8, Vec<u8>)> {
    let mut stream = TcpStream::connect_timeout(&addr, PATIENCE)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let header = Header::request(command, (head.len() + content.len()) as u64);
    stream.write_all(&[&header.to_bytes()[..], head].concat())?;
    stream.write_all(content)?;
    let mut bytes = [0; HEADER_LEN];
    stream.read_exact(&mut bytes)?;
    let header = Header::from_bytes(bytes);
    if !(0..=ANSWER_MAX_BYTES).contains(&header.body_len) {
        return Err(std::io::Error::other(format!("an answer of {} bytes", header.body_len)));
    }
    let mut body = vec![0; header.body_len as usize];
    stream.read_exact(&mut body)?;
    Ok((header.status, body))
}
