//! Making the name of a new file.

use super::{Fields, FormattedExt, SizeWord, Source, TrunkPart};
use crate::FileName;

/// What kind of file a new name is for. (Slaves take their master's name: [`slave_name`](super::slave_name).)
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NewKind {
    /// A plain file, or a link.
    Regular,
    /// An appender file: its size stays out of its name.
    Appender,
    /// A file in a trunk file.
    Trunk(TrunkPart),
}

/// What the name of a new file is made of.
///
/// Source: wire specification, 3.1, 3.2, 3.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NewName {
    /// Index of the store path.
    pub store_path_index: u8,
    /// The first sub directory (trunk: that of the trunk file).
    pub high: u8,
    /// The second sub directory.
    pub low: u8,
    /// This storage.
    pub source: Source,
    /// Unix seconds: mtime of the finished file; trunk: when the upload began.
    pub created: u32,
    /// Bytes of the content; a link's target's.
    pub size: u64,
    /// CRC-32 of the content; a link: random.
    pub crc32: u32,
    /// What kind of file it is.
    pub kind: NewKind,
    /// Random bits that keep names apart; 23 are used, none for plain files of 4 GiB and more.
    pub random: u32,
    /// The last seven characters.
    pub ext: FormattedExt,
}

impl NewName {
    /// What the first 27 characters will say.
    #[must_use]
    pub const fn fields(&self) -> Fields {
        let size_word = match self.kind {
            NewKind::Regular => SizeWord::regular(self.size, self.random),
            NewKind::Appender => SizeWord::appender(self.random),
            NewKind::Trunk(_) => SizeWord::trunk(self.size as u32, self.random),
        };
        Fields { source: self.source, created: self.created, size_word, crc32: self.crc32 }
    }

    /// The first 27 characters: what the hash of [`subdirs_by_hash`](super::subdirs_by_hash) is made over.
    #[must_use]
    pub fn encoded(&self) -> [u8; Fields::CHARS] {
        self.fields().to_chars()
    }

    /// The name. Nothing is allocated.
    #[must_use]
    pub fn build(&self) -> FileName {
        let mut chars = [0; 60];
        let mut len = 0;
        let mut put = |part: &[u8]| {
            chars[len..len + part.len()].copy_from_slice(part);
            len += part.len();
        };
        put(b"M");
        for byte in [self.store_path_index, self.high, self.low] {
            put(&upper_hex(byte));
            put(b"/");
        }
        put(&self.encoded());
        if let NewKind::Trunk(part) = self.kind {
            put(&part.to_chars());
        }
        put(self.ext.as_bytes());
        FileName::new(&chars[..len]).expect("hex digits, base64 and checked extensions are characters of file names")
    }
}

/// Two upper-case hex digits.
fn upper_hex(byte: u8) -> [u8; 2] {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file_id::{Kind, LogicName};
    use proptest::prelude::*;

    fn hello() -> NewName {
        NewName {
            store_path_index: 0,
            high: 0,
            low: 0,
            source: Source::Ip([10, 78, 1, 11].into()),
            created: 1_795_166_208,
            size: 11,
            crc32: 0x0D4A_1185,
            kind: NewKind::Regular,
            random: 0x3A7948,
            ext: FormattedExt::new(&"txt".parse().unwrap(), 319),
        }
    }

    #[test]
    fn recorded_names_are_made_again() {
        assert_eq!(hello().build().as_str(), "M00/00/00/Ck4BC2sAEACAOnlIAAAACw1KEYU319.txt");
        let trunk = NewName {
            source: Source::Id(100_001),
            created: 1_795_166_385,
            random: 0x12627A,
            kind: NewKind::Trunk(TrunkPart { id: 1, offset: 256, alloc_size: 256 }),
            ext: FormattedExt::new(&"txt".parse().unwrap(), 513),
            ..hello()
        };
        assert_eq!(trunk.build().as_str(), "M00/00/00/oYYBAGsAELGIEmJ6AAAACw1KEYUAAAAAQAAAQAAAAEA513.txt");
        let appender = NewName {
            low: 3,
            created: 1_795_166_210,
            random: 0x023DAA,
            size: 3,
            crc32: 0x3524_41C2,
            kind: NewKind::Appender,
            ext: FormattedExt::new(&"log".parse().unwrap(), 950),
            ..hello()
        };
        assert_eq!(appender.build().as_str(), "M00/00/03/Ck4BC2sAEAKEAj2qAAAAADUkQcI950.log");
    }

    proptest! {
        #[test]
        fn any_new_name_reads_back(
            path: [u8; 3], source: [u8; 4], created: u32, size in 0..1u64 << 40, crc32: u32, random: u32,
            ext in "[A-Za-z0-9._-]{0,6}", trunk: (u32, u32, u32), which in 0..3,
        ) {
            let part = TrunkPart { id: trunk.0, offset: trunk.1, alloc_size: trunk.2 };
            let (kind, expected) = match which {
                0 => (NewKind::Regular, Kind::Regular),
                1 => (NewKind::Appender, Kind::Appender),
                _ => (NewKind::Trunk(part), Kind::Trunk),
            };
            let ext = FormattedExt::new(&ext.parse().unwrap(), random);
            let [store_path_index, high, low] = path;
            let source = Source::from_bytes(source);
            let new = NewName { store_path_index, high, low, source, created, size, crc32, kind, random, ext };
            let name = LogicName::parse(&new.build()).unwrap();
            prop_assert_eq!(name.fields(), Some(new.fields()));
            prop_assert_eq!(name.kind(), expected);
            prop_assert_eq!(name.trunk_part(), (expected == Kind::Trunk).then_some(part));
            prop_assert_eq!([name.store_path_index(), name.high(), name.low()], path);
            prop_assert_eq!(FormattedExt::of(&name), Some(ext));
        }
    }
}
