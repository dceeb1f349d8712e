//! 96: all trackers, as the leader sees them.

use crate::cmd::tracker::{HostPort, record};
use crate::limits::{HOST_PORT_MAX, TRACKERS, VERSION_LEN};
use crate::shared::ConnectionCounts;
use crate::{Command, Put, Reader, Request, VersionText, Wire, WireError};

/// `filter_by` bit: compare "is active".
const BY_ACTIVE: u8 = 1;
/// `filter_by` bit: compare "is leader".
const BY_LEADER: u8 = 2;

/// Request of `SERVER_TRACKER_CLUSTER_STAT` (96): which trackers to list.
///
/// | offset | size | field     | unit                                              |
/// |-------:|-----:|-----------|---------------------------------------------------|
/// |      0 |    1 | filter by | bit 1: compare is active, bit 2: compare is leader |
/// |      1 |    1 | is active | 0 or 1                                            |
/// |      2 |    1 | is leader | 0 or 1                                            |
///
/// Source: wire specification, 2.2.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TrackerClusterStatRequest {
    /// Only those that are, or are not, active.
    pub is_active: Option<bool>,
    /// Only those that are, or are not, the leader.
    pub is_leader: Option<bool>,
}

impl Wire for TrackerClusterStatRequest {
    fn encode(&self, out: &mut Vec<u8>) {
        let filter_by =
            if self.is_active.is_some() { BY_ACTIVE } else { 0 } | if self.is_leader.is_some() { BY_LEADER } else { 0 };
        out.put_bytes(&[
            filter_by,
            u8::from(self.is_active.unwrap_or(false)),
            u8::from(self.is_leader.unwrap_or(false)),
        ]);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let [filter_by, is_active, is_leader] = reader.array("tracker filter")?;
        Ok(Self {
            is_active: (filter_by & BY_ACTIVE != 0).then_some(is_active != 0),
            is_leader: (filter_by & BY_LEADER != 0).then_some(is_leader != 0),
        })
    }
}

impl Request for TrackerClusterStatRequest {
    const COMMAND: Command = Command::ServerTrackerClusterStat;
}

/// A tracker in the answer of 96.
///
/// | offset | size | field              | unit                                        |
/// |-------:|-----:|--------------------|---------------------------------------------|
/// |      0 |   52 | host               | text `ip:port`, NUL-padded                  |
/// |     52 |    1 | is leader          | 0 or 1                                      |
/// |     53 |    1 | is active          | 0 or 1: the leader, or pinged it within 3 s |
/// |     54 |    4 | connections, alloc | u32 big-endian                              |
/// |     58 |    4 | connections, now   | u32 big-endian                              |
/// |     62 |    4 | connections, max   | u32 big-endian                              |
/// |     66 |    8 | version            | text, NUL-padded                            |
/// |     74 |    8 | up time            | unix seconds of the daemon's start          |
/// |     82 |    8 | last heart beat    | unix seconds                                |
///
/// Source: wire specification, 2.2.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrackerClusterRow {
    /// Where it is.
    pub host: HostPort,
    /// Whether it is the leader.
    pub is_leader: bool,
    /// Whether it is the leader, or pinged it within the last 3 s.
    pub is_active: bool,
    /// Its connections.
    pub connections: ConnectionCounts,
    /// The version of its program.
    pub version: VersionText,
    /// When its daemon was started.
    pub up_time_secs: i64,
    /// When it last pinged the leader.
    pub last_heart_beat_secs: i64,
}

impl TrackerClusterRow {
    /// Bytes of a record.
    pub const LEN: usize = 90;
}

impl Wire for TrackerClusterRow {
    fn encode(&self, out: &mut Vec<u8>) {
        self.host.put(out, HOST_PORT_MAX);
        out.put_u8(u8::from(self.is_leader));
        out.put_u8(u8::from(self.is_active));
        out.put_u32(self.connections.alloc);
        out.put_u32(self.connections.current);
        out.put_u32(self.connections.max);
        self.version.put(out, VERSION_LEN);
        out.put_i64(self.up_time_secs);
        out.put_i64(self.last_heart_beat_secs);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self {
            host: HostPort::read(reader, HOST_PORT_MAX)?,
            is_leader: reader.u8("is leader")? != 0,
            is_active: reader.u8("is active")? != 0,
            connections: ConnectionCounts {
                alloc: reader.u32("connection alloc")?,
                current: reader.u32("connection current")?,
                max: reader.u32("connection max")?,
            },
            version: VersionText::read(reader, VERSION_LEN)?,
            up_time_secs: reader.i64("up time")?,
            last_heart_beat_secs: reader.i64("last heart beat")?,
        })
    }
}

/// Answer of 96.
///
/// | offset | size   | field    | unit                  |
/// |-------:|-------:|----------|-----------------------|
/// |      0 |      1 | count    | n, at most 16         |
/// |      1 | n × 90 | trackers | [`TrackerClusterRow`] |
///
/// Source: wire specification, 2.2.3.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TrackerClusterStat {
    /// The trackers; more than 255 cannot be counted.
    pub trackers: Vec<TrackerClusterRow>,
}

impl Wire for TrackerClusterStat {
    fn encode(&self, out: &mut Vec<u8>) {
        let count = u8::try_from(self.trackers.len()).unwrap_or(u8::MAX);
        out.put_u8(count);
        for tracker in self.trackers.iter().take(usize::from(count)) {
            tracker.encode(out);
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let count = u32::from(reader.u8("tracker count")?);
        Ok(Self { trackers: record::read_counted(reader, count, TrackerClusterRow::LEN, TRACKERS, "tracker count")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::tracker::check;
    use proptest::prelude::*;

    #[test]
    fn requests_are_three_bytes() {
        check::fixed(&TrackerClusterStatRequest::default(), &[0, 0, 0]);
        check::fixed(&TrackerClusterStatRequest { is_active: Some(true), is_leader: None }, &[1, 1, 0]);
        check::fixed(&TrackerClusterStatRequest { is_active: Some(true), is_leader: Some(false) }, &[3, 1, 0]);
        // What a bit of filter_by does not ask for is not looked at.
        let all = TrackerClusterStatRequest::from_bytes(&[0, 1, 1]);
        assert_eq!(all, Ok(TrackerClusterStatRequest::default()));
    }

    #[test]
    fn every_field_stands_at_its_offset() {
        let row = TrackerClusterRow {
            host: "10.78.1.1:22222".parse().unwrap(),
            is_leader: true,
            is_active: false,
            connections: ConnectionCounts { alloc: 1, current: 2, max: 3 },
            version: "6.16.1".parse().unwrap(),
            up_time_secs: 4,
            last_heart_beat_secs: 5,
        };
        let parts: [(usize, &[u8]); 8] = [
            (0, b"10.78.1.1:22222"),
            (52, &[1]),
            (57, &[1]),
            (61, &[2]),
            (65, &[3]),
            (66, b"6.16.1"),
            (81, &[4]),
            (89, &[5]),
        ];
        check::fixed(&row, &check::laid_out(TrackerClusterRow::LEN, &parts));
    }

    #[test]
    fn the_count_must_be_true() {
        check::fixed(&TrackerClusterStat::default(), &[0]);
        assert!(TrackerClusterStat::from_bytes(&[1]).is_err());
        assert!(TrackerClusterStat::from_bytes(&[255]).is_err());
    }

    prop_compose! {
        fn row()(host in check::host(), is_leader: bool, is_active: bool, counts: [u32; 3],
                 version in check::version(), times: [i64; 2]) -> TrackerClusterRow {
            let [alloc, current, max] = counts;
            let [up_time_secs, last_heart_beat_secs] = times;
            let connections = ConnectionCounts { alloc, current, max };
            TrackerClusterRow { host, is_leader, is_active, connections, version, up_time_secs, last_heart_beat_secs }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn any_answer_round_trips_and_rejects_every_cut(trackers in proptest::collection::vec(row(), 0..=16)) {
            let stat = TrackerClusterStat { trackers };
            check::fixed(&stat, &stat.to_bytes());
        }
    }
}
