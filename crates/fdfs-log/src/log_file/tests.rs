use super::*;
use std::fs;

fn now() -> Timestamp {
    "2026-11-20T10:00:00Z".parse().unwrap()
}

#[test]
fn the_directory_is_made_and_what_cannot_be_opened_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a/b/x.log");
    let settings = RotationSettings::default();
    LogFile::open(&path, settings, TimeZone::UTC, now()).unwrap();
    assert!(path.exists());
    let below_a_file = LogFile::open(&path.join("y.log"), settings, TimeZone::UTC, now()).unwrap_err();
    assert!(matches!(below_a_file, LogError::Directory { .. }), "{below_a_file}");
    let a_directory = LogFile::open(dir.path(), settings, TimeZone::UTC, now()).unwrap_err();
    assert!(a_directory.to_string().contains(&dir.path().display().to_string()), "{a_directory}");
}

#[test]
fn lines_are_appended_to_what_is_there_and_count_for_the_size() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.log");
    fs::write(&path, "old\n").unwrap();
    let settings = RotationSettings { on_size_bytes: 8, ..RotationSettings::default() };
    let mut log = LogFile::open(&path, settings, TimeZone::UTC, now()).unwrap();
    assert!(!log.is_empty());
    log.write(b"new\n", now()).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "old\nnew\n");
    log.write(b"more\n", now()).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "more\n");
    assert_eq!(fs::read_to_string(dir.path().join("x.log.20261120_100000")).unwrap(), "old\nnew\n");
}

#[test]
fn a_line_longer_than_the_limit_does_not_rotate_an_empty_file() {
    let dir = tempfile::tempdir().unwrap();
    let settings = RotationSettings { on_size_bytes: 2, ..RotationSettings::default() };
    let mut log = LogFile::open(&dir.path().join("x.log"), settings, TimeZone::UTC, now()).unwrap();
    log.write(b"long\n", now()).unwrap();
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn a_compressed_file_of_the_same_name_keeps_the_log_from_being_renamed() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("x.log.20261120.gz"), "").unwrap();
    let mut log = LogFile::open(&dir.path().join("x.log"), RotationSettings::default(), TimeZone::UTC, now()).unwrap();
    assert!(matches!(log.rotate(now(), NameForm::Date), Rotated::NameTaken(_)));
    assert!(!dir.path().join("x.log.20261120").exists());
}

#[test]
fn a_log_whose_directory_is_gone_goes_on_and_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("logs/x.log");
    let mut log = LogFile::open(&path, RotationSettings::default(), TimeZone::UTC, now()).unwrap();
    fs::remove_dir_all(path.parent().unwrap()).unwrap();
    assert!(matches!(log.rotate(now(), NameForm::Date), Rotated::Failed(_)));
    log.write(b"into the void\n", now()).unwrap();
    fs::create_dir(path.parent().unwrap()).unwrap();
    log.rotate(now(), NameForm::Date);
    log.write(b"back\n", now()).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "back\n");
}
