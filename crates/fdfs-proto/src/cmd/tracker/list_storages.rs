//! 92: the storages of a group.

use crate::cmd::tracker::{StorageRecord, record};
use crate::limits::STORAGES_PER_GROUP;
use crate::shared::AddrSize;
use crate::{Command, GroupName, Reader, Request, StorageId, Wire, WireError};

/// Request of `SERVER_LIST_STORAGE` (92).
///
/// | offset | size   | field | unit                                              |
/// |-------:|-------:|-------|---------------------------------------------------|
/// |      0 |     16 | group | text, NUL-padded                                  |
/// |     16 | 0 - 15 | id    | text, not padded; empty asks for all the storages |
///
/// Source: wire specification, 2.2.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListStorages {
    /// The group.
    pub group: GroupName,
    /// One storage; `None` for all.
    pub id: Option<StorageId>,
}

impl Wire for ListStorages {
    fn encode(&self, out: &mut Vec<u8>) {
        record::put_group_and_id(out, &self.group, &self.id.unwrap_or_default());
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let (group, id) = record::read_group_and_id(reader)?;
        Ok(Self { group, id: (!id.is_empty()).then_some(id) })
    }
}

impl Request for ListStorages {
    const COMMAND: Command = Command::ServerListStorage;
}

/// Answer of 92: storages sorted by id, deleted ones included.
///
/// | offset | size          | field    | unit              |
/// |-------:|--------------:|----------|-------------------|
/// |      0 | n × 487 / 517 | storages | [`StorageRecord`] |
///
/// Source: wire specification, 1.6, 2.2.3.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StorageList {
    /// The storages.
    pub storages: Vec<StorageRecord>,
}

impl StorageList {
    /// Appends the bytes to `out`.
    pub fn encode(&self, size: AddrSize, out: &mut Vec<u8>) {
        for storage in &self.storages {
            storage.encode(size, out);
        }
    }

    /// Reads a whole body; its length tells the width of the addresses, IPv4 first.
    ///
    /// # Errors
    /// [`WireError::LengthMismatch`] for another length, or that of a field.
    pub fn decode(body: &[u8]) -> Result<Self, WireError> {
        for size in [AddrSize::V4, AddrSize::V6] {
            let record_len = StorageRecord::len(size);
            let count = body.len() / record_len;
            if count * record_len == body.len() && count <= STORAGES_PER_GROUP {
                let mut reader = Reader::new(body);
                let storages =
                    (0..count).map(|_| StorageRecord::decode(size, &mut reader)).collect::<Result<_, _>>()?;
                return Ok(Self { storages });
            }
        }
        let sum = body.len() / StorageRecord::len(AddrSize::V4) * StorageRecord::len(AddrSize::V4);
        Err(WireError::LengthMismatch { sum: sum as u64, len: body.len() as u64 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::tracker::{check, storage_record::tests::any_record};
    use proptest::prelude::*;

    #[test]
    fn the_id_takes_up_to_15_bytes() {
        let one = ListStorages { group: "group1".parse().unwrap(), id: Some("10.78.1.11".parse().unwrap()) };
        check::variable(&one, b"group1\0\0\0\0\0\0\0\0\0\x0010.78.1.11", &(16..26).collect::<Vec<_>>());
        let all = ListStorages { id: None, ..one };
        check::variable(&all, b"group1\0\0\0\0\0\0\0\0\0\0", &[]);
        assert!(ListStorages::from_bytes(b"group1\0\0\0\0\0\0\0\0\0\x00123456789012345").is_ok());
        assert!(ListStorages::from_bytes(b"group1\0\0\0\0\0\0\0\0\0\x001234567890123456").is_err());
        assert!(ListStorages::from_bytes(b"group1\0\0\0\0\0\0\0\0\0\x0010\0\0\0\0\0\0\0\0\0\0\0\0\0\0").is_err());
    }

    #[test]
    fn more_than_a_group_can_have_is_refused() {
        assert_eq!(StorageList::decode(b""), Ok(StorageList::default()));
        assert!(StorageList::decode(&[0; 33 * 487]).is_err());
        assert!(StorageList::decode(&[0; 488]).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn any_list_round_trips_in_both_widths(storages in proptest::collection::vec(any_record(), 0..=32)) {
            let list = StorageList { storages };
            for size in [AddrSize::V4, AddrSize::V6] {
                let mut body = Vec::new();
                list.encode(size, &mut body);
                let read = StorageList::decode(&body);
                prop_assert_eq!(read.as_ref(), Ok(&list));
            }
        }

        #[test]
        fn any_request_round_trips(group in check::group(), id in proptest::option::of(check::id())) {
            check::round_trip(&ListStorages { group, id });
        }
    }
}
