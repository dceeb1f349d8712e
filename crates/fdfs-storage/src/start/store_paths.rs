//! Opening the store paths: are they there, are they ours, do they have their sub directories?

use std::path::Path;

use fdfs_conf::store_path::StoragePath;
use fdfs_proto::IpText;
use fdfs_proto::disk::StateFile;
use fdfs_proto::disk::data_init_flag::DataInitFlag;
use fdfs_proto::disk::store_path_mark::{MarkFields, StorePathMark, StorePathMarkFile};
use fdfs_proto::shared::StorageStatus;
use fdfs_store::recovery_files::RecoveryFiles;
use fdfs_store::state_file::StateDir;
use fdfs_store::store_path::OpenedPath;
use fdfs_store::{RealFs, StoreError, StorePath};

use super::error::StartError;
use super::mounts::Before;

/// Who opens the paths, for their marks.
#[derive(Debug, Clone, Copy)]
pub(super) struct MarkOwner {
    /// Our address.
    pub(super) ip: IpText,
    /// Our port.
    pub(super) port: u16,
    /// Now, unix seconds.
    pub(super) now: u32,
    /// Our copies of the marks were lost with the init flag: a mark that names us is taken over again.
    pub(super) adopts_own_marks: bool,
}

impl MarkOwner {
    fn is_of(&self, mark: &StorePathMark, index: u8) -> bool {
        mark.fields()
            .is_some_and(|fields| fields.ip == self.ip && fields.port == self.port && fields.store_path_index == index)
    }
}

/// Opens all store paths in order. With `owner` (`check_store_path_mark`) the marks are checked, and made where they are
/// missing; `flag` then holds the copies, and must be saved if this returns true.
///
/// # Errors
/// [`StartError`].
pub(super) fn open_all(
    paths: &[StoragePath],
    subdir_count: u16,
    owner: Option<MarkOwner>,
    before: &Before,
    flag: &mut DataInitFlag,
) -> Result<(Vec<OpenedPath>, bool), StartError> {
    let mut opened_all = Vec::with_capacity(paths.len());
    let mut has_new_mark = false;
    for (index, path) in (0..=u8::MAX).zip(paths) {
        // Only store_path0 may be made, as in the reference: a missing other path is a disk that is not mounted.
        if index > 0 && !path.path.is_dir() {
            return Err(StartError::NoStorePath { index, path: path.path.clone() });
        }
        let opened = StorePath::open(RealFs, index, &path.path, path.readonly, subdir_count)?;
        if opened.removed_temp_count > 0 {
            let count = opened.removed_temp_count;
            tracing::info!("store path {index}: removed {count} unfinished files of an earlier run");
        }
        if let Some(owner) = owner {
            has_new_mark |= check_mark(&path.path, index, &opened, owner, before, flag)?;
        }
        opened_all.push(opened);
    }
    if owner.is_none() {
        flag.store_path_marks.clear();
    }
    Ok((opened_all, has_new_mark))
}

/// Whether a store path is to be refilled from the other storages: it lost its files, or a recovery was begun and not ended.
/// That is noted on the path.
///
/// Differs from C: there the sub directories are complete before a storage serves. Here they are made while it does, and what
/// a stop left out is not taken for a loss.
///
/// # Errors
/// [`StartError`].
pub(super) fn needs_recovery(opened: &OpenedPath, was_member: bool) -> Result<bool, StartError> {
    let files = RecoveryFiles::open(opened.path.data_path())?;
    if files.is_begun()? {
        return Ok(true);
    }
    let is_lost = opened.is_incomplete && was_member && !opened.is_being_made;
    if is_lost {
        files.begin(StorageStatus::None)?;
    }
    Ok(is_lost)
}

/// Compares the mark of a path with our copy; whether a new one was made.
///
/// Differs from C: a path that we have marked and that is now empty is refused where its disk is seen not to be mounted, or
/// no other storage has its files. The reference makes a new mark in every case, and fills the mount point.
fn check_mark(
    root: &Path,
    index: u8,
    opened: &OpenedPath,
    owner: MarkOwner,
    before: &Before,
    flag: &mut DataInitFlag,
) -> Result<bool, StartError> {
    let dir = StateDir::open(RealFs, &root.join("data"))?;
    let on_path = match dir.read(StorePathMarkFile::FILE)? {
        Some(bytes) => {
            let file = StorePathMarkFile::decode(&bytes).map_err(|e| StoreError::Corrupt {
                path: dir.path().join(StorePathMarkFile::FILE),
                what: format!("{e}; it may be the mark of another storage, so it is not replaced"),
            })?;
            file.mark
        }
        None => None,
    };
    match (flag.store_path_marks.get(&index), on_path) {
        (Some(ours), Some(mark)) if *ours == mark => return Ok(false),
        (None, Some(mark)) if owner.adopts_own_marks && owner.is_of(&mark, index) => {
            tracing::warn!("store path {index} ({}): its mark is taken over again", root.display());
            flag.store_path_marks.insert(index, mark);
            return Ok(true);
        }
        (None, Some(mark)) if owner.is_of(&mark, index) => {
            return Err(StartError::StateIsGone { index, path: root.to_owned() });
        }
        (_, Some(mark)) => {
            let owner = mark.fields().map_or_else(
                || "an unknown storage".to_owned(),
                |fields| format!("{}:{} (its store path {})", fields.ip, fields.port, fields.store_path_index),
            );
            return Err(StoreError::ForeignMark { path: root.to_owned(), owner }.into());
        }
        // The operator says so: a new disk in the place of the old one.
        (Some(_), None) if opened.is_incomplete && RecoveryFiles::open(dir.path())?.is_begun()? => {
            tracing::info!("store path {index} ({}) is a new disk", root.display());
        }
        (Some(_), None) if opened.is_incomplete => {
            let refill = before.judge(index, root);
            refill.map_err(|because| StartError::EmptyStorePath { index, path: root.to_owned(), because })?;
            tracing::warn!(
                "store path {index} ({}) came back empty: it gets a new mark, and its files from the other storages",
                root.display()
            );
        }
        (Some(_), None) => {
            tracing::warn!("store path {index} ({}) has lost its mark; a new one is made", root.display());
        }
        (None, None) => {}
    }
    let fields = MarkFields { ip: owner.ip, port: owner.port, store_path_index: index, created: owner.now };
    let mark = StorePathMark::generate(&fields);
    // The path's mark first: a crash in between leaves a path that says whose it is.
    dir.write(StorePathMarkFile::FILE, &StorePathMarkFile { mark: Some(mark.clone()) }.to_bytes())?;
    flag.store_path_marks.insert(index, mark);
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWNER: Option<MarkOwner> =
        Some(MarkOwner { ip: IpText::EMPTY, port: 23000, now: 7, adopts_own_marks: false });

    fn open(root: &Path, owner: Option<MarkOwner>, flag: &mut DataInitFlag) -> Result<bool, StartError> {
        let paths = [StoragePath { path: root.to_owned(), readonly: false }];
        open_all(&paths, 4, owner, &Before::default(), flag).map(|(opened, is_new)| {
            opened[0].path.make_subdirs().unwrap();
            is_new
        })
    }

    #[test]
    fn a_mark_is_made_once_and_a_foreign_one_is_refused() {
        let temp = tempfile::tempdir().unwrap();
        let mut flag = DataInitFlag::default();
        assert!(open(temp.path(), OWNER, &mut flag).unwrap());
        assert!(!open(temp.path(), OWNER, &mut flag).unwrap());
        let other = OWNER.map(|owner| MarkOwner { port: 23001, ..owner });
        for mut flag in [DataInitFlag::default(), flag.clone()] {
            flag.store_path_marks.values_mut().for_each(|mark| {
                let fields = MarkFields { ip: IpText::EMPTY, port: 23001, store_path_index: 0, created: 7 };
                *mark = StorePathMark::generate(&fields);
            });
            let error = open(temp.path(), other, &mut flag).unwrap_err();
            assert!(error.to_string().contains("belongs to"), "{error}");
        }
        // The disk of base_path is not mounted, say.
        let error = open(temp.path(), OWNER, &mut DataInitFlag::default()).unwrap_err();
        assert!(matches!(error, StartError::StateIsGone { index: 0, .. }), "{error}");
        std::fs::remove_file(temp.path().join("data/.fdfs_vars")).err().unwrap();
        std::fs::remove_file(temp.path().join("data/.fastdfs_vars")).unwrap();
        assert!(open(temp.path(), OWNER, &mut flag).unwrap(), "a lost mark is made anew");
    }

    #[test]
    fn our_own_mark_is_known_again_after_the_init_flag_was_lost() {
        let temp = tempfile::tempdir().unwrap();
        open(temp.path(), OWNER, &mut DataInitFlag::default()).unwrap();
        let mut flag = DataInitFlag::default();
        let adopting = OWNER.map(|owner| MarkOwner { adopts_own_marks: true, ..owner });
        let other = adopting.map(|owner| MarkOwner { port: 23001, ..owner });
        assert!(open(temp.path(), other, &mut flag).is_err());
        assert!(open(temp.path(), adopting, &mut flag).unwrap());
        assert!(!open(temp.path(), OWNER, &mut flag).unwrap());
    }

    #[test]
    fn an_empty_mount_point_is_not_filled() {
        let temp = tempfile::tempdir().unwrap();
        let mut flag = DataInitFlag::default();
        open(temp.path(), OWNER, &mut flag).unwrap();
        std::fs::remove_dir_all(temp.path().join("data")).unwrap();
        let error = open(temp.path(), OWNER, &mut flag).unwrap_err();
        assert!(matches!(error, StartError::EmptyStorePath { index: 0, .. }), "{error}");
        assert!(open(temp.path(), None, &mut flag.clone()).is_ok(), "check_store_path_mark = false asks nothing");
        std::fs::remove_dir_all(temp.path().join("data")).unwrap();
        std::fs::create_dir(temp.path().join("data")).unwrap();
        std::fs::write(temp.path().join("data/.recovery.flag"), b"").unwrap();
        assert!(open(temp.path(), OWNER, &mut flag).unwrap(), "a new disk, says the operator");
    }

    #[test]
    fn a_stop_before_all_sub_directories_were_made_is_no_loss_and_an_empty_disk_is() {
        let temp = tempfile::tempdir().unwrap();
        let paths = [StoragePath { path: temp.path().to_owned(), readonly: false }];
        let open = || open_all(&paths, 4, None, &Before::default(), &mut DataInitFlag::default()).unwrap().0.remove(0);
        let new = open();
        assert!(!needs_recovery(&new, false).unwrap());
        new.path.begin_subdirs().unwrap();
        // It has become a member meanwhile.
        let stopped = open();
        assert!(stopped.is_incomplete && !needs_recovery(&stopped, true).unwrap());
        stopped.path.make_subdirs().unwrap();
        assert!(!open().is_incomplete);
        std::fs::remove_dir_all(temp.path().join("data")).unwrap();
        assert!(needs_recovery(&open(), true).unwrap());
        // Before its sub directories are made again, the recovery ends, and the storage is stopped.
        open().path.begin_subdirs().unwrap();
        RecoveryFiles::open(stopped.path.data_path()).unwrap().end().unwrap();
        assert!(!needs_recovery(&open(), true).unwrap());
    }

    #[test]
    fn a_missing_second_path_is_named() {
        let temp = tempfile::tempdir().unwrap();
        let paths = [temp.path().join("p0"), temp.path().join("p1")].map(|path| StoragePath { path, readonly: false });
        let error = open_all(&paths, 4, None, &Before::default(), &mut DataInitFlag::default()).unwrap_err();
        assert!(matches!(error, StartError::NoStorePath { index: 1, .. }), "{error}");
    }
}
