//! `storage_access.log`: one line for each request of a client. Written, never read.

use std::io::Write as _;
use std::net::IpAddr;

use super::local_time::LocalTime;
use super::number::{put_filled, put_unsigned};
use crate::Status;

/// The unit of the fractions and durations of the log: `time_precision` of the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TimePrecision {
    /// Milliseconds, the default.
    #[default]
    Millis,
    /// Microseconds.
    Micros,
}

/// What a client asked for. Other requests are not logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Upload of a file of any kind.
    Upload,
    /// Download.
    Download,
    /// Deletion of a file.
    Delete,
    /// Metadata read.
    GetMetadata,
    /// Metadata written.
    SetMetadata,
    /// Append to an appender file.
    Append,
    /// Modification of an appender file.
    Modify,
    /// Truncation of an appender file.
    Truncate,
    /// Query of a file's size, time and checksum.
    QueryFileInfo,
    /// An appender file made a normal one.
    Regenerate,
}

impl Action {
    /// The word of the log.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Upload => "upload",
            Self::Download => "download",
            Self::Delete => "delete",
            Self::GetMetadata => "get_metadata",
            Self::SetMetadata => "set_metadata",
            Self::Append => "append",
            Self::Modify => "modify",
            Self::Truncate => "truncate",
            Self::QueryFileInfo => "status",
            Self::Regenerate => "rename",
        }
    }
}

/// The moment of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogTime {
    /// The time to the second.
    pub time: LocalTime,
    /// The microseconds of that second, below 1,000,000.
    pub micros: u32,
}

/// The file that a request was about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoggedFile<'a> {
    /// Not known, as in a refused upload: `-`.
    Unknown,
    /// The logic name without its group. For [`Action::SetMetadata`] the line shows `-m` behind it.
    Name(&'a str),
    /// `<old>=><new>`, for [`Action::Regenerate`].
    Renamed {
        /// The name before.
        old: &'a str,
        /// The name after.
        new: &'a str,
    },
}

/// One line: `[<time>] <client ip> <action> <file name> <status> <time used> <request bytes> <response bytes>\n`.
///
/// Source: disk formats, D.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccessRecord<'a> {
    /// When the first part of the request had been received.
    pub time: LogTime,
    /// The client's address.
    pub client_ip: IpAddr,
    /// What it asked for.
    pub action: Action,
    /// The file.
    pub file: LoggedFile<'a>,
    /// The status of the answer.
    pub status: Status,
    /// From `time` to the end of the work, before the answer is sent; microseconds.
    pub time_used_us: u64,
    /// Header and body of the request.
    pub request_bytes: u64,
    /// Header and body of the answer.
    pub response_bytes: u64,
}

/// Appends the line that an empty log begins with.
pub fn encode_header(time: LogTime, precision: TimePrecision, out: &mut Vec<u8>) {
    put_time(out, time, precision);
    out.extend_from_slice(b" client_ip action filename status ");
    out.extend_from_slice(match precision {
        TimePrecision::Millis => b"time_used_ms",
        TimePrecision::Micros => b"time_used_us",
    });
    out.extend_from_slice(b" req_len resp_len\n");
}

impl AccessRecord<'_> {
    /// Appends the line with its newline.
    pub fn encode(&self, precision: TimePrecision, out: &mut Vec<u8>) {
        put_time(out, self.time, precision);
        out.push(b' ');
        // Writing to a Vec cannot fail.
        let _ = write!(out, "{}", self.client_ip);
        out.push(b' ');
        out.extend_from_slice(self.action.word().as_bytes());
        out.push(b' ');
        match self.file {
            LoggedFile::Unknown => out.push(b'-'),
            LoggedFile::Name(name) => {
                put_name(out, name);
                if self.action == Action::SetMetadata {
                    out.extend_from_slice(b"-m");
                }
            }
            LoggedFile::Renamed { old, new } => {
                put_name(out, old);
                out.extend_from_slice(b"=>");
                put_name(out, new);
            }
        }
        let time_used = match precision {
            TimePrecision::Millis => self.time_used_us / 1000,
            TimePrecision::Micros => self.time_used_us,
        };
        for number in [self.status.0.into(), time_used, self.request_bytes, self.response_bytes] {
            out.push(b' ');
            put_unsigned(out, number);
        }
        out.push(b'\n');
    }
}

/// Differs from C: microseconds have six digits always. The reference writes 95533 us as `.95533`, which reads as a
/// later time than `.500000`.
fn put_time(out: &mut Vec<u8>, at: LogTime, precision: TimePrecision) {
    out.push(b'[');
    at.time.put_log(out);
    out.push(b'.');
    let micros = at.micros.min(999_999);
    match precision {
        TimePrecision::Millis => put_filled(out, u64::from(micros / 1000), 3),
        TimePrecision::Micros => put_filled(out, micros.into(), 6),
    }
    out.push(b']');
}

/// A name that came from a client: nothing in it may look like another column or another line.
fn put_name(out: &mut Vec<u8>, name: &str) {
    let safe = |b: u8| if b.is_ascii_graphic() || b >= 0x80 { b } else { b'?' };
    out.extend(name.bytes().map(safe));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::local_time::EXAMPLE;

    const TIME: LogTime = LogTime { time: EXAMPLE, micros: 95_533 };

    fn line(precision: TimePrecision, action: Action, file: LoggedFile<'_>) -> String {
        let mut out = Vec::new();
        let record = AccessRecord {
            time: TIME,
            client_ip: [10, 78, 2, 100].into(),
            action,
            file,
            status: Status::EINVAL,
            time_used_us: 12_345,
            request_bytes: 86,
            response_bytes: 70,
        };
        record.encode(precision, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn fractions_are_padded_and_durations_follow_the_precision() {
        let us = line(TimePrecision::Micros, Action::Upload, LoggedFile::Unknown);
        assert_eq!(us, "[2026-11-20 09:05:39.095533] 10.78.2.100 upload - 22 12345 86 70\n");
        let ms = line(TimePrecision::Millis, Action::Download, LoggedFile::Name("M00/00/00/a.txt"));
        assert_eq!(ms, "[2026-11-20 09:05:39.095] 10.78.2.100 download M00/00/00/a.txt 22 12 86 70\n");
    }

    #[test]
    fn metadata_and_renames_name_their_files_as_the_reference_does() {
        let set = line(TimePrecision::Millis, Action::SetMetadata, LoggedFile::Name("a"));
        let get = line(TimePrecision::Millis, Action::GetMetadata, LoggedFile::Name("a"));
        let renamed = line(TimePrecision::Millis, Action::Regenerate, LoggedFile::Renamed { old: "a", new: "b" });
        assert!(set.contains(" set_metadata a-m 22 "));
        assert!(get.contains(" get_metadata a 22 "));
        assert!(renamed.contains(" rename a=>b 22 "));
    }

    #[test]
    fn a_name_cannot_forge_a_column_or_a_line() {
        let forged = line(TimePrecision::Millis, Action::Delete, LoggedFile::Name("a 0 1\n[x"));
        assert!(forged.ends_with(" delete a?0?1?[x 22 12 86 70\n"));
    }

    #[test]
    fn the_header_names_the_unit() {
        let mut out = Vec::new();
        encode_header(TIME, TimePrecision::Micros, &mut out);
        encode_header(TIME, TimePrecision::Millis, &mut out);
        let text = "[2026-11-20 09:05:39.095533] client_ip action filename status time_used_us req_len resp_len\n\
                    [2026-11-20 09:05:39.095] client_ip action filename status time_used_ms req_len resp_len\n";
        assert_eq!(String::from_utf8(out).unwrap(), text);
    }
}
