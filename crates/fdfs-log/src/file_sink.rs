//! The error log of a server: one file, every line written at once.

use std::io;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::old_logs::tidy;
use crate::rotation::day_of;
use crate::sink::put_line;
use crate::{Level, LogError, LogFile, LogSink, Rotated, RotationSettings, Stamper, Tick};

/// A log of classic lines in a file.
///
/// Differs from C: a line is with the kernel before the program goes on, so that the lines before a crash are there;
/// C holds them back for `sync_log_buff_interval`.
#[derive(Debug)]
pub struct FileSink {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    file: LogFile,
    stamper: Stamper,
    line: String,
    /// Lines that could not be written since the last one that could, and why.
    lost_count: u64,
    lost_reason: Option<io::Error>,
    /// The day for which old files were looked through.
    tidied_day: Option<Date>,
}

impl FileSink {
    /// Opens the log `path`, in the system's time zone.
    ///
    /// # Errors
    /// [`LogError`].
    pub fn open(path: &Path, settings: RotationSettings) -> Result<Self, LogError> {
        Self::open_at(path, settings, TimeZone::system(), Timestamp::now())
    }

    /// Opens the log `path`, with a zone and the time of now.
    ///
    /// # Errors
    /// [`LogError`].
    pub fn open_at(path: &Path, settings: RotationSettings, zone: TimeZone, now: Timestamp) -> Result<Self, LogError> {
        let file = LogFile::open(path, settings, zone.clone(), now)?;
        let state = State {
            file,
            stamper: Stamper::new(zone),
            line: String::new(),
            lost_count: 0,
            lost_reason: None,
            tidied_day: None,
        };
        Ok(Self { state: Mutex::new(state) })
    }

    /// Rotates at once, as the signal HUP asks; does nothing unless `log_file_rotate_everyday` is on. Source: disk
    /// formats, D.4.
    pub fn hang_up(&self, now: Timestamp) -> Option<Rotated> {
        let mut state = self.lock();
        let settings = *state.file.settings();
        settings.everyday.then(|| {
            let rotated = state.file.rotate(now, settings.name_form());
            state.report(&rotated, now);
            rotated
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn write(&mut self, at: Timestamp, level: Level, text: &str) {
        self.line.clear();
        if let Some(reason) = &self.lost_reason {
            let lost = format!("{} log lines before this one were lost: {reason}", self.lost_count);
            put_line(&mut self.line, &mut self.stamper, at, Level::Warning, &lost);
        }
        put_line(&mut self.line, &mut self.stamper, at, level, text);
        match self.file.write(self.line.as_bytes(), at) {
            Ok(()) => (self.lost_count, self.lost_reason) = (0, None),
            Err(reason) => {
                self.lost_count += 1;
                self.lost_reason = Some(reason);
            }
        }
    }

    /// Says in the log what a rotation did that nobody expects.
    fn report(&mut self, rotated: &Rotated, now: Timestamp) {
        match rotated {
            Rotated::Renamed(_) => {}
            Rotated::NameTaken(path) => {
                let text = format!("the log was not rotated: {} is there already", path.display());
                self.write(now, Level::Warning, &text);
            }
            Rotated::Failed(error) => self.write(now, Level::Error, &format!("rotate the log: {error}")),
        }
    }
}

impl LogSink for FileSink {
    fn write(&self, at: Timestamp, level: Level, text: &str) {
        self.lock().write(at, level, text);
    }
}

impl Tick for FileSink {
    fn tick(&self, now: Timestamp) {
        let mut state = self.lock();
        if let Some(rotated) = state.file.rotate_if_due(now) {
            state.report(&rotated, now);
        }
        let (path, settings) = (state.file.path().to_owned(), *state.file.settings());
        let local = state.file.local_time(now);
        let day = day_of(local, settings.delete_old_time_secs);
        if state.tidied_day.replace(day) == Some(day) {
            return;
        }
        // Compressing takes its time; nobody who logs waits for it.
        drop(state);
        for error in tidy(&path, &settings, local.date()) {
            self.write(now, Level::Warning, &error.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn sink(settings: RotationSettings, now: &str) -> (tempfile::TempDir, FileSink) {
        let dir = tempfile::tempdir().unwrap();
        let sink = FileSink::open_at(&dir.path().join("logs/t.log"), settings, TimeZone::UTC, at(now)).unwrap();
        (dir, sink)
    }

    fn text(dir: &tempfile::TempDir, name: &str) -> String {
        fs::read_to_string(dir.path().join("logs").join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    #[test]
    fn lines_are_in_the_file_at_once_and_rotate_at_midnight() {
        let (dir, sink) = sink(RotationSettings::default(), "2026-11-20T23:59:00Z");
        sink.write(at("2026-11-20T23:59:58Z"), Level::Info, "before");
        assert_eq!(text(&dir, "t.log"), "[2026-11-20 23:59:58] INFO - before\n");
        sink.tick(at("2026-11-20T23:59:59Z"));
        assert!(!dir.path().join("logs/t.log.20261120").exists());
        sink.tick(at("2026-11-21T00:00:00Z"));
        sink.write(at("2026-11-21T00:00:01Z"), Level::Crit, "after");
        assert_eq!(text(&dir, "t.log.20261120"), "[2026-11-20 23:59:58] INFO - before\n");
        assert_eq!(text(&dir, "t.log"), "[2026-11-21 00:00:01] CRIT - after\n");
        sink.tick(at("2026-11-21T12:00:00Z"));
        assert_eq!(text(&dir, "t.log"), "[2026-11-21 00:00:01] CRIT - after\n");
    }

    #[test]
    fn a_hang_up_rotates_only_with_rotate_everyday_and_never_over_an_older_file() {
        let now = "2026-11-20T10:00:00Z";
        let (dir, quiet) = sink(RotationSettings { everyday: false, ..RotationSettings::default() }, now);
        assert!(quiet.hang_up(at(now)).is_none());
        assert_eq!(fs::read_dir(dir.path().join("logs")).unwrap().count(), 1);

        let (dir, sink) = sink(RotationSettings::default(), now);
        sink.write(at(now), Level::Info, "one");
        assert!(matches!(sink.hang_up(at(now)), Some(Rotated::Renamed(_))));
        sink.write(at(now), Level::Info, "two");
        assert!(matches!(sink.hang_up(at(now)), Some(Rotated::NameTaken(_))));
        sink.write(at(now), Level::Info, "three");
        assert_eq!(text(&dir, "t.log.20261120"), "[2026-11-20 10:00:00] INFO - one\n");
        let log = text(&dir, "t.log");
        let lines: Vec<&str> = log.lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(lines[0].ends_with("two") && lines[1].contains("is there already") && lines[2].ends_with("three"));
    }

    #[test]
    fn a_file_moved_away_by_others_is_opened_anew_by_a_hang_up() {
        let now = "2026-11-20T10:00:00Z";
        let (dir, sink) = sink(RotationSettings::default(), now);
        fs::rename(dir.path().join("logs/t.log"), dir.path().join("logs/t.log.1")).unwrap();
        sink.hang_up(at(now));
        sink.write(at(now), Level::Info, "new");
        assert!(text(&dir, "t.log").contains("INFO - new"));
        assert_eq!(text(&dir, "t.log.1"), "");
    }

    #[test]
    fn the_size_rotates_under_names_with_the_time() {
        let settings = RotationSettings { on_size_bytes: 100, ..RotationSettings::default() };
        let (dir, sink) = sink(settings, "2026-11-20T10:00:00Z");
        for second in 0..3 {
            sink.write(at(&format!("2026-11-20T10:00:0{second}Z")), Level::Info, &"x".repeat(40));
        }
        assert_eq!(text(&dir, "t.log.20261120_100001").lines().count(), 1);
        assert_eq!(text(&dir, "t.log.20261120_100002").lines().count(), 1);
        assert_eq!(text(&dir, "t.log").lines().count(), 1);
    }

    #[test]
    fn old_files_are_looked_after_at_the_start_and_then_at_their_time() {
        let (dir, sink) = sink(RotationSettings::default(), "2026-11-20T10:00:00Z");
        let make = |name: &str| fs::write(dir.path().join("logs").join(name), "").unwrap();
        let is_there = |name: &str| dir.path().join("logs").join(name).exists();
        make("t.log.20261001");
        sink.tick(at("2026-11-20T10:00:01Z"));
        assert!(!is_there("t.log.20261001"));
        make("t.log.20261002");
        sink.tick(at("2026-11-21T01:29:59Z"));
        assert!(is_there("t.log.20261002"));
        sink.tick(at("2026-11-21T01:30:00Z"));
        assert!(!is_there("t.log.20261002"));
    }

    #[test]
    fn a_log_disk_that_fails_loses_lines_and_says_so_when_it_is_back() {
        let (_dir, sink) = sink(RotationSettings::default(), "2026-11-20T10:00:00Z");
        let now = at("2026-11-20T10:00:00Z");
        // Every write to /dev/full fails as on a full disk.
        let full = LogFile::open(Path::new("/dev/full"), RotationSettings::default(), TimeZone::UTC, now).unwrap();
        let good = std::mem::replace(&mut sink.lock().file, full);
        sink.write(now, Level::Info, "one");
        sink.write(now, Level::Info, "two");
        let path = good.path().to_owned();
        sink.lock().file = good;
        sink.write(now, Level::Info, "three");
        sink.write(now, Level::Info, "four");
        let log = fs::read_to_string(path).unwrap();
        let lines: Vec<&str> = log.lines().collect();
        assert_eq!(lines.len(), 3, "{log}");
        assert!(lines[0].contains("WARNING - 2 log lines before this one were lost: No space left on device"), "{log}");
        assert!(lines[1].ends_with("three") && lines[2].ends_with("four"));
    }

    #[test]
    fn w44_a_clock_set_back_neither_rotates_nor_stops_the_rotation() {
        let (dir, sink) = sink(RotationSettings::default(), "2026-11-20T10:00:00Z");
        let count = || fs::read_dir(dir.path().join("logs")).unwrap().count();
        sink.tick(at("2026-10-01T10:00:00Z"));
        assert_eq!(count(), 1);
        sink.tick(at("2026-10-02T00:00:00Z"));
        assert_eq!(count(), 2);
        assert!(dir.path().join("logs/t.log.20261001").exists());
    }
}
