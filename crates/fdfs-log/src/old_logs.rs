//! What becomes of rotated files: they are compressed, and one day deleted.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::ToSpan;
use jiff::civil::Date;

use crate::rotation::{RotationSettings, parse_rotated, with_suffix};

/// What could not be done with an old log.
#[derive(Debug, thiserror::Error)]
#[error("{action} {}: {source}", path.display())]
pub struct OldLogError {
    /// What was tried.
    pub action: &'static str,
    /// The file or directory.
    pub path: PathBuf,
    /// The system's reason.
    pub source: io::Error,
}

/// A rotated file.
#[derive(Debug, Clone, PartialEq, Eq)]
struct OldLog {
    path: PathBuf,
    date: Date,
    is_gz: bool,
}

/// Compresses the rotated files of `log` that are old enough, and deletes those that are too old. `today` is the local
/// date. Goes on after failures and gives them all. Reads and writes whole files: not for a thread that serves.
pub fn tidy(log: &Path, settings: &RotationSettings, today: Date) -> Vec<OldLogError> {
    if settings.keep_days == 0 && !settings.compress_old {
        return Vec::new();
    }
    let old_logs = match list(log) {
        Ok(old_logs) => old_logs,
        Err(error) => return vec![error],
    };
    let mut errors = Vec::new();
    // A date before which no calendar goes keeps everything.
    let before = |days: u32| today.checked_sub(i64::from(days).days()).unwrap_or(Date::MIN);
    for old in old_logs {
        let result = if settings.keep_days > 0 && old.date < before(settings.keep_days) {
            fs::remove_file(&old.path).map_err(|source| fails("delete the old log", &old.path, source))
        } else if settings.compress_old && !old.is_gz && old.date <= before(settings.compress_days_before) {
            compress(&old.path)
        } else {
            Ok(())
        };
        errors.extend(result.err());
    }
    errors
}

fn fails(action: &'static str, path: &Path, source: io::Error) -> OldLogError {
    OldLogError { action, path: path.to_owned(), source }
}

/// The rotated files of `log`.
fn list(log: &Path) -> Result<Vec<OldLog>, OldLogError> {
    let dir = match log.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    };
    let Some(log_name) = log.file_name().and_then(|name| name.to_str()) else { return Ok(Vec::new()) };
    let entries = fs::read_dir(dir).map_err(|source| fails("list the log directory", dir, source))?;
    let old_log = |entry: fs::DirEntry| {
        let (date, is_gz) = parse_rotated(log_name, entry.file_name().to_str()?)?;
        Some(OldLog { path: entry.path(), date, is_gz })
    };
    Ok(entries.filter_map(|entry| old_log(entry.ok()?)).collect())
}

/// Replaces a file by its gzip form, named with `.gz` behind. The name appears when the file is whole and on the disk;
/// one that is there already is left alone, and so is the plain file.
fn compress(path: &Path) -> Result<(), OldLogError> {
    let gz = with_suffix(path, ".gz");
    if gz.exists() {
        return Ok(());
    }
    let part = with_suffix(&gz, ".part");
    let write = || {
        let mut plain = File::open(path)?;
        let out = OpenOptions::new().write(true).create(true).truncate(true).mode(0o644).open(&part)?;
        let mut encoder = GzEncoder::new(out, Compression::default());
        io::copy(&mut plain, &mut encoder)?;
        encoder.finish()?.sync_all()?;
        fs::rename(&part, &gz)?;
        fs::remove_file(path)
    };
    write().map_err(|source| {
        // Half a file is of no use; the plain one is still there.
        let _ = fs::remove_file(&part);
        fails("compress the old log", path, source)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::read::GzDecoder;
    use jiff::civil::date;
    use std::io::Read;

    const TODAY: Date = date(2026, 11, 21);

    fn logs(names: &[&str]) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        for name in names {
            fs::write(dir.path().join(name), name).unwrap();
        }
        let log = dir.path().join("storaged.log");
        (dir, log)
    }

    fn names(dir: &tempfile::TempDir) -> Vec<String> {
        let entries = fs::read_dir(dir.path()).unwrap();
        let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn files_older_than_keep_days_are_deleted_and_no_others() {
        let (dir, log) = logs(&[
            "storaged.log",
            "storaged.log.20261105",
            "storaged.log.20261105_235959.gz",
            "storaged.log.20261106",
            "storaged.log.20261120.gz",
            "storaged.log.20250101.bak",
            "trackerd.log.20250101",
        ]);
        let settings = RotationSettings { keep_days: 15, ..RotationSettings::default() };
        assert!(tidy(&log, &settings, TODAY).is_empty());
        let kept = [
            "storaged.log",
            "storaged.log.20250101.bak",
            "storaged.log.20261106",
            "storaged.log.20261120.gz",
            "trackerd.log.20250101",
        ];
        assert_eq!(names(&dir), kept);
        assert!(tidy(&log, &RotationSettings { keep_days: 0, ..settings }, TODAY).is_empty());
        assert_eq!(names(&dir), kept);
    }

    #[test]
    fn old_files_are_compressed_after_their_days_and_hold_the_same_bytes() {
        let (dir, log) = logs(&[
            "storaged.log",
            "storaged.log.20261114",
            "storaged.log.20261115",
            "storaged.log.20261113",
            "storaged.log.20261113.gz",
            "storaged.log.20261114.gz.part",
        ]);
        let settings = RotationSettings { compress_old: true, compress_days_before: 7, ..RotationSettings::default() };
        assert!(tidy(&log, &settings, TODAY).is_empty());
        let after = [
            "storaged.log",
            "storaged.log.20261113",
            "storaged.log.20261113.gz",
            "storaged.log.20261114.gz",
            "storaged.log.20261115",
        ];
        assert_eq!(names(&dir), after);
        let mut text = String::new();
        let gz = File::open(dir.path().join("storaged.log.20261114.gz")).unwrap();
        GzDecoder::new(gz).read_to_string(&mut text).unwrap();
        assert_eq!(text, "storaged.log.20261114");
    }

    #[test]
    fn what_fails_is_reported_and_the_rest_is_done() {
        let (dir, log) = logs(&["storaged.log.20260102"]);
        // A directory under such a name can be neither deleted as a file nor compressed.
        fs::create_dir(dir.path().join("storaged.log.20260101")).unwrap();
        let errors = tidy(&log, &RotationSettings::default(), TODAY);
        assert_eq!(errors.len(), 1);
        assert!(errors[0].to_string().contains("delete the old log"), "{}", errors[0]);
        assert_eq!(names(&dir), ["storaged.log.20260101"]);
        let missing = tidy(Path::new("/nowhere/at/all.log"), &RotationSettings::default(), TODAY);
        assert_eq!(missing.len(), 1);
    }
}
