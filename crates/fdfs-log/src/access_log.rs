//! Access logs, that of a storage and that of HTTP: one line per request, buffered.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::old_logs::tidy;
use crate::rotation::{NameForm, day_of};
use crate::sink::put_escaped;
use crate::stamp::micros_of_second;
use crate::web_stamp::{WebStampForm, WebStamper};
use crate::{LogError, LogFile, Rotated, RotationSettings, Stamper, Tick};

/// A buffer as large as this is written without waiting for the interval.
const FLUSH_BYTES: usize = 64 * 1024;
/// Lines beyond this are dropped: the disk takes none.
const BUFFER_MAX_BYTES: usize = 16 * 1024 * 1024;

/// The fraction of the time stamps and the unit of `time_used`, key `time_precision`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TimePrecision {
    /// Milliseconds, three digits.
    #[default]
    Ms,
    /// Microseconds, six digits.
    ///
    /// Differs from C, which does not pad the fraction: it writes 95533 microseconds as `.95533`.
    Us,
}

impl TimePrecision {
    /// The first line of an access log, behind its time stamp.
    #[must_use]
    pub const fn columns(self) -> &'static str {
        match self {
            Self::Ms => "client_ip action filename status time_used_ms req_len resp_len",
            Self::Us => "client_ip action filename status time_used_us req_len resp_len",
        }
    }
}

/// What lines look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LineForm {
    /// As the reference writes them, below a line with the names of the columns.
    Classic(TimePrecision),
    /// As web servers write them: the time stands inside, and there is no first line.
    Web(WebStampForm),
}

/// An access log. Source: disk formats, D.3.
///
/// Whoever serves only copies a line into memory. Full buffers are written by the one who filled them, unless the disk
/// is busy with the buffer before; then they grow up to a limit, and nobody waits.
#[derive(Debug)]
pub struct AccessLog {
    form: LineForm,
    pending: Mutex<Pending>,
    /// Locked before `pending` where both are.
    file: Mutex<State>,
}

#[derive(Debug)]
struct Pending {
    lines: String,
    stamper: Stamper,
    web: WebStamper,
    lost_count: u64,
}

#[derive(Debug)]
struct State {
    file: LogFile,
    stamper: Stamper,
    lines: String,
    flushed_at_second: i64,
    tidied_day: Option<Date>,
}

impl AccessLog {
    /// Opens the log `path`, in the system's time zone.
    ///
    /// # Errors
    /// [`LogError`].
    pub fn open(path: &Path, settings: RotationSettings, precision: TimePrecision) -> Result<Self, LogError> {
        Self::open_at(path, settings, precision, TimeZone::system(), Timestamp::now())
    }

    /// Opens the log `path`, with a zone and the time of now.
    ///
    /// # Errors
    /// [`LogError`].
    pub fn open_at(
        path: &Path,
        settings: RotationSettings,
        precision: TimePrecision,
        zone: TimeZone,
        now: Timestamp,
    ) -> Result<Self, LogError> {
        Self::open_as(path, settings, LineForm::Classic(precision), zone, now)
    }

    /// Opens the log `path` of a web server, in the system's time zone.
    ///
    /// # Errors
    /// [`LogError`].
    pub fn open_web(path: &Path, settings: RotationSettings, form: WebStampForm) -> Result<Self, LogError> {
        Self::open_as(path, settings, LineForm::Web(form), TimeZone::system(), Timestamp::now())
    }

    fn open_as(
        path: &Path,
        settings: RotationSettings,
        form: LineForm,
        zone: TimeZone,
        now: Timestamp,
    ) -> Result<Self, LogError> {
        let file = LogFile::open(path, settings, zone.clone(), now)?;
        let web = match form {
            LineForm::Web(form) => form,
            LineForm::Classic(_) => WebStampForm::default(),
        };
        let web = WebStamper::new(zone.clone(), web);
        let stamper = Stamper::new(zone);
        let pending = Pending { lines: String::new(), stamper: stamper.clone(), web, lost_count: 0 };
        let state = State { file, stamper, lines: String::new(), flushed_at_second: now.as_second(), tidied_day: None };
        let log = Self { form, pending: Mutex::new(pending), file: Mutex::new(state) };
        log.flush(now);
        Ok(log)
    }

    /// The unit of `time_used`.
    #[must_use]
    pub const fn precision(&self) -> TimePrecision {
        match self.form {
            LineForm::Classic(precision) => precision,
            LineForm::Web(_) => TimePrecision::Us,
        }
    }

    /// Appends `[time] text`. `text` is the columns from the client's address on.
    pub fn write(&self, at: Timestamp, text: &str) {
        let precision = self.precision();
        self.append(at, |lines, Pending { stamper, .. }| put_access_line(lines, stamper, at, precision, text));
    }

    /// Appends `before`, the time, `after`: a line of a web server, whose writer has made all that a client sent visible.
    pub fn write_around(&self, at: Timestamp, before: &str, after: &str) {
        self.append(at, |lines, Pending { web, .. }| {
            lines.push_str(before);
            lines.push_str(web.time(at));
            lines.push_str(after);
            lines.push('\n');
        });
    }

    fn append(&self, at: Timestamp, put: impl FnOnce(&mut String, &mut Pending)) {
        let mut pending = lock(&self.pending);
        if pending.lines.len() > BUFFER_MAX_BYTES {
            pending.lost_count += 1;
            return;
        }
        let mut lines = std::mem::take(&mut pending.lines);
        put(&mut lines, &mut pending);
        pending.lines = lines;
        let lines = &pending.lines;
        let is_full = lines.len() >= FLUSH_BYTES;
        drop(pending);
        if is_full && let Ok(mut state) = self.file.try_lock() {
            self.flush_into(&mut state, at);
        }
    }

    /// Writes what is buffered.
    pub fn flush(&self, now: Timestamp) {
        self.flush_into(&mut lock(&self.file), now);
    }

    /// Rotates at once, as the signal HUP asks, always under a name with the time, and whatever the settings say.
    /// Source: configuration, 2.
    pub fn hang_up(&self, now: Timestamp) -> Rotated {
        let mut state = lock(&self.file);
        self.flush_into(&mut state, now);
        let rotated = state.file.rotate(now, NameForm::DateTime);
        self.flush_into(&mut state, now);
        rotated
    }

    /// How many lines were lost, to a full buffer or a failing disk, since this was asked last.
    fn take_lost_count(&self) -> u64 {
        std::mem::take(&mut lock(&self.pending).lost_count)
    }

    fn flush_into(&self, state: &mut State, now: Timestamp) {
        state.lines.clear();
        std::mem::swap(&mut state.lines, &mut lock(&self.pending).lines);
        state.flushed_at_second = now.as_second();
        if state.file.is_full(state.lines.len()) {
            state.file.rotate(now, NameForm::DateTime);
        }
        let mut lost_count = 0;
        if state.file.is_empty()
            && let LineForm::Classic(precision) = self.form
        {
            let mut header = String::new();
            put_access_line(&mut header, &mut state.stamper, now, precision, precision.columns());
            // A disk that refuses this line refuses the next ones, which are counted.
            let _ = state.file.write(header.as_bytes(), now);
        }
        if !state.lines.is_empty() && state.file.write(state.lines.as_bytes(), now).is_err() {
            lost_count = state.lines.lines().count() as u64;
        }
        if state.lines.capacity() > 4 * FLUSH_BYTES {
            state.lines = String::new();
        }
        if lost_count > 0 {
            lock(&self.pending).lost_count += lost_count;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn put_access_line(out: &mut String, stamper: &mut Stamper, at: Timestamp, precision: TimePrecision, text: &str) {
    let micros = micros_of_second(at);
    let time = stamper.date_time(at);
    // Writing to a string cannot fail.
    let _ = match precision {
        TimePrecision::Ms => write!(out, "[{time}.{:03}] ", micros / 1000),
        TimePrecision::Us => write!(out, "[{time}.{micros:06}] "),
    };
    put_escaped(out, text);
    out.push('\n');
}

impl Tick for AccessLog {
    fn tick(&self, now: Timestamp) {
        let mut state = lock(&self.file);
        let settings = *state.file.settings();
        let flushed_secs_ago = now.as_second() - state.flushed_at_second;
        // A clock that was set back flushes, too.
        if flushed_secs_ago >= i64::from(settings.flush_interval_secs) || flushed_secs_ago < 0 {
            self.flush_into(&mut state, now);
        }
        let local = state.file.local_time(now);
        if state.file.is_rotation_due(now) {
            // What was buffered belongs to the day that ended.
            self.flush_into(&mut state, now);
        }
        if state.file.rotate_if_due(now).is_some() {
            self.flush_into(&mut state, now);
        }
        let lost_count = self.take_lost_count();
        if lost_count > 0 {
            tracing::warn!("{lost_count} lines of {} were lost: its disk takes none", state.file.path().display());
        }
        let day = day_of(local, settings.delete_old_time_secs);
        if state.tidied_day.replace(day) == Some(day) {
            return;
        }
        let path = state.file.path().to_owned();
        // Compressing takes its time; the log is not held up by it.
        drop(state);
        for error in tidy(&path, &settings, local.date()) {
            tracing::warn!("{error}");
        }
    }

    fn finish(&self, now: Timestamp) {
        self.flush(now);
    }
}

impl Drop for AccessLog {
    fn drop(&mut self) {
        self.flush(Timestamp::now());
    }
}

#[cfg(test)]
mod tests;
