//! A group of three storages in a storm of kills, freezes and broken links.
//!
//! `FDFS_STORM=SEED,SECONDS cargo test -p fdfs-cli --test storm a_storm_that -- --nocapture` makes it a longer one, or
//! another.

use std::path::Path;
use std::time::Duration;

use fdfs_testkit::storm::Storm;

#[test]
fn a_storm_that_passes_leaves_three_equal_storages_and_nothing_lost() {
    let storm = Storm::from_env_or(4, Duration::from_secs(10));
    storm.rage(Path::new(env!("CARGO_BIN_EXE_fdfs")));
}

#[test]
fn a_storm_over_trunk_files_leaves_no_file_lost_and_no_slot_with_two() {
    let storm = Storm::from_env_or(7, Duration::from_secs(5)).with_slots();
    storm.rage(Path::new(env!("CARGO_BIN_EXE_fdfs")));
}
