//! The life of a storage as its trackers see it.

use std::fmt;

/// The life of a storage as its trackers see it.
///
/// Source: wire specification, 2.1.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum StorageStatus {
    /// Known, nothing decided.
    Init = 0,
    /// A source is chosen, its old files are not yet coming.
    WaitSync = 1,
    /// The source is copying its old files.
    Syncing = 2,
    /// The entry was replaced by one with a new address.
    IpChanged = 3,
    /// Removed by the administrator.
    Deleted = 4,
    /// Not connected.
    Offline = 5,
    /// Joined, not yet beating.
    Online = 6,
    /// Joined and beating.
    Active = 7,
    /// Rebuilding a store path.
    Recovery = 9,
    /// No value.
    None = 99,
}

impl StorageStatus {
    /// Every status, in the order of their numbers.
    pub const ALL: [Self; 10] = [
        Self::Init,
        Self::WaitSync,
        Self::Syncing,
        Self::IpChanged,
        Self::Deleted,
        Self::Offline,
        Self::Online,
        Self::Active,
        Self::Recovery,
        Self::None,
    ];

    /// The number on the wire and in files.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The status of a number; 8 and others beyond the table are none.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.number() == number)
    }

    /// Whether it is OFFLINE, ONLINE or ACTIVE.
    #[must_use]
    pub const fn is_available(self) -> bool {
        matches!(self, Self::Offline | Self::Online | Self::Active)
    }
}

/// The words of `fdfs_monitor`.
impl fmt::Display for StorageStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Init => "INIT",
            Self::WaitSync => "WAIT_SYNC",
            Self::Syncing => "SYNCING",
            Self::IpChanged => "IP_CHANGED",
            Self::Deleted => "DELETED",
            Self::Offline => "OFFLINE",
            Self::Online => "ONLINE",
            Self::Active => "ACTIVE",
            Self::Recovery => "RECOVERY",
            Self::None => "UNKNOWN",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_back() {
        for status in StorageStatus::ALL {
            assert_eq!(StorageStatus::from_number(status.number()), Some(status));
        }
        assert_eq!(StorageStatus::from_number(8), None);
    }
}
