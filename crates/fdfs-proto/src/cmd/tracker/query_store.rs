//! 101, 104, 106, 107: where to upload to.

use crate::cmd::tracker::storage_addr::{StorageAddr, read_list, tell_list, tell_one};
use crate::limits::GROUP_NAME_LEN;
use crate::shared::AddrSize;
use crate::{Command, GroupName, Put, Reader, Request, Wire, WireError};

empty_request! {
    /// Request of `QUERY_STORE_WITHOUT_GROUP_ONE` (101) and `QUERY_STORE_WITHOUT_GROUP_ALL` (106): empty; the tracker
    /// chooses the group. The answer is a [`StoreTarget`] or [`StoreTargets`].
    ///
    /// Source: wire specification, 2.2.1.
    QueryStoreAnyRequest = QueryStoreWithoutGroupOne
}

/// Request of `QUERY_STORE_WITH_GROUP_ONE` (104) and `QUERY_STORE_WITH_GROUP_ALL` (107).
///
/// | offset | size | field | unit                                            |
/// |-------:|-----:|-------|-------------------------------------------------|
/// |      0 |   16 | group | text, NUL-padded; empty is a group nobody knows |
///
/// Source: wire specification, 2.2.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueryStoreRequest {
    /// The group to upload to.
    pub group: GroupName,
}

impl Wire for QueryStoreRequest {
    fn encode(&self, out: &mut Vec<u8>) {
        self.group.put(out, GROUP_NAME_LEN);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self { group: GroupName::read(reader, GROUP_NAME_LEN)? })
    }
}

impl Request for QueryStoreRequest {
    const COMMAND: Command = Command::QueryStoreWithGroupOne;
}

/// Answer of 101 and 104: one storage; 40 or 70 bytes.
///
/// | offset  | size    | field      | unit                 |
/// |--------:|--------:|------------|----------------------|
/// |       0 |      16 | group      | text, NUL-padded     |
/// |      16 | 15 / 45 | ip         | text, NUL-padded     |
/// | 31 / 61 |       8 | port       | i64 big-endian       |
/// | 39 / 69 |       1 | store path | index from 0         |
///
/// Source: wire specification, 2.2.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreTarget {
    /// The group.
    pub group: GroupName,
    /// The storage.
    pub server: StorageAddr,
    /// The store path to use there.
    pub store_path_index: u8,
}

impl StoreTarget {
    /// Appends the bytes to `out`.
    pub fn encode(&self, size: AddrSize, out: &mut Vec<u8>) {
        self.group.put(out, GROUP_NAME_LEN);
        self.server.encode(size, out);
        out.put_u8(self.store_path_index);
    }

    /// Reads a whole body; its length tells the width of the address.
    ///
    /// # Errors
    /// [`WireError::LengthMismatch`] for another length, [`WireError::BadText`], [`WireError::OutOfRange`].
    pub fn decode(body: &[u8]) -> Result<Self, WireError> {
        let size = tell_one(body.len(), GROUP_NAME_LEN + 1)?;
        let mut reader = Reader::new(body);
        Ok(Self {
            group: GroupName::read(&mut reader, GROUP_NAME_LEN)?,
            server: StorageAddr::decode(size, &mut reader)?,
            store_path_index: reader.u8("store path")?,
        })
    }
}

/// Answer of 106 and 107: all writable storages of a group; 17 + n × 23 or 17 + n × 53 bytes, n from 1 to 32.
///
/// | offset | size        | field      | unit                                     |
/// |-------:|------------:|------------|------------------------------------------|
/// |      0 |          16 | group      | text, NUL-padded                         |
/// |     16 | n × 23 / 53 | servers    | [`StorageAddr`]                          |
/// |   last |           1 | store path | index from 0, meant for the first server |
///
/// Source: wire specification, 1.6, 2.2.1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreTargets {
    /// The group.
    pub group: GroupName,
    /// The storages, at least one.
    pub servers: Vec<StorageAddr>,
    /// The store path to use on the first of them.
    pub store_path_index: u8,
}

impl StoreTargets {
    /// Appends the bytes to `out`.
    pub fn encode(&self, size: AddrSize, out: &mut Vec<u8>) {
        self.group.put(out, GROUP_NAME_LEN);
        for server in &self.servers {
            server.encode(size, out);
        }
        out.put_u8(self.store_path_index);
    }

    /// Reads a whole body; its length tells the width of the addresses, IPv4 first.
    ///
    /// # Errors
    /// [`WireError::LengthMismatch`] for another length, [`WireError::BadText`], [`WireError::OutOfRange`].
    pub fn decode(body: &[u8]) -> Result<Self, WireError> {
        let (size, count) = tell_list(body.len(), GROUP_NAME_LEN + 1)?;
        let mut reader = Reader::new(body);
        Ok(Self {
            group: GroupName::read(&mut reader, GROUP_NAME_LEN)?,
            servers: read_list(size, count, &mut reader)?,
            store_path_index: reader.u8("store path")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::tracker::check;
    use hex_literal::hex;
    use proptest::prelude::*;

    #[test]
    fn the_request_is_the_group_and_nothing_else() {
        let request = QueryStoreRequest { group: "group1".parse().unwrap() };
        check::fixed(&request, b"group1\0\0\0\0\0\0\0\0\0\0");
        check::fixed(&QueryStoreAnyRequest, b"");
    }

    #[test]
    fn the_recorded_answer_reads_and_writes_back_and_rejects_every_cut() {
        let body = hex!("67726f75703100000000000000000000 31302e37382e312e31310000000000 00000000000059d8 00");
        let target = StoreTarget::decode(&body).unwrap();
        assert_eq!(target.group.as_str(), "group1");
        assert_eq!(target.server, StorageAddr { ip: "10.78.1.11".parse().unwrap(), port: 23000 });
        let mut out = Vec::new();
        target.encode(AddrSize::V4, &mut out);
        assert_eq!(out, body);
        check::cuts(StoreTarget::decode, &body, &[]);
        check::cuts(StoreTargets::decode, &body, &[]);
    }

    proptest! {
        #[test]
        fn any_answer_round_trips_in_both_widths(
            group in check::group(),
            servers in proptest::collection::vec((check::ipv4(), any::<u16>()), 1..=32),
            store_path_index: u8,
        ) {
            let servers: Vec<_> = servers.into_iter().map(|(ip, port)| StorageAddr { ip, port }).collect();
            for size in [AddrSize::V4, AddrSize::V6] {
                let one = StoreTarget { group, server: servers[0], store_path_index };
                let mut body = Vec::new();
                one.encode(size, &mut body);
                prop_assert_eq!(StoreTarget::decode(&body), Ok(one));
                let all = StoreTargets { group, servers: servers.clone(), store_path_index };
                let mut body = Vec::new();
                all.encode(size, &mut body);
                prop_assert_eq!(StoreTargets::decode(&body), Ok(all));
            }
        }
    }
}
