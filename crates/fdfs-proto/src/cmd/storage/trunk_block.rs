//! A block that was used, or is no longer.

use super::TrunkInfo;
use crate::limits::GROUP_NAME_LEN;
use crate::{Command, GroupName, Reader, Request, Wire, WireError};

/// `TRUNK_ALLOC_CONFIRM` (28) and `TRUNK_FREE_SPACE` (29), to the trunk server.
///
/// | offset | size | field | unit             |
/// |-------:|-----:|-------|------------------|
/// |      0 |   16 | group | text, NUL-padded |
/// |     16 |   15 | block | [`TrunkInfo`]    |
///
/// The status byte of a 28 is the errno of the upload: with 0 and 17 the block is used, else it becomes free again.
///
/// Source: wire specification, 2.6.8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrunkBlock {
    /// The group.
    pub group: GroupName,
    /// The block.
    pub block: TrunkInfo,
}

impl Wire for TrunkBlock {
    fn encode(&self, out: &mut Vec<u8>) {
        self.group.put(out, GROUP_NAME_LEN);
        self.block.encode(out);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self { group: GroupName::read(reader, GROUP_NAME_LEN)?, block: TrunkInfo::decode(reader)? })
    }
}

impl Request for TrunkBlock {
    const COMMAND: Command = Command::TrunkAllocConfirm;
}

#[cfg(test)]
mod tests {
    use super::super::cuts;
    use super::*;
    use hex_literal::hex;
    use proptest::prelude::*;

    #[test]
    fn a_recorded_request_round_trips_and_rejects_every_cut() {
        let bytes = hex!("7467726f757000000000000000000000 000000 00000001 00001600 00000300");
        let block = TrunkInfo::from_bytes(&bytes[16..]).unwrap();
        let request = TrunkBlock { group: "tgroup".parse().unwrap(), block };
        cuts::round_trips_and_rejects_every_cut(&request, &bytes);
    }

    proptest! {
        #[test]
        fn any_request_round_trips(group in "[A-Za-z0-9]{1,16}", block: [u8; 15]) {
            let request =
                TrunkBlock { group: group.parse().unwrap(), block: TrunkInfo::from_bytes(&block).unwrap() };
            prop_assert_eq!(TrunkBlock::from_bytes(&request.to_bytes()), Ok(request));
        }
    }
}
