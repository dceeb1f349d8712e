//! The client library: upload, download and delete files of a FastDFS cluster.
//!
//! Never: a decision about the cluster (trackers make them), or a second try of something that may have happened.
//!
//! A [`Client`] is cheap to clone, is used from any number of tasks at once, and keeps its connections.
//!
//! ```no_run
//! # async fn example() -> Result<(), fdfs_client::ClientError> {
//! use fdfs_client::{Client, UploadOptions};
//!
//! let client = Client::builder().tracker("10.0.0.1:22122").tracker("10.0.0.2:22122").build()?;
//! let file_id = client.upload(b"hello", &UploadOptions::new().ext("txt".parse()?)).await?;
//! println!("{file_id}"); // group1/M00/00/00/CgAAC2sAEACAOnlIAAAABTYQpoY319.txt
//! assert_eq!(client.download(&file_id).await?, b"hello");
//! client.delete(&file_id).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # What is tried again
//!
//! * Questions to trackers: at the next tracker. One that could not be reached is asked last for a while (3 seconds after it
//!   refused, 30 after silence); then one request tries it. Names are looked up again when a connection fails.
//! * Downloads, file information and metadata that is read: at another storage that has the file. A download of a
//!   regular file goes on where it stopped.
//! * Uploads: at another storage, as long as no byte of an answer arrived and the content can be sent once more (bytes
//!   and files can, a stream cannot once it was read from).
//! * Resumable uploads ([`Client::upload_resumable`]): go on at what the storage has.
//! * Changes of appender files, slave files and links: never, once a byte was sent.
//!   [`ClientError::OutcomeUnknown`] says when nobody knows how it went.
//! * Deleting and setting metadata: only when the request cannot have been seen: no connection came about (then another
//!   writable storage that has the file is asked), or a kept connection turned out to be closed.
//!
//! A server that takes a request and stays silent for `connect_timeout` is asked on a second connection whether it is there.
//! If it is not, a read or an upload goes elsewhere without waiting for `network_timeout`.
//!
//! # Errors
//!
//! A [`ClientError`] says what was being done, which server is concerned, what happened and what one can do about it.
//! [`ClientError::is_not_found`] and [`ClientError::is_retryable`] answer the two questions that programs ask most.

mod anywhere;
mod at_storage;
mod builder;
mod calls;
mod change;
mod check;
mod client;
mod cluster_stat;
mod content;
mod dead_peers;
mod delete;
mod download;
mod download_file;
mod download_options;
mod error;
mod exists;
mod file_info;
mod link;
mod local_file;
mod metadata;
mod metadata_calls;
mod patience;
mod progress;
mod query;
mod read_call;
mod read_targets;
mod resume;
mod sink;
mod slave;
mod storage_ids;
mod store_targets;
mod target;
mod tracker;
mod tracker_node;
mod trackers;
mod transfer;
mod upload;
mod upload_options;
mod vigil;

pub use builder::ClientBuilder;
pub use check::Promise;
pub use client::Client;
pub use download_options::{ByteRange, DownloadOptions};
pub use error::{ClientError, TrackerFailure};
pub use file_info::FileInfo;
pub use metadata::Metadata;
pub use progress::Progress;
pub use resume::{ResumeOptions, Resumed};
pub use slave::SlaveOptions;
pub use tracker::Tracker;
pub use upload_options::UploadOptions;

pub use fdfs_net::NetError;
pub use fdfs_net::resolve::{HostPort, ResolveError};
pub use fdfs_proto::cmd::storage::{InfoFlags, MetaMode, Signature};
pub use fdfs_proto::cmd::tracker::{
    FetchTarget, FetchTargets, GroupRecord, StatusMatch, StorageAddr, StorageClusterRow, StorageClusterStat,
    StorageClusterStatRequest, StorageRecord, StoreTarget, StoreTargets, TrackerClusterRow, TrackerClusterStat,
    TrackerClusterStatRequest, VolumeRow, VolumeStat, VolumeStatRequest,
};
pub use fdfs_proto::file_id::{FileId, Kind, NameError, Source, ext_of_local_file};
pub use fdfs_proto::{ExtName, GroupName, SlavePrefix, Status, StorageId, WireError};
