//! The 24 bytes in front of a file in a trunk file.

use super::{FormattedExt, LogicName};
use crate::{Put, Reader, Wire, WireError};

/// What a block of a trunk file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BlockType {
    /// Nothing: the block is free.
    Free,
    /// A file's content.
    Regular,
    /// The logic name of a link's target.
    Link,
}

impl BlockType {
    /// The byte on disk.
    #[must_use]
    pub const fn byte(self) -> u8 {
        match self {
            Self::Free => 0,
            Self::Regular => b'F',
            Self::Link => b'L',
        }
    }

    /// The type of a byte on disk.
    #[must_use]
    pub const fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            0 => Self::Free,
            b'F' => Self::Regular,
            b'L' => Self::Link,
            _ => return None,
        })
    }
}

/// The 24 bytes in front of a file in a trunk file; a name is only a file if they match.
///
/// | offset | size | field          | unit                                            |
/// |-------:|-----:|----------------|-------------------------------------------------|
/// |      0 |    1 | type           | `F` file, `L` link, 0 free                      |
/// |      1 |    4 | allocated size | bytes of the whole block, u32 big-endian        |
/// |      5 |    4 | file size      | bytes of the content, u32 big-endian            |
/// |      9 |    4 | CRC-32         | as in the name, u32 big-endian                  |
/// |     13 |    4 | mtime          | as in the name, unix seconds, u32 big-endian    |
/// |     17 |    7 | extension part | the last seven characters of the name, no NUL   |
///
/// Source: wire specification, 3.10; disk formats, A.6.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TrunkHeader {
    /// What the block holds.
    pub block_type: BlockType,
    /// Bytes of the whole block.
    pub alloc_size: u32,
    /// Bytes of the content.
    pub file_size: u32,
    /// CRC-32 of the content; of a link: random.
    pub crc32: u32,
    /// When the upload began, unix seconds.
    pub mtime: u32,
    /// The last seven characters of the name, as they are on disk.
    pub ext: [u8; FormattedExt::LEN],
}

impl TrunkHeader {
    /// Bytes of the header.
    pub const LEN: usize = 24;

    /// The header that a file of this name has; `None` when the name is not that of a file in a trunk file.
    #[must_use]
    pub fn from_name(name: &LogicName, block_type: BlockType) -> Option<Self> {
        let part = name.trunk_part()?;
        let fields = name.fields()?;
        Some(Self {
            block_type,
            alloc_size: part.alloc_size,
            file_size: fields.size_word.size() as u32,
            crc32: fields.crc32,
            mtime: fields.created,
            ext: *FormattedExt::of(name)?.as_bytes(),
        })
    }

    /// Whether the block holds the file or link of this name: the type is taken as it is, all else must be equal.
    #[must_use]
    pub fn is_of(&self, name: &LogicName) -> bool {
        self.block_type != BlockType::Free && Self::from_name(name, self.block_type).as_ref() == Some(self)
    }
}

impl Wire for TrunkHeader {
    fn encode(&self, out: &mut Vec<u8>) {
        out.put_u8(self.block_type.byte());
        out.put_u32(self.alloc_size);
        out.put_u32(self.file_size);
        out.put_u32(self.crc32);
        out.put_u32(self.mtime);
        out.put_bytes(&self.ext);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let byte = reader.u8("block type")?;
        let block_type =
            BlockType::from_byte(byte).ok_or_else(|| WireError::bad_text("block type", std::slice::from_ref(&byte)))?;
        Ok(Self {
            block_type,
            alloc_size: reader.u32("allocated size")?,
            file_size: reader.u32("file size")?,
            crc32: reader.u32("crc32")?,
            mtime: reader.u32("mtime")?,
            ext: reader.array("extension part")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;
    use proptest::prelude::*;

    /// From a trunk file of the reference: the block at offset 768 and the name of its file.
    const RECORDED: [u8; 24] = hex!("46 00000200 000000E9 1492A403 6B001011 3739382E6A7067");
    const NAME: &str = "M00/00/00/Ck4CC2sAEBGILXy_AAAA6RSSpAMAAAAAQAAAwAAAAIA798.jpg";

    #[test]
    fn a_recorded_header_is_rebuilt_from_its_name() {
        let header = TrunkHeader::from_bytes(&RECORDED).unwrap();
        let name: LogicName = NAME.parse().unwrap();
        assert_eq!(TrunkHeader::from_name(&name, BlockType::Regular), Some(header));
        assert!(header.is_of(&name));
        assert_eq!(header.to_bytes(), RECORDED);
        for len in 0..RECORDED.len() {
            assert!(TrunkHeader::from_bytes(&RECORDED[..len]).is_err(), "cut at {len}");
        }
    }

    #[test]
    fn a_header_that_differs_in_one_bit_is_of_another_file() {
        let name: LogicName = NAME.parse().unwrap();
        for bit in 8..8 * RECORDED.len() {
            let mut bytes = RECORDED;
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(!TrunkHeader::from_bytes(&bytes).unwrap().is_of(&name), "bit {bit}");
        }
        let with_type = |block_type| TrunkHeader { block_type, ..TrunkHeader::from_bytes(&RECORDED).unwrap() };
        assert!(with_type(BlockType::Link).is_of(&name), "the type is the disk's to tell");
        assert!(!with_type(BlockType::Free).is_of(&name));
        let slave: LogicName = "M00/00/00/Ck4CC2sAEBGILXy_AAAA6RSSpAMAAAAAQAAAwAAAAIA798_s.jpg".parse().unwrap();
        assert_eq!(TrunkHeader::from_name(&slave, BlockType::Regular), None);
    }

    proptest! {
        #[test]
        fn any_24_bytes_round_trip_or_have_no_type(bytes: [u8; 24]) {
            match TrunkHeader::from_bytes(&bytes) {
                Ok(header) => prop_assert_eq!(header.to_bytes(), bytes),
                Err(_) => prop_assert!(BlockType::from_byte(bytes[0]).is_none()),
            }
        }
    }
}
