//! `tracker_server`, which storage.conf, client.conf and mod_fastdfs.conf have in common.

use fdfs_proto::Status;
use fdfs_proto::limits::{TRACKER_PORT, TRACKERS};

use crate::address::{HOSTS_FORMS, TrackerServer};
use crate::table::{Key, Reading};

/// The row of `tracker_server`.
pub(crate) const fn key<C>(read: fn(&mut C, &mut Reading<'_>, &Key<C>)) -> Key<C> {
    Key::custom(
        "tracker_server",
        "host[:port], repeatable",
        "",
        read,
        "a tracker, one line each; the port is 22122 if not given; a second address behind a comma leads to the same \
         tracker from another network (since 6.00)",
    )
    .allowed(HOSTS_FORMS)
    .otherwise("refused (22)")
    .sample("192.168.0.1:22122")
}

/// All trackers, without repeated ones.
// Differs from C: loopback addresses are allowed in storage.conf, too, so that a cluster can live on one machine.
pub(crate) fn read<C>(reading: &mut Reading<'_>, key: &Key<C>) -> Vec<TrackerServer> {
    let mut trackers: Vec<TrackerServer> = Vec::new();
    for item in reading.all(key.section, key.name) {
        match TrackerServer::parse(&item.value, TRACKER_PORT) {
            None => reading.refuse(item, key.allowed, Status::EINVAL),
            Some(tracker) if trackers.contains(&tracker) => {
                reading.note(item, format!("{tracker} stands here more than once"), "");
            }
            Some(_) if trackers.len() == TRACKERS => {
                reading.refuse(item, format!("at most {TRACKERS} trackers"), Status::EINVAL);
                break;
            }
            Some(tracker) => trackers.push(tracker),
        }
    }
    trackers
}

/// Says that a tracker is needed, where there is no line for one.
pub(crate) fn require(reading: &mut Reading<'_>) {
    if reading.last(crate::table::Section::Global, "tracker_server").is_none() {
        reading.missing("tracker_server", HOSTS_FORMS, Status::ENOENT);
    }
}
