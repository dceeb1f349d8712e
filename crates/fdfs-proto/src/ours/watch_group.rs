//! "Tell me when my group changes": a storage of ours asks a tracker of ours, so that news need not wait for a beat.

use crate::limits::{GROUP_NAME_LEN, STORAGE_ID_LEN, STORAGES_PER_GROUP};
use crate::shared::StorageBrief;
use crate::{Command, GroupName, Put, Reader, Request, StorageId, Wire, WireError};

/// Request of `WATCH_GROUP` (241), needs no join. The tracker answers with a [`GroupView`] as soon as that differs from
/// the one that the asker has seen, at the latest when `patience_ms` have passed. `ENOENT`: no such group.
///
/// | offset | size | field    | unit                                            |
/// |-------:|-----:|----------|-------------------------------------------------|
/// |      0 |   16 | group    | text, NUL-padded                                |
/// |     16 |   16 | id       | text, NUL-padded: the storage whose source is told |
/// |     32 |    8 | seen     | [`GroupView::stamp`] of the last answer, 0 for none |
/// |     40 |    4 | patience | milliseconds, u32 big-endian                    |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WatchGroup {
    /// The group.
    pub group: GroupName,
    /// The storage whose sync source is told.
    pub id: StorageId,
    /// What the asker has seen; 0 has seen nothing.
    pub seen: u64,
    /// How long the tracker may wait for a change, in milliseconds.
    pub patience_ms: u32,
}

impl Wire for WatchGroup {
    fn encode(&self, out: &mut Vec<u8>) {
        self.group.put(out, GROUP_NAME_LEN);
        self.id.put(out, STORAGE_ID_LEN);
        out.put_i64(self.seen.cast_signed());
        out.put_u32(self.patience_ms);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self {
            group: GroupName::read(reader, GROUP_NAME_LEN)?,
            id: StorageId::read(reader, STORAGE_ID_LEN)?,
            seen: reader.i64("seen")?.cast_unsigned(),
            patience_ms: reader.u32("patience")?,
        })
    }
}

impl Request for WatchGroup {
    const COMMAND: Command = Command::WatchGroup;
}

/// Answer of `WATCH_GROUP`: the group as this tracker sees it.
///
/// | offset | size | field        | unit                                                       |
/// |-------:|-----:|--------------|------------------------------------------------------------|
/// |      0 |    8 | stamp        | [`GroupView::stamp`] of the rest                           |
/// |      8 |    1 | leads        | 1: this tracker is the leader, so that its list counts     |
/// |      9 |   67 | leader       | [`StorageBrief`] as in beat answers, zeros for none        |
/// |     76 |   67 | trunk server | [`StorageBrief`], zeros for none                           |
/// |    143 |   16 | source       | who copies the old files to the asker, text, empty for none |
/// |    159 |    8 | until        | unix seconds, i64 big-endian: older files come from it     |
/// |    167 |    8 | synced       | unix seconds: up to when the asker has everything, as told to clients |
/// |    175 | n × 67 | storages   | [`StorageBrief`] of all of the group, n up to 32           |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupView {
    /// Whether the tracker leads.
    pub leads: bool,
    /// The leader that it knows.
    pub leader: StorageBrief,
    /// The trunk server of the group.
    pub trunk_server: StorageBrief,
    /// Who copies the old files to the asker; empty for nobody.
    pub source: StorageId,
    /// Files written before this time come from the source.
    pub until_secs: i64,
    /// Up to when the asker has everything.
    pub synced_secs: i64,
    /// All storages of the group, sorted by id.
    pub storages: Vec<StorageBrief>,
}

impl GroupView {
    /// What tells this view from others: a hash (FNV-1a, 64 bits) of everything behind the stamp but `synced`, which
    /// changes with every file and wakes nobody. Never 0.
    #[must_use]
    pub fn stamp(&self) -> u64 {
        let mut bytes = Vec::with_capacity(256);
        Self { synced_secs: 0, ..self.clone() }.encode_behind_stamp(&mut bytes);
        let hash = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        bytes.iter().fold(0xcbf2_9ce4_8422_2325, hash).max(1)
    }

    fn encode_behind_stamp(&self, out: &mut Vec<u8>) {
        out.put_u8(u8::from(self.leads));
        self.leader.encode(out);
        self.trunk_server.encode(out);
        self.source.put(out, STORAGE_ID_LEN);
        out.put_i64(self.until_secs);
        out.put_i64(self.synced_secs);
        self.storages.iter().for_each(|storage| storage.encode(out));
    }
}

impl Wire for GroupView {
    fn encode(&self, out: &mut Vec<u8>) {
        out.put_i64(self.stamp().cast_signed());
        self.encode_behind_stamp(out);
    }

    /// A wrong stamp is not looked for: the asker takes its own of what it read.
    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        reader.i64("stamp")?;
        let leads = reader.u8("leads")? != 0;
        let (leader, trunk_server) = (StorageBrief::decode(reader)?, StorageBrief::decode(reader)?);
        let source = StorageId::read(reader, STORAGE_ID_LEN)?;
        let (until_secs, synced_secs) = (reader.i64("until")?, reader.i64("synced")?);
        let mut storages = Vec::new();
        while reader.remaining() > 0 {
            if storages.len() >= STORAGES_PER_GROUP {
                let value = storages.len() as i64 + 1;
                return Err(WireError::OutOfRange { field: "storage count", value, low: 0, high: 32 });
            }
            storages.push(StorageBrief::decode(reader)?);
        }
        Ok(Self { leads, leader, trunk_server, source, until_secs, synced_secs, storages })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::StorageStatus;
    use proptest::prelude::*;

    fn view() -> GroupView {
        let brief = |ip: &str| StorageBrief {
            status: StorageStatus::Active,
            port: 23000,
            id: ip.parse().unwrap(),
            ip: ip.parse().unwrap(),
        };
        GroupView {
            leads: true,
            leader: StorageBrief { status: StorageStatus::Init, ..brief("10.0.0.100") },
            trunk_server: StorageBrief::NONE,
            source: "10.0.0.1".parse().unwrap(),
            until_secs: 1_700_000_000,
            synced_secs: 5,
            storages: vec![brief("10.0.0.1"), brief("10.0.0.2")],
        }
    }

    #[test]
    fn a_request_reads_back_and_every_cut_is_refused() {
        let request = WatchGroup {
            group: "group1".parse().unwrap(),
            id: "100001".parse().unwrap(),
            seen: 0x0102_0304_0506_0708,
            patience_ms: 20_000,
        };
        let bytes = request.to_bytes();
        assert_eq!((bytes.len(), &bytes[32..]), (44, &b"\x01\x02\x03\x04\x05\x06\x07\x08\0\0\x4e\x20"[..]));
        assert_eq!(WatchGroup::from_bytes(&bytes), Ok(request));
        assert!((0..bytes.len()).all(|len| WatchGroup::from_bytes(&bytes[..len]).is_err()));
    }

    #[test]
    fn a_view_reads_back_and_is_cut_between_storages_only() {
        let bytes = view().to_bytes();
        assert_eq!(GroupView::from_bytes(&bytes), Ok(view()));
        for len in 0..bytes.len() {
            let is_whole = len >= 175 && (len - 175) % StorageBrief::LEN == 0;
            assert_eq!(GroupView::from_bytes(&bytes[..len]).is_ok(), is_whole, "cut at {len}");
        }
        let crowd = GroupView { storages: vec![StorageBrief::NONE; 33], ..view() };
        assert!(GroupView::from_bytes(&crowd.to_bytes()).is_err());
    }

    #[test]
    fn the_stamp_tells_of_every_change_but_of_files_that_came_in() {
        let stamp = view().stamp();
        assert_eq!(GroupView { synced_secs: 6, ..view() }.stamp(), stamp);
        for other in [
            GroupView { leads: false, ..view() },
            GroupView { leader: StorageBrief::NONE, ..view() },
            GroupView { source: StorageId::EMPTY, ..view() },
            GroupView { until_secs: 1, ..view() },
            GroupView { storages: view().storages[..1].to_vec(), ..view() },
        ] {
            assert_ne!(other.stamp(), stamp, "{other:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = (WatchGroup::from_bytes(&bytes), GroupView::from_bytes(&bytes));
        }
    }
}
