//! `fdfs_download_file CONFIG FILE_ID [LOCAL_FILE] [OFFSET BYTES]`.
//!
//! Source: tools, 4.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use fdfs_client::{ByteRange, DownloadOptions};
use fdfs_proto::Status;

use super::classic_client::{ClassicClient, failure, file_id, log, texts, usage_of};
use crate::{classic_log, out};

const USAGE: &str = "<config_file> <file_id> [local_filename] [<download_offset> <download_bytes>]";

/// The program. `args` come without the program's name.
pub(crate) fn main(args: &[OsString]) -> ExitCode {
    let words = texts(args);
    let [conf, id, rest @ ..] = words.as_slice() else { return usage_of(USAGE) };
    let classic = match ClassicClient::open(conf).and_then(|classic| classic.connect_tracker().map(|()| classic)) {
        Ok(classic) => classic,
        Err(code) => return code,
    };
    if let Err(status) = download(&classic, id, args.get(2), rest.get(1..).unwrap_or_default()) {
        out::line(&failure("download file", status));
    }
    // Also after a failure: scripts look for the file (W-38). `fdfs download` has exit codes.
    ExitCode::SUCCESS
}

fn download(classic: &ClassicClient, id: &str, local_file: Option<&OsString>, range: &[String]) -> Result<(), Status> {
    let id = file_id(id)?;
    let name = id.name.as_str();
    let local_file = match local_file {
        Some(local_file) => PathBuf::from(local_file),
        None => PathBuf::from(name.rsplit('/').next().unwrap_or(name)),
    };
    // An id can be that of a link, with a random number in the place of the CRC-32: the reference does not check.
    let options = DownloadOptions::new().range(byte_range(range)?).verify_crc32(false);
    let downloaded = classic.runtime.block_on(classic.client.download_to(&id, &local_file, &options));
    downloaded.map(drop).map_err(|error| {
        log(&error);
        error.status()
    })
}

/// Reads offset and number of bytes; the offset counts only when both are there, and 0 bytes are all to the end.
fn byte_range(words: &[String]) -> Result<ByteRange, Status> {
    let [offset, bytes, ..] = words else { return Ok(ByteRange::ALL) };
    // A storage would refuse what is negative, and the reference logs that it did.
    let size = |word: &String| {
        u64::try_from(integer(word)).map_err(|_| {
            classic_log::error(&format!("download: offset or number of bytes is negative: {word}"));
            Status::EINVAL
        })
    };
    Ok(ByteRange { offset: size(offset)?, len: Some(size(bytes)?).filter(|&bytes| bytes > 0) })
}

/// Reads a number as C's `strtoll` does: what follows it is ignored, and what is none is 0.
fn integer(word: &str) -> i64 {
    let word = word.trim_start();
    let sign_len = usize::from(word.starts_with(['-', '+']));
    let digits = &word[sign_len..];
    let end = digits.find(|char: char| !char.is_ascii_digit()).unwrap_or(digits.len());
    let is_negative = word.starts_with('-');
    match &digits[..end] {
        "" => 0,
        digits => match digits.parse::<i64>() {
            Ok(number) if is_negative => -number,
            Ok(number) => number,
            Err(_) if is_negative => i64::MIN,
            Err(_) => i64::MAX,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(words: &[&str], range: Result<(u64, Option<u64>), Status>) {
        let words: Vec<_> = words.iter().map(ToString::to_string).collect();
        assert_eq!(byte_range(&words), range.map(|(offset, len)| ByteRange { offset, len }), "{words:?}");
    }

    #[test]
    fn ranges_read_as_in_the_reference() {
        check(&[], Ok((0, None)));
        check(&["10"], Ok((0, None)));
        check(&["10", "20"], Ok((10, Some(20))));
        check(&["990", "0"], Ok((990, None)));
        check(&["+1x", " 2"], Ok((1, Some(2))));
        check(&["x", ""], Ok((0, None)));
        check(&["-10", "0"], Err(Status::EINVAL));
        check(&["0", "-1"], Err(Status::EINVAL));
        check(&["99999999999999999999", "1"], Ok((i64::MAX as u64, Some(1))));
    }
}
