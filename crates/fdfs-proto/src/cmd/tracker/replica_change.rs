//! 85: a storage's own view of its peers, where it is ahead of the tracker's.

use crate::cmd::tracker::record;
use crate::limits::STORAGES_PER_GROUP;
use crate::shared::StorageBrief;
use crate::{Command, Reader, Request, Wire, WireError};

/// Request of `STORAGE_REPLICA_CHG` (85); the answer is empty.
///
/// | offset | size   | field    | unit                            |
/// |-------:|-------:|----------|---------------------------------|
/// |      0 | n × 67 | storages | [`StorageBrief`], n from 1 to 32 |
///
/// Source: wire specification, 2.3.3.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReplicaChange {
    /// The peers.
    pub storages: Vec<StorageBrief>,
}

impl Wire for ReplicaChange {
    fn encode(&self, out: &mut Vec<u8>) {
        for storage in &self.storages {
            storage.encode(out);
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let storages = record::read_all(reader, StorageBrief::LEN, STORAGES_PER_GROUP, "storage count")?;
        if storages.is_empty() {
            return Err(WireError::Truncated { field: "storage", need: StorageBrief::LEN, have: 0 });
        }
        Ok(Self { storages })
    }
}

impl Request for ReplicaChange {
    const COMMAND: Command = Command::StorageReplicaChg;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::tracker::check;
    use proptest::prelude::*;

    #[test]
    fn one_to_32_records_are_read() {
        let change = ReplicaChange { storages: vec![StorageBrief::NONE; 2] };
        check::variable(&change, &[0; 134], &[67]);
        assert!(ReplicaChange::from_bytes(&[]).is_err());
        assert!(ReplicaChange::from_bytes(&[0; 66]).is_err());
        assert!(ReplicaChange::from_bytes(&[0; 32 * 67]).is_ok());
        assert!(ReplicaChange::from_bytes(&[0; 33 * 67]).is_err());
    }

    proptest! {
        #[test]
        fn any_change_round_trips(storages in proptest::collection::vec(check::brief(), 1..=32)) {
            check::round_trip(&ReplicaChange { storages });
        }
    }
}
