//! Operations that failed: the causes that are counted, and what the user can do about them.

use std::fmt;
use std::net::SocketAddr;

use fdfs_net::NetError;
use fdfs_proto::file_id::NameError;
use fdfs_proto::{GroupName, Status, WireError};

use super::plan::Kind;

/// Which server an operation has to do with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Server {
    /// The tracker.
    Tracker,
    /// A storage.
    Storage,
}

impl Server {
    /// Its name in messages and in the result.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Tracker => "tracker",
            Self::Storage => "storage",
        }
    }
}

/// Why an operation failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// A server answered with an errno.
    #[error("{} {peer} answers {status}", server.name())]
    Refused {
        /// Tracker or storage.
        server: Server,
        /// Its address.
        peer: SocketAddr,
        /// Its answer.
        status: Status,
    },
    /// A connection did not come about, broke, or stood still.
    #[error("{}: {source}", server.name())]
    Net {
        /// Tracker or storage.
        server: Server,
        /// What happened.
        source: NetError,
    },
    /// An answer that cannot be right.
    #[error("{} {peer}: {source}", server.name())]
    Wrong {
        /// Tracker or storage.
        server: Server,
        /// Its address.
        peer: SocketAddr,
        /// What is wrong.
        source: Mismatch,
    },
}

/// What is wrong with an answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Mismatch {
    /// The body does not have its format.
    #[error("the answer does not have its format: {0}")]
    Body(#[from] WireError),
    /// The id of a new file cannot be one.
    #[error("the id of the new file: {0}")]
    Name(#[from] NameError),
    /// The tracker named a storage that has no address.
    #[error("{0:?} is no address of a storage")]
    Address(String),
    /// The storage is of another group.
    #[error("it is a storage of group {is}, not of {wanted}")]
    Group {
        /// The group that the answer names.
        is: GroupName,
        /// The group that was asked for.
        wanted: GroupName,
    },
    /// The length is not that of the file.
    #[error("{file} has {is_bytes} bytes, not {wanted_bytes}")]
    Size {
        /// The id.
        file: String,
        /// Bytes that came, or that the id tells.
        is_bytes: u64,
        /// Bytes that were uploaded, or that the id tells.
        wanted_bytes: u64,
    },
    /// The CRC-32 is not that of the content.
    #[error("{file}: the CRC-32 of the content is {content:08x}, that of the id {id:08x}")]
    Crc {
        /// The id.
        file: String,
        /// Of the bytes.
        content: u32,
        /// In the id.
        id: u32,
    },
    /// Bytes are not those that were uploaded.
    #[error("{file}: a byte in the {len} bytes from {offset} on is not what was uploaded")]
    Bytes {
        /// The id.
        file: String,
        /// Where the piece begins.
        offset: u64,
        /// The length of the piece.
        len: usize,
    },
}

impl Failure {
    /// What it is counted as.
    pub(crate) fn cause(&self) -> Cause {
        match self {
            Self::Refused { server, status, .. } => Cause::Answered(*server, *status),
            Self::Net { server, source } => Cause::Network(*server, source.status()),
            Self::Wrong { server, .. } => Cause::Wrong(*server),
        }
    }

    /// Whether no connection came about.
    pub(crate) const fn is_connect(&self) -> bool {
        matches!(self, Self::Net { source, .. } if source.is_connect())
    }

    /// Whether the same would happen again at once: nothing listens, or the tracker knows no storage.
    pub(crate) const fn is_futile_to_repeat(&self) -> bool {
        self.is_connect() || matches!(self, Self::Refused { server: Server::Tracker, .. })
    }

    /// Whether the next request can be sent on the same connection. Storages close it behind most errnos, but not when
    /// a file is missing.
    pub(crate) const fn leaves_connection_usable(&self) -> bool {
        matches!(
            self,
            Self::Refused { status: Status::ENOENT, .. }
                | Self::Wrong { source: Mismatch::Size { .. } | Mismatch::Crc { .. } | Mismatch::Bytes { .. }, .. }
        )
    }
}

/// What failures are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cause {
    /// A server answered with an errno.
    Answered(Server, Status),
    /// The connection failed with an errno.
    Network(Server, Status),
    /// The answer cannot be right.
    Wrong(Server),
}

impl Cause {
    /// The word for it in the result.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Answered(..) => "answer",
            Self::Network(..) => "network",
            Self::Wrong(_) => "mismatch",
        }
    }

    /// The server that it has to do with.
    pub(crate) const fn server(self) -> Server {
        match self {
            Self::Answered(server, _) | Self::Network(server, _) | Self::Wrong(server) => server,
        }
    }

    /// The errno, where there is one.
    pub(crate) const fn status(self) -> Option<Status> {
        match self {
            Self::Answered(_, status) | Self::Network(_, status) => Some(status),
            Self::Wrong(_) => None,
        }
    }

    /// What the user can do about it; empty when nobody knows.
    pub(crate) const fn hint(self, kind: Kind) -> &'static str {
        match (self, kind) {
            (Self::Answered(Server::Tracker, Status::ENOENT), _) => {
                "; no storage is ACTIVE, or the group is unknown: see `fdfs monitor`"
            }
            (Self::Answered(_, Status::ENOSPC), _) => {
                "; the disk is full up to reserved_storage_space: free room, or lower that key for a trial"
            }
            (Self::Answered(_, Status::ENOENT), Kind::Download | Kind::Delete) => {
                "; deleted meanwhile, not copied to this storage yet, or the ids are of another cluster"
            }
            (Self::Answered(_, Status::EBUSY | Status::EAGAIN), _) => "; it is overloaded: try fewer --connections",
            (Self::Answered(Server::Storage, Status::EINVAL), Kind::Upload) => {
                "; is this a storage, and has it the store path that the tracker named?"
            }
            (Self::Answered(Server::Storage, Status::EINVAL), _) => {
                "; the ids are of another group, or the file is empty: nobody can download that"
            }
            (Self::Network(_, Status::ENOTCONN | Status::ECONNRESET | Status::EPIPE), _) => {
                "; did the server end, or is its max_connections lower than --connections? Its log says why"
            }
            (Self::Network(_, Status::EMFILE), _) => "; raise the limit of open files: ulimit -n",
            (Self::Wrong(_), Kind::Download) => "; has the file changed since, or is it a link (check_file_duplicate)?",
            _ => "",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered(server, status) => write!(f, "{} answered {status}", server.name()),
            Self::Network(server, status) => write!(f, "connection to {}: {status}", server.name()),
            Self::Wrong(server) => write!(f, "wrong answer or content of {}", server.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_counted_by_server_and_errno() {
        let peer: SocketAddr = "10.0.0.1:23000".parse().unwrap();
        let refused = Failure::Refused { server: Server::Storage, peer, status: Status::ENOENT };
        assert_eq!(refused.to_string(), "storage 10.0.0.1:23000 answers 2 ENOENT: No such file or directory");
        assert_eq!(refused.cause().to_string(), "storage answered 2 ENOENT: No such file or directory");
        assert!(refused.leaves_connection_usable() && !refused.is_connect());
        assert!(refused.cause().hint(Kind::Download).contains("not copied"));

        let source = NetError::Connect { peer, source: std::io::Error::from_raw_os_error(111) };
        let unreachable = Failure::Net { server: Server::Tracker, source };
        assert_eq!(unreachable.cause(), Cause::Network(Server::Tracker, Status::ECONNREFUSED));
        assert!(!refused.is_futile_to_repeat() && unreachable.is_futile_to_repeat());
        assert!(unreachable.is_connect() && unreachable.to_string().contains("is the server running"));

        let source = Mismatch::from(WireError::Trailing { extra: 1 });
        let wrong = Failure::Wrong { server: Server::Storage, peer, source };
        assert_eq!((wrong.cause().status(), wrong.cause().word()), (None, "mismatch"));
        assert!(!wrong.leaves_connection_usable());
    }
}
