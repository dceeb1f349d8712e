//! Which status follows on which event: the table of the behaviour document, 3.5.
//!
//! A pure function of the stored status and the event; who calls it keeps arrays, counters and files in step.

use fdfs_proto::shared::StorageStatus::{self, *};

/// What can happen to a storage that is known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusEvent {
    /// It joins (81).
    Join,
    /// A beat or a disk report of it (83, 84).
    Beat,
    /// Its newest connection closed.
    Disconnect,
    /// No beat for longer than `check_active_interval`.
    Silence,
    /// It asked who copies the old files to it, and there is nobody else (87).
    NobodyElse,
    /// It asked who copies the old files to it, and was given a source (87).
    SourceChosen,
    /// It says that nobody has to copy old files to it (88 without a source).
    ToldNoSource,
    /// It names who copies its old files (88 with a source).
    ToldSource,
    /// A peer reports its status (76, and 85 where this tracker does not lead).
    Reported(StorageStatus),
    /// It asks for a status, so that this tracker agrees with the leader (59).
    Asked(StorageStatus),
    /// The administrator deletes it (93). It must not be live.
    Deleted,
    /// It has another address now, and this is the entry of the old one (78). It must not be live.
    AddressLeft,
    /// The tracker starts again.
    Restart,
}

/// The status after an event; most events leave most statuses as they are.
///
/// ACTIVE is earned by a beat alone (a follower also takes a peer's word for it), and a storage that waits for its old
/// files leaves that state only when its source reports them all there, or nobody has to copy any.
///
/// Differs from C: a beat does not make a DELETED storage ACTIVE. One that was deleted while it waited for its old files
/// would serve without them; it has to join again.
#[must_use]
pub fn after(status: StorageStatus, event: StatusEvent) -> StorageStatus {
    match (event, status) {
        (StatusEvent::Join, Offline | Recovery) => Online,
        (StatusEvent::Join, Deleted | IpChanged) => Init,
        (StatusEvent::Beat, Offline | Online | Recovery) => Active,
        (StatusEvent::Disconnect, Online | Active) | (StatusEvent::Silence, Active) => Offline,
        (StatusEvent::NobodyElse | StatusEvent::SourceChosen, IpChanged | Deleted | None) => status,
        (StatusEvent::NobodyElse, _) | (StatusEvent::ToldNoSource, Init | WaitSync | Syncing) => Online,
        (StatusEvent::SourceChosen, _) | (StatusEvent::ToldSource, Init) => WaitSync,
        (StatusEvent::Reported(reported), _) => reported_as(status, reported),
        (StatusEvent::Asked(asked), _) => asked_for(status, asked),
        (StatusEvent::Deleted, Init | WaitSync | Syncing | Offline) => Deleted,
        (StatusEvent::AddressLeft, Init | WaitSync | Syncing | Offline) => IpChanged,
        (StatusEvent::Restart, Online | Active | Recovery | None) => Offline,
        _ => status,
    }
}

/// Reports move a storage up, or out; never one that is live or undecided.
fn reported_as(status: StorageStatus, reported: StorageStatus) -> StorageStatus {
    match (status, reported) {
        (_, None) => status,
        (WaitSync | Syncing | Offline | Deleted | IpChanged, Deleted | IpChanged) => reported,
        (WaitSync | Syncing | Offline, _) if reported > status => reported,
        _ => status,
    }
}

/// A storage that is, or asks to be, available is OFFLINE until it beats.
fn asked_for(status: StorageStatus, asked: StorageStatus) -> StorageStatus {
    match asked {
        Offline | Online | Active if status.is_available() => status,
        Offline | Online | Active => Offline,
        None => status,
        Init | WaitSync | Syncing | IpChanged | Deleted | Recovery => asked,
    }
}

/// The first status of a storage that is unknown to this tracker; `None` refuses the join.
///
/// A new storage (`init_flag`) starts as INIT. One with old data continues with the status that it last heard of
/// itself, a number from the wire with -1 for "never heard"; ACTIVE must be earned by a beat again.
#[must_use]
pub fn on_first_join(init_flag: bool, own_status: i8) -> Option<StorageStatus> {
    if init_flag {
        return Some(Init);
    }
    match StorageStatus::from_number(u8::try_from(own_status).ok()?)? {
        Active => Some(Online),
        same @ (Init | WaitSync | Syncing | Offline | Online | Recovery) => Some(same),
        IpChanged | Deleted | None => Option::None,
    }
}

/// The first status of a storage that only a peer's report makes known; `None` ignores the report.
#[must_use]
pub const fn on_first_report(reported: StorageStatus) -> Option<StorageStatus> {
    match reported {
        Init | WaitSync | Syncing | Offline | Recovery => Some(reported),
        IpChanged | Deleted | Online | Active | None => Option::None,
    }
}

/// Whether a storage of this status is written to the servers file.
#[must_use]
pub const fn is_stored(status: StorageStatus) -> bool {
    !matches!(status, Deleted | IpChanged)
}

/// Whether a storage of this status serves or is about to: it can be neither deleted nor renamed.
#[must_use]
pub const fn is_live(status: StorageStatus) -> bool {
    matches!(status, Online | Active | Recovery)
}

/// Whether a storage of this status still waits for old files, or for the decision who copies them.
#[must_use]
pub const fn is_joining(status: StorageStatus) -> bool {
    matches!(status, Init | WaitSync | Syncing)
}

#[cfg(test)]
mod tests;
