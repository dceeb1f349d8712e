//! Parts of the replication log that nobody can use: kept in a file of our own, with place and reason.

use std::collections::BTreeSet;
use std::sync::Arc;

use fdfs_proto::disk::BinlogPosition;

use crate::error::{At, StoreError};
use crate::fs::{Fs, FsFile};
use crate::real_fs::RealFs;
use crate::state_file::StateDir;

/// The file in `<base>/data/sync`. It may be lost: then what is still in the way is found and told again.
pub const FILE: &str = ".fdfs_quarantine";
/// A file of this size is put behind [`FILE_BEFORE`], and a new one begun.
const FILE_MAX_BYTES: u64 = 4 << 20;
/// The file before.
const FILE_BEFORE: &str = ".fdfs_quarantine.1";
/// Places that are remembered, so that each is told once.
const REMEMBERED_MAX: usize = 64 << 10;
/// Bytes of a record that are kept.
const TEXT_MAX: usize = 300;

/// What is wrong with what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bad<'a> {
    /// Where it stands in the log.
    pub at: BinlogPosition,
    /// For which peer; `None` when nobody can use it.
    pub peer: Option<&'a str>,
    /// Why.
    pub why: &'a str,
    /// The record.
    pub text: &'a [u8],
}

/// The quarantine. A line of its file: unix seconds, file and byte, peer or `-`, reason, record; separated by tabs.
#[derive(Debug)]
pub struct Quarantine<F: Fs = RealFs> {
    dir: Arc<StateDir<F>>,
    len_bytes: u64,
    known: BTreeSet<(String, String)>,
}

impl<F: Fs> Quarantine<F> {
    /// Reads what is there.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn open(dir: Arc<StateDir<F>>) -> Result<Self, StoreError> {
        let mut known = BTreeSet::new();
        let bytes = dir.read(FILE)?.unwrap_or_default();
        for line in String::from_utf8_lossy(&bytes).lines() {
            let mut columns = line.split('\t').skip(1);
            if let (Some(at), Some(peer)) = (columns.next(), columns.next())
                && known.len() < REMEMBERED_MAX
            {
                known.insert((at.to_owned(), peer.to_owned()));
            }
        }
        Ok(Self { dir, len_bytes: bytes.len() as u64, known })
    }

    /// What is in quarantine.
    #[must_use]
    pub fn count(&self) -> usize {
        self.known.len()
    }

    /// Puts something in. `false` when it is there already: then it was told before.
    ///
    /// # Errors
    /// [`StoreError`]; it counts as known all the same, so that a full disk is not told of with every record.
    pub fn put(&mut self, bad: &Bad<'_>, now_unix_secs: i64) -> Result<bool, StoreError> {
        let key = (bad.at.to_string(), bad.peer.unwrap_or("-").to_owned());
        if self.known.contains(&key) {
            return Ok(false);
        }
        let text = String::from_utf8_lossy(&bad.text[..bad.text.len().min(TEXT_MAX)]).replace(char::is_control, "?");
        let why = bad.why.replace(char::is_control, " ");
        let line = format!("{now_unix_secs}\t{}\t{}\t{why}\t{text}\n", key.0, key.1);
        if self.known.len() < REMEMBERED_MAX {
            self.known.insert(key);
        }
        if self.len_bytes >= FILE_MAX_BYTES {
            self.dir.fs().rename(self.dir.dir(), FILE, FILE_BEFORE).at("rename", self.dir.path(), FILE)?;
            self.len_bytes = 0;
        }
        let file = self.dir.fs().open_write(self.dir.dir(), FILE).at("open", self.dir.path(), FILE)?;
        file.write_all_at(line.as_bytes(), self.len_bytes).at("write", self.dir.path(), FILE)?;
        self.len_bytes += line.len() as u64;
        file.sync().at("sync", self.dir.path(), FILE)?;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::binlog_reader::open_sync_dir;
    use crate::sim_fs::{Fault, SimFs};
    use std::path::Path;

    #[test]
    fn each_place_is_told_once_also_after_a_restart() {
        let temp = tempfile::tempdir().unwrap();
        let open = || Quarantine::open(open_sync_dir(RealFs, temp.path()).unwrap()).unwrap();
        let at = BinlogPosition { file: 0, offset: 57 };
        let bad = Bad { at, peer: None, why: "link record without names", text: b"1795166874 l \xff" };
        let mut quarantine = open();
        assert!(quarantine.put(&bad, 7).unwrap());
        assert!(!quarantine.put(&bad, 8).unwrap());
        assert!(quarantine.put(&Bad { peer: Some("100002"), why: "a\nb", ..bad }, 9).unwrap());
        let text = std::fs::read_to_string(temp.path().join(FILE)).unwrap();
        assert_eq!(
            text,
            "7\tbinlog.000:57\t-\tlink record without names\t1795166874 l \u{fffd}\n\
             9\tbinlog.000:57\t100002\ta b\t1795166874 l \u{fffd}\n"
        );
        let mut quarantine = open();
        assert_eq!(quarantine.count(), 2);
        assert!(!quarantine.put(&bad, 10).unwrap());
    }

    #[test]
    fn a_full_disk_is_told_once_and_a_full_file_makes_room() {
        let fs = SimFs::new(Fault::None);
        let dir = open_sync_dir(fs.clone(), Path::new("/sync")).unwrap();
        let mut quarantine = Quarantine::open(dir.clone()).unwrap();
        let bad = Bad { at: BinlogPosition::START, peer: None, why: "why", text: b"text" };
        // The open makes the file; the write is the call behind it.
        fs.set_fault(Fault::FailsAt(2, 28));
        assert!(quarantine.put(&bad, 7).is_err());
        assert!(!quarantine.put(&bad, 7).unwrap());
        quarantine.len_bytes = FILE_MAX_BYTES;
        assert!(quarantine.put(&Bad { at: BinlogPosition::start_of(1), ..bad }, 7).unwrap());
        assert_eq!(dir.read(FILE).unwrap().unwrap(), b"7\tbinlog.001:0\t-\twhy\ttext\n");
    }
}
