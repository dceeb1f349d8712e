//! `fdfs_tracker_stat [-c CONFIG] [-A | -N] [-L | -F] [-d]`.

use fdfs_client::{Client, ClientError};
use fdfs_proto::cmd::tracker::{TrackerClusterRow, TrackerClusterStatRequest};
use jiff::tz::TimeZone;

use super::{Stat, time};

/// What was asked for.
#[derive(Debug, Default)]
pub(super) struct TrackerStat {
    pub(super) which: TrackerClusterStatRequest,
    pub(super) with_details: bool,
}

impl Stat for TrackerStat {
    const LETTERS: &'static str = "ANLFd";

    fn usage(program: &str) -> String {
        format!(
            "Usage: {program} [-c config_filename=/etc/fdfs/client.conf]\n\
             \t[-A] list ACTIVE trackers\n\
             \t[-N] list None ACTIVE trackers\n\
             \t[-L] list leader tracker\n\
             \t[-F] list follower trackers\n\
             \t[-d] show detail / more info\n\n\
             For example:\n\
             \t{program} -A\n\
             \t{program} -N\n"
        )
    }

    fn option(&mut self, letter: char) {
        match letter {
            'A' | 'N' => self.which.is_active = Some(letter == 'A'),
            'L' | 'F' => self.which.is_leader = Some(letter == 'L'),
            _ => self.with_details = true,
        }
    }

    async fn text(&self, client: &Client, zone: &TimeZone) -> Result<String, ClientError> {
        Ok(lines(&client.tracker_cluster(&self.which).await?.trackers, self.with_details, zone))
    }
}

/// Nothing at all when there is none.
pub(super) fn lines(trackers: &[TrackerClusterRow], with_details: bool, zone: &TimeZone) -> String {
    if trackers.is_empty() {
        return String::new();
    }
    let mut text = "\n".to_owned();
    for tracker in trackers {
        let counts = tracker.connections;
        text.push_str(&format!(
            "{}, is_leader: {}, is_active: {}, connections {{alloc: {}, current: {}, max: {}}}\n",
            tracker.host,
            u8::from(tracker.is_leader),
            u8::from(tracker.is_active),
            counts.alloc,
            counts.current,
            counts.max
        ));
        if with_details {
            let up_time = time(tracker.up_time_secs, zone);
            text.push_str(&format!("  version: {}, up_time: {up_time}", tracker.version));
            if !tracker.is_leader {
                text.push_str(&format!(", last_heartbeat_time: {}", time(tracker.last_heart_beat_secs, zone)));
            }
            text.push_str("\n\n");
        }
    }
    text + &format!("\ntracker server count: {}\n\n", trackers.len())
}
