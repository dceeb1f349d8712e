//! 108: the administrator removes an empty group.

use crate::limits::GROUP_NAME_LEN;
use crate::{Command, GroupName, Reader, Request, Wire, WireError};

/// Request of `SERVER_DELETE_GROUP` (108); the answer is empty.
///
/// | offset | size | field | unit             |
/// |-------:|-----:|-------|------------------|
/// |      0 |   16 | group | text, NUL-padded |
///
/// Source: wire specification, 2.2.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeleteGroup {
    /// The group.
    pub group: GroupName,
}

impl Wire for DeleteGroup {
    fn encode(&self, out: &mut Vec<u8>) {
        self.group.put(out, GROUP_NAME_LEN);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self { group: GroupName::read(reader, GROUP_NAME_LEN)? })
    }
}

impl Request for DeleteGroup {
    const COMMAND: Command = Command::ServerDeleteGroup;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::tracker::check;
    use proptest::prelude::*;

    #[test]
    fn the_request_is_the_group_and_nothing_else() {
        check::fixed(&DeleteGroup { group: "group1".parse().unwrap() }, b"group1\0\0\0\0\0\0\0\0\0\0");
    }

    proptest! {
        #[test]
        fn any_request_round_trips(group in check::group()) {
            check::round_trip(&DeleteGroup { group });
        }
    }
}
