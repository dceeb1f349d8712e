//! What can go wrong, for whom, and what to do about it.

use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use fdfs_net::NetError;
use fdfs_net::resolve::ResolveError;
use fdfs_proto::file_id::{FileId, Kind, NameError};
use fdfs_proto::{Status, WireError};

use crate::change::MODIFY;
use crate::slave::UPLOAD_SLAVE;

/// Why one tracker could not be asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrackerFailure {
    /// Its name led to no address.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// Its connection failed.
    #[error(transparent)]
    Net(#[from] NetError),
}

/// Why an operation failed. The text says what was being done, what happened, and what can be done about it. It is
/// complete: no [`source`](std::error::Error::source) has to be shown along with it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The client was given no tracker.
    #[error("no tracker is given: name at least one as host:port")]
    NoTrackerGiven,
    /// The text for a tracker is no address.
    #[error("tracker: {0}")]
    BadTracker(ResolveError),
    /// No tracker could be asked.
    #[error("{doing}: no tracker answers: {}", joined(failures))]
    NoTrackerAnswers {
        /// What was being done.
        doing: &'static str,
        /// Why, in the order in which they were tried; never empty.
        failures: Vec<TrackerFailure>,
    },
    /// A tracker answered with an error status.
    #[error("{doing}: tracker {tracker} answers {status}{}", tracker_hint(*status))]
    TrackerRefused {
        /// What was being done.
        doing: &'static str,
        /// The tracker.
        tracker: SocketAddr,
        /// Its status.
        status: Status,
    },
    /// A storage answered with an error status.
    #[error("{doing}: storage {storage} answers {status}{}", storage_hint(doing, *status))]
    StorageRefused {
        /// What was being done.
        doing: &'static str,
        /// The storage.
        storage: SocketAddr,
        /// Its status.
        status: Status,
    },
    /// A storage has no address that could be connected to.
    #[error(
        "{doing}: tracker {tracker} gives {ip:?} as the address of a storage, which is none; check the address that \
         the storage joins with (bind_addr, storage_ids.conf)"
    )]
    BadStorageAddress {
        /// What was being done.
        doing: &'static str,
        /// The tracker.
        tracker: SocketAddr,
        /// What it gave.
        ip: String,
    },
    /// No connection to a storage.
    #[error("{doing}: storage {storage} cannot be reached: {reason}{}", unreachable_hint(*tracker))]
    StorageUnreachable {
        /// What was being done.
        doing: &'static str,
        /// The address that was tried.
        storage: SocketAddr,
        /// The tracker that gave the address; `None` for an address of the caller.
        tracker: Option<SocketAddr>,
        /// Why.
        reason: Box<NetError>,
    },
    /// The connection to a server broke in the middle, or time ran out.
    #[error("{doing}: {reason}")]
    Connection {
        /// What was being done.
        doing: &'static str,
        /// Why.
        reason: Box<NetError>,
    },
    /// A server answered something that is not an answer of this protocol.
    #[error("{doing}: {server} answers nonsense: {reason}; is it a server of the right kind?")]
    BadAnswer {
        /// What was being done.
        doing: &'static str,
        /// The server.
        server: SocketAddr,
        /// What is wrong.
        reason: WireError,
    },
    /// The connection broke after bytes of a change had been sent: it may have been carried out, or may yet be. It is
    /// not sent again, for it must not be carried out twice.
    #[error("{doing}: {reason}; nobody knows whether it was carried out: look at {file} before you repeat it")]
    OutcomeUnknown {
        /// What was being done.
        doing: &'static str,
        /// The file to look at: its size says whether an append was carried out; a slave file is there or not.
        file: Box<FileId>,
        /// Why.
        reason: Box<NetError>,
    },
    /// A storage refuses to change a file because it is no appender file.
    #[error(
        "{doing}: {file} is {}, and only appender files can be changed (storage {storage} answers {}); upload it as an \
         appender file to change it later",
        kind_text(*kind), Status::EINVAL
    )]
    NotAppender {
        /// What was being done.
        doing: &'static str,
        /// The file.
        file: Box<FileId>,
        /// What its id says it is.
        kind: Kind,
        /// The storage.
        storage: SocketAddr,
    },
    /// An upload cannot be resumed with this state file.
    #[error("{}: {why}", path.display())]
    ResumeState {
        /// The state file.
        path: PathBuf,
        /// What is wrong, and what to do.
        why: &'static str,
        /// What it amounts to.
        status: Status,
    },
    /// All of a resumable upload arrived, but what the storage has is not what was sent.
    #[error(
        "{file}: the storage has {actual_bytes} bytes with CRC-32 {actual:08x}, sent were {expected_bytes} with \
         {expected:08x}; it should be deleted. Did the local file change meanwhile?"
    )]
    ResumedWrong {
        /// The file.
        file: Box<FileId>,
        /// What was sent.
        expected_bytes: u64,
        /// CRC-32 of what was sent.
        expected: u32,
        /// What is there.
        actual_bytes: u64,
        /// CRC-32 of what is there.
        actual: u32,
    },
    /// A text is no file id, or no part of one.
    #[error(transparent)]
    BadFileId(#[from] NameError),
    /// A name, such as a group's or an extension, has characters or a length that it cannot have.
    #[error(transparent)]
    BadText(#[from] WireError),
    /// Metadata that cannot be stored as it is.
    #[error("metadata {name:?}: {why}")]
    BadMetadata {
        /// The name of the record, made printable.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// What was downloaded has another CRC-32 than the file's id says.
    #[error(
        "{file}: storage {storage} sent content with CRC-32 {actual:08x}, the id says {expected:08x}: the copy there \
         is damaged; download it from another storage, or without the check if it is a link that check_file_duplicate \
         made"
    )]
    Corrupt {
        /// The file.
        file: Box<FileId>,
        /// The storage it came from.
        storage: SocketAddr,
        /// What the id says.
        expected: u32,
        /// What came.
        actual: u32,
    },
    /// A storage has another number of bytes than it should.
    #[error("{file}: storage {storage} sends {actual_bytes} bytes, {expected_bytes} are expected; its copy is damaged")]
    WrongSize {
        /// The file.
        file: Box<FileId>,
        /// The storage.
        storage: SocketAddr,
        /// What the id says, or what another storage said, or the most that was asked for.
        expected_bytes: u64,
        /// What this storage announced.
        actual_bytes: u64,
    },
    /// A local file.
    #[error("{action} {}: {reason}", path.display())]
    LocalFile {
        /// What was being done with it.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        reason: io::Error,
    },
    /// The content to upload could not be read, or ended too early.
    #[error("read the content to upload: {0}")]
    Content(io::Error),
    /// What was downloaded could not be passed on.
    #[error("write what was downloaded: {0}")]
    Output(io::Error),
    /// The file was uploaded, but its metadata could not be set.
    #[error(
        "{file} was uploaded, but its metadata could not be set, and so it {}: {reason}",
        if *deleted { "was deleted again" } else { "should be deleted, or given its metadata later" }
    )]
    MetadataNotSet {
        /// The file.
        file: Box<FileId>,
        /// Whether it is gone again.
        deleted: bool,
        /// Why.
        reason: Box<ClientError>,
    },
}

impl ClientError {
    /// The status that the reference's library gives for it.
    #[must_use]
    pub fn status(&self) -> Status {
        match self {
            Self::NoTrackerGiven => Status::ENOENT,
            Self::BadTracker(_) | Self::BadStorageAddress { .. } | Self::BadAnswer { .. } | Self::BadFileId(_) => {
                Status::EINVAL
            }
            Self::BadText(_) | Self::BadMetadata { .. } | Self::WrongSize { .. } | Self::NotAppender { .. } => {
                Status::EINVAL
            }
            Self::NoTrackerAnswers { failures, .. } => match failures.last() {
                Some(TrackerFailure::Net(reason)) => reason.status(),
                Some(TrackerFailure::Resolve(_)) | None => Status::ENOENT,
            },
            Self::TrackerRefused { status, .. } | Self::StorageRefused { status, .. } => *status,
            Self::StorageUnreachable { reason, .. }
            | Self::Connection { reason, .. }
            | Self::OutcomeUnknown { reason, .. } => reason.status(),
            Self::ResumeState { status, .. } => *status,
            Self::Corrupt { .. } | Self::ResumedWrong { .. } => Status::EIO,
            Self::LocalFile { reason, .. } | Self::Content(reason) | Self::Output(reason) => Status::from_io(reason),
            Self::MetadataNotSet { reason, .. } => reason.status(),
        }
    }

    /// The number of [`ClientError::status`]: a Linux errno.
    #[must_use]
    pub fn errno(&self) -> u8 {
        self.status().0
    }

    /// Whether a storage said that the file (or its metadata) is not there. A tracker that knows no storage for the
    /// group is another matter: the files may be there.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::StorageRefused { status: Status::ENOENT, .. })
    }

    /// Whether the same call may well succeed a little later: servers that were not reachable, too slow, or too busy.
    /// Whether it may be repeated is for the caller to know: a delete or new metadata may have been carried out.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::NoTrackerAnswers { .. } | Self::StorageUnreachable { .. } => true,
            Self::Connection { reason, .. } => reason.is_closed() || reason.is_timeout() || reason.is_connect(),
            // Until storages have joined again, a tracker that was started anew knows none.
            Self::TrackerRefused { status, .. } => matches!(*status, Status::ENOENT | Status::EAGAIN | Status::EBUSY),
            Self::StorageRefused { status, .. } => {
                matches!(*status, Status::EAGAIN | Status::EBUSY | Status::EIO | Status::ENOMEM)
            }
            Self::MetadataNotSet { reason, deleted, .. } => *deleted && reason.is_retryable(),
            _ => false,
        }
    }
}

fn joined(failures: &[TrackerFailure]) -> String {
    let mut text = String::new();
    for failure in failures {
        // Writing to a String cannot fail.
        let _ = write!(text, "{}{failure}", if text.is_empty() { "" } else { "; " });
    }
    text
}

fn tracker_hint(status: Status) -> &'static str {
    match status {
        Status::ENOENT => "; it knows no such group or no active storage in it (see: fdfs monitor)",
        Status::ENOSPC => "; the disks are full up to reserved_storage_space: add space or a group",
        Status::EINVAL => "; no file has such an id, or it does not know the command",
        Status::EOPNOTSUPP => "; only the leader does this, and trunk servers only with use_trunk_file = true",
        _ => "",
    }
}

fn storage_hint(doing: &str, status: Status) -> &'static str {
    match status {
        Status::ENOENT if doing == UPLOAD_SLAVE => "; its master is not there",
        Status::EEXIST if doing == UPLOAD_SLAVE => {
            "; the master has a slave of this name: delete that first, or take another prefix"
        }
        Status::EINVAL if doing == MODIFY => "; the offset lies behind the end of the file",
        Status::EINVAL => "; a bad name, group, store path or offset",
        Status::ENOSPC => "; its disk is full up to reserved_storage_space",
        Status::EIO => "; its disk has trouble: see its error log",
        Status::EROFS => "; its disk is read-only",
        _ => "",
    }
}

const fn kind_text(kind: Kind) -> &'static str {
    match kind {
        Kind::Appender => "an appender file",
        Kind::Slave => "a slave file",
        Kind::Regular | Kind::Trunk => "a regular file",
    }
}

fn unreachable_hint(tracker: Option<SocketAddr>) -> String {
    match tracker {
        Some(tracker) => format!(
            "; tracker {tracker} gave this address: clients, too, must be able to reach it (firewall, NAT, containers: \
             give the storage an address that all can reach, or translate it with ClientBuilder::map_storage)"
        ),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_say_what_to_do_and_keep_the_errno() {
        let addr: SocketAddr = "10.0.0.5:23000".parse().unwrap();
        let gone = ClientError::StorageRefused { doing: "download", storage: addr, status: Status::ENOENT };
        assert!(gone.is_not_found() && !gone.is_retryable() && gone.errno() == 2);
        let unknown = ClientError::TrackerRefused { doing: "download", tracker: addr, status: Status::ENOENT };
        assert!(!unknown.is_not_found() && unknown.is_retryable() && unknown.errno() == 2);
        assert!(unknown.to_string().contains("fdfs monitor"), "{unknown}");

        let reason = Box::new(NetError::Connect { peer: addr, source: io::Error::from_raw_os_error(111) });
        let tracker = Some("10.0.0.1:22122".parse().unwrap());
        let unreachable = ClientError::StorageUnreachable { doing: "upload", storage: addr, tracker, reason };
        let text = unreachable.to_string();
        assert!(text.contains("10.0.0.5:23000") && text.contains("tracker 10.0.0.1:22122 gave"), "{text}");
        assert!(unreachable.is_retryable() && unreachable.errno() == 111);

        let file: Box<FileId> = Box::new("group1/M00/00/00/a".parse().unwrap());
        let corrupt = ClientError::Corrupt { file: file.clone(), storage: addr, expected: 1, actual: 0xFF };
        assert!(corrupt.to_string().contains("000000ff, the id says 00000001"), "{corrupt}");
        let wrapped = ClientError::MetadataNotSet { file, deleted: true, reason: Box::new(unreachable) };
        assert!(wrapped.is_retryable() && wrapped.errno() == 111);
    }

    #[test]
    fn all_failed_trackers_are_named() {
        let failure = |port| {
            let peer = SocketAddr::from(([10, 0, 0, 1], port));
            TrackerFailure::Net(NetError::ConnectTimeout { peer, timeout_ms: 5 })
        };
        let error = ClientError::NoTrackerAnswers { doing: "upload", failures: vec![failure(1), failure(2)] };
        let text = error.to_string();
        assert!(text.contains("10.0.0.1:1") && text.contains("10.0.0.1:2"), "{text}");
        assert_eq!(error.status(), Status::ETIMEDOUT);
    }
}
