//! 66, 67, 68: the trackers agree on a leader.

use crate::cmd::tracker::HostPort;
use crate::{Command, Put, Reader, Request, Wire, WireError};

/// Both requests have the same body.
macro_rules! leader_request {
    ($(#[$doc:meta])* $name:ident = $command:ident) => {
        $(#[$doc])*
        ///
        /// | offset | size   | field  | unit                                        |
        /// |-------:|-------:|--------|---------------------------------------------|
        /// |      0 | 1 - 52 | leader | text `ip:port` or `[ipv6]:port`, not padded |
        ///
        /// Source: wire specification, 2.4.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct $name {
            /// The tracker that shall lead.
            pub leader: HostPort,
        }

        impl Wire for $name {
            fn encode(&self, out: &mut Vec<u8>) {
                out.put_bytes(self.leader.to_string().as_bytes());
            }

            fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
                Ok(Self { leader: HostPort::parse(reader.rest())? })
            }
        }

        impl Request for $name {
            const COMMAND: Command = Command::$command;
        }
    };
}

leader_request! {
    /// Request of `TRACKER_NOTIFY_NEXT_LEADER` (66): who is going to lead; the answer is empty.
    NotifyNextLeader = TrackerNotifyNextLeader
}

leader_request! {
    /// Request of `TRACKER_COMMIT_NEXT_LEADER` (67): who leads from now on; the answer is empty.
    CommitNextLeader = TrackerCommitNextLeader
}

empty_request! {
    /// Request of `TRACKER_NOTIFY_RESELECT_LEADER` (68): empty; the leader gives up its role. The answer is empty.
    ///
    /// Source: wire specification, 2.4.
    ReselectLeader = TrackerNotifyReselectLeader
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::tracker::check;
    use proptest::prelude::*;

    #[test]
    fn recorded_requests_read_and_write_back() {
        let leader = "10.78.1.2:22122".parse().unwrap();
        // A cut port is still a port: a text without an end mark cannot tell.
        check::variable(&NotifyNextLeader { leader }, b"10.78.1.2:22122", &[11, 12, 13, 14]);
        check::variable(&CommitNextLeader { leader }, b"10.78.1.2:22122", &[11, 12, 13, 14]);
        check::fixed(&ReselectLeader, b"");
        assert!(NotifyNextLeader::from_bytes(&[b'1'; 53]).is_err());
        assert!(NotifyNextLeader::from_bytes(b"10.9.9.9").is_err());
    }

    proptest! {
        #[test]
        fn any_request_round_trips(leader in check::host()) {
            check::round_trip(&NotifyNextLeader { leader });
            check::round_trip(&CommitNextLeader { leader });
        }
    }
}
