//! How long requests of the data port take, by what they want.

use std::time::Duration;

use fdfs_http::histogram::Histogram;
use fdfs_proto::Command;

/// How long requests take: from their header to their result. An upload's bytes come in meanwhile; a download's go out
/// afterwards, as fast as its client takes them.
#[derive(Debug, Default)]
pub struct Durations {
    upload: Histogram,
    download: Histogram,
    delete: Histogram,
    other: Histogram,
}

impl Durations {
    /// A request took so long.
    pub fn count(&self, command: Command, took: Duration) {
        let class = match command {
            Command::UploadFile | Command::UploadAppenderFile | Command::UploadSlaveFile => &self.upload,
            Command::DownloadFile => &self.download,
            Command::DeleteFile => &self.delete,
            _ => &self.other,
        };
        class.count(took);
    }

    /// All of them by their names.
    #[must_use]
    pub const fn all(&self) -> [(&'static str, &Histogram); 4] {
        [("upload", &self.upload), ("download", &self.download), ("delete", &self.delete), ("other", &self.other)]
    }
}
