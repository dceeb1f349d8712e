//! 109: a storage asks for the name of its group.

use crate::cmd::tracker::record;
use crate::limits::{GROUP_NAME_LEN, IPV6_LEN};
use crate::{Command, GroupName, IpText, Put, Reader, Request, Status, Wire, WireError};

/// Request of `STORAGE_GET_GROUP_NAME` (109); the answer is a [`GroupNameAnswer`].
///
/// | offset | size   | field | unit                                                             |
/// |-------:|-------:|-------|------------------------------------------------------------------|
/// |      0 | 0 - 45 | ip    | text, not padded; left out: the sender's own address             |
/// |   last |      4 | port  | u32 big-endian                                                   |
///
/// Source: wire specification, 2.3.12.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupNameRequest {
    /// The storage's address; `None` for the sender's own.
    pub ip: Option<IpText>,
    /// The storage's port.
    pub port: u16,
}

impl GroupNameRequest {
    /// The status for a request that cannot be read: alone among the commands, a too long address has its own.
    #[must_use]
    pub const fn status_of(error: &WireError) -> Status {
        match error {
            WireError::TooLong { .. } => Status::ENAMETOOLONG,
            _ => error.status(),
        }
    }
}

impl Wire for GroupNameRequest {
    fn encode(&self, out: &mut Vec<u8>) {
        out.put_bytes(self.ip.unwrap_or_default().as_bytes());
        out.put_u32(u32::from(self.port));
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        const PORT_LEN: usize = 4;
        let have = reader.remaining();
        let ip_len = have.checked_sub(PORT_LEN).ok_or(WireError::Truncated { field: "port", need: PORT_LEN, have })?;
        if ip_len >= IPV6_LEN {
            return Err(WireError::TooLong { field: "ip address", len: ip_len, max: IPV6_LEN - 1 });
        }
        let ip = IpText::read(reader, ip_len)?;
        Ok(Self { ip: (!ip.is_empty()).then_some(ip), port: record::read_short_port(reader)? })
    }
}

impl Request for GroupNameRequest {
    const COMMAND: Command = Command::StorageGetGroupName;
}

/// Answer of 109; 16 bytes.
///
/// | offset | size | field | unit             |
/// |-------:|-----:|-------|------------------|
/// |      0 |   16 | group | text, NUL-padded |
///
/// Source: wire specification, 2.3.12.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupNameAnswer {
    /// The group.
    pub group: GroupName,
}

impl Wire for GroupNameAnswer {
    fn encode(&self, out: &mut Vec<u8>) {
        self.group.put(out, GROUP_NAME_LEN);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self { group: GroupName::read(reader, GROUP_NAME_LEN)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::tracker::check;
    use proptest::prelude::*;

    #[test]
    fn recorded_bodies_read_and_write_back() {
        check::fixed(&GroupNameRequest { ip: None, port: 23000 }, b"\0\0\x59\xd8");
        let request = GroupNameRequest { ip: Some("10.78.1.11".parse().unwrap()), port: 23100 };
        assert_eq!(request.to_bytes(), b"10.78.1.11\0\0\x5a\x3c");
        check::round_trip(&request);
        check::fixed(&GroupNameAnswer { group: "tgroup".parse().unwrap() }, b"tgroup\0\0\0\0\0\0\0\0\0\0");
    }

    #[test]
    fn every_length_has_its_status() {
        let body = |ip_len: usize| [vec![b'1'; ip_len], vec![0, 0, 0x59, 0xd8]].concat();
        for len in 0..4 {
            let error = GroupNameRequest::from_bytes(&body(0)[..len]).unwrap_err();
            assert_eq!(GroupNameRequest::status_of(&error), Status::EINVAL);
        }
        for len in 0..46 {
            assert!(GroupNameRequest::from_bytes(&body(len)).is_ok(), "{len}");
        }
        for len in [46, 47, 1000] {
            let error = GroupNameRequest::from_bytes(&body(len)).unwrap_err();
            assert_eq!(GroupNameRequest::status_of(&error), Status::ENAMETOOLONG);
        }
    }

    proptest! {
        #[test]
        fn any_body_round_trips(ip in proptest::option::of(check::ip()), port: u16, group in check::group()) {
            check::round_trip(&GroupNameRequest { ip, port });
            check::round_trip(&GroupNameAnswer { group });
        }
    }
}
