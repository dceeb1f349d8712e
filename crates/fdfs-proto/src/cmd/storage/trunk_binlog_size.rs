//! How much a storage knows about the group's trunk files.

use crate::{Put, Reader, Wire, WireError};

/// The answer to `TRUNK_GET_BINLOG_SIZE` (31), whose request has no body: 8 bytes.
///
/// The tracker asks it of all to choose the trunk server: the one with the largest binlog.
///
/// Source: wire specification, 2.6.8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TrunkBinlogSize(
    /// Bytes of the trunk binlog, i64 big-endian.
    pub u64,
);

impl Wire for TrunkBinlogSize {
    fn encode(&self, out: &mut Vec<u8>) {
        out.put_size(self.0);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        reader.size("trunk binlog size").map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::super::cuts;
    use super::*;
    use hex_literal::hex;
    use proptest::prelude::*;

    #[test]
    fn a_recorded_answer_round_trips_and_rejects_every_cut() {
        cuts::round_trips_and_rejects_every_cut(&TrunkBinlogSize(2503), &hex!("00000000000009c7"));
        assert!(TrunkBinlogSize::from_bytes(&[0xFF; 8]).is_err());
    }

    proptest! {
        #[test]
        fn any_size_round_trips(size in 0..=i64::MAX as u64) {
            let size = TrunkBinlogSize(size);
            prop_assert_eq!(TrunkBinlogSize::from_bytes(&size.to_bytes()), Ok(size));
        }
    }
}
