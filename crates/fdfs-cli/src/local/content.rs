//! One file of a store path, read to its end and compared with what its id says.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

use fdfs_client::Promise;
use fdfs_proto::Wire as _;
use fdfs_proto::file_id::TrunkHeader;

use super::found::{Found, What};

/// Bytes that are read at once.
const READ_BYTES: usize = 1 << 20;

/// What reads files: a buffer, and the trunk file that was read last.
#[derive(Debug)]
pub(super) struct Reader {
    buffer: Vec<u8>,
    trunk_file: Option<(PathBuf, File)>,
}

/// A file that was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Checked {
    pub(super) bytes: u64,
    pub(super) crc32: u32,
    /// Whether its id tells size and CRC-32.
    pub(super) is_compared: bool,
    /// How the file differs from its id.
    pub(super) problem: Option<String>,
}

impl Reader {
    pub(super) fn new() -> Self {
        Self { buffer: vec![0; READ_BYTES], trunk_file: None }
    }

    /// Reads a file and compares it with its id.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] when it was deleted since it was found; else the disk's.
    pub(super) fn check(&mut self, file: &Found) -> io::Result<Checked> {
        match file.slot_offset {
            None => self.check_plain(file),
            Some(offset) => self.check_slot(file, offset.into()),
        }
    }

    fn check_plain(&mut self, file: &Found) -> io::Result<Checked> {
        let content = File::open(&file.path)?;
        let (bytes, crc32) = sum(&content, 0, u64::MAX, &mut self.buffer)?;
        Ok(compared(file, bytes, crc32))
    }

    fn check_slot(&mut self, file: &Found, offset: u64) -> io::Result<Checked> {
        if self.trunk_file.as_ref().is_none_or(|(path, _)| *path != file.path) {
            self.trunk_file = Some((file.path.clone(), File::open(&file.path)?));
        }
        let Some((_, trunk_file)) = &self.trunk_file else { return Err(io::ErrorKind::NotFound.into()) };
        let begin = offset + TrunkHeader::LEN as u64;
        let (bytes, crc32) = sum(trunk_file, begin, file.size_bytes, &mut self.buffer)?;
        // Whoever deletes the file changes its header first: a slot that is another's by now says nothing of this file.
        let mut header = [0; TrunkHeader::LEN];
        trunk_file.read_exact_at(&mut header, offset)?;
        let is_its = |name| TrunkHeader::from_bytes(&header).is_ok_and(|header| header.is_of(&name));
        if !file.id.logic_name().is_ok_and(is_its) {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(compared(file, bytes, crc32))
    }
}

/// Length and CRC-32 of at most `len` bytes from `begin` on.
fn sum(file: &File, begin: u64, len: u64, buffer: &mut [u8]) -> io::Result<(u64, u32)> {
    let (mut bytes, mut crc32) = (0, crc32fast::Hasher::new());
    loop {
        let want = usize::try_from(len - bytes).unwrap_or(usize::MAX).min(buffer.len());
        let n = match file.read_at(&mut buffer[..want], begin + bytes) {
            Ok(0) => return Ok((bytes, crc32.finalize())),
            Ok(n) => n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        bytes += n as u64;
        crc32.update(&buffer[..n]);
    }
}

fn compared(file: &Found, bytes: u64, crc32: u32) -> Checked {
    let promise = if file.what == What::Regular { Promise::of(&file.id) } else { None };
    let problem = promise.and_then(|promise| {
        if bytes != promise.size_bytes {
            Some(format!("{bytes} bytes, the id says {}", promise.size_bytes))
        } else if crc32 != promise.crc32 {
            Some(format!("CRC-32 {crc32:08x}, the id says {:08x}", promise.crc32))
        } else {
            None
        }
    });
    Checked { bytes, crc32, is_compared: promise.is_some(), problem }
}
