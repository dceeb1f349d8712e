//! 58: a tracker joins the leader.

use crate::cmd::tracker::record;
use crate::limits::VERSION_LEN;
use crate::{Command, Put, Reader, Request, VersionText, Wire, WireError};

/// Request of `TRACKER_JOIN_LEADER` (58); 24 bytes, the answer is empty.
///
/// | offset | size | field   | unit                                     |
/// |-------:|-----:|---------|------------------------------------------|
/// |      0 |    8 | up time | unix seconds of the daemon's start, i64  |
/// |      8 |    8 | version | text, NUL-padded                         |
/// |     16 |    8 | port    | i64 big-endian                           |
///
/// Source: wire specification, 2.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JoinLeader {
    /// When the sender's daemon was started.
    pub up_time_secs: i64,
    /// The version of its program.
    pub version: VersionText,
    /// Its port.
    pub port: u16,
}

impl Wire for JoinLeader {
    fn encode(&self, out: &mut Vec<u8>) {
        out.put_i64(self.up_time_secs);
        self.version.put(out, VERSION_LEN);
        out.put_i64(i64::from(self.port));
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self {
            up_time_secs: reader.i64("up time")?,
            version: VersionText::read(reader, VERSION_LEN)?,
            port: record::read_port(reader)?,
        })
    }
}

impl Request for JoinLeader {
    const COMMAND: Command = Command::TrackerJoinLeader;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::tracker::check;
    use hex_literal::hex;
    use proptest::prelude::*;

    #[test]
    fn the_request_reads_and_writes_back_and_rejects_every_cut() {
        let join = JoinLeader { up_time_secs: 0x6b00_0eb3, version: "6.16.1".parse().unwrap(), port: 22122 };
        check::fixed(&join, &hex!("000000006b000eb3 362e31362e310000 000000000000566a"));
    }

    proptest! {
        #[test]
        fn any_request_round_trips(up_time_secs: i64, version in check::version(), port: u16) {
            check::round_trip(&JoinLeader { up_time_secs, version, port });
        }
    }
}
