//! 79, 86, 87, 88: which storage copies the old files to a new one.

use crate::cmd::tracker::record;
use crate::limits::{GROUP_NAME_LEN, STORAGE_ID_LEN};
use crate::{Command, GroupName, Put, Reader, Request, StorageId, Wire, WireError};

/// Who copies the old files, and which files are old; 24 bytes.
///
/// | offset | size | field     | unit                                                       |
/// |-------:|-----:|-----------|------------------------------------------------------------|
/// |      0 |   16 | source id | text, NUL-padded                                           |
/// |     16 |    8 | until     | unix seconds, i64 big-endian: older files come from the source |
///
/// Source: wire specification, 2.1.6.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyncSource {
    /// The storage that copies them.
    pub id: StorageId,
    /// Files written before this time must come from it.
    pub until_secs: i64,
}

impl Wire for SyncSource {
    fn encode(&self, out: &mut Vec<u8>) {
        self.id.put(out, STORAGE_ID_LEN);
        out.put_i64(self.until_secs);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self { id: StorageId::read(reader, STORAGE_ID_LEN)?, until_secs: reader.i64("until timestamp")? })
    }
}

/// Answer of 79, 86 and 87: empty, or one [`SyncSource`].
///
/// Source: wire specification, 2.3.3, 2.3.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SyncSourceAnswer {
    /// The source; `None` when nobody has to copy anything.
    pub source: Option<SyncSource>,
}

impl Wire for SyncSourceAnswer {
    fn encode(&self, out: &mut Vec<u8>) {
        if let Some(source) = &self.source {
            source.encode(out);
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let source = if reader.remaining() == 0 { None } else { Some(SyncSource::decode(reader)?) };
        Ok(Self { source })
    }
}

empty_request! {
    /// Request of `STORAGE_SYNC_DEST_QUERY` (79), joined: empty; the answer is the stored [`SyncSourceAnswer`] of the
    /// asking storage.
    ///
    /// Source: wire specification, 2.3.3.
    SyncDestQuery = StorageSyncDestQuery
}

empty_request! {
    /// Request of `STORAGE_SYNC_DEST_REQ` (87), joined: empty; "who shall copy the old files to me". The answer is a
    /// [`SyncSourceAnswer`]; `ENOENT` asks to come again later.
    ///
    /// Source: wire specification, 2.3.3.
    SyncDestRequest = StorageSyncDestReq
}

/// Request of `STORAGE_SYNC_SRC_REQ` (86), not joined; the answer is a [`SyncSourceAnswer`].
///
/// | offset | size | field          | unit             |
/// |-------:|-----:|----------------|------------------|
/// |      0 |   16 | group          | text, NUL-padded |
/// |     16 |   16 | destination id | text, NUL-padded |
///
/// Source: wire specification, 2.3.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyncSourceRequest {
    /// The group.
    pub group: GroupName,
    /// The storage that the old files go to.
    pub dest_id: StorageId,
}

impl Wire for SyncSourceRequest {
    fn encode(&self, out: &mut Vec<u8>) {
        self.group.put(out, GROUP_NAME_LEN);
        self.dest_id.put(out, STORAGE_ID_LEN);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self { group: GroupName::read(reader, GROUP_NAME_LEN)?, dest_id: StorageId::read(reader, STORAGE_ID_LEN)? })
    }
}

impl Request for SyncSourceRequest {
    const COMMAND: Command = Command::StorageSyncSrcReq;
}

/// Request of `STORAGE_SYNC_NOTIFY` (88), joined: which source another tracker chose; the answer is empty.
///
/// | offset | size | field     | unit                                   |
/// |-------:|-----:|-----------|----------------------------------------|
/// |      0 |   16 | source id | text, NUL-padded; empty is "no source" |
/// |     16 |    8 | until     | unix seconds, i64 big-endian           |
///
/// Source: wire specification, 2.1.6, 2.3.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyncNotify {
    /// The source; `None` when there is none.
    pub source_id: Option<StorageId>,
    /// Files written before this time must come from it.
    pub until_secs: i64,
}

impl Wire for SyncNotify {
    fn encode(&self, out: &mut Vec<u8>) {
        record::put_maybe_id(out, self.source_id.as_ref());
        out.put_i64(self.until_secs);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self { source_id: record::read_maybe_id(reader)?, until_secs: reader.i64("until timestamp")? })
    }
}

impl Request for SyncNotify {
    const COMMAND: Command = Command::StorageSyncNotify;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::tracker::check;
    use proptest::prelude::*;

    #[test]
    fn recorded_bodies_read_and_write_back() {
        let source = SyncSource { id: "10.78.1.12".parse().unwrap(), until_secs: 0x6b00_0eb4 };
        let bytes = b"10.78.1.12\0\0\0\0\0\0\0\0\0\0\x6b\x00\x0e\xb4";
        check::fixed(&source, bytes);
        check::variable(&SyncSourceAnswer { source: Some(source) }, bytes, &[0]);
        check::fixed(&SyncSourceAnswer::default(), b"");
        check::fixed(&SyncNotify { source_id: Some(source.id), until_secs: source.until_secs }, bytes);
        check::fixed(&SyncNotify { source_id: None, until_secs: 0 }, &[0; 24]);
        check::fixed(&SyncDestQuery, b"");
        check::fixed(&SyncDestRequest, b"");
        let request = SyncSourceRequest { group: "group1".parse().unwrap(), dest_id: source.id };
        check::fixed(&request, b"group1\0\0\0\0\0\0\0\0\0\x0010.78.1.12\0\0\0\0\0\0");
    }

    proptest! {
        #[test]
        fn any_body_round_trips(
            group in check::group(),
            id in check::id(),
            source_id in proptest::option::of(check::id()),
            until_secs: i64,
        ) {
            check::round_trip(&SyncSourceAnswer { source: Some(SyncSource { id, until_secs }) });
            check::round_trip(&SyncNotify { source_id, until_secs });
            check::round_trip(&SyncSourceRequest { group, dest_id: id });
        }
    }
}
