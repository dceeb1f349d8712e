//! What can go wrong between two machines.

use std::io;
use std::net::{IpAddr, SocketAddr};

use fdfs_proto::Status;

/// Why a connection, a request or a call failed. Every variant names the peer.
#[derive(Debug, thiserror::Error)]
pub enum NetError {
    /// The local address of an outgoing connection could not be taken.
    #[error("bind to {local} for a connection to {peer}: {source}; is {local} an address of this machine?")]
    Bind {
        /// The address wanted on this side.
        local: IpAddr,
        /// The address to be connected to.
        peer: SocketAddr,
        /// The system's reason.
        source: io::Error,
    },
    /// The connection was refused or found no way.
    #[error("connect to {peer}: {source}{}", connect_hint(source))]
    Connect {
        /// The address to be connected to.
        peer: SocketAddr,
        /// The system's reason.
        source: io::Error,
    },
    /// Nobody answered the attempt to connect.
    #[error(
        "connect to {peer}: nobody answered within {timeout_ms} ms; is the machine up, does a firewall drop packets?"
    )]
    ConnectTimeout {
        /// The address to be connected to.
        peer: SocketAddr,
        /// How long it was tried, `connect_timeout`.
        timeout_ms: u64,
    },
    /// Sending or receiving failed.
    #[error("{doing} {peer}: {source}")]
    Io {
        /// The other side.
        peer: SocketAddr,
        /// What was being done, such as "reading the answer of".
        doing: &'static str,
        /// The system's reason.
        source: io::Error,
    },
    /// The peer did not send or take a byte for `network_timeout`.
    #[error("{doing} {peer}: nothing moved for {timeout_ms} ms (network_timeout)")]
    Timeout {
        /// The other side.
        peer: SocketAddr,
        /// What was being done.
        doing: &'static str,
        /// How long it was waited.
        timeout_ms: u64,
    },
    /// The peer closed the connection in the middle of something.
    #[error("{doing} {peer}: the peer closed the connection")]
    Closed {
        /// The other side.
        peer: SocketAddr,
        /// What was being done.
        doing: &'static str,
    },
    /// A header announced a negative length. The connection is of no further use.
    #[error("{doing} {peer}: the header announces {len} bytes")]
    NegativeLength {
        /// The other side.
        peer: SocketAddr,
        /// What was being done.
        doing: &'static str,
        /// The length as announced.
        len: i64,
    },
    /// A package is longer than it may be. The connection is of no further use.
    #[error("{doing} {peer}: a body of {len} bytes, at most {max} are allowed")]
    TooLong {
        /// The other side.
        peer: SocketAddr,
        /// What was being done.
        doing: &'static str,
        /// The length as announced, in bytes.
        len: u64,
        /// The greatest length, in bytes.
        max: u64,
    },
    /// A connection was used out of turn, such as a second request before the first answer was read.
    #[error("{doing} {peer}: not possible in this state of the connection, which must be closed")]
    OutOfTurn {
        /// The other side.
        peer: SocketAddr,
        /// What was asked for.
        doing: &'static str,
    },
}

/// What the reader of a failed connect can do about it; empty when there is nothing to add.
fn connect_hint(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::ConnectionRefused => "; is the server running, and is this its port?",
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => "; check address, route and firewall",
        io::ErrorKind::AddrNotAvailable => "; too many connections, or a local address that is gone",
        _ => "",
    }
}

impl NetError {
    /// The other side.
    #[must_use]
    pub const fn peer(&self) -> SocketAddr {
        match self {
            Self::Bind { peer, .. }
            | Self::Connect { peer, .. }
            | Self::ConnectTimeout { peer, .. }
            | Self::Io { peer, .. }
            | Self::Timeout { peer, .. }
            | Self::Closed { peer, .. }
            | Self::NegativeLength { peer, .. }
            | Self::TooLong { peer, .. }
            | Self::OutOfTurn { peer, .. } => *peer,
        }
    }

    /// The status that the reference's client gives for it: 107 for a closed connection, 110 for a time-out, 28 for an
    /// answer that does not fit, 22 for nonsense, else the system's errno.
    #[must_use]
    pub fn status(&self) -> Status {
        match self {
            Self::Bind { source, .. } | Self::Connect { source, .. } | Self::Io { source, .. } => {
                source.raw_os_error().map_or_else(|| status_of_kind(source.kind()), Status::from_errno)
            }
            Self::ConnectTimeout { .. } | Self::Timeout { .. } => Status::ETIMEDOUT,
            Self::Closed { .. } => Status::ENOTCONN,
            Self::NegativeLength { .. } | Self::OutOfTurn { .. } => Status::EINVAL,
            Self::TooLong { .. } => Status::ENOSPC,
        }
    }

    /// The number of [`NetError::status`].
    #[must_use]
    pub fn errno(&self) -> u8 {
        self.status().0
    }

    /// Whether no connection came about, so that the peer cannot have done anything: always safe to try elsewhere.
    #[must_use]
    pub const fn is_connect(&self) -> bool {
        matches!(self, Self::Bind { .. } | Self::Connect { .. } | Self::ConnectTimeout { .. })
    }

    /// Whether the peer ended the connection, orderly or by a reset: what a pooled connection to a restarted server
    /// looks like.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        match self {
            Self::Closed { .. } => true,
            Self::Io { source, .. } => is_reset(source),
            _ => false,
        }
    }

    /// Whether time ran out, in connecting or later.
    #[must_use]
    pub const fn is_timeout(&self) -> bool {
        matches!(self, Self::ConnectTimeout { .. } | Self::Timeout { .. })
    }
}

/// Whether an I/O error says that the other side has gone.
pub(crate) fn is_reset(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionAborted
    )
}

/// The status for an I/O error that carries no errno (in-memory streams, TLS).
const fn status_of_kind(kind: io::ErrorKind) -> Status {
    match kind {
        io::ErrorKind::ConnectionRefused => Status::ECONNREFUSED,
        io::ErrorKind::TimedOut => Status::ETIMEDOUT,
        io::ErrorKind::UnexpectedEof | io::ErrorKind::NotConnected => Status::ENOTCONN,
        io::ErrorKind::BrokenPipe => Status::EPIPE,
        io::ErrorKind::ConnectionReset => Status::ECONNRESET,
        _ => Status::EIO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_map_to_the_errno_of_the_reference_and_say_what_to_do() {
        let peer: SocketAddr = "127.0.0.1:22122".parse().unwrap();
        let doing = "reading the answer of";
        let refused = NetError::Connect { peer, source: io::Error::from_raw_os_error(111) };
        assert_eq!(refused.errno(), 111);
        assert!(
            refused.to_string().contains("127.0.0.1:22122") && refused.to_string().contains("is the server running")
        );
        assert_eq!(NetError::ConnectTimeout { peer, timeout_ms: 5 }.status(), Status::ETIMEDOUT);
        assert_eq!(NetError::Timeout { peer, doing, timeout_ms: 5 }.status(), Status::ETIMEDOUT);
        assert_eq!(NetError::Closed { peer, doing }.status(), Status::ENOTCONN);
        assert_eq!(NetError::TooLong { peer, doing, len: 2, max: 1 }.status(), Status::ENOSPC);
        assert_eq!(NetError::NegativeLength { peer, doing, len: -1 }.status(), Status::EINVAL);
        let reset = NetError::Io { peer, doing, source: io::Error::from_raw_os_error(104) };
        assert!(reset.is_closed() && !reset.is_connect() && !reset.is_timeout());
        assert_eq!(reset.peer(), peer);
        let no_errno = NetError::Io { peer, doing, source: io::ErrorKind::UnexpectedEof.into() };
        assert_eq!(no_errno.status(), Status::ENOTCONN);
    }
}
