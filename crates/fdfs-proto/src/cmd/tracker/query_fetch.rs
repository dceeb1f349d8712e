//! 102, 103, 105: where a file is.

use crate::cmd::tracker::storage_addr::{StorageAddr, read_list, tell_list, tell_one};
use crate::limits::{FILE_NAME_MAX, GROUP_NAME_LEN};
use crate::shared::AddrSize;
use crate::{Command, FileName, GroupName, Put, Reader, Request, Wire, WireError};

/// The shortest file name that a tracker looks at, in bytes.
pub const FETCH_NAME_MIN: usize = 22;

/// Request of `QUERY_FETCH_ONE` (102), `QUERY_UPDATE` (103) and `QUERY_FETCH_ALL` (105).
///
/// | offset | size     | field     | unit                                          |
/// |-------:|---------:|-----------|-----------------------------------------------|
/// |      0 |       16 | group     | text, NUL-padded                              |
/// |     16 | 22 - 127 | file name | text, not padded, `M00/00/00/...`             |
///
/// The tracker does not check the form of the name, it only decodes what it can.
///
/// Source: wire specification, 2.2.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FetchRequest {
    /// The group.
    pub group: GroupName,
    /// The file's logic name, without the group.
    pub name: FileName,
}

impl Wire for FetchRequest {
    fn encode(&self, out: &mut Vec<u8>) {
        self.group.put(out, GROUP_NAME_LEN);
        out.put_bytes(self.name.as_bytes());
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let group = GroupName::read(reader, GROUP_NAME_LEN)?;
        let name = reader.rest();
        if name.len() < FETCH_NAME_MIN {
            return Err(WireError::Truncated { field: "file name", need: FETCH_NAME_MIN, have: name.len() });
        }
        if name.len() > FILE_NAME_MAX {
            return Err(WireError::TooLong { field: "file name", len: name.len(), max: FILE_NAME_MAX });
        }
        Ok(Self { group, name: FileName::new(name)? })
    }
}

impl Request for FetchRequest {
    const COMMAND: Command = Command::QueryFetchOne;
}

/// Answer of 102 and 103: one storage; 39 or 69 bytes.
///
/// | offset  | size    | field | unit             |
/// |--------:|--------:|-------|------------------|
/// |       0 |      16 | group | text, NUL-padded |
/// |      16 | 15 / 45 | ip    | text, NUL-padded |
/// | 31 / 61 |       8 | port  | i64 big-endian   |
///
/// Source: wire specification, 2.2.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FetchTarget {
    /// The group.
    pub group: GroupName,
    /// The storage.
    pub server: StorageAddr,
}

impl FetchTarget {
    /// Appends the bytes to `out`.
    pub fn encode(&self, size: AddrSize, out: &mut Vec<u8>) {
        self.group.put(out, GROUP_NAME_LEN);
        self.server.encode(size, out);
    }

    /// Reads a whole body; its length tells the width of the address.
    ///
    /// # Errors
    /// [`WireError::LengthMismatch`] for another length, [`WireError::BadText`], [`WireError::OutOfRange`].
    pub fn decode(body: &[u8]) -> Result<Self, WireError> {
        let size = tell_one(body.len(), GROUP_NAME_LEN)?;
        let mut reader = Reader::new(body);
        Ok(Self {
            group: GroupName::read(&mut reader, GROUP_NAME_LEN)?,
            server: StorageAddr::decode(size, &mut reader)?,
        })
    }
}

/// Answer of 105: every storage that has the file; 16 + n × 23 or 16 + n × 53 bytes, n from 1 to 32.
///
/// | offset | size        | field   | unit             |
/// |-------:|------------:|---------|------------------|
/// |      0 |          16 | group   | text, NUL-padded |
/// |     16 | n × 23 / 53 | servers | [`StorageAddr`]  |
///
/// Source: wire specification, 1.6, 2.2.2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchTargets {
    /// The group.
    pub group: GroupName,
    /// The storages, at least one.
    pub servers: Vec<StorageAddr>,
}

impl FetchTargets {
    /// Appends the bytes to `out`.
    pub fn encode(&self, size: AddrSize, out: &mut Vec<u8>) {
        self.group.put(out, GROUP_NAME_LEN);
        for server in &self.servers {
            server.encode(size, out);
        }
    }

    /// Reads a whole body; its length tells the width of the addresses, IPv4 first.
    ///
    /// # Errors
    /// [`WireError::LengthMismatch`] for another length, [`WireError::BadText`], [`WireError::OutOfRange`].
    pub fn decode(body: &[u8]) -> Result<Self, WireError> {
        let (size, count) = tell_list(body.len(), GROUP_NAME_LEN)?;
        let mut reader = Reader::new(body);
        Ok(Self { group: GroupName::read(&mut reader, GROUP_NAME_LEN)?, servers: read_list(size, count, &mut reader)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::tracker::check;
    use proptest::prelude::*;

    const NAME: &str = "M00/00/00/Ck4BC2sAEACAOnlIAAAACw1KEYU319.txt";

    #[test]
    fn names_of_22_to_127_bytes_are_read() {
        let request = FetchRequest { group: "group1".parse().unwrap(), name: NAME.parse().unwrap() };
        let bytes = [b"group1\0\0\0\0\0\0\0\0\0\0", NAME.as_bytes()].concat();
        check::variable(&request, &bytes, &(38..60).collect::<Vec<_>>());
        let long = |n: usize| FetchRequest::from_bytes(&[&bytes[..16], &vec![b'a'; n]].concat());
        assert!(long(127).is_ok());
        assert!(long(128).is_err());
        assert!(long(300).is_err());
    }

    #[test]
    fn names_with_nul_or_control_characters_are_refused() {
        for bad in [0, b'\n', b' ', 0x7F, 0xFF] {
            let mut bytes = [b"group1\0\0\0\0\0\0\0\0\0\0", NAME.as_bytes()].concat();
            bytes[30] = bad;
            assert!(FetchRequest::from_bytes(&bytes).is_err(), "{bad:#x}");
        }
    }

    #[test]
    fn answers_reject_every_cut() {
        let server = StorageAddr { ip: "10.78.1.11".parse().unwrap(), port: 23000 };
        let all = FetchTargets { group: "group1".parse().unwrap(), servers: vec![server; 3] };
        let mut body = Vec::new();
        all.encode(AddrSize::V6, &mut body);
        assert_eq!(body.len(), 16 + 3 * 53);
        // One and two storages less are lists too; so are cuts that look like lists of narrow addresses, as long as
        // what stands where ports are expected can be one.
        for len in 0..body.len() {
            if FetchTargets::decode(&body[..len]).is_ok() {
                assert!((len - 16) % 53 == 0 || (len - 16) % 23 == 0, "cut at {len}");
            }
        }
        check::cuts(FetchTarget::decode, &body[..69], &[39]);
    }

    proptest! {
        #[test]
        fn any_request_and_answer_round_trips(
            group in check::group(),
            name in check::file_name(),
            servers in proptest::collection::vec((check::ipv4(), any::<u16>()), 1..=32),
        ) {
            check::round_trip(&FetchRequest { group, name });
            let servers: Vec<_> = servers.into_iter().map(|(ip, port)| StorageAddr { ip, port }).collect();
            for size in [AddrSize::V4, AddrSize::V6] {
                let one = FetchTarget { group, server: servers[0] };
                let mut body = Vec::new();
                one.encode(size, &mut body);
                prop_assert_eq!(FetchTarget::decode(&body), Ok(one));
                let all = FetchTargets { group, servers: servers.clone() };
                let mut body = Vec::new();
                all.encode(size, &mut body);
                prop_assert_eq!(FetchTargets::decode(&body), Ok(all));
            }
        }
    }
}
