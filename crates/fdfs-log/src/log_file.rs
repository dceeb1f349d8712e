//! A file that lines are appended to, and that steps aside.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use crate::rotation::{NameForm, RotationSettings, day_of, rotated_path, with_suffix};

/// Why a log could not be opened at the start. Later a log that fails is only a log that fails.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The directory could not be made.
    #[error("create the log directory {}: {source}; check base_path and its permissions", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The file could not be opened for appending.
    #[error("open the log file {}: {source}; check its permissions", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

/// What a rotation did.
#[derive(Debug)]
pub enum Rotated {
    /// The old file has this name now.
    Renamed(PathBuf),
    /// A file of this name was there already: nothing was renamed, the log was opened anew and goes on.
    NameTaken(PathBuf),
    /// The old file could not be renamed, or no new one opened; what can be written goes on being written.
    Failed(io::Error),
}

/// A log file. Lines reach the kernel before [`LogFile::write`] returns.
///
/// Source: disk formats, D.4.
#[derive(Debug)]
pub struct LogFile {
    path: PathBuf,
    settings: RotationSettings,
    zone: TimeZone,
    file: File,
    size_bytes: u64,
    /// The last write ended inside a line.
    is_torn: bool,
    rotation_day: Date,
}

impl LogFile {
    /// Opens `path` for appending, and makes its directory where that is missing.
    ///
    /// # Errors
    /// [`LogError`].
    pub fn open(path: &Path, settings: RotationSettings, zone: TimeZone, now: Timestamp) -> Result<Self, LogError> {
        if let Some(dir) = path.parent().filter(|dir| !dir.as_os_str().is_empty() && !dir.is_dir()) {
            let made = DirBuilder::new().recursive(true).mode(0o755).create(dir);
            made.map_err(|source| LogError::Directory { path: dir.to_owned(), source })?;
        }
        let (file, size_bytes) =
            open_append(path).map_err(|source| LogError::Open { path: path.to_owned(), source })?;
        let rotation_day = day_of(zone.to_datetime(now), settings.rotate_time_secs);
        Ok(Self { path: path.to_owned(), settings, zone, file, size_bytes, is_torn: false, rotation_day })
    }

    /// The file's name.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The settings.
    #[must_use]
    pub const fn settings(&self) -> &RotationSettings {
        &self.settings
    }

    /// Whether nothing was ever written to it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.size_bytes == 0
    }

    /// Local time.
    #[must_use]
    pub fn local_time(&self, now: Timestamp) -> DateTime {
        self.zone.to_datetime(now)
    }

    /// Whether `len` more bytes make the size rotate it.
    #[must_use]
    pub const fn is_full(&self, len: usize) -> bool {
        let limit = self.settings.on_size_bytes;
        limit > 0 && self.size_bytes > 0 && self.size_bytes.saturating_add(len as u64) > limit
    }

    /// Appends whole lines, each with its line feed, in one call; rotates first when they make the file too large.
    ///
    /// # Errors
    /// The system's reason; the lines, or the rest of them, are lost then, and the next ones may well be written.
    pub fn write(&mut self, lines: &[u8], now: Timestamp) -> io::Result<()> {
        if self.is_full(lines.len()) {
            self.rotate(now, NameForm::DateTime);
        }
        if self.is_torn {
            self.file.write_all(b"\n")?;
            self.is_torn = false;
            self.size_bytes += 1;
        }
        let mut rest = lines;
        while !rest.is_empty() {
            match self.file.write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => {
                    let (written, unwritten) = rest.split_at(n.min(rest.len()));
                    self.is_torn = written.last() != Some(&b'\n');
                    self.size_bytes += n as u64;
                    rest = unwritten;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Whether [`LogFile::rotate_if_due`] would rotate.
    #[must_use]
    pub fn is_rotation_due(&self, now: Timestamp) -> bool {
        let day = day_of(self.local_time(now), self.settings.rotate_time_secs);
        self.settings.everyday && day > self.rotation_day
    }

    /// Rotates when the time of the day for it has come.
    pub fn rotate_if_due(&mut self, now: Timestamp) -> Option<Rotated> {
        let is_due = self.is_rotation_due(now);
        let local = self.local_time(now);
        // A clock that was set back must not make the log wait until it has caught up.
        self.rotation_day = day_of(local, self.settings.rotate_time_secs);
        is_due.then(|| {
            let form = self.settings.name_form();
            self.rotate_as(self.settings.daily_name_time(local), form)
        })
    }

    /// Rotates at once, under a name of the time `now`.
    pub fn rotate(&mut self, now: Timestamp, form: NameForm) -> Rotated {
        self.rotate_as(self.local_time(now), form)
    }

    fn rotate_as(&mut self, name_time: DateTime, form: NameForm) -> Rotated {
        let aside = rotated_path(&self.path, name_time, form);
        let is_taken = aside.exists() || with_suffix(&aside, ".gz").exists();
        let renamed = if is_taken { Ok(()) } else { std::fs::rename(&self.path, &aside) };
        // Opened anew in any case: somebody else may have moved or removed the file.
        match open_append(&self.path) {
            Ok((file, size_bytes)) => (self.file, self.size_bytes, self.is_torn) = (file, size_bytes, false),
            // The old file still takes lines, whatever its name is.
            Err(error) => return Rotated::Failed(error),
        }
        match renamed {
            Err(error) => Rotated::Failed(error),
            Ok(()) if is_taken => Rotated::NameTaken(aside),
            Ok(()) => Rotated::Renamed(aside),
        }
    }
}

fn open_append(path: &Path) -> io::Result<(File, u64)> {
    let file = OpenOptions::new().append(true).create(true).mode(0o644).open(path)?;
    let size_bytes = file.metadata()?.len();
    Ok((file, size_bytes))
}

#[cfg(test)]
mod tests;
