//! Clusters of servers inside the test process. One program, as each one more costs seconds to link.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may panic as tests do")]

mod added_tracker;
mod addresses;
mod bad_input;
mod broken_links;
mod c_tracker;
mod clients;
mod disks;
mod duplicates;
mod files;
mod golden_clusters;
mod golden_disk;
mod golden_files;
mod golden_interrupted;
mod http;
mod http2;
mod http_abuse;
mod http_slots;
mod http_slow_readers;
mod http_support;
mod http_told;
mod joining;
mod kinds;
mod leaders;
mod limits;
mod links;
mod membership;
mod names_and_ipv6;
mod old_directories;
mod old_lengths;
mod recovery;
mod replicas;
mod replication;
mod restarts;
mod slot_replicas;
mod support;
mod sync_bytes;
mod trunk;
mod trunk_files;
