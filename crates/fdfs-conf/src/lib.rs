//! The configuration dialect of FastDFS and one table of keys per file.
//!
//! Never: I/O (files come in through a [`Loader`]), a clock, name resolution, or an expansion without a limit.
//!
//! * [`TrackerConf`], [`StorageConf`], [`ClientConf`], [`ModFastdfsConf`], [`HttpConf`]: what the files say, typed;
//! * [`StorageIds`], [`MimeTypes`]: the two files that are not in the ini dialect;
//! * [`table`]: the rows that drive parsers, defaults, ranges, [`check()`] and the documentation ([`docs`]);
//! * [`ini`]: the dialect itself.

pub mod address;
pub mod advertise;
pub mod allow_hosts;
pub mod check;
pub mod choice;
pub mod client;
pub mod docs;
pub mod env;
pub mod error;
pub mod finding;
pub mod http;
pub mod http_port;
pub mod ini;
pub mod loader;
mod location;
pub mod log_conf;
pub mod mime_types;
pub mod mod_fastdfs;
pub mod place;
pub mod serve_http;
pub mod server;
pub mod storage;
pub mod storage_ids;
pub mod store_path;
pub mod table;
pub mod tracker;
mod trackers;
pub mod value;

pub use address::{Address, TrackerServer};
pub use advertise::{AdvertiseRule, StoragePick};
pub use allow_hosts::AllowHosts;
pub use check::{FileKind, Report, check};
pub use choice::{
    AddressFamily, ConnectFirstBy, DistributeMode, DownloadServer, Durability, IdType, LogLevel, ResponseIpAddrSize,
    ResponseMode, SignatureMethod, StoreLookup, StorePathChoice, StoreServer, TimePrecision,
};
pub use client::ClientConf;
pub use env::{Env, NetworkKind};
pub use error::ConfError;
pub use finding::{Finding, Parsed, Severity};
pub use http::HttpConf;
pub use http_port::HttpPort;
pub use loader::{LoadError, Loader, MapLoader};
pub use log_conf::{AccessLogConf, LogConf};
pub use mime_types::MimeTypes;
pub use mod_fastdfs::ModFastdfsConf;
pub use place::Place;
pub use serve_http::ServeHttp;
pub use server::{Families, ServerConf};
pub use storage::{FastDhtConf, StorageConf};
pub use storage_ids::{StorageIdEntry, StorageIds};
pub use store_path::StoragePath;
pub use tracker::TrackerConf;
pub use value::{ReservedSpace, TimeOfDay};
