//! The files of a recovery in the `data` directory of its store path, as the reference has them.
//!
//! The reference can go on with a recovery that we began, and the other way round.

use std::path::Path;

use fdfs_proto::disk::StateFile;
use fdfs_proto::disk::recovery::{
    FLAG_FILE, OLD_LIST_FILE, OLD_MARK_FILE, RecoveryFlag, RecoveryMark, decode_old, list_file, mark_file,
};
use fdfs_proto::shared::StorageStatus;

use crate::error::{At, StoreError};
use crate::fs::{Fs, FsFile};
use crate::real_fs::RealFs;
use crate::state_file::StateDir;

/// Tasks of a recovery of another server that are gone on with; more begin anew.
const TASKS_MAX: u32 = 256;
/// Bytes of a list that are written at once.
const PIECE_BYTES: usize = 64 << 10;

/// How far a recovery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// No list of files was fetched.
    Begin,
    /// Lists for so many tasks are there.
    Listed {
        /// How many.
        tasks: u32,
        /// The status to be reported at the end.
        saved_status: Option<StorageStatus>,
    },
}

/// The files of a recovery.
#[derive(Debug)]
pub struct RecoveryFiles {
    dir: StateDir<RealFs>,
}

impl RecoveryFiles {
    /// Opens the `data` directory of a store path.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn open(data_path: &Path) -> Result<Self, StoreError> {
        Ok(Self { dir: StateDir::open(RealFs, data_path)? })
    }

    /// Whether a recovery was begun and not ended.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn is_begun(&self) -> Result<bool, StoreError> {
        Ok(self.dir.read(FLAG_FILE)?.is_some() || self.dir.read(OLD_MARK_FILE)?.is_some())
    }

    /// Notes that the store path must be recovered.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn begin(&self, saved_status: StorageStatus) -> Result<(), StoreError> {
        let saved_storage_status = Some(saved_status);
        self.write_flag(RecoveryFlag { saved_storage_status, fetch_binlog_done: false, recovery_threads: None })
    }

    /// Lists for `tasks` tasks are complete.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn listed(&self, tasks: u32, saved_status: Option<StorageStatus>) -> Result<(), StoreError> {
        let flag =
            RecoveryFlag { saved_storage_status: saved_status, fetch_binlog_done: true, recovery_threads: Some(tasks) };
        self.write_flag(flag)
    }

    fn write_flag(&self, flag: RecoveryFlag) -> Result<(), StoreError> {
        self.dir.write(FLAG_FILE, &flag.to_bytes())
    }

    /// How far it is. What cannot be read begins anew, which only costs time.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn stage(&self) -> Result<Stage, StoreError> {
        self.take_over_old_form()?;
        let bytes = self.dir.read(FLAG_FILE)?.unwrap_or_default();
        let flag = match RecoveryFlag::decode(&bytes) {
            Ok(flag) => flag,
            // Rubbish in the flag: what was done is found in place.
            Err(_) => return Ok(Stage::Begin),
        };
        let Some(tasks) = flag.recovery_threads.filter(|tasks| flag.fetch_binlog_done && *tasks <= TASKS_MAX) else {
            return Ok(Stage::Begin);
        };
        let has_all = (0..tasks).all(|task| self.dir.fs().stat(self.dir.dir(), &list_file(task)).is_ok());
        Ok(if has_all { Stage::Listed { tasks, saved_status: flag.saved_storage_status } } else { Stage::Begin })
    }

    /// Old versions had one list, and flag and mark in one file.
    fn take_over_old_form(&self) -> Result<(), StoreError> {
        let Some(bytes) = self.dir.read(OLD_MARK_FILE)? else { return Ok(()) };
        let has_list = self.dir.fs().stat(self.dir.dir(), OLD_LIST_FILE).is_ok();
        match decode_old(&bytes) {
            Ok((flag, mark)) if flag.fetch_binlog_done && has_list => {
                let renamed = self.dir.fs().rename(self.dir.dir(), OLD_LIST_FILE, &list_file(0));
                renamed.at("rename", self.dir.path(), OLD_LIST_FILE)?;
                self.write_mark(0, mark.binlog_offset)?;
                self.write_flag(RecoveryFlag { recovery_threads: Some(1), ..flag })?;
            }
            _ => self.begin(StorageStatus::None)?,
        }
        self.dir.remove(OLD_MARK_FILE)?;
        self.dir.remove(OLD_LIST_FILE)
    }

    /// Where a task goes on in its list; at the beginning if that is not known.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn mark(&self, task: u32) -> Result<u64, StoreError> {
        let bytes = self.dir.read(&mark_file(task))?.unwrap_or_default();
        Ok(RecoveryMark::decode(&bytes).map_or(0, |mark| mark.binlog_offset))
    }

    /// Notes where a task goes on.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn write_mark(&self, task: u32, offset: u64) -> Result<(), StoreError> {
        self.dir.write(&mark_file(task), &RecoveryMark { binlog_offset: offset }.to_bytes())
    }

    /// Begins a list.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn new_list(&self, task: u32) -> Result<ListWriter<'_>, StoreError> {
        let name = list_file(task);
        let temp_name = format!("{name}.tmp");
        let file =
            self.dir.fs().create_or_empty(self.dir.dir(), &temp_name).at("create", self.dir.path(), &temp_name)?;
        Ok(ListWriter { dir: &self.dir, file, name, temp_name, buffer: Vec::new(), written: 0 })
    }

    /// Opens a list, and tells its length.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn open_list(&self, task: u32) -> Result<(<RealFs as Fs>::File, u64), StoreError> {
        let name = list_file(task);
        let file = self.dir.fs().open_read(self.dir.dir(), &name).at("open", self.dir.path(), &name)?;
        let len = file.stat().at("stat", self.dir.path(), &name)?.len_bytes;
        Ok((file, len))
    }

    /// Reads a part of a list; gives how many bytes.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn read_list(
        &self,
        task: u32,
        file: &<RealFs as Fs>::File,
        buf: &mut [u8],
        offset: u64,
    ) -> Result<usize, StoreError> {
        file.read_full_at(buf, offset).at("read", self.dir.path(), &list_file(task))
    }

    /// The recovery is over. The flag goes first: without it nobody looks at the rest.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn end(&self) -> Result<(), StoreError> {
        self.dir.remove(FLAG_FILE)?;
        for name in self.dir.fs().list(self.dir.dir(), "").at("list", self.dir.path(), "")? {
            if name.starts_with(OLD_LIST_FILE) || name.starts_with(OLD_MARK_FILE) {
                self.dir.remove(&name)?;
            }
        }
        Ok(())
    }
}

/// A list that is being written, under another name until it is complete.
#[derive(Debug)]
pub struct ListWriter<'d> {
    dir: &'d StateDir<RealFs>,
    file: <RealFs as Fs>::File,
    name: String,
    temp_name: String,
    buffer: Vec<u8>,
    written: u64,
}

impl ListWriter<'_> {
    /// Appends a whole line with its newline.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn push(&mut self, line: &[u8]) -> Result<(), StoreError> {
        self.buffer.extend_from_slice(line);
        if self.buffer.len() >= PIECE_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        self.file.write_all_at(&self.buffer, self.written).at("write", self.dir.path(), &self.temp_name)?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    /// The list is complete: made durable, and named.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn finish(mut self) -> Result<u64, StoreError> {
        self.flush()?;
        self.file.sync().at("sync", self.dir.path(), &self.temp_name)?;
        let renamed = self.dir.fs().rename(self.dir.dir(), &self.temp_name, &self.name);
        renamed.at("rename", self.dir.path(), &self.temp_name)?;
        Ok(self.written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(temp: &tempfile::TempDir) -> RecoveryFiles {
        RecoveryFiles::open(temp.path()).unwrap()
    }

    #[test]
    fn a_recovery_is_gone_on_with_where_its_files_say() {
        let temp = tempfile::tempdir().unwrap();
        let files = open(&temp);
        assert!(!files.is_begun().unwrap());
        files.begin(StorageStatus::None).unwrap();
        let flag = std::fs::read(temp.path().join(".recovery.flag")).unwrap();
        assert_eq!(flag, b"saved_storage_status=99\nfetch_binlog_done=0\nrecovery_threads=-1\n");
        assert!(files.is_begun().unwrap());
        assert_eq!(files.stage().unwrap(), Stage::Begin);
        for task in 0..2 {
            let mut list = files.new_list(task).unwrap();
            list.push(b"5 C M00/00/00/a\n").unwrap();
            assert_eq!(list.finish().unwrap(), 16);
            files.write_mark(task, 16 * u64::from(task)).unwrap();
        }
        let saved_status = Some(StorageStatus::Active);
        files.listed(2, saved_status).unwrap();
        let files = open(&temp);
        assert_eq!(files.stage().unwrap(), Stage::Listed { tasks: 2, saved_status });
        assert_eq!((files.mark(0).unwrap(), files.mark(1).unwrap(), files.open_list(1).unwrap().1), (0, 16, 16));
        std::fs::remove_file(temp.path().join(".binlog.recovery.1")).unwrap();
        assert_eq!(files.stage().unwrap(), Stage::Begin, "a list is missing");
        files.end().unwrap();
        assert_eq!(std::fs::read_dir(temp.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_cannot_be_read_or_is_empty_begins_anew() {
        let temp = tempfile::tempdir().unwrap();
        for flag in [&b""[..], b"rubbish", b"fetch_binlog_done=1\nrecovery_threads=1000\n"] {
            std::fs::write(temp.path().join(".recovery.flag"), flag).unwrap();
            assert_eq!(open(&temp).stage().unwrap(), Stage::Begin);
        }
    }

    #[test]
    fn the_form_of_old_versions_is_taken_over() {
        let temp = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(temp.path().join(name), text).unwrap();
        write(".recovery.mark", "saved_storage_status=7\nbinlog_offset=12\nfetch_binlog_done=1\n");
        write(".binlog.recovery", "5 C M00/00/00/a\n");
        let files = open(&temp);
        assert!(files.is_begun().unwrap());
        let saved_status = Some(StorageStatus::Active);
        assert_eq!(files.stage().unwrap(), Stage::Listed { tasks: 1, saved_status });
        assert_eq!(files.mark(0).unwrap(), 12);
        assert!(!temp.path().join(".recovery.mark").exists() && !temp.path().join(".binlog.recovery").exists());
    }
}
