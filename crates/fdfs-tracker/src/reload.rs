//! The configuration of a running tracker was read again.

use std::convert::Infallible;

use fdfs_conf::TrackerConf;
use fdfs_proto::Wire as _;
use fdfs_proto::cmd::tracker::Parameters;

use crate::error::StartError;
use crate::names::{self, Names};
use crate::settings::Configured;
use crate::tracker::Tracker;

/// Takes over what can change while a tracker runs.
pub(crate) fn take_over(tracker: &Tracker, conf: &TrackerConf) -> Result<(), StartError> {
    let Configured { settings, parameters, names, found, .. } = Configured::load(conf)?;
    let has_ids = tracker.id_lines().is_some();
    let names = if has_ids { names } else { Names { ids: None, ..names } };
    tracker.set_names(names);
    let _ = tracker.change(|cluster| {
        cluster.set_choices(&settings);
        Ok::<_, Infallible>(Vec::new())
    });
    names::take_over(tracker, &found);
    if let (Ok(told), Ok(new)) = (Parameters::from_bytes(&tracker.parameters()), Parameters::from_bytes(&parameters)) {
        // What this tracker itself goes by; storages ask at their next start.
        let told = Parameters {
            storage_sync_file_max_delay_secs: new.storage_sync_file_max_delay_secs,
            store_path: new.store_path,
            reserved_storage_space: new.reserved_storage_space,
            ..told
        };
        tracker.set_parameters(told.to_bytes());
    }
    tracker.lookups.notify_one();
    Ok(())
}
