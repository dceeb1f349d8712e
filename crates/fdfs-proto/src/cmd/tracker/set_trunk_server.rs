//! 94: the administrator names the trunk server of a group.

use crate::cmd::tracker::record;
use crate::{Command, GroupName, Put, Reader, Request, StorageId, Wire, WireError};

/// Request of `SERVER_SET_TRUNK_SERVER` (94); the answer is [`TrunkServerChosen`].
///
/// | offset | size   | field | unit                                             |
/// |-------:|-------:|-------|--------------------------------------------------|
/// |      0 |     16 | group | text, NUL-padded                                 |
/// |     16 | 0 - 15 | id    | text, not padded; empty lets the tracker choose  |
///
/// Source: wire specification, 2.2.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SetTrunkServer {
    /// The group.
    pub group: GroupName,
    /// The storage; `None` lets the tracker keep the active one or choose.
    pub id: Option<StorageId>,
}

impl Wire for SetTrunkServer {
    fn encode(&self, out: &mut Vec<u8>) {
        record::put_group_and_id(out, &self.group, &self.id.unwrap_or_default());
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let (group, id) = record::read_group_and_id(reader)?;
        Ok(Self { group, id: (!id.is_empty()).then_some(id) })
    }
}

impl Request for SetTrunkServer {
    const COMMAND: Command = Command::ServerSetTrunkServer;
}

/// Answer of 94: the storage that is the trunk server now.
///
/// | offset | size   | field | unit                     |
/// |-------:|-------:|-------|--------------------------|
/// |      0 | 2 - 16 | id    | text with one NUL behind |
///
/// Source: wire specification, 2.2.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrunkServerChosen {
    /// Its id.
    pub id: StorageId,
}

impl Wire for TrunkServerChosen {
    fn encode(&self, out: &mut Vec<u8>) {
        out.put_bytes(self.id.as_bytes());
        out.put_u8(0);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let body = reader.rest();
        let (&last, id) =
            body.split_last().ok_or(WireError::Truncated { field: "storage id", need: 2, have: body.len() })?;
        if last != 0 || id.is_empty() {
            return Err(WireError::bad_text("storage id", body));
        }
        Ok(Self { id: StorageId::new(id)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::tracker::check;
    use proptest::prelude::*;

    #[test]
    fn recorded_bodies_read_and_write_back() {
        let request = SetTrunkServer { group: "tgroup".parse().unwrap(), id: Some("100001".parse().unwrap()) };
        check::variable(&request, b"tgroup\0\0\0\0\0\0\0\0\0\x00100001", &(16..22).collect::<Vec<_>>());
        check::variable(&SetTrunkServer { id: None, ..request }, b"tgroup\0\0\0\0\0\0\0\0\0\0", &[]);
        assert!(SetTrunkServer::from_bytes(b"tgroup\0\0\0\0\0\0\0\0\0\x001234567890123456").is_err());
        check::fixed(&TrunkServerChosen { id: "100001".parse().unwrap() }, b"100001\0");
    }

    proptest! {
        #[test]
        fn any_body_round_trips(group in check::group(), asked in proptest::option::of(check::id()), id in check::id()) {
            check::round_trip(&SetTrunkServer { group, id: asked });
            check::round_trip(&TrunkServerChosen { id });
        }
    }
}
