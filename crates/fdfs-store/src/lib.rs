//! Files of a storage on its disks: store paths, new files, metadata, binlog, state files.
//!
//! Never: the network, the clock of a decision, an async call. Every call blocks and is made under a permit of its
//! store path by whoever owns the connection. Disks are reached through one narrow trait, [`Fs`], so that tests can
//! break them.

pub mod binlog;
pub mod binlog_compress;
pub mod binlog_reader;
pub mod changed_file;
pub mod changes;
mod crc_cache;
pub mod data_file;
pub mod duplicates;
pub mod error;
pub mod fs;
pub mod link_file;
pub mod marks;
pub mod meta_file;
mod meta_folders;
pub mod new_file;
pub mod quarantine;
pub mod real_fs;
pub mod reconcile;
pub mod recovery_files;
pub mod replica_file;
pub mod sim_fs;
pub mod slot;
pub mod state;
pub mod state_file;
pub mod store_path;
pub mod subdirs;
pub mod trunk;

pub use binlog::Binlog;
pub use binlog_reader::BinlogReader;
pub use changed_file::ChangedFile;
pub use changes::{ChangeNote, Changes};
pub use data_file::DataFile;
pub use error::StoreError;
pub use fs::{FileKind, FileStat, FileTime, Fs, FsFile, Space};
pub use new_file::NewFile;
pub use real_fs::RealFs;
pub use slot::{Slot, StoredFile};
pub use store_path::StorePath;
