//! 60: a storage asks for its own addresses.

use crate::cmd::tracker::HostAddrs;
use crate::cmd::tracker::record::{self, GROUP_NAME_NUL_LEN};
use crate::{Command, GroupName, Put, Reader, Request, Wire, WireError};

/// Request of `STORAGE_GET_MY_IP` (60); 21 bytes, the answer is [`MyIp`].
///
/// | offset | size | field | unit             |
/// |-------:|-----:|-------|------------------|
/// |      0 |   17 | group | text, NUL-padded |
/// |     17 |    4 | port  | u32 big-endian   |
///
/// Source: wire specification, 2.3.9.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MyIpRequest {
    /// The storage's group.
    pub group: GroupName,
    /// The storage's port.
    pub port: u16,
}

impl Wire for MyIpRequest {
    fn encode(&self, out: &mut Vec<u8>) {
        self.group.put(out, GROUP_NAME_NUL_LEN);
        out.put_u32(u32::from(self.port));
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self { group: GroupName::read(reader, GROUP_NAME_NUL_LEN)?, port: record::read_short_port(reader)? })
    }
}

impl Request for MyIpRequest {
    const COMMAND: Command = Command::StorageGetMyIp;
}

/// Answer of 60: the sender's address as the tracker sees it, or the addresses that the storage ids give it.
///
/// | offset | size | field     | unit                             |
/// |-------:|-----:|-----------|----------------------------------|
/// |      0 |    … | addresses | text `ip` or `ip,ip2`, not padded |
///
/// Source: wire specification, 2.3.9.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MyIp {
    /// The addresses.
    pub addrs: HostAddrs,
}

impl Wire for MyIp {
    fn encode(&self, out: &mut Vec<u8>) {
        out.put_bytes(self.addrs.to_string().as_bytes());
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self { addrs: HostAddrs::parse(reader.rest())? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::tracker::check;
    use proptest::prelude::*;

    #[test]
    fn recorded_bodies_read_and_write_back() {
        let request = MyIpRequest { group: "group1".parse().unwrap(), port: 23000 };
        check::fixed(&request, b"group1\0\0\0\0\0\0\0\0\0\0\0\0\0\x59\xd8");
        assert!(MyIpRequest::from_bytes(b"group1\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0").is_err(), "port 65536");
        let answer = MyIp { addrs: HostAddrs::one("10.78.1.11".parse().unwrap()) };
        // An address that lost its last digit is still one: a text without an end mark cannot tell.
        check::variable(&answer, b"10.78.1.11", &[9]);
    }

    proptest! {
        #[test]
        fn any_body_round_trips(group in check::group(), port: u16, addrs in check::addrs()) {
            check::round_trip(&MyIpRequest { group, port });
            check::round_trip(&MyIp { addrs });
        }
    }
}
