//! The common answer of 83, 84 and 89: what changed in the cluster since the storage was told last.

use crate::cmd::tracker::record;
use crate::limits::STORAGES_PER_GROUP;
use crate::shared::StorageBrief;
use crate::{Put, Reader, Wire, WireError};

/// Flag: the leader of the trackers changed.
const LEADER: u8 = 1;
/// Flag: the trunk server of the group changed.
const TRUNK_SERVER: u8 = 2;
/// Flag: the list of the group's storages changed.
const STORAGES: u8 = 4;

/// Answer of `STORAGE_BEAT` (83), `STORAGE_REPORT_DISK_USAGE` (84) and `STORAGE_SYNC_REPORT` (89).
///
/// | offset | size   | field        | unit                                                              |
/// |-------:|-------:|--------------|-------------------------------------------------------------------|
/// |      0 |      1 | flags        | bit 1: leader, bit 2: trunk server, bit 4: storages               |
/// |      1 | 0 / 67 | leader       | [`StorageBrief`]: id and ip are its address; all zero: none       |
/// |      … | 0 / 67 | trunk server | [`StorageBrief`]; all zero: none                                  |
/// |      … | n × 67 | storages     | [`StorageBrief`], all of the group sorted by id, the asking one too |
///
/// Only the leader of the trackers ever sets a flag. `None` is "no news", `Some(StorageBrief::NONE)` is news of none.
///
/// Source: wire specification, 2.3.2.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BeatAnswer {
    /// The leader, if that changed.
    pub leader: Option<StorageBrief>,
    /// The trunk server, if that changed.
    pub trunk_server: Option<StorageBrief>,
    /// The storages of the group, if they changed.
    pub storages: Option<Vec<StorageBrief>>,
}

impl Wire for BeatAnswer {
    fn encode(&self, out: &mut Vec<u8>) {
        let flags = if self.leader.is_some() { LEADER } else { 0 }
            | if self.trunk_server.is_some() { TRUNK_SERVER } else { 0 }
            | if self.storages.is_some() { STORAGES } else { 0 };
        out.put_u8(flags);
        for brief in self.leader.iter().chain(&self.trunk_server).chain(self.storages.iter().flatten()) {
            brief.encode(out);
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let flags = reader.u8("news flags")?;
        let (known, value) = (LEADER | TRUNK_SERVER | STORAGES, i64::from(flags));
        if flags & !known != 0 {
            // What a further flag would put between the records is unknown, so none of them can be trusted.
            return Err(WireError::OutOfRange { field: "news flags", value, low: 0, high: i64::from(known) });
        }
        let mut brief = |flag| if flags & flag == 0 { Ok(None) } else { StorageBrief::decode(reader).map(Some) };
        let (leader, trunk_server) = (brief(LEADER)?, brief(TRUNK_SERVER)?);
        let storages = if flags & STORAGES == 0 {
            None
        } else {
            Some(record::read_all(reader, StorageBrief::LEN, STORAGES_PER_GROUP, "storage count")?)
        };
        Ok(Self { leader, trunk_server, storages })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::tracker::check;
    use proptest::prelude::*;

    #[test]
    fn no_news_is_one_zero_byte() {
        check::fixed(&BeatAnswer::default(), &[0]);
    }

    #[test]
    fn news_of_none_differ_from_no_news() {
        let none = BeatAnswer { trunk_server: Some(StorageBrief::NONE), ..BeatAnswer::default() };
        check::fixed(&none, &[&[2][..], &[0; 67]].concat());
        let nobody = BeatAnswer { storages: Some(vec![]), ..BeatAnswer::default() };
        check::variable(&nobody, &[4], &[]);
    }

    #[test]
    fn records_that_no_flag_announces_are_refused() {
        assert!(BeatAnswer::from_bytes(&[&[0][..], &[0; 67]].concat()).is_err());
        assert!(BeatAnswer::from_bytes(&[&[3][..], &[0; 67]].concat()).is_err());
        assert!(BeatAnswer::from_bytes(&[&[3][..], &[0; 3 * 67]].concat()).is_err());
        assert!(BeatAnswer::from_bytes(&[8]).is_err());
        assert!(BeatAnswer::from_bytes(&[&[4][..], &[0; 33 * 67]].concat()).is_err());
    }

    proptest! {
        #[test]
        fn any_answer_round_trips(
            leader in proptest::option::of(check::brief()),
            trunk_server in proptest::option::of(check::brief()),
            storages in proptest::option::of(proptest::collection::vec(check::brief(), 0..=32)),
        ) {
            let answer = BeatAnswer { leader, trunk_server, storages };
            check::round_trip(&answer);
            // A list may end after any of its records, and only there.
            let bytes = answer.to_bytes();
            let heads = 1 + 67 * (usize::from(answer.leader.is_some()) + usize::from(answer.trunk_server.is_some()));
            let legal: Vec<_> = if answer.storages.is_some() { (heads..bytes.len()).step_by(67).collect() } else { vec![] };
            check::cuts(BeatAnswer::from_bytes, &bytes, &legal);
        }
    }
}
