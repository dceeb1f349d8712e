use super::*;
use crate::{CapturedLog, FileSink, RotationSettings};
use std::thread;
use tracing::{debug, error, info, trace, warn};

fn text(log: &CapturedLog) -> Vec<String> {
    log.lines().iter().map(|line| format!("{} - {}", line.level, line.text)).collect()
}

#[test]
fn events_become_lines_of_their_level() {
    let captured = CapturedLog::new();
    let log = ServerLog::new(captured.clone(), Level::Debug);
    let _entered = log.enter();
    let cause = std::io::Error::from_raw_os_error(2);
    error!("plain {}", 1);
    error!(crit = true, "grave");
    error!(crit = false, error = &cause as &dyn std::error::Error, "not so grave");
    warn!(path = "/x", count = 2, ok = true, why = %cause, what = ?Some(1), "fields");
    info!("fine");
    debug!("detail");
    trace!("never");
    assert_eq!(
        text(&captured),
        [
            "ERROR - plain 1",
            "CRIT - grave",
            "ERROR - not so grave error=No such file or directory (os error 2)",
            "WARNING - fields path=/x count=2 ok=true why=No such file or directory (os error 2) what=Some(1)",
            "INFO - fine",
            "DEBUG - detail",
        ]
    );
}

#[test]
fn the_level_cuts_off_what_is_less_grave() {
    for (level, expected) in [
        (Level::Debug, 5),
        (Level::Info, 4),
        (Level::Notice, 3),
        (Level::Warning, 3),
        (Level::Error, 2),
        (Level::Crit, 1),
        (Level::Alert, 0),
        (Level::Emerg, 0),
    ] {
        let captured = CapturedLog::new();
        let _entered = ServerLog::new(captured.clone(), level).enter();
        error!(crit = true, "c");
        error!("e");
        warn!("w");
        info!("i");
        debug!("d");
        assert_eq!(captured.lines().len(), expected, "{level}");
    }
}

#[test]
fn what_libraries_say_of_peers_fills_no_log() {
    for (level, expected) in [(Level::Info, 2), (Level::Crit, 0), (Level::Debug, 4)] {
        let captured = CapturedLog::new();
        let log = ServerLog::new(captured.clone(), level);
        let _entered = log.enter();
        warn!(target: "h2::proto::streams", "a peer resets streams");
        info!(target: "hyper::proto", "a peer");
        error!(target: "h2", "grave");
        warn!(target: "h2o", "no library of these");
        assert_eq!(captured.lines().len(), expected, "{level:?}: {:?}", text(&captured));
    }
}

#[test]
fn two_servers_of_one_process_log_to_their_own_sinks() {
    let servers = ["one", "two"].map(|name| {
        let captured = CapturedLog::new();
        let log = ServerLog::new(captured.clone(), Level::Info);
        (name, log, captured)
    });
    let threads = servers.each_ref().map(|(name, log, _)| {
        let (name, on_thread_start) = (*name, log.on_thread_start());
        thread::spawn(move || {
            on_thread_start();
            for n in 0..100 {
                info!("{name} says {n}");
            }
        })
    });
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    for (name, _, captured) in servers {
        let lines = captured.lines();
        assert_eq!(lines.len(), 100);
        assert!(lines.iter().all(|line| line.text.starts_with(name)), "{name}: {lines:?}");
    }
}

#[test]
fn a_thread_can_change_its_server() {
    let (first, second) = (CapturedLog::new(), CapturedLog::new());
    let logs = [first.clone(), second.clone()].map(|captured| ServerLog::new(captured, Level::Info).on_thread_start());
    thread::spawn(move || {
        logs[0]();
        info!("a");
        logs[1]();
        info!("b");
    })
    .join()
    .unwrap();
    assert_eq!((text(&first), text(&second)), (vec!["INFO - a".to_owned()], vec!["INFO - b".to_owned()]));
}

#[test]
fn two_sinks_take_the_same_lines() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.log");
    let captured = CapturedLog::new();
    let file = FileSink::open(&path, RotationSettings::default()).unwrap();
    let log = ServerLog::new((std::sync::Arc::new(file), captured.clone()), Level::Info);
    tracing::dispatcher::with_default(&log.dispatch(), || info!("both"));
    assert_eq!(text(&captured), ["INFO - both"]);
    let line = std::fs::read_to_string(&path).unwrap();
    assert!(line.starts_with('[') && line.ends_with("] INFO - both\n"), "{line}");
}

#[test]
fn another_level_counts_at_once() {
    let captured = CapturedLog::new();
    let log = ServerLog::new(captured.clone(), Level::Error);
    let _entered = log.enter();
    for level in [Level::Debug, Level::Warning] {
        log.set_level(level);
        debug!("at {level}");
        warn!("at {level}");
    }
    assert_eq!(text(&captured), ["DEBUG - at DEBUG", "WARNING - at DEBUG", "WARNING - at WARNING"]);
}
