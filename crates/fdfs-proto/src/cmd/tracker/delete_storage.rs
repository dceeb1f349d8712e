//! 93: the administrator takes a storage out of its group.

use crate::cmd::tracker::record;
use crate::{Command, GroupName, Reader, Request, StorageId, Wire, WireError};

/// Request of `SERVER_DELETE_STORAGE` (93); the answer is empty.
///
/// | offset | size   | field | unit             |
/// |-------:|-------:|-------|------------------|
/// |      0 |     16 | group | text, NUL-padded |
/// |     16 | 1 - 15 | id    | text, not padded |
///
/// Source: wire specification, 2.2.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeleteStorage {
    /// Its group.
    pub group: GroupName,
    /// The storage.
    pub id: StorageId,
}

impl Wire for DeleteStorage {
    fn encode(&self, out: &mut Vec<u8>) {
        record::put_group_and_id(out, &self.group, &self.id);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let (group, id) = record::read_group_and_some_id(reader)?;
        Ok(Self { group, id })
    }
}

impl Request for DeleteStorage {
    const COMMAND: Command = Command::ServerDeleteStorage;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::tracker::check;
    use proptest::prelude::*;

    #[test]
    fn the_id_takes_1_to_15_bytes() {
        let request = DeleteStorage { group: "tgroup".parse().unwrap(), id: "100001".parse().unwrap() };
        check::variable(&request, b"tgroup\0\0\0\0\0\0\0\0\0\x00100001", &[17, 18, 19, 20, 21]);
        assert!(DeleteStorage::from_bytes(b"tgroup\0\0\0\0\0\0\0\0\0\x001234567890123456").is_err());
        assert!(DeleteStorage::from_bytes(b"tgroup\0\0\0\0\0\0\0\0\0\0\0").is_err());
    }

    proptest! {
        #[test]
        fn any_request_round_trips(group in check::group(), id in check::id()) {
            check::round_trip(&DeleteStorage { group, id });
        }
    }
}
