//! What servers of the reference send to each other, field by field. Source: wire specification, 2.1.2, 2.3, 2.4, 2.6.
//!
//! Written down once more, apart from the codecs of `fdfs-proto`: those wrote what is judged here.

/// What a field holds, and how far it may differ from a recorded one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The same in every request of its kind.
    Fixed,
    /// A number that the operation gives: offsets, sizes, counts.
    Number,
    /// The length of a name.
    NameLen,
    /// Unix time.
    Time,
    /// Text in a field of its own, NUL-padded.
    Text,
    /// A file's name.
    Name,
    /// A file's bytes, or lines.
    Content,
    /// What a server knows of itself: space, counters, addresses.
    State,
}

/// One field of a request.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub(crate) what: &'static str,
    pub(crate) kind: Kind,
    pub(crate) bytes: Vec<u8>,
}

impl Field {
    /// A big-endian number of any width.
    pub(crate) fn number(&self) -> u64 {
        self.bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
    }
}

/// A body that is taken apart.
struct Body<'a> {
    rest: &'a [u8],
    /// Padding must be zeros: the reference leaves there what was in its buffer before.
    is_strict: bool,
    fields: Vec<Field>,
}

impl Body<'_> {
    fn take(&mut self, what: &'static str, kind: Kind, len: u64) -> Result<u64, String> {
        let have = self.rest.len() as u64;
        if have < len {
            return Err(format!("{what}: {len} bytes, {have} are left"));
        }
        let (bytes, rest) = self.rest.split_at(len as usize);
        self.rest = rest;
        match kind {
            Kind::Text => self.check_text(what, bytes)?,
            Kind::Name => check_name(what, bytes)?,
            _ => {}
        }
        let field = Field { what, kind, bytes: bytes.to_vec() };
        let number = field.number();
        self.fields.push(field);
        Ok(number)
    }

    fn check_text(&self, what: &str, bytes: &[u8]) -> Result<(), String> {
        let end = bytes.iter().position(|byte| *byte == 0).ok_or_else(|| format!("{what}: no NUL in {bytes:?}"))?;
        let is_text = bytes[..end].iter().all(u8::is_ascii_graphic);
        let is_padded = !self.is_strict || bytes[end..].iter().all(|byte| *byte == 0);
        if is_text && is_padded { Ok(()) } else { Err(format!("{what}: {bytes:?}")) }
    }

    fn number(&mut self, what: &'static str, len: u64) -> Result<u64, String> {
        self.take(what, Kind::Number, len)
    }

    fn time(&mut self) -> Result<(), String> {
        let time = self.take("time", Kind::Time, 4)?;
        if time > 1_500_000_000 { Ok(()) } else { Err(format!("time {time}")) }
    }

    fn name_len(&mut self, what: &'static str) -> Result<u64, String> {
        let len = self.take(what, Kind::NameLen, 8)?;
        if (1..128).contains(&len) { Ok(len) } else { Err(format!("{what} {len}")) }
    }

    fn group(&mut self) -> Result<(), String> {
        self.take("group", Kind::Text, 16).map(drop)
    }

    /// Text that may not be missing.
    fn who(&mut self, what: &'static str, len: u64) -> Result<(), String> {
        let is_missing = self.rest.first() == Some(&0);
        self.take(what, Kind::Text, len)?;
        if is_missing { Err(format!("{what} is empty")) } else { Ok(()) }
    }

    fn rest_of_name(&mut self) -> Result<(), String> {
        self.take("name", Kind::Name, self.rest.len() as u64).map(drop)
    }

    fn block(&mut self) -> Result<(), String> {
        for (what, len) in [("path", 1), ("high", 1), ("low", 1), ("id", 4), ("offset", 4), ("size", 4)] {
            self.take(what, Kind::Number, len)?;
        }
        Ok(())
    }

    fn states(&mut self, what: &'static str, len: u64) -> Result<(), String> {
        self.take(what, Kind::State, len).map(drop)
    }

    /// As long as there is anything.
    fn records(&mut self, mut record: impl FnMut(&mut Self) -> Result<(), String>) -> Result<(), String> {
        loop {
            record(self)?;
            if self.rest.is_empty() {
                return Ok(());
            }
        }
    }
}

fn check_name(what: &str, bytes: &[u8]) -> Result<(), String> {
    let is_name = (36..128).contains(&bytes.len()) && bytes.starts_with(b"M") && bytes.iter().all(u8::is_ascii_graphic);
    if is_name { Ok(()) } else { Err(format!("{what}: {}", String::from_utf8_lossy(bytes))) }
}

/// Takes a request apart; every byte of it must belong to a field.
pub(crate) fn decode(command: u8, status: u8, bytes: &[u8], is_strict: bool) -> Result<Vec<Field>, String> {
    let mut body = Body { rest: bytes, is_strict, fields: Vec::new() };
    if status != 0 && !matches!((command, status), (16 | 18, 17) | (22, 1..=7) | (28, _)) {
        return Err(format!("status {status}"));
    }
    fields(&mut body, command, status)?;
    if body.rest.is_empty() { Ok(body.fields) } else { Err(format!("{} bytes behind its end", body.rest.len())) }
}

fn fields(body: &mut Body<'_>, command: u8, status: u8) -> Result<(), String> {
    match command {
        9 => body.who("storage id", 16),
        14 => {
            body.number("offset", 8)?;
            body.number("count", 8)?;
            body.group()?;
            body.rest_of_name()
        }
        16 | 18 => {
            let name_len = body.name_len("name length")?;
            let size = body.number("file size", 8)?;
            body.time()?;
            body.group()?;
            body.take("name", Kind::Name, name_len)?;
            body.take("content", Kind::Content, if status == 0 { size } else { 0 }).map(drop)
        }
        17 => {
            body.time()?;
            body.group()?;
            body.rest_of_name()
        }
        19 | 40 => {
            let (new_len, old_len) = (body.name_len("new name length")?, body.name_len("old name length")?);
            body.time()?;
            body.group()?;
            body.take("new name", Kind::Name, new_len)?;
            body.take("old name", Kind::Name, old_len).map(drop)
        }
        22 => {
            body.group()?;
            body.rest_of_name()
        }
        25 | 35 | 37 => {
            let name_len = body.name_len("name length")?;
            body.number(if command == 37 { "size before" } else { "offset" }, 8)?;
            let count = body.number(if command == 37 { "size after" } else { "count" }, 8)?;
            body.time()?;
            body.group()?;
            body.take("name", Kind::Name, name_len)?;
            body.take("content", Kind::Content, if command == 37 { 0 } else { count }).map(drop)
        }
        26 => {
            body.group()?;
            body.number("store path", 1).map(drop)
        }
        27 => {
            body.group()?;
            body.number("size", 4)?;
            body.number("store path", 1).map(drop)
        }
        28 | 29 => {
            body.group()?;
            body.block()
        }
        30 => trunk_lines(body),
        // What has no body.
        31 | 32 | 33 | 61 | 62 | 64 | 68 | 72 | 75 | 77 | 79 | 82 | 87 | 111 => Ok(()),
        58 | 63 | 65 | 66 | 67 => between_trackers(body, command),
        _ => to_tracker(body, command),
    }
}

/// `time op path high low id offset size\n`, at most 64 KB of them.
fn trunk_lines(body: &mut Body<'_>) -> Result<(), String> {
    let text = std::str::from_utf8(body.rest).map_err(|e| e.to_string())?;
    let is_line = |line: &str| {
        let columns: Vec<_> = line.split(' ').collect();
        columns.len() == 8
            && matches!(columns[1], "A" | "D")
            && columns.iter().enumerate().all(|(i, column)| i == 1 || column.parse::<u32>().is_ok())
    };
    let is_whole = text.ends_with('\n') && text.len() <= 64 << 10 && text.lines().all(is_line);
    if !is_whole {
        return Err(format!("lines: {text:?}"));
    }
    body.take("lines", Kind::Content, text.len() as u64).map(drop)
}

fn between_trackers(body: &mut Body<'_>, command: u8) -> Result<(), String> {
    match command {
        58 => {
            body.states("up time", 8)?;
            body.take("version", Kind::Text, 8)?;
            body.states("port", 8)
        }
        63 => {
            let index = body.number("file", 1)?;
            body.number("offset", 8)?;
            if index <= 3 { Ok(()) } else { Err(format!("file {index}")) }
        }
        65 => body.states("connection counts", 12),
        _ => {
            let text = String::from_utf8_lossy(body.rest).into_owned();
            text.parse::<std::net::SocketAddr>().map_err(|e| format!("{text}: {e}"))?;
            body.states("address", text.len() as u64)
        }
    }
}

fn to_tracker(body: &mut Body<'_>, command: u8) -> Result<(), String> {
    match command {
        59 => body.states("status", 1),
        60 => {
            body.take("group", Kind::Text, 17)?;
            body.states("port", 4)
        }
        69 => {
            body.number("start", 4)?;
            body.take("empty is fine", Kind::Fixed, 1).map(drop)
        }
        70 | 71 => {
            body.group()?;
            body.states("address", body.rest.len() as u64)
        }
        73 => body.states("trunk file id", 4),
        74 => body.states("free MB", 8),
        76 => {
            body.group()?;
            body.states("status", 1)?;
            // The reference says none here.
            body.take("port", Kind::Fixed, 4)?;
            body.who("storage id", 16)?;
            body.who("ip", 46)
        }
        81 => join(body),
        85 => body.records(|body| {
            body.states("status", 1)?;
            body.states("port", 4)?;
            body.who("storage id", 16)?;
            body.who("ip", 46)
        }),
        83 if body.rest.is_empty() => Ok(()),
        83 => body.states("counters", 348),
        84 => body.records(|body| body.states("total and free MB", 16)),
        86 => {
            body.group()?;
            body.who("storage id", 16)
        }
        // The storages of a group; recorded of the reference's tools.
        92 => body.group(),
        88 => {
            body.take("storage id", Kind::Text, 16)?;
            body.states("until", 8)
        }
        89 => body.records(|body| {
            body.who("storage id", 16)?;
            body.states("time", 4)
        }),
        other => Err(format!("command {other} is none that the reference sends")),
    }
}

fn join(body: &mut Body<'_>) -> Result<(), String> {
    body.take("group", Kind::Text, 17)?;
    body.states("port", 8)?;
    for (what, most) in [("store paths", 256), ("sub directories", 256), ("upload priority", 255)] {
        let number = body.take(what, Kind::State, 8)?;
        if !(1..=most).contains(&number) {
            return Err(format!("{what}: {number}"));
        }
    }
    body.states("join time", 8)?;
    body.states("up time", 8)?;
    body.take("version", Kind::Text, 8)?;
    let init = body.take("old files are missing", Kind::State, 1)?;
    body.states("status", 1)?;
    body.take("storage id", Kind::Text, 16)?;
    body.take("tracker's ip", Kind::Text, 46)?;
    let count = body.number("tracker count", 8)?;
    let lines = body.rest;
    let text = std::str::from_utf8(lines).map_err(|e| e.to_string())?;
    let is_line = |line: &str| line.parse::<std::net::SocketAddr>().is_ok();
    if init > 1 || text.lines().count() as u64 != count || !text.ends_with('\n') || !text.lines().all(is_line) {
        return Err(format!("init {init}, {count} trackers: {text:?}"));
    }
    body.states("tracker lines", lines.len() as u64)
}
