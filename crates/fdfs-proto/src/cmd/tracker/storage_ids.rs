//! 69: the list of storage ids, piece by piece.

use std::fmt;

use crate::cmd::tracker::HostAddrs;
use crate::cmd::tracker::host_port::{split_port, unbracket};
use crate::shared::RwMode;
use crate::{Command, GroupName, HEADER_LEN, Put, Reader, Request, StorageId, Wire, WireError};

/// The buffer of a C receiver, in bytes, header included.
const BUFFER_LEN: usize = 8192;
/// An answer stops when fewer bytes than these are left in that buffer.
const ENOUGH_LEFT: usize = 128;
/// The shortest line, in bytes: `1 g 1.1.1.1` and a line feed. It bounds how many a body can hold.
const LINE_MIN: usize = 12;

/// Request of `STORAGE_FETCH_STORAGE_IDS` (69); 5 bytes, the answer is [`StorageIds`].
///
/// | offset | size | field       | unit                                                             |
/// |-------:|-----:|-------------|------------------------------------------------------------------|
/// |      0 |    4 | start       | index of the first line wanted, u32 big-endian                   |
/// |      4 |    1 | allow empty | 1: without storage ids answer an empty list; 0: `EOPNOTSUPP`     |
///
/// Source: wire specification, 2.3.10.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StorageIdsRequest {
    /// The first line wanted.
    pub start_index: u32,
    /// Whether a cluster without storage ids is no error.
    pub allow_empty: bool,
}

impl Wire for StorageIdsRequest {
    fn encode(&self, out: &mut Vec<u8>) {
        out.put_u32(self.start_index);
        out.put_u8(u8::from(self.allow_empty));
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self { start_index: reader.u32("start index")?, allow_empty: reader.u8("allow empty")? != 0 })
    }
}

impl Request for StorageIdsRequest {
    const COMMAND: Command = Command::StorageFetchStorageIds;
}

/// A storage of the list: `id group ip[,ip2][:port][ rw=mode]`; IPv6 addresses in brackets, the port only if it is
/// configured, the mode only if it is not "both".
///
/// Source: wire specification, 2.3.10; configuration, 6.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StorageIdLine {
    /// Its id.
    pub id: StorageId,
    /// Its group.
    pub group: GroupName,
    /// Its addresses.
    pub addrs: HostAddrs,
    /// Its port, if it is configured; never 0.
    pub port: Option<u16>,
    /// What it may be used for.
    pub rw_mode: RwMode,
}

impl StorageIdLine {
    /// Reads a line without its line feed.
    ///
    /// # Errors
    /// [`WireError::BadText`], [`WireError::TooLong`].
    pub fn parse(line: &[u8]) -> Result<Self, WireError> {
        let bad = || WireError::bad_text("storage id line", line);
        let mut words = line.split(|&b| b == b' ').filter(|word| !word.is_empty());
        let (Some(id), Some(group), Some(host)) = (words.next(), words.next(), words.next()) else {
            return Err(bad());
        };
        let rw_mode = words.next().map_or(Some(RwMode::Both), parse_rw_mode).ok_or_else(bad)?;
        if words.next().is_some() {
            return Err(bad());
        }
        let (addrs, port) = match split_port(host) {
            Some((addrs, port)) => (addrs, Some(port)),
            None => (unbracket(host).ok_or_else(bad)?, None),
        };
        Ok(Self {
            id: StorageId::new(id)?,
            group: GroupName::new(group)?,
            addrs: HostAddrs::parse(addrs)?,
            port,
            rw_mode,
        })
    }
}

/// Reads `rw=MODE`; neither word cares for upper and lower case.
fn parse_rw_mode(option: &[u8]) -> Option<RwMode> {
    Some(match option.to_ascii_lowercase().as_slice() {
        b"rw=none" => RwMode::None,
        b"rw=read" | b"rw=readonly" => RwMode::Read,
        b"rw=write" | b"rw=writeonly" => RwMode::Write,
        b"rw=both" | b"rw=all" => RwMode::Both,
        _ => return None,
    })
}

/// The line without its line feed.
impl fmt::Display for StorageIdLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ", self.id, self.group)?;
        self.addrs.fmt_bracketed(f)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        match self.rw_mode {
            RwMode::Both => Ok(()),
            RwMode::None => f.write_str(" rw=none"),
            RwMode::Read => f.write_str(" rw=read"),
            RwMode::Write => f.write_str(" rw=write"),
        }
    }
}

/// Answer of 69.
///
/// | offset | size | field | unit                                                    |
/// |-------:|-----:|-------|---------------------------------------------------------|
/// |      0 |    4 | total | lines of the whole list, u32 big-endian                 |
/// |      4 |    4 | count | lines in this answer, u32 big-endian                    |
/// |      8 |    … | lines | [`StorageIdLine`]s, each ends with a line feed          |
///
/// Source: wire specification, 2.3.10.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StorageIds {
    /// Lines of the whole list.
    pub total: u32,
    /// The lines of this answer.
    pub lines: Vec<StorageIdLine>,
}

impl StorageIds {
    /// The answer to a request that starts at `start_index` of `all`: as many lines as fit into 8 KB.
    ///
    /// # Errors
    /// [`WireError::OutOfRange`] when there is no such line.
    pub fn page(all: &[StorageIdLine], start_index: u32) -> Result<Self, WireError> {
        let total = u32::try_from(all.len()).unwrap_or(u32::MAX);
        let rest = all.get(start_index as usize..).filter(|rest| !rest.is_empty()).ok_or(WireError::OutOfRange {
            field: "start index",
            value: i64::from(start_index),
            low: 0,
            high: i64::from(total) - 1,
        })?;
        let mut len = HEADER_LEN + 8;
        let fits = |line: &&StorageIdLine| {
            let enough = BUFFER_LEN - len >= ENOUGH_LEFT;
            len += line.to_string().len() + 1;
            enough && len <= BUFFER_LEN
        };
        Ok(Self { total, lines: rest.iter().take_while(fits).copied().collect() })
    }
}

impl Wire for StorageIds {
    fn encode(&self, out: &mut Vec<u8>) {
        out.put_u32(self.total);
        out.put_u32(u32::try_from(self.lines.len()).unwrap_or(u32::MAX));
        for line in &self.lines {
            out.put_bytes(format!("{line}\n").as_bytes());
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let (total, count) = (reader.u32("total")?, reader.u32("count")?);
        let text = reader.rest();
        if count as usize > text.len() / LINE_MIN {
            return Err(WireError::OutOfRange {
                field: "count",
                value: i64::from(count),
                low: 0,
                high: (text.len() / LINE_MIN) as i64,
            });
        }
        let mut lines = Vec::new();
        let mut rest = text;
        for _ in 0..count {
            let end = rest.iter().position(|&b| b == b'\n').ok_or_else(|| WireError::bad_text("storage ids", rest))?;
            lines.push(StorageIdLine::parse(&rest[..end])?);
            rest = &rest[end + 1..];
        }
        if rest.is_empty() { Ok(Self { total, lines }) } else { Err(WireError::Trailing { extra: rest.len() }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::tracker::check;
    use proptest::prelude::*;

    const RECORDED: &[u8] = b"\0\0\0\x02\0\0\0\x02100001 tgroup 10.78.1.11:23100\n100002 tgroup 10.78.1.12:23100\n";

    #[test]
    fn recorded_bodies_read_and_write_back_and_reject_every_cut() {
        check::fixed(&StorageIdsRequest { start_index: 9999, allow_empty: true }, &[0, 0, 0x27, 0x0f, 1]);
        let ids = StorageIds::from_bytes(RECORDED).unwrap();
        assert_eq!((ids.total, ids.lines.len(), ids.lines[0].port), (2, 2, Some(23100)));
        check::fixed(&ids, RECORDED);
        check::fixed(&StorageIds::default(), &[0; 8]);
        assert!(StorageIds::from_bytes(&[0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF]).is_err());
    }

    #[test]
    fn lines_of_every_form_read_and_write_back() {
        for line in [
            "100001 group1 10.0.0.1",
            "100001 group1 10.0.0.1,192.168.0.1:23000",
            "100001 group1 [fe80::1]",
            "100001 group1 [10.0.0.1,fe80::1]:23001 rw=read",
            "100001 group1 10.0.0.1 rw=none",
            "100001 group1 10.0.0.1 rw=write",
        ] {
            assert_eq!(StorageIdLine::parse(line.as_bytes()).unwrap().to_string(), line);
        }
        let both = StorageIdLine::parse(b"100001 group1 10.0.0.1 RW=All").unwrap();
        assert_eq!(both.to_string(), "100001 group1 10.0.0.1");
        for bad in [
            "",
            "1 g",
            "1 g x",
            "1 g fe80::1",
            "1 g 10.0.0.1:0",
            "1 g 10.0.0.1 ro",
            "1 g 10.0.0.1 rw=none x",
            "1 g-1 10.0.0.1",
        ] {
            assert!(StorageIdLine::parse(bad.as_bytes()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn pages_hold_whole_lines_and_end_at_the_last() {
        let line = StorageIdLine::parse(b"100001 group1 10.0.0.1:23000 rw=read").unwrap();
        let all = vec![line; 600];
        let (mut start, mut seen) = (0, 0);
        while start < 600 {
            let page = StorageIds::page(&all, start).unwrap();
            assert!(!page.lines.is_empty() && page.to_bytes().len() + HEADER_LEN <= BUFFER_LEN);
            check::round_trip(&page);
            seen += page.lines.len();
            start += page.lines.len() as u32;
        }
        assert_eq!(seen, 600);
        assert!(StorageIds::page(&all, 600).is_err());
        assert!(StorageIds::page(&all, u32::MAX).is_err());
        assert!(StorageIds::page(&[], 0).is_err());
    }

    prop_compose! {
        fn any_line()(id in check::id(), group in check::group(), addrs in check::addrs(),
                  port in proptest::option::of(1..=u16::MAX), rw in 0..4usize) -> StorageIdLine {
            let rw_mode = [RwMode::None, RwMode::Read, RwMode::Write, RwMode::Both][rw];
            StorageIdLine { id, group, addrs, port, rw_mode }
        }
    }

    proptest! {
        #[test]
        fn any_list_round_trips(total: u32, lines in proptest::collection::vec(any_line(), 0..20)) {
            check::round_trip(&StorageIds { total, lines });
        }

        #[test]
        fn any_text_is_judged_without_a_panic(text: Vec<u8>) {
            let _ = StorageIds::from_bytes(&text);
            let _ = StorageIdLine::parse(&text);
        }
    }
}
