//! What a receiver does with a change that another storage sends: facts in, verdict out.
//!
//! After a break both sides may have changed a file. The rules make both end with the same bytes: a deletion wins over
//! changes of a name that is given only once, else the newer change wins, and of two in the same second the one that
//! [`Content::wins_over`] says. A storage whose newer state meets an older one from elsewhere sends its own again
//! ("repair"), because the other side may never have had it (docs/decisions/0007-two-sides-of-a-break.md).

mod change;
mod maker;
mod name;
mod whole;

use fdfs_proto::StorageId;

pub use change::{Change, ChangeVerdict, append, modify, truncate};
pub use maker::Maker;
pub use name::{NameFacts, NameUse};
pub use whole::{DeleteVerdict, WholeFile, WholeVerdict, delete, link_replaces, whole_file};

/// Who made a change, as far as this storage knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// A client of this storage.
    Own,
    /// A client of another one, which sent it.
    Peer(Maker),
    /// Somebody: it was too long ago, or a connection did not say whose it is.
    Unknown,
}

impl By {
    /// A change that a storage has sent.
    #[must_use]
    pub fn sender(sender: Option<StorageId>) -> Self {
        sender.map_or(Self::Unknown, |id| Self::Peer(Maker::of(id)))
    }

    /// The nanoseconds in the time of a file that was changed so. Those of what was made here tell nothing: 0.
    #[must_use]
    pub const fn nanos(self) -> u32 {
        match self {
            Self::Peer(maker) => maker.nanos(),
            Self::Own | Self::Unknown => 0,
        }
    }

    /// Who changed a file whose time has these nanoseconds.
    #[must_use]
    pub fn of_nanos(nanos: u32) -> Self {
        Maker::of_nanos(nanos).map_or(Self::Unknown, Self::Peer)
    }
}

/// The last change that had an effect on a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastChange {
    /// The time in its record, unix seconds.
    pub at: u32,
    /// Who made it.
    pub by: By,
}

impl LastChange {
    /// The last change of a file in which a change of `sender` at `at` has had its effect: the newer one, so that the time
    /// of a file never goes back.
    #[must_use]
    pub fn after(last: Option<Self>, at: u32, sender: Option<StorageId>) -> Self {
        let this = Self { at, by: By::sender(sender) };
        match last {
            Some(last) if last.is_of(sender) => Self { at: last.at.max(at), ..this },
            Some(last) if last.at >= at => last,
            _ => this,
        }
    }

    /// The time of a change by a client here and now: never before the change that it is made upon, and after it when
    /// that came from elsewhere, whatever the clocks say.
    #[must_use]
    pub fn next_own(self, now: u32) -> u32 {
        match self.by {
            By::Own => now.max(self.at),
            By::Peer(_) | By::Unknown => now.max(self.at.saturating_add(1)),
        }
    }

    /// The time of a file that a client makes here and now under a name that was deleted.
    #[must_use]
    pub fn next_create(self, now: u32) -> u32 {
        now.max(self.at.saturating_add(1))
    }

    /// The same file, to be sent from here again.
    #[must_use]
    pub const fn repaired(self) -> Self {
        Self { at: self.at, by: By::Own }
    }

    /// Whether `sender` made it: what one storage sends comes in the order in which it happened there.
    fn is_of(self, sender: Option<StorageId>) -> bool {
        matches!((self.by, sender), (By::Peer(maker), Some(sender)) if maker == Maker::of(sender))
    }

    /// Whether `sender` may have made it: who did is not known, as the file does not tell. What comes in may then be what it
    /// made of it next, or an older change of its own that it sends again.
    fn may_be_of(self, sender: Option<StorageId>) -> bool {
        self.by == By::Unknown && sender.is_some()
    }

    /// Whether it is newer than a change of `sender` at `at`, which then comes from the other side of a break.
    fn is_newer_than(self, at: u32, sender: Option<StorageId>) -> bool {
        !self.is_of(sender) && self.at > at
    }
}

/// Length and CRC32 of some bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Content {
    /// Bytes.
    pub len_bytes: u64,
    /// Their CRC32.
    pub crc32: u32,
}

impl Content {
    /// Which of two contents of the same second stays; the same on both sides. The longer one, as it is less likely to
    /// lack something, else the one with the smaller CRC32.
    #[must_use]
    pub const fn wins_over(self, other: Self) -> bool {
        self.len_bytes > other.len_bytes || (self.len_bytes == other.len_bytes && self.crc32 < other.crc32)
    }
}

/// Whether a name that was deleted may be there again through a change of `sender` at `at`.
fn stays_deleted(name: &NameFacts, deleted: LastChange, at: u32, sender: Option<StorageId>) -> bool {
    match name.used {
        NameUse::Once => !name.is_made_anew(deleted.at, at),
        NameUse::Again => !deleted.is_of(sender) && at <= deleted.at,
    }
}
