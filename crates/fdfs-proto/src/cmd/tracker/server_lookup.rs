//! 70, 71: a storage asks for the id or the status of an address.

use crate::cmd::tracker::HostPort;
use crate::limits::GROUP_NAME_LEN;
use crate::{Command, GroupName, Put, Reader, Request, StorageId, Wire, WireError};

/// Both requests have the same body.
macro_rules! lookup_request {
    ($(#[$doc:meta])* $name:ident = $command:ident) => {
        $(#[$doc])*
        ///
        /// | offset | size   | field | unit                                                    |
        /// |-------:|-------:|-------|---------------------------------------------------------|
        /// |      0 |     16 | group | text, NUL-padded                                        |
        /// |     16 | 1 - 52 | host  | text `ip:port` or `[ipv6]:port`, not padded             |
        ///
        /// Source: wire specification, 2.3.11.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct $name {
            /// The storage's group.
            pub group: GroupName,
            /// Its address and port.
            pub host: HostPort,
        }

        impl Wire for $name {
            fn encode(&self, out: &mut Vec<u8>) {
                self.group.put(out, GROUP_NAME_LEN);
                out.put_bytes(self.host.to_string().as_bytes());
            }

            fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
                Ok(Self { group: GroupName::read(reader, GROUP_NAME_LEN)?, host: HostPort::parse(reader.rest())? })
            }
        }

        impl Request for $name {
            const COMMAND: Command = Command::$command;
        }
    };
}

lookup_request! {
    /// Request of `STORAGE_GET_SERVER_ID` (70); the answer is a [`ServerId`].
    ServerIdRequest = StorageGetServerId
}

lookup_request! {
    /// Request of `STORAGE_GET_STATUS` (71); the answer is a [`StorageBrief`](crate::shared::StorageBrief).
    ServerStatusRequest = StorageGetStatus
}

/// Answer of 70: the id of the storage; without storage ids what [`id_of_address`](super::short_code::id_of_address)
/// makes of the address.
///
/// | offset | size   | field | unit             |
/// |-------:|-------:|-------|------------------|
/// |      0 | 1 - 16 | id    | text, not padded |
///
/// Source: wire specification, 2.3.11.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerId {
    /// The id.
    pub id: StorageId,
}

impl Wire for ServerId {
    fn encode(&self, out: &mut Vec<u8>) {
        out.put_bytes(self.id.as_bytes());
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let text = reader.rest();
        if text.is_empty() {
            return Err(WireError::Truncated { field: "storage id", need: 1, have: 0 });
        }
        Ok(Self { id: StorageId::new(text)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::tracker::check;
    use proptest::prelude::*;

    #[test]
    fn recorded_bodies_read_and_write_back() {
        let (group, host) = ("tgroup".parse().unwrap(), "10.78.1.11:23100".parse().unwrap());
        // A cut port is still a port: a text without an end mark cannot tell.
        let bytes = b"tgroup\0\0\0\0\0\0\0\0\0\x0010.78.1.11:23100";
        check::variable(&ServerIdRequest { group, host }, bytes, &[28, 29, 30, 31]);
        check::variable(&ServerStatusRequest { group, host }, bytes, &[28, 29, 30, 31]);
        check::variable(&ServerId { id: "100001".parse().unwrap() }, b"100001", &[1, 2, 3, 4, 5]);
        assert!(ServerId::from_bytes(b"12345678901234567").is_err());
        assert!(ServerId::from_bytes(b"100001\0").is_err());
    }

    proptest! {
        #[test]
        fn any_body_round_trips(group in check::group(), host in check::host(), id in check::id()) {
            check::round_trip(&ServerIdRequest { group, host });
            check::round_trip(&ServerStatusRequest { group, host });
            check::round_trip(&ServerId { id });
        }
    }
}
