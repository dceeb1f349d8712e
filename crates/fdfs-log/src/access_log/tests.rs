use super::*;
use crate::{CapturedLog, Level, ServerLog};
use std::fs;
use std::sync::Arc;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn open(settings: RotationSettings, precision: TimePrecision, now: &str) -> (tempfile::TempDir, AccessLog) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("storage_access.log");
    let log = AccessLog::open_at(&path, settings, precision, TimeZone::UTC, at(now)).unwrap();
    (dir, log)
}

fn text(dir: &tempfile::TempDir, name: &str) -> String {
    fs::read_to_string(dir.path().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

const LINE: &str = "10.0.0.1 upload M00/00/00/x.txt 0 12 36 70";

#[test]
fn lines_and_header_are_those_of_the_reference() {
    let (dir, log) = open(RotationSettings::default(), TimePrecision::Us, "2026-11-20T09:15:48.379694Z");
    log.write(at("2026-11-20T09:15:49.095533Z"), LINE);
    log.write(at("2026-11-20T09:15:49.1Z"), "10.0.0.1 upload - 22 3 25 10");
    log.flush(at("2026-11-20T09:15:50Z"));
    assert_eq!(
        text(&dir, "storage_access.log"),
        "[2026-11-20 09:15:48.379694] client_ip action filename status time_used_us req_len resp_len\n\
         [2026-11-20 09:15:49.095533] 10.0.0.1 upload M00/00/00/x.txt 0 12 36 70\n\
         [2026-11-20 09:15:49.100000] 10.0.0.1 upload - 22 3 25 10\n"
    );
    let (dir, log) = open(RotationSettings::default(), TimePrecision::Ms, "2026-11-20T09:15:48.379694Z");
    log.write(at("2026-11-20T09:15:49.095533Z"), LINE);
    drop(log);
    assert_eq!(
        text(&dir, "storage_access.log"),
        "[2026-11-20 09:15:48.379] client_ip action filename status time_used_ms req_len resp_len\n\
         [2026-11-20 09:15:49.095] 10.0.0.1 upload M00/00/00/x.txt 0 12 36 70\n"
    );
}

#[test]
fn a_file_that_has_lines_gets_no_second_header() {
    let (dir, log) = open(RotationSettings::default(), TimePrecision::Us, "2026-11-20T09:00:00Z");
    drop(log);
    let path = dir.path().join("storage_access.log");
    drop(AccessLog::open(&path, RotationSettings::default(), TimePrecision::Us).unwrap());
    assert_eq!(text(&dir, "storage_access.log").lines().count(), 1);
}

#[test]
fn the_buffer_is_written_at_its_interval_or_when_it_is_full() {
    let settings = RotationSettings { flush_interval_secs: 10, ..RotationSettings::default() };
    let (dir, log) = open(settings, TimePrecision::Us, "2026-11-20T09:00:00Z");
    let count = || text(&dir, "storage_access.log").lines().count();
    log.write(at("2026-11-20T09:00:01Z"), LINE);
    log.tick(at("2026-11-20T09:00:09Z"));
    assert_eq!(count(), 1);
    log.tick(at("2026-11-20T09:00:10Z"));
    assert_eq!(count(), 2);
    let line_len = "[2026-11-20 09:00:11.000000] \n".len() + LINE.len();
    for _ in 0..FLUSH_BYTES.div_ceil(line_len) {
        log.write(at("2026-11-20T09:00:11Z"), LINE);
    }
    assert_eq!(count(), 2 + FLUSH_BYTES.div_ceil(line_len));
}

#[test]
fn midnight_rotates_with_the_lines_of_the_day_that_ended_and_a_new_header() {
    let settings = RotationSettings { flush_interval_secs: 60, ..RotationSettings::default() };
    let (dir, log) = open(settings, TimePrecision::Us, "2026-11-20T23:59:50Z");
    log.write(at("2026-11-20T23:59:59Z"), LINE);
    log.tick(at("2026-11-21T00:00:00Z"));
    assert_eq!(text(&dir, "storage_access.log.20261120").lines().count(), 2);
    let fresh = text(&dir, "storage_access.log");
    assert_eq!(fresh.lines().count(), 1);
    assert!(fresh.starts_with("[2026-11-21 00:00:00.000000] client_ip "), "{fresh}");
}

#[test]
fn a_hang_up_rotates_under_a_name_with_the_time_whatever_the_settings() {
    let settings = RotationSettings { everyday: false, ..RotationSettings::default() };
    let (dir, log) = open(settings, TimePrecision::Us, "2026-11-20T10:00:00Z");
    log.write(at("2026-11-20T10:00:01Z"), LINE);
    assert!(matches!(log.hang_up(at("2026-11-20T10:00:02Z")), Rotated::Renamed(_)));
    assert_eq!(text(&dir, "storage_access.log.20261120_100002").lines().count(), 2);
    assert_eq!(text(&dir, "storage_access.log").lines().count(), 1);
    log.tick(at("2026-11-21T10:00:00Z"));
    assert!(!dir.path().join("storage_access.log.20261120").exists());
}

#[test]
fn the_size_rotates_and_each_file_has_its_header() {
    let settings = RotationSettings { on_size_bytes: 250, ..RotationSettings::default() };
    let (dir, log) = open(settings, TimePrecision::Us, "2026-11-20T10:00:00Z");
    for second in 1..4 {
        let now = at(&format!("2026-11-20T10:00:0{second}Z"));
        log.write(now, LINE);
        log.flush(now);
    }
    assert_eq!(text(&dir, "storage_access.log.20261120_100003").lines().count(), 3);
    assert_eq!(text(&dir, "storage_access.log").lines().count(), 2);
}

#[test]
fn a_disk_that_takes_nothing_costs_lines_and_no_memory_and_is_counted() {
    let settings = RotationSettings::default();
    let now = at("2026-11-20T10:00:00Z");
    let log = AccessLog::open_at(Path::new("/dev/full"), settings, TimePrecision::Us, TimeZone::UTC, now).unwrap();
    log.write(now, LINE);
    log.write(now, LINE);
    log.flush(now);
    let captured = CapturedLog::new();
    let entered = ServerLog::new(captured.clone(), Level::Info).enter();
    log.tick(now);
    log.tick(now);
    drop(entered);
    assert_eq!(captured.problems(), ["WARNING - 2 lines of /dev/full were lost: its disk takes none"]);

    // A disk that hangs: the file is held, and those who write do not wait.
    let (dir, log) = open(settings, TimePrecision::Us, "2026-11-20T10:00:00Z");
    let held = lock(&log.file);
    let long = "x".repeat(1 << 20);
    for _ in 0..20 {
        log.write(now, &long);
    }
    assert!(lock(&log.pending).lines.len() < BUFFER_MAX_BYTES + 2 * long.len());
    drop(held);
    assert_eq!(log.take_lost_count(), 4);
    log.flush(now);
    assert_eq!(text(&dir, "storage_access.log").lines().count(), 1 + 16);
}

#[test]
fn lines_of_many_threads_stay_whole() {
    let (dir, log) = open(RotationSettings::default(), TimePrecision::Us, "2026-11-20T10:00:00Z");
    let log = Arc::new(log);
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let log = log.clone();
            std::thread::spawn(move || (0..2000).for_each(|_| log.write(at("2026-11-20T10:00:00Z"), LINE)))
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    log.finish(at("2026-11-20T10:00:01Z"));
    let text = text(&dir, "storage_access.log");
    assert_eq!(text.lines().skip(1).filter(|line| line.ends_with(LINE)).count(), 8000);
    assert_eq!(text.lines().count(), 8001);
}
