//! How far recoveries are; for the log, and for who asks.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use fdfs_core::recovery::eta_secs;
use fdfs_proto::FileName;

/// Names of files that could not be restored that are kept; of more only the number is known.
const NAMES_MAX: usize = 100;

/// How far a recovery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecoveryStage {
    /// It waits for a tracker or a peer.
    Waiting,
    /// A peer lists the files.
    Listing,
    /// Files come in.
    Restoring,
    /// It is over.
    Done,
}

/// Recoveries of a storage, by store path.
#[derive(Debug, Default)]
pub struct Recovery {
    paths: Vec<Option<PathRecovery>>,
}

impl Recovery {
    /// A recovery for each store path that needs one.
    #[must_use]
    pub fn new(needs: &[bool]) -> Self {
        Self { paths: needs.iter().map(|&needs| needs.then(PathRecovery::default)).collect() }
    }

    /// The recovery of a store path that needed one when this process began.
    #[must_use]
    pub fn path(&self, index: u8) -> Option<&PathRecovery> {
        self.paths.get(usize::from(index))?.as_ref()
    }

    /// Whether a store path is being recovered: uploads keep away, and files may be missing.
    #[must_use]
    pub fn is_under_way(&self, index: u8) -> bool {
        self.path(index).is_some_and(|path| path.lock().stage != RecoveryStage::Done)
    }

    /// All recoveries of this process, with their store paths.
    #[must_use]
    pub fn snapshot(&self) -> Vec<(u8, RecoveryProgress)> {
        let paths = (0..=u8::MAX).zip(&self.paths);
        paths.filter_map(|(index, path)| Some((index, path.as_ref()?.snapshot()))).collect()
    }
}

/// The recovery of one store path.
#[derive(Debug)]
pub struct PathRecovery {
    state: Mutex<State>,
    list_bytes: AtomicU64,
    done_bytes: AtomicU64,
    files: AtomicU64,
    file_bytes: AtomicU64,
    there_already: AtomicU64,
    missing: AtomicU64,
    failed: AtomicU64,
}

#[derive(Debug)]
struct State {
    stage: RecoveryStage,
    /// When the restoring began, and how much of the lists was done then.
    began: Option<(Instant, u64)>,
    names: Vec<FileName>,
}

impl Default for PathRecovery {
    fn default() -> Self {
        let state = State { stage: RecoveryStage::Waiting, began: None, names: Vec::new() };
        let zero = || AtomicU64::new(0);
        Self {
            state: Mutex::new(state),
            list_bytes: zero(),
            done_bytes: zero(),
            files: zero(),
            file_bytes: zero(),
            there_already: zero(),
            missing: zero(),
            failed: zero(),
        }
    }
}

/// How far the recovery of one store path is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoveryProgress {
    /// The stage.
    pub stage: RecoveryStage,
    /// Bytes of the lists of files.
    pub list_bytes: u64,
    /// How many of them are worked off.
    pub done_bytes: u64,
    /// Files that came in.
    pub files: u64,
    /// Their bytes.
    pub file_bytes: u64,
    /// Files that were here already.
    pub there_already: u64,
    /// Files that no peer has any more.
    pub missing: u64,
    /// Files that no peer could give for another reason.
    pub failed: u64,
    /// Names of missing and failed files, the first of them.
    pub names: Vec<FileName>,
    /// Seconds that it still takes, if that can be said.
    pub eta_secs: Option<u64>,
}

impl PathRecovery {
    pub(super) fn set_stage(&self, stage: RecoveryStage) {
        self.lock().stage = stage;
    }

    pub(super) fn begin_restoring(&self) {
        self.list_bytes.store(0, Relaxed);
        self.done_bytes.store(0, Relaxed);
        let mut state = self.lock();
        (state.stage, state.began) = (RecoveryStage::Restoring, Some((Instant::now(), 0)));
    }

    /// A list of so many bytes, of which so many were worked off before.
    pub(super) fn add_list(&self, bytes: u64, done: u64) {
        self.list_bytes.fetch_add(bytes, Relaxed);
        self.done_bytes.fetch_add(done, Relaxed);
        if let Some((_, before)) = &mut self.lock().began {
            *before += done;
        }
    }

    /// So many bytes of a list more are worked off.
    pub(super) fn add_done(&self, bytes: u64) {
        self.done_bytes.fetch_add(bytes, Relaxed);
    }

    pub(super) fn add_file(&self, bytes: u64) {
        self.files.fetch_add(1, Relaxed);
        self.file_bytes.fetch_add(bytes, Relaxed);
    }

    pub(super) fn add_there_already(&self) {
        self.there_already.fetch_add(1, Relaxed);
    }

    /// No peer has the file.
    pub(super) fn add_missing(&self, name: FileName) {
        self.missing.fetch_add(1, Relaxed);
        self.keep(name);
    }

    /// No peer gives the file.
    pub(super) fn add_failed(&self, name: FileName) {
        self.failed.fetch_add(1, Relaxed);
        self.keep(name);
    }

    fn keep(&self, name: FileName) {
        let mut state = self.lock();
        if state.names.len() < NAMES_MAX {
            state.names.push(name);
        }
    }

    /// How far it is.
    #[must_use]
    pub fn snapshot(&self) -> RecoveryProgress {
        let state = self.lock();
        let (list_bytes, done_bytes) = (self.list_bytes.load(Relaxed), self.done_bytes.load(Relaxed));
        let eta = state.began.filter(|_| state.stage == RecoveryStage::Restoring).and_then(|(began, before)| {
            let elapsed_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
            eta_secs(done_bytes.saturating_sub(before), list_bytes.saturating_sub(before), elapsed_ms)
        });
        RecoveryProgress {
            stage: state.stage,
            list_bytes,
            done_bytes,
            files: self.files.load(Relaxed),
            file_bytes: self.file_bytes.load(Relaxed),
            there_already: self.there_already.load(Relaxed),
            missing: self.missing.load(Relaxed),
            failed: self.failed.load(Relaxed),
            names: state.names.clone(),
            eta_secs: eta,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RecoveryStage {
    /// One word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Listing => "listing",
            Self::Restoring => "restoring",
            Self::Done => "done",
        }
    }
}

impl RecoveryProgress {
    /// For the report of the storage: what is put behind the name of the recovery, and the values.
    #[must_use]
    pub fn entries(&self) -> Vec<(&'static str, String)> {
        let mut entries = vec![("", self.stage.word().to_owned())];
        let percent = (self.done_bytes.saturating_mul(100)).checked_div(self.list_bytes);
        let percent = percent.filter(|_| self.stage == RecoveryStage::Restoring);
        let numbers = [
            ("_percent", percent),
            ("_eta_secs", self.eta_secs),
            ("_files", Some(self.files)),
            ("_bytes", Some(self.file_bytes)),
            ("_missing", Some(self.missing)),
            ("_failed", Some(self.failed)),
        ];
        entries.extend(numbers.into_iter().filter_map(|(key, number)| Some((key, number?.to_string()))));
        entries
    }

    /// One line for the log.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut text = format!("{} files of {} bytes came in", self.files, self.file_bytes);
        for (count, what) in [
            (self.there_already, "were here already"),
            (self.missing, "are nowhere any more"),
            (self.failed, "could not be had"),
        ] {
            if count > 0 {
                let _ = write!(text, ", {count} {what}");
            }
        }
        if self.stage != RecoveryStage::Done && self.list_bytes > 0 {
            let _ = write!(text, "; {} % done", self.done_bytes.saturating_mul(100) / self.list_bytes);
        }
        if let Some(secs) = self.eta_secs.filter(|&secs| secs > 0) {
            let _ = write!(text, ", about {secs} s to go");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_told_in_words() {
        let recovery = Recovery::new(&[false, true]);
        assert!(!recovery.is_under_way(0) && recovery.is_under_way(1) && !recovery.is_under_way(7));
        let path = recovery.path(1).unwrap();
        path.begin_restoring();
        path.add_list(200, 50);
        path.add_done(50);
        path.add_file(4096);
        path.add_missing("M00/00/00/a".parse().unwrap());
        let progress = path.snapshot();
        assert_eq!((progress.list_bytes, progress.done_bytes), (200, 100));
        let text = progress.summary();
        assert!(text.starts_with("1 files of 4096 bytes came in, 1 are nowhere any more; 50 % done"), "{text}");
        let entries = progress.entries();
        assert!(entries.contains(&("", "restoring".to_owned())) && entries.contains(&("_percent", "50".to_owned())));
        path.set_stage(RecoveryStage::Done);
        assert!(!recovery.is_under_way(1));
        assert_eq!(recovery.snapshot().len(), 1);
        assert_eq!(recovery.snapshot()[0].1.eta_secs, None);
    }
}
