//! 89: up to when the files of each peer have arrived.

use crate::cmd::tracker::record;
use crate::limits::STORAGE_ID_LEN;
use crate::{Command, Put, Reader, Request, StorageId, Wire, WireError};

/// One peer in the report; 20 bytes.
///
/// | offset | size | field     | unit                                    |
/// |-------:|-----:|-----------|-----------------------------------------|
/// |      0 |   16 | source id | text, NUL-padded                        |
/// |     16 |    4 | timestamp | unix seconds, u32 big-endian; 0: nothing |
///
/// Source: wire specification, 2.3.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyncedUpTo {
    /// The peer.
    pub source_id: StorageId,
    /// All files of the peer up to this time have arrived; 0 when nothing is known.
    pub timestamp_secs: u32,
}

impl SyncedUpTo {
    /// Bytes of a record.
    pub const LEN: usize = 20;
}

impl Wire for SyncedUpTo {
    fn encode(&self, out: &mut Vec<u8>) {
        self.source_id.put(out, STORAGE_ID_LEN);
        out.put_u32(self.timestamp_secs);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self {
            source_id: StorageId::read(reader, STORAGE_ID_LEN)?,
            timestamp_secs: reader.u32("synced timestamp")?,
        })
    }
}

/// Request of `STORAGE_SYNC_REPORT` (89); the answer is a [`BeatAnswer`](super::BeatAnswer).
///
/// | offset | size   | field   | unit                                                             |
/// |-------:|-------:|---------|------------------------------------------------------------------|
/// |      0 | n × 20 | sources | [`SyncedUpTo`], n at least 1; C sends one for itself too, with 0 |
///
/// The list is as long as the sender likes: the reference has no limit but the package's.
///
/// Source: wire specification, 2.3.2.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SyncReport {
    /// The peers.
    pub sources: Vec<SyncedUpTo>,
}

impl Wire for SyncReport {
    fn encode(&self, out: &mut Vec<u8>) {
        for source in &self.sources {
            source.encode(out);
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let sources = record::read_all(reader, SyncedUpTo::LEN, usize::MAX, "source count")?;
        if sources.is_empty() {
            return Err(WireError::Truncated { field: "source", need: SyncedUpTo::LEN, have: 0 });
        }
        Ok(Self { sources })
    }
}

impl Request for SyncReport {
    const COMMAND: Command = Command::StorageSyncReport;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::tracker::check;
    use proptest::prelude::*;

    #[test]
    fn one_record_per_source() {
        let report = SyncReport {
            sources: vec![
                SyncedUpTo { source_id: "10.78.1.11".parse().unwrap(), timestamp_secs: 0 },
                SyncedUpTo { source_id: "10.78.1.12".parse().unwrap(), timestamp_secs: 0x6b00_0eb4 },
            ],
        };
        let bytes = b"10.78.1.11\0\0\0\0\0\0\0\0\0\x0010.78.1.12\0\0\0\0\0\0\x6b\x00\x0e\xb4";
        check::variable(&report, bytes, &[20]);
        assert!(SyncReport::from_bytes(&[]).is_err());
        assert!(SyncReport::from_bytes(&[0; 21]).is_err());
    }

    proptest! {
        #[test]
        fn any_report_round_trips(
            sources in proptest::collection::vec((check::maybe_id(), any::<u32>()), 1..64),
        ) {
            let sources =
                sources.into_iter().map(|(source_id, timestamp_secs)| SyncedUpTo { source_id, timestamp_secs }).collect();
            check::round_trip(&SyncReport { sources });
        }
    }
}
