//! One file per format that a storage or a tracker keeps on its disk.
//!
//! Pure codecs: bytes in, values out, and back. Where a format is canonical the encoder gives the very bytes that the
//! reference writes. Which file to read when, and what to do when one is missing or broken, is for the callers.
//!
//! * state files of a storage: [`data_init_flag`], [`store_path_mark`], [`storage_stat`], [`binlog_index`],
//!   [`sync_mark`], [`trunk_mark`], [`recovery`];
//! * logs that are replayed: [`binlog_record`], [`trunk_record`], [`trunk_snapshot`];
//! * state files of a tracker: [`tracker_groups`], [`tracker_servers`], [`sync_timestamps`], [`changelog`],
//!   [`tracker_status`] and the forms of old versions, [`tracker_old`];
//! * logs for people: [`access_log`], [`trunk_change_log`].

pub mod access_log;
pub mod binlog_index;
pub mod binlog_position;
pub mod binlog_record;
pub mod changelog;
pub mod data_init_flag;
pub mod error;
pub mod ini;
mod line;
pub mod local_time;
mod number;
mod record_error;
pub mod recovery;
mod stat_keys;
pub mod storage_stat;
pub mod store_path_mark;
pub mod sync_mark;
pub mod sync_timestamps;
pub mod tracker_groups;
pub mod tracker_old;
pub mod tracker_servers;
pub mod tracker_status;
pub mod trunk_change_log;
pub mod trunk_mark;
pub mod trunk_record;
pub mod trunk_snapshot;

pub use binlog_position::BinlogPosition;
pub use error::{DiskError, LineFault, ValueFault};

/// A file that is read as a whole and written as a whole.
pub trait StateFile: Sized {
    /// The name of the file, or of the kind of file, as messages show it.
    const FILE: &'static str;

    /// Appends the file's bytes to `out`, exactly as the reference writes them.
    fn encode(&self, out: &mut Vec<u8>);

    /// Reads a whole file.
    ///
    /// # Errors
    /// A [`DiskError`] that names the file, the line or key, and what is wrong.
    fn decode(bytes: &[u8]) -> Result<Self, DiskError>;

    /// The file's bytes alone.
    fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode(&mut out);
        out
    }
}
