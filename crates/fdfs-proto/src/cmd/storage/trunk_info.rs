//! Where a block of a trunk file is.

use crate::disk::trunk_record as disk;
use crate::file_id::{LogicName, TrunkPart};
use crate::{Put, Reader, Wire, WireError};

/// Where a block of a trunk file is: answer to 27, part of 28 and 29.
///
/// | offset | size | field          | unit                                  |
/// |-------:|-----:|----------------|---------------------------------------|
/// |      0 |    1 | store path     | index                                 |
/// |      1 |    1 | high           | the first sub directory               |
/// |      2 |    1 | low            | the second sub directory              |
/// |      3 |    4 | trunk file id  | u32 big-endian                        |
/// |      7 |    4 | offset         | bytes, u32 big-endian                 |
/// |     11 |    4 | allocated size | bytes with the header, u32 big-endian |
///
/// Source: wire specification, 2.6.8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TrunkInfo {
    /// Index of the store path.
    pub store_path_index: u8,
    /// The first sub directory.
    pub high: u8,
    /// The second sub directory.
    pub low: u8,
    /// The block in its trunk file.
    pub part: TrunkPart,
}

impl TrunkInfo {
    /// Bytes of a record.
    pub const LEN: usize = 15;

    /// The block that a name tells of; `None` when it is not that of a file in a trunk file.
    #[must_use]
    pub fn of(name: &LogicName) -> Option<Self> {
        let part = name.trunk_part()?;
        Some(Self { store_path_index: name.store_path_index(), high: name.high(), low: name.low(), part })
    }
}

impl From<disk::TrunkBlock> for TrunkInfo {
    fn from(block: disk::TrunkBlock) -> Self {
        Self {
            store_path_index: block.store_path_index,
            high: block.subdir_high,
            low: block.subdir_low,
            part: TrunkPart { id: block.file_id, offset: block.offset, alloc_size: block.size },
        }
    }
}

impl From<TrunkInfo> for disk::TrunkBlock {
    fn from(info: TrunkInfo) -> Self {
        Self {
            store_path_index: info.store_path_index,
            subdir_high: info.high,
            subdir_low: info.low,
            file_id: info.part.id,
            offset: info.part.offset,
            size: info.part.alloc_size,
        }
    }
}

impl Wire for TrunkInfo {
    fn encode(&self, out: &mut Vec<u8>) {
        out.put_bytes(&[self.store_path_index, self.high, self.low]);
        out.put_u32(self.part.id);
        out.put_u32(self.part.offset);
        out.put_u32(self.part.alloc_size);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let [store_path_index, high, low] = reader.array("store path and sub directories")?;
        let (id, offset) = (reader.u32("trunk file id")?, reader.u32("offset")?);
        let part = TrunkPart { id, offset, alloc_size: reader.u32("allocated size")? };
        Ok(Self { store_path_index, high, low, part })
    }
}

#[cfg(test)]
mod tests {
    use super::super::cuts;
    use super::*;
    use hex_literal::hex;
    use proptest::prelude::*;

    #[test]
    fn a_recorded_block_round_trips_and_rejects_every_cut() {
        let part = TrunkPart { id: 1, offset: 5632, alloc_size: 1024 };
        let info = TrunkInfo { store_path_index: 1, high: 2, low: 3, part };
        cuts::round_trips_and_rejects_every_cut(&info, &hex!("010203 00000001 00001600 00000400"));
    }

    #[test]
    fn a_name_tells_its_block() {
        let name = "M01/02/0F/oYYBAGsAELGIEmJ6AAAACw1KEYUAAAAAQAAAQAAAAEA513.txt".parse().unwrap();
        let part = TrunkPart { id: 1, offset: 256, alloc_size: 256 };
        assert_eq!(TrunkInfo::of(&name), Some(TrunkInfo { store_path_index: 1, high: 2, low: 15, part }));
        let plain = "M00/00/00/Ck4BC2sAEACAOnlIAAAACw1KEYU319.txt".parse().unwrap();
        assert_eq!(TrunkInfo::of(&plain), None);
    }

    proptest! {
        #[test]
        fn any_15_bytes_round_trip(bytes: [u8; 15]) {
            let info = TrunkInfo::from_bytes(&bytes).unwrap();
            prop_assert_eq!(info.to_bytes(), bytes);
            prop_assert_eq!(TrunkInfo::from(disk::TrunkBlock::from(info)), info);
        }
    }
}
