//! The 20 bytes that a file's name begins with.

use super::{SizeWord, Source, base64};

/// The 20 bytes that a file's name begins with, as 27 characters of base64.
///
/// | offset | size | field     | unit                                                                       |
/// |-------:|-----:|-----------|----------------------------------------------------------------------------|
/// |      0 |    4 | source    | [`Source`]                                                                 |
/// |      4 |    4 | created   | unix seconds, u32 big-endian                                               |
/// |      8 |    8 | size word | [`SizeWord`], u64 big-endian                                               |
/// |     16 |    4 | CRC-32    | of the content, u32 big-endian; appender: of the first content; link: random |
///
/// Source: wire specification, 3.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fields {
    /// The storage it was first uploaded to.
    pub source: Source,
    /// When it was named, unix seconds.
    pub created: u32,
    /// Size, flags and random bits.
    pub size_word: SizeWord,
    /// CRC-32 of the content.
    pub crc32: u32,
}

impl Fields {
    /// Characters of the encoded form.
    pub const CHARS: usize = 27;

    /// What 27 characters say; `None` when one is not in the alphabet.
    #[must_use]
    pub fn from_chars(chars: &[u8; Self::CHARS]) -> Option<Self> {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t] =
            base64::decode::<{ Self::CHARS }, 20>(chars)?;
        Some(Self {
            source: Source::from_bytes([a, b, c, d]),
            created: u32::from_be_bytes([e, f, g, h]),
            size_word: SizeWord(u64::from_be_bytes([i, j, k, l, m, n, o, p])),
            crc32: u32::from_be_bytes([q, r, s, t]),
        })
    }

    /// The 27 characters.
    #[must_use]
    pub fn to_chars(&self) -> [u8; Self::CHARS] {
        let mut bytes = [0; 20];
        bytes[..4].copy_from_slice(&self.source.to_bytes());
        bytes[4..8].copy_from_slice(&self.created.to_be_bytes());
        bytes[8..16].copy_from_slice(&self.size_word.0.to_be_bytes());
        bytes[16..].copy_from_slice(&self.crc32.to_be_bytes());
        base64::encode(&bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_recorded_name_reads_and_writes() {
        let fields = Fields {
            source: Source::Ip([10, 78, 1, 11].into()),
            created: 1_795_166_208,
            size_word: SizeWord::regular(11, 0x3A7948),
            crc32: 0x0D4A_1185,
        };
        assert_eq!(Fields::from_chars(b"Ck4BC2sAEACAOnlIAAAACw1KEYU"), Some(fields));
        assert_eq!(&fields.to_chars(), b"Ck4BC2sAEACAOnlIAAAACw1KEYU");
        assert_eq!(Fields::from_chars(b"Ck4BC2sAEACAOnlI.AAACw1KEYU"), None);
    }

    proptest! {
        #[test]
        fn any_fields_round_trip(source: [u8; 4], created: u32, word: u64, crc32: u32) {
            let source = Source::from_bytes(source);
            let fields = Fields { source, created, size_word: SizeWord(word), crc32 };
            prop_assert_eq!(Fields::from_chars(&fields.to_chars()), Some(fields));
        }
    }
}
