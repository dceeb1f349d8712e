//! 95: which tracker is the leader.

use crate::cmd::tracker::HostPort;
use crate::{Put, Reader, Wire, WireError};

empty_request! {
    /// Request of `SERVER_GET_LEADER` (95): empty; the answer is the [`Leader`].
    ///
    /// Source: wire specification, 2.2.3.
    LeaderRequest = ServerGetLeader
}

/// Answer of 95: the leader tracker; `ENOENT` stands for "none known".
///
/// | offset | size   | field | unit                                          |
/// |-------:|-------:|-------|-----------------------------------------------|
/// |      0 | 1 - 52 | host  | text `ip:port` or `[ipv6]:port`, without NUL  |
///
/// Source: wire specification, 2.2.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leader {
    /// Where it is.
    pub host: HostPort,
}

impl Wire for Leader {
    fn encode(&self, out: &mut Vec<u8>) {
        out.put_bytes(self.host.to_string().as_bytes());
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self { host: HostPort::parse(reader.rest())? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::tracker::check;
    use proptest::prelude::*;

    #[test]
    fn the_recorded_answer_reads_and_writes_back() {
        // A cut port is still a port: a text without an end mark cannot tell.
        check::variable(&Leader { host: "10.78.1.2:22122".parse().unwrap() }, b"10.78.1.2:22122", &[11, 12, 13, 14]);
        check::fixed(&LeaderRequest, b"");
    }

    proptest! {
        #[test]
        fn any_leader_round_trips(host in check::host()) {
            check::round_trip(&Leader { host });
        }
    }
}
