//! Configuration files from the disk.

use std::fs::File;
use std::io::Read as _;

use fdfs_conf::ini::FILE_BYTES_MAX;
use fdfs_conf::{LoadError, Loader};
use fdfs_proto::Status;

/// Loads files by their paths. URLs are refused: fdfs has no HTTP client for its configuration.
#[derive(Debug, Clone, Copy)]
pub struct FileLoader;

impl Loader for FileLoader {
    fn load(&self, location: &str) -> Result<Vec<u8>, LoadError> {
        let path = location.strip_prefix("file://").unwrap_or(location);
        if path.contains("://") {
            // Differs from C: an include from a web server is refused; what a daemon starts with should lie on its disk.
            let what = "fdfs reads its configuration from files only: fetch it and include the local file".to_owned();
            return Err(LoadError { status: Status::EOPNOTSUPP, what });
        }
        let load = || {
            let mut bytes = Vec::new();
            // One byte more than the limit is enough for the parser to see that it is passed.
            File::open(path)?.take(FILE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        load().map_err(|error: std::io::Error| LoadError {
            status: Status::from_io(&error),
            // The library's words without "(os error 2)", which says the same again.
            what: match Status::from_io(&error) {
                status if status.name().is_some() && error.raw_os_error().is_some() => status.text().to_owned(),
                _ => error.to_string(),
            },
        })
    }
}
