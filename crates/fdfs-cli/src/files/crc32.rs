//! `fdfs_crc32 LOCAL_FILE`.
//!
//! Source: tools, 4.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::process::ExitCode;

use fdfs_proto::Status;

use super::classic_client::usage_of;
use crate::out;

const USAGE: &str = "<filename>";
/// Bytes that are read at once.
const PIECE_BYTES: usize = 256 * 1024;

/// The program. `args` come without the program's name.
pub(crate) fn main(args: &[OsString]) -> ExitCode {
    let Some(path) = args.first().map(Path::new) else { return usage_of(USAGE) };
    let (step, error) = match File::open(path) {
        Ok(file) => match crc32(file) {
            Ok(crc32) => {
                // Without leading zeros: scripts know it so.
                out::line(&format!("{crc32:x}"));
                return ExitCode::SUCCESS;
            }
            // The reference asks for the size first, and fails there.
            Err(error) => ("line: 86, call lseek".to_owned(), error),
        },
        Err(error) => (format!("line: 43, open file {}", path.display()), error),
    };
    let status = Status::from_io(&error);
    out::line(&format!("file: fdfs_crc32.c, {step} fail, errno: {}, error info: {}", status.0, status.text()));
    ExitCode::from(status.0)
}

fn crc32(mut file: File) -> io::Result<u32> {
    let mut hasher = crc32fast::Hasher::new();
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(hasher.finalize()),
            n => hasher.update(&piece[..n]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_have_their_crc32_and_folders_have_none() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        for (content, expected) in [(&b""[..], 0), (b"123456789", 0xCBF4_3926)] {
            std::fs::write(&path, content).unwrap();
            assert_eq!(crc32(File::open(&path).unwrap()).unwrap(), expected);
        }
        assert_eq!(crc32(File::open(dir.path()).unwrap()).unwrap_err().raw_os_error(), Some(21));
    }
}
