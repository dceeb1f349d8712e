//! Alerts: a line on standard error and one for the system's log.

use std::os::unix::net::UnixDatagram;
use std::path::Path;

use super::judge::Health;
use crate::classic_log;

/// The same alert is not raised again for so long, in seconds.
const HELD_BACK_SECS: i64 = 300;
/// Where the system's log listens.
const SYSLOG: &str = "/dev/log";
/// The facility "daemon" of the system's log, and two of its severities.
const FACILITY_DAEMON: u8 = 3 << 3;
const SEVERITY_ERROR: u8 = 3;
const SEVERITY_WARNING: u8 = 4;

/// What was raised, and when.
///
/// Differs from C: each alert is held back by itself; there, two storages in trouble take turns and defeat it.
#[derive(Debug, Default)]
pub(super) struct Alerts {
    raised: Vec<(String, i64)>,
}

impl Alerts {
    /// Raises an alert, unless it was raised a short while ago.
    pub(super) fn raise(&mut self, now: i64, health: Health, text: &str) {
        if !self.is_due(now, text) {
            return;
        }
        classic_log::line(health.level(), &format!("[ALERT] {health}: {text}"));
        to_syslog(Path::new(SYSLOG), health, text);
    }

    fn is_due(&mut self, now: i64, text: &str) -> bool {
        // As many as there are storages in trouble, at most.
        self.raised.retain(|(_, at)| (now - HELD_BACK_SECS..=now).contains(at));
        let is_new = !self.raised.iter().any(|(raised, _)| raised == text);
        if is_new {
            self.raised.push((text.to_owned(), now));
        }
        is_new
    }
}

/// A machine without such a log is none of our concern.
fn to_syslog(path: &Path, health: Health, text: &str) {
    let severity = if health == Health::Critical { SEVERITY_ERROR } else { SEVERITY_WARNING };
    let line = format!("<{}>fdfs_health_check: [FastDFS Health] {health}: {text}", FACILITY_DAEMON | severity);
    if let Ok(socket) = UnixDatagram::unbound() {
        let _ = socket.set_nonblocking(true);
        let _ = socket.send_to(line.as_bytes(), path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_alert_is_held_back_and_others_are_not() {
        let mut alerts = Alerts::default();
        assert!(alerts.is_due(1000, "a") && alerts.is_due(1000, "b"));
        assert!(!alerts.is_due(1010, "a") && !alerts.is_due(1300, "b"));
        assert!(alerts.is_due(1301, "a"));
        assert!(alerts.is_due(500, "a"), "a clock that was set back");
        assert!(alerts.raised.len() <= 2);
    }

    #[test]
    fn the_system_log_gets_one_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let log = UnixDatagram::bind(&path).unwrap();
        to_syslog(&path, Health::Critical, "Storage g:1 - gone");
        let mut line = [0; 200];
        let len = log.recv(&mut line).unwrap();
        assert_eq!(&line[..len], b"<27>fdfs_health_check: [FastDFS Health] CRITICAL: Storage g:1 - gone");
        to_syslog(Path::new("/no/such/log"), Health::Warning, "x");
    }
}
