//! Where in which trunk file a file is.

use super::base64;

/// Where in which trunk file a file is: 16 characters of base64 in the names of such files.
///
/// | offset | size | field          | unit                                     |
/// |-------:|-----:|----------------|------------------------------------------|
/// |      0 |    4 | trunk file id  | u32 big-endian                           |
/// |      4 |    4 | offset         | bytes, u32 big-endian                    |
/// |      8 |    4 | allocated size | bytes with the header, u32 big-endian    |
///
/// Source: wire specification, 3.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TrunkPart {
    /// Number of the trunk file.
    pub id: u32,
    /// Where the block begins in it, in bytes.
    pub offset: u32,
    /// Bytes of the whole block.
    pub alloc_size: u32,
}

impl TrunkPart {
    /// Characters of the encoded form.
    pub const CHARS: usize = 16;

    /// What 16 characters say; `None` when one is not in the alphabet.
    #[must_use]
    pub fn from_chars(chars: &[u8; Self::CHARS]) -> Option<Self> {
        let [a, b, c, d, e, f, g, h, i, j, k, l] = base64::decode::<{ Self::CHARS }, 12>(chars)?;
        Some(Self {
            id: u32::from_be_bytes([a, b, c, d]),
            offset: u32::from_be_bytes([e, f, g, h]),
            alloc_size: u32::from_be_bytes([i, j, k, l]),
        })
    }

    /// The 16 characters.
    #[must_use]
    pub fn to_chars(&self) -> [u8; Self::CHARS] {
        let mut bytes = [0; 12];
        bytes[..4].copy_from_slice(&self.id.to_be_bytes());
        bytes[4..8].copy_from_slice(&self.offset.to_be_bytes());
        bytes[8..].copy_from_slice(&self.alloc_size.to_be_bytes());
        base64::encode(&bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_recorded_part_reads_and_writes() {
        let part = TrunkPart { id: 1, offset: 2560, alloc_size: 256 };
        assert_eq!(TrunkPart::from_chars(b"AAAAAQAACgAAAAEA"), Some(part));
        assert_eq!(&part.to_chars(), b"AAAAAQAACgAAAAEA");
    }

    proptest! {
        #[test]
        fn any_part_round_trips(id: u32, offset: u32, alloc_size: u32) {
            let part = TrunkPart { id, offset, alloc_size };
            prop_assert_eq!(TrunkPart::from_chars(&part.to_chars()), Some(part));
        }
    }
}
