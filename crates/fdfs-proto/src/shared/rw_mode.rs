//! What a storage may be used for.

use std::fmt;

/// What a storage may be used for (`rw=` of storage_ids.conf).
///
/// Source: wire specification, 2.1.5; configuration, 6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RwMode {
    /// Neither reads nor writes: a pure disaster copy.
    None,
    /// Reads only.
    Read,
    /// Writes only.
    Write,
    /// Both.
    #[default]
    Both,
}

impl RwMode {
    /// The byte on the wire.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Read => 4,
            Self::Write => 2,
            Self::Both => 6,
        }
    }

    /// The mode of a byte on the wire.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            0 => Self::None,
            4 => Self::Read,
            2 => Self::Write,
            6 => Self::Both,
            _ => return None,
        })
    }

    /// Whether clients may be sent here to read.
    #[must_use]
    pub const fn can_read(self) -> bool {
        matches!(self, Self::Read | Self::Both)
    }

    /// Whether clients may be sent here to write.
    #[must_use]
    pub const fn can_write(self) -> bool {
        matches!(self, Self::Write | Self::Both)
    }
}

/// The words of `fdfs_monitor`.
impl fmt::Display for RwMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none (disabled)",
            Self::Read => "readonly",
            Self::Write => "writeonly",
            Self::Both => "both (normal)",
        })
    }
}
