//! 65: a tracker pings the leader, every second.

use crate::cmd::tracker::record;
use crate::limits::{GROUP_NAME_LEN, GROUPS};
use crate::shared::ConnectionCounts;
use crate::{Command, GroupName, Put, Reader, Request, StorageId, Wire, WireError};

/// Request of `TRACKER_PING_LEADER` (65); 12 bytes, the answer is a [`PingAnswer`].
///
/// | offset | size | field              | unit           |
/// |-------:|-----:|--------------------|----------------|
/// |      0 |    4 | connections, alloc | u32 big-endian |
/// |      4 |    4 | connections, now   | u32 big-endian |
/// |      8 |    4 | connections, max   | u32 big-endian |
///
/// Source: wire specification, 2.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PingLeader {
    /// The sender's connections.
    pub connections: ConnectionCounts,
}

impl Wire for PingLeader {
    fn encode(&self, out: &mut Vec<u8>) {
        out.put_u32(self.connections.alloc);
        out.put_u32(self.connections.current);
        out.put_u32(self.connections.max);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let connections = ConnectionCounts {
            alloc: reader.u32("connection alloc")?,
            current: reader.u32("connection current")?,
            max: reader.u32("connection max")?,
        };
        Ok(Self { connections })
    }
}

impl Request for PingLeader {
    const COMMAND: Command = Command::TrackerPingLeader;
}

/// The trunk server of a group; 32 bytes.
///
/// | offset | size | field           | unit                            |
/// |-------:|-----:|-----------------|---------------------------------|
/// |      0 |   16 | group           | text, NUL-padded                |
/// |     16 |   16 | trunk server id | text, NUL-padded; empty is none |
///
/// Source: wire specification, 2.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupTrunkServer {
    /// The group.
    pub group: GroupName,
    /// Its trunk server.
    pub trunk_server_id: Option<StorageId>,
}

impl GroupTrunkServer {
    /// Bytes of a record.
    pub const LEN: usize = 32;
}

impl Wire for GroupTrunkServer {
    fn encode(&self, out: &mut Vec<u8>) {
        self.group.put(out, GROUP_NAME_LEN);
        record::put_maybe_id(out, self.trunk_server_id.as_ref());
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self { group: GroupName::read(reader, GROUP_NAME_LEN)?, trunk_server_id: record::read_maybe_id(reader)? })
    }
}

/// Answer of 65: empty, or every group when a trunk server changed since this connection was told last.
///
/// | offset | size   | field  | unit                 |
/// |-------:|-------:|--------|----------------------|
/// |      0 | n × 32 | groups | [`GroupTrunkServer`] |
///
/// Source: wire specification, 2.4.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PingAnswer {
    /// The groups; none is "no news".
    pub groups: Vec<GroupTrunkServer>,
}

impl Wire for PingAnswer {
    fn encode(&self, out: &mut Vec<u8>) {
        for group in &self.groups {
            group.encode(out);
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self { groups: record::read_all(reader, GroupTrunkServer::LEN, GROUPS, "group count")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::tracker::check;
    use hex_literal::hex;
    use proptest::prelude::*;

    #[test]
    fn bodies_read_and_write_back_and_reject_every_cut() {
        let connections = ConnectionCounts { alloc: 256, current: 3, max: 5 };
        check::fixed(&PingLeader { connections }, &hex!("00000100 00000003 00000005"));
        check::fixed(&PingAnswer::default(), b"");
        let answer = PingAnswer {
            groups: vec![
                GroupTrunkServer { group: "group1".parse().unwrap(), trunk_server_id: None },
                GroupTrunkServer { group: "group2".parse().unwrap(), trunk_server_id: Some("100001".parse().unwrap()) },
            ],
        };
        let bytes =
            [b"group1".as_slice(), &[0; 26], b"group2\0\0\0\0\0\0\0\0\0\x00100001\0\0\0\0\0\0\0\0\0\0"].concat();
        check::variable(&answer, &bytes, &[0, 32]);
        assert!(PingAnswer::from_bytes(&[0; 513 * 32]).is_err());
    }

    proptest! {
        #[test]
        fn any_body_round_trips(
            counts: [u32; 3],
            groups in proptest::collection::vec((check::group(), proptest::option::of(check::id())), 0..40),
        ) {
            let [alloc, current, max] = counts;
            check::round_trip(&PingLeader { connections: ConnectionCounts { alloc, current, max } });
            let groups = groups.into_iter()
                .map(|(group, trunk_server_id)| GroupTrunkServer { group, trunk_server_id }).collect();
            check::round_trip(&PingAnswer { groups });
        }
    }
}
