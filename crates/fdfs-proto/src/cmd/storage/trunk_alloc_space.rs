//! A block of a trunk file for a new file.

use crate::limits::GROUP_NAME_LEN;
use crate::{Command, GroupName, Put, Reader, Request, Wire, WireError};

/// `TRUNK_ALLOC_SPACE` (27), to the trunk server. The answer is a [`TrunkInfo`](super::TrunkInfo).
///
/// | offset | size | field      | unit                                                         |
/// |-------:|-----:|------------|--------------------------------------------------------------|
/// |      0 |   16 | group      | text, NUL-padded                                             |
/// |     16 |    4 | size       | bytes of content and header, i32 big-endian, never negative  |
/// |     20 |    1 | store path | index                                                        |
///
/// Source: wire specification, 2.6.8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrunkAllocSpace {
    /// The group.
    pub group: GroupName,
    /// Bytes that the block must have at least, its header included.
    pub size: u32,
    /// Index of the store path.
    pub store_path_index: u8,
}

impl Wire for TrunkAllocSpace {
    fn encode(&self, out: &mut Vec<u8>) {
        self.group.put(out, GROUP_NAME_LEN);
        out.put_u32(self.size);
        out.put_u8(self.store_path_index);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let group = GroupName::read(reader, GROUP_NAME_LEN)?;
        let size = reader.u32("size")?;
        if i32::try_from(size).is_err() {
            return Err(WireError::Negative { field: "size", value: i64::from(size as i32) });
        }
        Ok(Self { group, size, store_path_index: reader.u8("store path")? })
    }
}

impl Request for TrunkAllocSpace {
    const COMMAND: Command = Command::TrunkAllocSpace;
}

#[cfg(test)]
mod tests {
    use super::super::cuts;
    use super::*;
    use hex_literal::hex;
    use proptest::prelude::*;

    #[test]
    fn a_recorded_request_round_trips_and_rejects_every_cut() {
        let request = TrunkAllocSpace { group: "tgroup".parse().unwrap(), size: 674, store_path_index: 1 };
        let mut bytes = hex!("7467726f757000000000000000000000 000002a2 01");
        cuts::round_trips_and_rejects_every_cut(&request, &bytes);
        bytes[16..20].fill(0xFF);
        assert_eq!(TrunkAllocSpace::from_bytes(&bytes), Err(WireError::Negative { field: "size", value: -1 }));
    }

    proptest! {
        #[test]
        fn any_request_round_trips(group in "[A-Za-z0-9]{1,16}", size in 0..=i32::MAX as u32, store_path_index: u8) {
            let request = TrunkAllocSpace { group: group.parse().unwrap(), size, store_path_index };
            prop_assert_eq!(TrunkAllocSpace::from_bytes(&request.to_bytes()), Ok(request));
        }
    }
}
