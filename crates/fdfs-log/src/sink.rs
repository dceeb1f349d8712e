//! Where log lines go.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::{Level, Stamper};

/// Takes the lines of a log. Never fails and never logs itself.
pub trait LogSink: Send + Sync + 'static {
    /// One line of text, without line feed.
    fn write(&self, at: Timestamp, level: Level, text: &str);
}

impl<S: LogSink + ?Sized> LogSink for Arc<S> {
    fn write(&self, at: Timestamp, level: Level, text: &str) {
        (**self).write(at, level, text);
    }
}

/// Two sinks take every line both.
impl<A: LogSink, B: LogSink> LogSink for (A, B) {
    fn write(&self, at: Timestamp, level: Level, text: &str) {
        self.0.write(at, level, text);
        self.1.write(at, level, text);
    }
}

/// Appends the classic line `[YYYY-MM-DD HH:MM:SS] LEVEL - text` and its line feed. Source: disk formats, D.2.
pub(crate) fn put_line(out: &mut String, stamper: &mut Stamper, at: Timestamp, level: Level, text: &str) {
    // Writing to a string cannot fail.
    let _ = write!(out, "[{}] {level} - ", stamper.date_time(at));
    put_escaped(out, text);
    out.push('\n');
}

/// Appends `text` with its control characters made visible: what a peer sent must not look like a line of its own, nor
/// steer a terminal.
pub(crate) fn put_escaped(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push('\t'),
            c if c.is_control() => {
                let _ = write!(out, "\\x{:02x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
}

/// Writes classic lines to stderr.
#[derive(Debug)]
pub struct StderrSink {
    prefix: String,
    stamper: Mutex<Stamper>,
}

impl StderrSink {
    /// Lines as they are in a file.
    #[must_use]
    pub fn new() -> Self {
        Self { prefix: String::new(), stamper: Mutex::new(Stamper::new(TimeZone::system())) }
    }

    /// Lines with `[name] ` in front, to tell the servers of one process apart.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self { prefix: format!("[{name}] "), ..Self::new() }
    }
}

impl Default for StderrSink {
    fn default() -> Self {
        Self::new()
    }
}

impl LogSink for StderrSink {
    fn write(&self, at: Timestamp, level: Level, text: &str) {
        let mut line = self.prefix.clone();
        put_line(&mut line, &mut self.stamper.lock().unwrap_or_else(PoisonError::into_inner), at, level, text);
        // A closed stderr is nobody's business.
        let _ = io::stderr().lock().write_all(line.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_the_classic_form_and_stay_lines() {
        let mut line = String::new();
        let at = "2026-11-20T09:05:07.9Z".parse().unwrap();
        put_line(
            &mut line,
            &mut Stamper::new(TimeZone::UTC),
            at,
            Level::Warning,
            "a\n[x] ERROR - b\r\x1b[31m\tc\u{e9}",
        );
        assert_eq!(line, "[2026-11-20 09:05:07] WARNING - a\\n[x] ERROR - b\\r\\x1b[31m\tc\u{e9}\n");
    }
}
