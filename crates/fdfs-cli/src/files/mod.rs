//! Files of a cluster: up, down, away, and what is known of them. A file per command; the classic programs have their own.

pub(crate) mod classic_client;
pub(crate) mod connect;
mod progress;
mod resume_state;
mod source;

pub(crate) mod append;
pub(crate) mod delete;
pub(crate) mod download;
pub(crate) mod info;
pub(crate) mod meta;
pub(crate) mod modify;
pub(crate) mod regenerate;
pub(crate) mod truncate;
pub(crate) mod upload;

pub(crate) mod append_file;
pub(crate) mod crc32;
pub(crate) mod delete_file;
pub(crate) mod download_file;
pub(crate) mod file_info;
pub(crate) mod regenerate_filename;
pub(crate) mod upload_appender;
pub(crate) mod upload_file;
