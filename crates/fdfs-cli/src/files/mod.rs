//! Files of a cluster: up, down, away, and what is known of them. A file per command; the classic programs have their own.

mod classic_client;
pub(crate) mod connect;
mod progress;

pub(crate) mod delete;
pub(crate) mod download;
pub(crate) mod info;
pub(crate) mod meta;
pub(crate) mod upload;

pub(crate) mod crc32;
pub(crate) mod delete_file;
pub(crate) mod download_file;
pub(crate) mod file_info;
pub(crate) mod upload_file;
