//! 97: all storages of all groups, in short.

use crate::cmd::tracker::{HostPort, record};
use crate::limits::{GROUPS, HOST_PORT_MAX, STORAGE_ID_LEN, STORAGES_PER_GROUP, VERSION_LEN};
use crate::shared::{ConnectionCounts, StorageStatus};
use crate::{Command, Put, Reader, Request, StorageId, VersionText, Wire, WireError};

/// `filter_by` bit: compare "is trunk server".
const BY_TRUNK_SERVER: u8 = 1;
/// `filter_by` bit: compare the status.
const BY_STATUS: u8 = 2;

/// How the status is compared, and with which number; a number that is no status is legal and only equals itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusMatch {
    /// `'='`: the storages of this status.
    Is(u8),
    /// `'!'`: all but those of this status.
    IsNot(u8),
    /// Any other operator: no storage at all.
    Nothing {
        /// The operator as sent.
        op_type: u8,
        /// The status as sent.
        status: u8,
    },
}

impl StatusMatch {
    /// Whether a storage of `status` is to be listed.
    #[must_use]
    pub const fn matches(self, status: StorageStatus) -> bool {
        match self {
            Self::Is(number) => status.number() == number,
            Self::IsNot(number) => status.number() != number,
            Self::Nothing { .. } => false,
        }
    }
}

/// Request of `SERVER_STORAGE_CLUSTER_STAT` (97): which storages to list.
///
/// | offset | size | field           | unit                                                 |
/// |-------:|-----:|-----------------|------------------------------------------------------|
/// |      0 |    1 | filter by       | bit 1: compare is trunk server, bit 2: compare status |
/// |      1 |    1 | operator        | `=` or `!` (not equal), for the status               |
/// |      2 |    1 | status          | a status number                                      |
/// |      3 |    1 | is trunk server | 0 or 1                                               |
///
/// Source: wire specification, 2.2.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StorageClusterStatRequest {
    /// Only those that are, or are not, a trunk server.
    pub is_trunk_server: Option<bool>,
    /// Only those of, or not of, a status.
    pub status: Option<StatusMatch>,
}

impl Wire for StorageClusterStatRequest {
    fn encode(&self, out: &mut Vec<u8>) {
        let by_trunk_server = if self.is_trunk_server.is_some() { BY_TRUNK_SERVER } else { 0 };
        let (by_status, op_type, status) = match self.status {
            None => (0, 0, 0),
            Some(StatusMatch::Is(status)) => (BY_STATUS, b'=', status),
            Some(StatusMatch::IsNot(status)) => (BY_STATUS, b'!', status),
            Some(StatusMatch::Nothing { op_type, status }) => (BY_STATUS, op_type, status),
        };
        let is_trunk_server = u8::from(self.is_trunk_server.unwrap_or(false));
        out.put_bytes(&[by_trunk_server | by_status, op_type, status, is_trunk_server]);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let [filter_by, op_type, status, is_trunk_server] = reader.array("storage filter")?;
        let status_match = match op_type {
            b'=' => StatusMatch::Is(status),
            b'!' => StatusMatch::IsNot(status),
            _ => StatusMatch::Nothing { op_type, status },
        };
        Ok(Self {
            is_trunk_server: (filter_by & BY_TRUNK_SERVER != 0).then_some(is_trunk_server != 0),
            status: (filter_by & BY_STATUS != 0).then_some(status_match),
        })
    }
}

impl Request for StorageClusterStatRequest {
    const COMMAND: Command = Command::ServerStorageClusterStat;
}

/// A storage in the answer of 97.
///
/// | offset | size | field              | unit                               |
/// |-------:|-----:|--------------------|------------------------------------|
/// |      0 |   16 | id                 | text, NUL-padded                   |
/// |     16 |   52 | host               | text `ip:port`, NUL-padded         |
/// |     68 |    1 | is trunk server    | 0 or 1                             |
/// |     69 |    1 | status             | [`StorageStatus`]                  |
/// |     70 |    4 | connections, alloc | u32 big-endian                     |
/// |     74 |    4 | connections, now   | u32 big-endian                     |
/// |     78 |    4 | connections, max   | u32 big-endian                     |
/// |     82 |    8 | version            | text, NUL-padded                   |
/// |     90 |    8 | up time            | unix seconds of the daemon's start |
/// |     98 |    8 | last heart beat    | unix seconds                       |
///
/// Source: wire specification, 2.2.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StorageClusterRow {
    /// Its id.
    pub id: StorageId,
    /// Where it is.
    pub host: HostPort,
    /// Whether it is the trunk server of its group.
    pub is_trunk_server: bool,
    /// Its status.
    pub status: StorageStatus,
    /// Its connections.
    pub connections: ConnectionCounts,
    /// The version of its program.
    pub version: VersionText,
    /// When its daemon was started.
    pub up_time_secs: i64,
    /// When it last sent a beat.
    pub last_heart_beat_secs: i64,
}

impl StorageClusterRow {
    /// Bytes of a record.
    pub const LEN: usize = 106;
}

impl Wire for StorageClusterRow {
    fn encode(&self, out: &mut Vec<u8>) {
        self.id.put(out, STORAGE_ID_LEN);
        self.host.put(out, HOST_PORT_MAX);
        out.put_u8(u8::from(self.is_trunk_server));
        out.put_u8(self.status.number());
        out.put_u32(self.connections.alloc);
        out.put_u32(self.connections.current);
        out.put_u32(self.connections.max);
        self.version.put(out, VERSION_LEN);
        out.put_i64(self.up_time_secs);
        out.put_i64(self.last_heart_beat_secs);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self {
            id: StorageId::read(reader, STORAGE_ID_LEN)?,
            host: HostPort::read(reader, HOST_PORT_MAX)?,
            is_trunk_server: reader.u8("is trunk server")? != 0,
            status: record::read_status(reader)?,
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

/// Answer of 97.
///
/// | offset | size    | field            | unit                  |
/// |-------:|--------:|------------------|-----------------------|
/// |      0 |       1 | storage ids used | 0 or 1                |
/// |      1 |       1 | trunk files used | 0 or 1                |
/// |      2 |       4 | count            | n, u32 big-endian     |
/// |      6 | n × 106 | storages         | [`StorageClusterRow`] |
///
/// Source: wire specification, 2.2.3.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StorageClusterStat {
    /// Whether the cluster has storage ids.
    pub use_storage_id: bool,
    /// Whether small files go into trunk files.
    pub use_trunk_file: bool,
    /// The storages.
    pub storages: Vec<StorageClusterRow>,
}

impl Wire for StorageClusterStat {
    fn encode(&self, out: &mut Vec<u8>) {
        out.put_u8(u8::from(self.use_storage_id));
        out.put_u8(u8::from(self.use_trunk_file));
        out.put_u32(u32::try_from(self.storages.len()).unwrap_or(u32::MAX));
        for storage in &self.storages {
            storage.encode(out);
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let use_storage_id = reader.u8("use storage id")? != 0;
        let use_trunk_file = reader.u8("use trunk file")? != 0;
        let count = reader.u32("storage count")?;
        let max = GROUPS * STORAGES_PER_GROUP;
        let storages = record::read_counted(reader, count, StorageClusterRow::LEN, max, "storage count")?;
        Ok(Self { use_storage_id, use_trunk_file, storages })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::tracker::check;
    use proptest::prelude::*;

    #[test]
    fn requests_are_four_bytes() {
        let all = StorageClusterStatRequest::default();
        check::fixed(&all, &[0, 0, 0, 0]);
        check::fixed(&StorageClusterStatRequest { status: Some(StatusMatch::Is(7)), ..all }, &[2, b'=', 7, 0]);
        check::fixed(&StorageClusterStatRequest { status: Some(StatusMatch::IsNot(8)), ..all }, &[2, b'!', 8, 0]);
        check::fixed(&StorageClusterStatRequest { is_trunk_server: Some(true), ..all }, &[1, 0, 0, 1]);
        let odd = StorageClusterStatRequest::from_bytes(&[2, 0, 7, 0]).unwrap();
        assert!(!odd.status.unwrap().matches(StorageStatus::Active), "recorded: nothing is listed");
    }

    #[test]
    fn every_field_stands_at_its_offset() {
        let row = StorageClusterRow {
            id: "100001".parse().unwrap(),
            host: "10.78.1.11:23100".parse().unwrap(),
            is_trunk_server: true,
            status: StorageStatus::Active,
            connections: ConnectionCounts { alloc: 1, current: 2, max: 3 },
            version: "6.16.1".parse().unwrap(),
            up_time_secs: 4,
            last_heart_beat_secs: 5,
        };
        let parts: [(usize, &[u8]); 10] = [
            (0, b"100001"),
            (16, b"10.78.1.11:23100"),
            (68, &[1]),
            (69, &[7]),
            (73, &[1]),
            (77, &[2]),
            (81, &[3]),
            (82, b"6.16.1"),
            (97, &[4]),
            (105, &[5]),
        ];
        check::fixed(&row, &check::laid_out(StorageClusterRow::LEN, &parts));
    }

    #[test]
    fn the_count_must_be_true() {
        let none = StorageClusterStat { use_storage_id: true, ..StorageClusterStat::default() };
        check::fixed(&none, &[1, 0, 0, 0, 0, 0]);
        assert!(StorageClusterStat::from_bytes(&[1, 0, 0xFF, 0xFF, 0xFF, 0xFF]).is_err());
    }

    prop_compose! {
        fn row()(id in check::id(), host in check::host(), is_trunk_server: bool, status in check::status(),
                 counts: [u32; 3], version in check::version(), times: [i64; 2]) -> StorageClusterRow {
            let [alloc, current, max] = counts;
            let [up_time_secs, last_heart_beat_secs] = times;
            let connections = ConnectionCounts { alloc, current, max };
            StorageClusterRow { id, host, is_trunk_server, status, connections, version, up_time_secs, last_heart_beat_secs }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn any_answer_round_trips_and_rejects_every_cut(
            use_storage_id: bool,
            use_trunk_file: bool,
            storages in proptest::collection::vec(row(), 0..8),
        ) {
            let stat = StorageClusterStat { use_storage_id, use_trunk_file, storages };
            check::fixed(&stat, &stat.to_bytes());
        }
    }
}
