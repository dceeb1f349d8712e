//! `.data_init_flag` in memory and on disk.

use std::sync::{Mutex, MutexGuard, PoisonError};

use fdfs_proto::disk::data_init_flag::DataInitFlag;
use fdfs_store::state_file::StateDir;
use fdfs_store::{RealFs, StoreError};

/// The init flag. Several tasks change it; a save writes what it is when the save begins, never an older state over a
/// newer one.
#[derive(Debug)]
pub struct InitFlag {
    flag: Mutex<DataInitFlag>,
    /// `<base>/data`; held while it is written.
    dir: Mutex<StateDir<RealFs>>,
}

impl InitFlag {
    /// As it was read.
    #[must_use]
    pub const fn new(flag: DataInitFlag, dir: StateDir<RealFs>) -> Self {
        Self { flag: Mutex::new(flag), dir: Mutex::new(dir) }
    }

    /// To be read or changed.
    pub fn lock(&self) -> MutexGuard<'_, DataInitFlag> {
        self.flag.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn save(&self) -> Result<(), StoreError> {
        let dir = self.dir.lock().unwrap_or_else(PoisonError::into_inner);
        let flag = self.lock().clone();
        fdfs_store::state::save(&dir, &flag)
    }
}
