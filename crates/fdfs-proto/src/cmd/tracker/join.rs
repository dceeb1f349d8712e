//! 81: a storage joins its group.

use crate::cmd::tracker::TrackerLine;
use crate::cmd::tracker::record::{self, GROUP_NAME_NUL_LEN};
use crate::limits::{IPV6_LEN, STORAGE_ID_LEN, STORE_PATHS, SUBDIRS, TRACKERS, VERSION_LEN};
use crate::shared::StorageStatus;
use crate::{Command, GroupName, IpText, Put, Reader, Request, StorageId, VersionText, Wire, WireError};

/// Request of `STORAGE_JOIN` (81); the answer is a [`JoinAnswer`].
///
/// | offset | size | field                    | unit                                                       |
/// |-------:|-----:|--------------------------|------------------------------------------------------------|
/// |      0 |   17 | group                    | text, NUL-padded, not empty                                |
/// |     17 |    8 | port                     | 1 - 65535, i64 big-endian as all numbers here              |
/// |     25 |    8 | store paths              | count, 1 - 256                                             |
/// |     33 |    8 | sub directories per path | count, 1 - 256                                             |
/// |     41 |    8 | upload priority          | smaller comes first                                        |
/// |     49 |    8 | join time                | unix seconds of this storage's first start                 |
/// |     57 |    8 | up time                  | unix seconds of this process's start                       |
/// |     65 |    8 | version                  | text, NUL-padded                                           |
/// |     73 |    1 | init flag                | 1: old files were not yet copied to it, 0: done            |
/// |     74 |    1 | status                   | the last known at this tracker, i8; -1: never known        |
/// |     75 |   16 | storage id               | text, NUL-padded; only with storage ids                    |
/// |     91 |   46 | tracker ip               | the tracker's address as the storage connected it          |
/// |    137 |    8 | trackers                 | count, 1 - 16                                              |
/// |    145 |    … | lines                    | one [`TrackerLine`] each, every one ends with a line feed  |
///
/// Every violation is `EINVAL`; what depends on the tracker's knowledge has other statuses.
///
/// Source: wire specification, 2.3.1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Join {
    /// Its group.
    pub group: GroupName,
    /// Its port, never 0.
    pub port: u16,
    /// Its store paths, 1 to 256.
    pub store_path_count: u16,
    /// Sub directories on each level of a store path, 1 to 256.
    pub subdir_count: u16,
    /// Its priority for uploads: smaller comes first.
    pub upload_priority: i64,
    /// When it was started for the first time.
    pub join_time_secs: i64,
    /// When its process was started.
    pub up_time_secs: i64,
    /// The version of its program.
    pub version: VersionText,
    /// Whether the old files of its group still have to be copied to it.
    pub is_first_start: bool,
    /// Its last known status at this tracker; `None` when it never had one.
    pub status: Option<StorageStatus>,
    /// Its id, with storage ids only.
    pub id: Option<StorageId>,
    /// The tracker's address as the storage connected it.
    pub tracker_ip: IpText,
    /// Every tracker of its configuration, 1 to 16.
    pub trackers: Vec<TrackerLine>,
}

impl Join {
    /// Bytes in front of the lines.
    pub const HEAD_LEN: usize = 145;
}

impl Wire for Join {
    fn encode(&self, out: &mut Vec<u8>) {
        self.group.put(out, GROUP_NAME_NUL_LEN);
        out.put_i64(i64::from(self.port));
        out.put_i64(i64::from(self.store_path_count));
        out.put_i64(i64::from(self.subdir_count));
        out.put_i64(self.upload_priority);
        out.put_i64(self.join_time_secs);
        out.put_i64(self.up_time_secs);
        self.version.put(out, VERSION_LEN);
        out.put_u8(u8::from(self.is_first_start));
        out.put_u8(self.status.map_or(NEVER_KNOWN, StorageStatus::number));
        record::put_maybe_id(out, self.id.as_ref());
        self.tracker_ip.put(out, IPV6_LEN);
        out.put_size(self.trackers.len() as u64);
        for tracker in &self.trackers {
            out.put_bytes(format!("{tracker}\n").as_bytes());
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let group = GroupName::read(reader, GROUP_NAME_NUL_LEN)?;
        if group.is_empty() {
            return Err(WireError::bad_text("group name", b""));
        }
        Ok(Self {
            group,
            port: record::port(reader.ranged("port", 1, 65535)?)?,
            store_path_count: count(reader, "store path count", STORE_PATHS)?,
            subdir_count: count(reader, "sub directory count", SUBDIRS)?,
            upload_priority: reader.i64("upload priority")?,
            join_time_secs: reader.i64("join time")?,
            up_time_secs: reader.i64("up time")?,
            version: VersionText::read(reader, VERSION_LEN)?,
            is_first_start: reader.u8("init flag")? != 0,
            status: match reader.u8("storage status")? {
                NEVER_KNOWN => None,
                number => Some(record::status(number)?),
            },
            id: record::read_maybe_id(reader)?,
            tracker_ip: IpText::read(reader, IPV6_LEN)?,
            trackers: {
                let trackers = count(reader, "tracker count", TRACKERS)?;
                read_lines(reader, trackers)?
            },
        })
    }
}

impl Request for Join {
    const COMMAND: Command = Command::StorageJoin;
}

/// The status byte of a storage that this tracker never knew: -1.
const NEVER_KNOWN: u8 = 0xFF;

/// Reads a count from 1 to `max`.
fn count(reader: &mut Reader<'_>, field: &'static str, max: usize) -> Result<u16, WireError> {
    let value = reader.ranged(field, 1, max as i64)?;
    u16::try_from(value).map_err(|_| WireError::OutOfRange { field, value, low: 1, high: max as i64 })
}

/// Reads exactly `count` lines to the end of the body.
fn read_lines(reader: &mut Reader<'_>, count: u16) -> Result<Vec<TrackerLine>, WireError> {
    let text = reader.rest();
    let lines = text.strip_suffix(b"\n").ok_or_else(|| WireError::bad_text("tracker lines", text))?;
    let trackers = lines.split(|&b| b == b'\n').map(TrackerLine::parse).collect::<Result<Vec<_>, _>>()?;
    if trackers.len() != usize::from(count) {
        return Err(WireError::LengthMismatch { sum: u64::from(count), len: trackers.len() as u64 });
    }
    Ok(trackers)
}

/// Answer of 81; 17 bytes.
///
/// | offset | size | field             | unit                            |
/// |-------:|-----:|-------------------|---------------------------------|
/// |      0 |    1 | status            | [`StorageStatus`], as it is now |
/// |      1 |   16 | source storage id | text, NUL-padded; empty is none |
///
/// Source: wire specification, 2.3.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JoinAnswer {
    /// The storage's status now.
    pub status: StorageStatus,
    /// The storage that copies, or copied, the old files to it.
    pub source_id: Option<StorageId>,
}

impl Wire for JoinAnswer {
    fn encode(&self, out: &mut Vec<u8>) {
        out.put_u8(self.status.number());
        self.source_id.unwrap_or_default().put(out, STORAGE_ID_LEN);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self { status: record::read_status(reader)?, source_id: record::read_maybe_id(reader)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::tracker::check;
    use hex_literal::hex;
    use proptest::prelude::*;

    fn recorded() -> (Join, Vec<u8>) {
        let head = hex!(
            "67726f757031 0000000000000000000000 00000000000059d8 0000000000000001 0000000000000004 000000000000000a
             000000006b000eb3 000000006b000eb3 362e31362e310000 01 ff 00000000000000000000000000000000"
        );
        let mut bytes = head.to_vec();
        bytes.put_padded(b"10.78.1.1", 46);
        bytes.put_i64(2);
        bytes.put_bytes(b"10.78.1.1:22122\n10.78.1.2:22122\n");
        let line = |text: &str| TrackerLine::parse(text.as_bytes()).unwrap();
        let join = Join {
            group: "group1".parse().unwrap(),
            port: 23000,
            store_path_count: 1,
            subdir_count: 4,
            upload_priority: 10,
            join_time_secs: 0x6b00_0eb3,
            up_time_secs: 0x6b00_0eb3,
            version: "6.16.1".parse().unwrap(),
            is_first_start: true,
            status: None,
            id: None,
            tracker_ip: "10.78.1.1".parse().unwrap(),
            trackers: vec![line("10.78.1.1:22122"), line("10.78.1.2:22122")],
        };
        (join, bytes)
    }

    #[test]
    fn the_recorded_join_reads_and_writes_back_and_rejects_every_cut() {
        let (join, bytes) = recorded();
        assert_eq!(bytes.len(), Join::HEAD_LEN + 32);
        check::fixed(&join, &bytes);
    }

    #[test]
    fn every_bad_field_is_refused() {
        let (_, good) = recorded();
        let with = |at: usize, bytes: &[u8]| {
            let mut body = good.clone();
            body[at..at + bytes.len()].copy_from_slice(bytes);
            Join::from_bytes(&body)
        };
        assert!(with(0, b"bad-name").is_err());
        assert!(with(0, b"\0").is_err(), "empty group");
        assert!(with(0, b"seventeenletters1").is_err());
        for port in [0i64, -1, 65536, i64::MAX] {
            assert!(with(17, &port.to_be_bytes()).is_err(), "port {port}");
        }
        for count in [0i64, -1, 257, i64::MIN] {
            assert!(with(25, &count.to_be_bytes()).is_err(), "{count} store paths");
            assert!(with(33, &count.to_be_bytes()).is_err(), "{count} sub directories");
        }
        assert!(with(25, &256i64.to_be_bytes()).is_ok());
        assert!(with(74, &[8]).is_err(), "no such status");
        for count in [0i64, 1, 3, 17, -1, i64::MAX] {
            assert!(with(137, &count.to_be_bytes()).is_err(), "{count} trackers");
        }
        assert!(with(155, b",").is_err(), "line without a port");
        assert!(with(good.len() - 1, b"1").is_err(), "no line feed at the end");
    }

    #[test]
    fn the_answer_reads_and_writes_back() {
        let answer = JoinAnswer { status: StorageStatus::WaitSync, source_id: Some("100002".parse().unwrap()) };
        check::fixed(&answer, b"\x01100002\0\0\0\0\0\0\0\0\0\0");
        check::fixed(&JoinAnswer { status: StorageStatus::Init, source_id: None }, &[0; 17]);
    }

    prop_compose! {
        fn join()(
            group in check::group(), port in 1..=u16::MAX, store_path_count in 1..=256u16, subdir_count in 1..=256u16,
            numbers: [i64; 3], version in check::version(), is_first_start: bool,
            status in proptest::option::of(check::status()), id in proptest::option::of(check::id()),
            tracker_ip in check::ip(), lines in proptest::collection::vec((check::addrs(), 1..=u16::MAX), 1..=16),
        ) -> Join {
            let [upload_priority, join_time_secs, up_time_secs] = numbers;
            let trackers = lines.into_iter().map(|(addrs, port)| TrackerLine { addrs, port }).collect();
            Join {
                group, port, store_path_count, subdir_count, upload_priority, join_time_secs, up_time_secs, version,
                is_first_start, status, id, tracker_ip, trackers,
            }
        }
    }

    proptest! {
        #[test]
        fn any_join_round_trips(join in join(), cut: proptest::sample::Index) {
            check::round_trip(&join);
            let bytes = join.to_bytes();
            prop_assert!(Join::from_bytes(&bytes[..cut.index(bytes.len())]).is_err());
        }

        #[test]
        fn any_answer_round_trips(status in check::status(), source_id in proptest::option::of(check::id())) {
            check::round_trip(&JoinAnswer { status, source_id });
        }

        #[test]
        fn any_tail_is_judged_without_a_panic(tail: Vec<u8>) {
            let (_, good) = recorded();
            let _ = Join::from_bytes(&[&good[..145], &tail].concat());
        }
    }
}
