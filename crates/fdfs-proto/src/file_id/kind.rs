//! What kind of file a name tells of.

use super::SizeWord;
use super::logic_name::{NORMAL_NAME_LEN, TRUNK_NAME_LEN};

/// What kind of file a name tells of. (A link is not visible in a name.)
///
/// A slave with a short prefix and extension looks like a regular file, and a slave of a trunk file whose name has
/// 60 characters looks like a trunk file: look for the plain file of that name before you say it is missing.
///
/// Source: wire specification, 3.6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A plain file, or a link to one.
    Regular,
    /// A file that can grow: its size is only on the disk.
    Appender,
    /// A file beside a master; source, time, size and CRC in its name are the master's.
    Slave,
    /// A file in a trunk file.
    Trunk,
}

impl Kind {
    /// The kind of a logic name of `len` bytes whose size word is `word` (`None`: not decodable).
    #[must_use]
    pub const fn of(len: usize, word: Option<SizeWord>) -> Self {
        let (trunk, appender) = match word {
            Some(word) => (word.is_trunk(), word.is_appender()),
            // Differs from C: it decodes a name with foreign characters to whatever its buffer held.
            None => return Self::Regular,
        };
        if appender {
            Self::Appender
        } else if len > TRUNK_NAME_LEN || (len > NORMAL_NAME_LEN && !trunk) {
            Self::Slave
        } else if len == TRUNK_NAME_LEN && trunk {
            Self::Trunk
        } else {
            Self::Regular
        }
    }

    /// Whether trackers may send a reader to any storage that has it: neither slave nor appender.
    #[must_use]
    pub const fn is_normal(self) -> bool {
        matches!(self, Self::Regular | Self::Trunk)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file_id::LogicName;

    #[test]
    fn recorded_names_tell_their_kind() {
        for (name, kind) in [
            ("M00/00/00/Ck4BC2sAEACAOnlIAAAACw1KEYU319.txt", Kind::Regular),
            ("M00/00/03/Ck4BC2sAEAKEAj2qAAAAADUkQcI950.log", Kind::Appender),
            ("M00/01/01/Ck4BC2sAEASAX_e9AAAAC9yobGc248_150x150.jpg", Kind::Slave),
            ("M00/00/00/oYYBAGsAELGIEmJ6AAAACw1KEYUAAAAAQAAAQAAAAEA513.txt", Kind::Trunk),
            ("M00/00/00/oYYBAGsAELWIM5coAAAAC9yobGcAAAAAQAACgAAAAEA249_150x150.jpg", Kind::Slave),
            ("M00/01/01/Ck4BC2sAEASAX_e9AAAAC9yobGc248-big", Kind::Regular),
            ("M00/01/01/Ck4BC2sAEASAX_e9AAAAC9yobGc248-large", Kind::Slave),
            ("M00/00/00/Ck4BC2sAEACAOnlIAAAACw1KEY.319_150x150.jpg", Kind::Regular),
        ] {
            assert_eq!(name.parse::<LogicName>().unwrap().kind(), kind, "{name}");
        }
    }
}
