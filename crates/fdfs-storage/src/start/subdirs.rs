//! The sub directories of a new store path: made on a thread of their own, because they take a while and uploads make those
//! that they need themselves.
//!
//! A storage that is stopped or killed in the middle has lost nothing: a note on the path says that they were not there yet.
//! The note is gone with the disk, so that an empty new disk is still known for what it is.

use std::sync::Arc;

use fdfs_store::state_file::StateDir;
use fdfs_store::{RealFs, StoreError, StorePath};

use super::error::StartError;

/// In the `data` directory of a store path, as long as its sub directories are being made.
const NOTE_FILE: &str = ".fdfs_making_subdirs";

fn data(path: &StorePath) -> Result<StateDir<RealFs>, StoreError> {
    StateDir::open(RealFs, path.data_path())
}

/// Whether an earlier run was making them, and did not come to the end.
///
/// # Errors
/// [`StoreError`].
pub(super) fn are_being_made(path: &StorePath) -> Result<bool, StoreError> {
    Ok(data(path)?.read(NOTE_FILE)?.is_some())
}

/// Notes that they will be made. What else tells that the path lost its files is written before.
///
/// # Errors
/// [`StoreError`].
pub(super) fn begin(path: &StorePath) -> Result<(), StoreError> {
    data(path)?.write(NOTE_FILE, b"")
}

/// Makes those that are missing.
///
/// # Errors
/// [`StoreError`].
pub(super) fn make(path: &StorePath) -> Result<(), StoreError> {
    path.make_subdirs()?;
    data(path)?.remove(NOTE_FILE)
}

/// Makes them while the caller goes on.
///
/// # Errors
/// [`StartError`].
pub(super) fn make_aside(path: &Arc<StorePath>) -> Result<(), StartError> {
    begin(path)?;
    let path = path.clone();
    let dispatch = tracing::dispatcher::get_default(Clone::clone);
    let work = move || {
        let _log = tracing::dispatcher::set_default(&dispatch);
        match make(&path) {
            Ok(()) => tracing::info!("store path {}: its sub directories are there", path.index()),
            Err(e) => tracing::error!("{e}; sub directories are made as files need them"),
        }
    };
    std::thread::Builder::new().name("fdfs-subdirs".into()).spawn(work).map_err(StartError::Threads)?;
    Ok(())
}
