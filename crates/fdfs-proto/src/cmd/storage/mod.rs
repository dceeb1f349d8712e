//! Commands that a storage serves: files of clients, replication, recovery, trunk files.
//!
//! | command                        | request                          | answer                  |
//! |--------------------------------|----------------------------------|-------------------------|
//! | 9 report server id             | [`ReportServerId`]               |                         |
//! | 11, 23 upload, appender        | [`UploadHead`], content          | [`FileId`]              |
//! | 12 delete                      | [`FileId`]                       |                         |
//! | 13 set metadata                | [`SetMetadataHead`], [`Metadata`] |                        |
//! | 14 download                    | [`DownloadFile`]                 | content                 |
//! | 15 get metadata                | [`FileId`]                       | [`Metadata`]            |
//! | 16, 18 sync create, update     | [`SyncFileHead`], content        |                         |
//! | 17 sync delete                 | [`SyncDeleteFile`]               |                         |
//! | 19, 40 sync link, rename       | [`SyncTwoNames`]                 |                         |
//! | 20 create link                 | [`CreateLink`]                   | [`FileId`]              |
//! | 21 upload slave                | [`UploadSlaveHead`], content     | [`FileId`]              |
//! | 22 query file info             | [`FileId`], [`InfoFlags`]        | [`FileInfo`]            |
//! | 24 append                      | [`AppendHead`], content          |                         |
//! | 25, 35 sync append, modify     | [`SyncWriteHead`], content       |                         |
//! | 26 fetch one path's binlog     | [`FetchOnePathBinlog`]           | a stream                |
//! | 27 trunk: allocate             | [`TrunkAllocSpace`]              | [`TrunkInfo`]           |
//! | 28, 29 trunk: confirm, free    | [`TrunkBlock`]                   |                         |
//! | 30 trunk: sync binlog          | [`TrunkSyncBinlog`]              |                         |
//! | 31 trunk: binlog size          |                                  | [`TrunkBinlogSize`]     |
//! | 32, 33 trunk: forget, truncate |                                  |                         |
//! | 34 modify                      | [`ModifyHead`], content          |                         |
//! | 36 truncate                    | [`TruncateFile`]                 |                         |
//! | 37 sync truncate               | [`SyncTruncateFile`]             |                         |
//! | 38 regenerate                  | [`RegenerateAppender`]           | [`FileId`]              |
//!
//! [`FileId`]: crate::file_id::FileId

pub mod append_file;
pub mod content_head;
pub mod create_link;
pub mod download_file;
pub mod fetch_one_path_binlog;
pub mod file_id;
pub mod metadata;
pub mod modify_file;
mod name;
pub mod query_file_info;
pub mod regenerate_appender;
pub mod report_server_id;
pub mod set_metadata;
pub mod sync_delete_file;
pub mod sync_file;
pub mod sync_truncate_file;
pub mod sync_two_names;
pub mod sync_write;
pub mod truncate_file;
pub mod trunk_alloc_space;
pub mod trunk_binlog_size;
pub mod trunk_block;
pub mod trunk_info;
pub mod trunk_sync_binlog;
pub mod upload_file;
pub mod upload_slave_file;

#[cfg(test)]
mod cuts;

pub use append_file::AppendHead;
pub use content_head::ContentHead;
pub use create_link::{CreateLink, Signature};
pub use download_file::DownloadFile;
pub use fetch_one_path_binlog::FetchOnePathBinlog;
pub use metadata::{MetaItem, MetaMode, Metadata, MetadataChange};
pub use modify_file::ModifyHead;
pub use query_file_info::{FileInfo, InfoFlags};
pub use regenerate_appender::RegenerateAppender;
pub use report_server_id::ReportServerId;
pub use set_metadata::SetMetadataHead;
pub use sync_delete_file::SyncDeleteFile;
pub use sync_file::SyncFileHead;
pub use sync_truncate_file::SyncTruncateFile;
pub use sync_two_names::SyncTwoNames;
pub use sync_write::SyncWriteHead;
pub use truncate_file::TruncateFile;
pub use trunk_alloc_space::TrunkAllocSpace;
pub use trunk_binlog_size::TrunkBinlogSize;
pub use trunk_block::TrunkBlock;
pub use trunk_info::TrunkInfo;
pub use trunk_sync_binlog::TrunkSyncBinlog;
pub use upload_file::UploadHead;
pub use upload_slave_file::UploadSlaveHead;
