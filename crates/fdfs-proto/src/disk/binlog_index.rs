//! `sync/binlog_index.dat`: which binlog file is being written; and the names of the binlog files.

use super::ini::{Ini, IniWriter};
use super::{DiskError, LineFault, StateFile, number};

/// The file `binlog_index.dat`.
///
/// Source: disk formats, A.5.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BinlogIndex {
    /// The index of the file that is being written.
    pub current_write: u32,
    /// The index of the first file that is not yet compressed.
    pub current_compress: u32,
}

const WRITE: &str = "current_write";
const COMPRESS: &str = "current_compress";

/// The name of the file that versions before `binlog_index.dat` kept.
pub const OLD_FILE: &str = "binlog.index";

impl StateFile for BinlogIndex {
    const FILE: &'static str = "binlog_index.dat";

    fn encode(&self, out: &mut Vec<u8>) {
        let mut ini = IniWriter::new(out);
        ini.unsigned(WRITE, self.current_write);
        ini.unsigned(COMPRESS, self.current_compress);
    }

    /// Differs from C: an empty file, one without `current_write` and one cut in its last line are errors. The
    /// reference writes this file in place and takes what is missing for 0, then appends to `binlog.000` again. The
    /// caller recovers by looking for the highest `binlog.NNN`.
    fn decode(bytes: &[u8]) -> Result<Self, DiskError> {
        let ini = Ini::parse(bytes);
        ini.whole(Self::FILE)?;
        let keys = ini.keys(Self::FILE);
        Ok(Self {
            current_write: keys.required(WRITE, keys.number(WRITE)?)?,
            current_compress: keys.number(COMPRESS)?.unwrap_or(0),
        })
    }
}

impl BinlogIndex {
    /// Reads the old form `binlog.index`: the index alone, in decimal.
    ///
    /// # Errors
    /// [`DiskError::Empty`], [`DiskError::BadLine`] when it is no number or negative.
    pub fn decode_old(bytes: &[u8]) -> Result<Self, DiskError> {
        let text = bytes.trim_ascii();
        if text.is_empty() {
            return Err(DiskError::Empty { file: OLD_FILE });
        }
        let current_write = number::parse(text).map_err(|fault| DiskError::BadLine {
            file: OLD_FILE,
            line: 1,
            fault: LineFault::Column { column: 1, name: WRITE, fault },
        })?;
        Ok(Self { current_write, current_compress: 0 })
    }
}

/// The name of a binlog file: `binlog.` and at least three digits.
#[must_use]
pub fn binlog_file_name(index: u32) -> String {
    format!("binlog.{index:03}")
}

/// A file of the `sync` directory that belongs to the binlog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BinlogFile {
    /// `binlog.NNN`: records.
    Plain(u32),
    /// `binlog.NNN.gz`: records, compressed.
    Compressed(u32),
    /// `.binlog.NNN.flag`: the file is being compressed or uncompressed.
    Flag(u32),
}

impl BinlogFile {
    /// What a name in the `sync` directory stands for, if it belongs to the binlog.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        if let Some(rest) = name.strip_prefix(".binlog.") {
            return index_of(rest.strip_suffix(".flag")?).map(Self::Flag);
        }
        let rest = name.strip_prefix("binlog.")?;
        match rest.strip_suffix(".gz") {
            Some(digits) => index_of(digits).map(Self::Compressed),
            None => index_of(rest).map(Self::Plain),
        }
    }
}

/// The index behind `binlog.`: only the spelling that [`binlog_file_name`] gives.
fn index_of(digits: &str) -> Option<u32> {
    let index = number::parse::<u32>(digits.as_bytes()).ok()?;
    (format!("{index:03}") == digits).then_some(index)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_cut_is_refused() {
        let bytes = BinlogIndex { current_write: 12, current_compress: 34 }.to_bytes();
        assert_eq!(bytes, b"current_write=12\ncurrent_compress=34\n");
        for len in 0..bytes.len() {
            // Cut behind the first line it is a file of a version that did not compress.
            let cut = BinlogIndex::decode(&bytes[..len]);
            assert!(if len == 17 { cut.is_ok() } else { cut.is_err() }, "cut at {len}");
        }
        assert!(BinlogIndex::decode(b"rubbish\n").is_err());
        assert!(BinlogIndex::decode(b"current_write=-1\n").is_err());
    }

    #[test]
    fn the_old_form_reads() {
        let index = BinlogIndex { current_write: 3, current_compress: 0 };
        assert_eq!(BinlogIndex::decode_old(b"3"), Ok(index));
        assert_eq!(BinlogIndex::decode_old(b"3\n"), Ok(index));
        assert_eq!(BinlogIndex::decode_old(b""), Err(DiskError::Empty { file: OLD_FILE }));
        assert!(BinlogIndex::decode_old(b"-1").is_err());
        assert!(BinlogIndex::decode_old(b"x").is_err());
    }

    #[test]
    fn names_read_back() {
        assert_eq!(binlog_file_name(0), "binlog.000");
        assert_eq!(binlog_file_name(1000), "binlog.1000");
        assert_eq!(BinlogFile::from_name("binlog.007"), Some(BinlogFile::Plain(7)));
        assert_eq!(BinlogFile::from_name("binlog.1000.gz"), Some(BinlogFile::Compressed(1000)));
        assert_eq!(BinlogFile::from_name(".binlog.000.flag"), Some(BinlogFile::Flag(0)));
        for other in ["binlog.7", "binlog.0007", "binlog.index", "binlog_index.dat", "binlog.000.gz.tmp", "binlog."] {
            assert_eq!(BinlogFile::from_name(other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn it_round_trips(current_write in 0u32.., current_compress in 0u32..) {
            let index = BinlogIndex { current_write, current_compress };
            prop_assert_eq!(BinlogIndex::decode(&index.to_bytes()), Ok(index));
            let name = binlog_file_name(current_write);
            prop_assert_eq!(BinlogFile::from_name(&name), Some(BinlogFile::Plain(current_write)));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = BinlogIndex::decode(&bytes);
            let _ = BinlogIndex::decode_old(&bytes);
        }
    }
}
