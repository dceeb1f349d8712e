//! What the reference sent and wrote, through our codecs.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may panic as tests do")]

mod disk_access_log_golden;
mod disk_golden;
mod file_id_golden;
mod storage_golden;
mod storage_metadata_golden;
mod storage_rows;
mod tracker_golden;
