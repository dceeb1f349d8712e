//! `fdfs_upload_file CONFIG LOCAL_FILE [STORAGE_IP:PORT] [STORE_PATH_INDEX]`.
//!
//! Source: tools, 4.

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Duration;

use fdfs_client::{ClientError, HostPort, UploadOptions};
use fdfs_proto::Status;
use fdfs_proto::limits::STORAGE_PORT;

use super::classic_client::{ClassicClient, failure, log, texts, usage_of};
use crate::{classic_log, out};

const USAGE: &str = "<config_file> <local_filename> [storage_ip:port] [store_path_index]";
/// How long the name of a storage may take to be looked up.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(10);

/// The program. `args` come without the program's name.
pub(crate) fn main(args: &[OsString]) -> ExitCode {
    let words = texts(args);
    let [conf, _, rest @ ..] = words.as_slice() else { return usage_of(USAGE) };
    run(conf, &args[1], rest).unwrap_or_else(|code| code)
}

fn run(conf: &str, local_file: &OsString, rest: &[String]) -> Result<ExitCode, ExitCode> {
    let classic = ClassicClient::open(conf)?;
    classic.connect_tracker()?;
    let mut options = UploadOptions::new();
    if let Some(storage) = rest.first() {
        let addr = classic.runtime.block_on(resolve(storage)).map_err(|status| {
            eprintln!("resolve ip address of storage server: {storage} fail!, error info: Host name lookup failure");
            ExitCode::from(status.0)
        })?;
        options = options.storage(addr);
    }
    if let Some(word) = rest.get(1) {
        match store_path_index(word) {
            Ok(None) => {}
            Ok(Some(index)) => options = options.store_path_index(index),
            Err(status) => {
                classic_log::error(&format!("upload: no storage has a store path of index {word}"));
                eprintln!("{}", failure("upload file", status));
                return Err(ExitCode::from(status.0));
            }
        }
    }
    upload(&classic, local_file, &options)
}

/// Uploads and prints the id, or what went wrong.
///
/// # Errors
/// The exit code, after everything was told.
pub(super) fn upload(
    classic: &ClassicClient,
    local_file: &OsString,
    options: &UploadOptions,
) -> Result<ExitCode, ExitCode> {
    match classic.runtime.block_on(classic.client.upload_file(local_file, options)) {
        Ok(id) => {
            out::line(&id.to_string());
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            log(&error);
            let status = error.status();
            eprintln!(
                "{}",
                failure(if is_of_tracker(&error) { "tracker_query_storage" } else { "upload file" }, status)
            );
            Err(ExitCode::from(status.0))
        }
    }
}

async fn resolve(storage: &str) -> Result<std::net::SocketAddr, Status> {
    let found = match storage.parse::<HostPort>() {
        Ok(host) => host.resolve(STORAGE_PORT, RESOLVE_TIMEOUT).await,
        Err(error) => Err(error),
    };
    let first = found.map(|addrs| addrs.first().copied());
    match first {
        Ok(Some(addr)) => Ok(addr),
        Ok(None) => Err(Status::EINVAL),
        Err(error) => {
            classic_log::error(&format!("host: {storage}, {error}"));
            Err(Status::EINVAL)
        }
    }
}

/// Reads the index as C's `atoi` does, and its lowest byte counts; -1, and 255, let the storage choose.
fn store_path_index(word: &str) -> Result<Option<u8>, Status> {
    let word = word.trim_start();
    let (sign, digits) = word.strip_prefix('-').map_or((1, word), |digits| (-1, digits));
    let end = digits.find(|char: char| !char.is_ascii_digit()).unwrap_or(digits.len());
    let [index, ..] = (digits[..end].parse::<i64>().unwrap_or(0) * sign).to_le_bytes();
    match index {
        u8::MAX => Ok(None),
        // What no storage can have is refused by every one of them.
        128.. => Err(Status::EINVAL),
        index => Ok(Some(index)),
    }
}

fn is_of_tracker(error: &ClientError) -> bool {
    matches!(
        error,
        ClientError::TrackerRefused { .. }
            | ClientError::NoTrackerAnswers { .. }
            | ClientError::NoTrackerGiven
            | ClientError::BadStorageAddress { .. }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_read_as_in_c() {
        assert_eq!(store_path_index("0"), Ok(Some(0)));
        assert_eq!(store_path_index(" 7x"), Ok(Some(7)));
        assert_eq!(store_path_index("x"), Ok(Some(0)));
        assert_eq!(store_path_index("-1"), Ok(None));
        assert_eq!(store_path_index("255"), Ok(None));
        assert_eq!(store_path_index("256"), Ok(Some(0)), "the lowest byte");
        for bad in ["128", "-2"] {
            assert_eq!(store_path_index(bad), Err(Status::EINVAL), "{bad}");
        }
    }
}
