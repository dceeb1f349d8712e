//! Folders that hold no metadata: who deletes many files of one folder need not look for the metadata of each.
//!
//! Files in slots lie together in the folder of their trunk file. After some looks in vain the folder is listed once;
//! when there is no metadata at all, that holds until this process makes some there, and for a second at most, because
//! somebody else may have put a file there.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::error::{At, StoreError};
use crate::fs::Fs;
use crate::store_path::StorePath;

/// What the names of metadata files end with.
const SUFFIX: &str = "-m";
/// Bytes of `HH/HH`.
const FOLDER_LEN: usize = 5;
/// Looks in one folder within [`KNOWN_FOR`] after which it is listed.
const LOOKS: u32 = 32;
/// How long a folder is known to hold none.
const KNOWN_FOR: Duration = Duration::from_secs(1);
/// How long a folder is not listed again that holds some, or many other files.
const LEFT_ALONE_FOR: Duration = Duration::from_secs(30);
/// The most names in a folder that it is worth while to list.
const NAMES_MAX: usize = 2000;
/// Folders that are remembered.
const FOLDERS_MAX: usize = 256;

#[derive(Debug)]
enum Folder {
    /// So many looks since then.
    Looked(u32, Instant),
    /// There was none then.
    HasNone(Instant),
    /// Listing it was in vain then.
    LeftAlone(Instant),
}

#[derive(Debug, Default)]
struct State {
    folders: BTreeMap<[u8; FOLDER_LEN], Folder>,
    /// Metadata files that this process has made.
    made: u64,
}

/// Folders of one store path.
#[derive(Debug, Default)]
pub(crate) struct MetaFolders {
    state: Mutex<State>,
}

fn folder_of(true_name: &str) -> Option<[u8; FOLDER_LEN]> {
    true_name.as_bytes().first_chunk().copied()
}

impl MetaFolders {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A name was made, or may have been: to be called before whoever made it lets go of the file's lock.
    pub(crate) fn made(&self, true_name: &str) {
        if true_name.ends_with(SUFFIX)
            && let Some(folder) = folder_of(true_name)
        {
            let mut state = self.lock();
            state.made += 1;
            state.folders.remove(&folder);
        }
    }

    /// Whether a folder is known to hold none; else whether it is to be listed, and how many were made until now.
    fn look(&self, folder: [u8; FOLDER_LEN], now: Instant) -> (bool, Option<u64>) {
        let state = &mut *self.lock();
        if state.folders.len() >= FOLDERS_MAX && !state.folders.contains_key(&folder) {
            state.folders.clear();
        }
        let known = state.folders.entry(folder).or_insert(Folder::Looked(0, now));
        match known {
            Folder::HasNone(since) if now.duration_since(*since) < KNOWN_FOR => return (true, None),
            Folder::LeftAlone(since) if now.duration_since(*since) < LEFT_ALONE_FOR => return (false, None),
            Folder::Looked(looks, since) if now.duration_since(*since) < KNOWN_FOR => {
                *looks += 1;
                if *looks >= LOOKS {
                    *known = Folder::LeftAlone(now);
                    return (false, Some(state.made));
                }
            }
            // Whoever was asked often a second ago is asked often now.
            Folder::HasNone(_) => *known = Folder::Looked(LOOKS / 2, now),
            Folder::Looked(..) | Folder::LeftAlone(_) => *known = Folder::Looked(1, now),
        }
        (false, None)
    }

    /// A folder was listed that had none; `now` and `made` are from before.
    fn has_none(&self, folder: [u8; FOLDER_LEN], now: Instant, made: u64) {
        let state = &mut *self.lock();
        if state.made == made {
            state.folders.insert(folder, Folder::HasNone(now));
        }
    }
}

impl<F: Fs> StorePath<F> {
    /// Whether a file of a folder from which many are deleted has metadata. The caller holds the file's lock.
    ///
    /// # Errors
    /// [`StoreError::Disk`].
    pub fn has_meta_in_busy_folder(&self, true_name: &str) -> Result<bool, StoreError> {
        self.has_meta_at(true_name, Instant::now())
    }

    fn has_meta_at(&self, true_name: &str, now: Instant) -> Result<bool, StoreError> {
        let Some(folder) = folder_of(true_name) else { return self.has_meta(true_name) };
        match self.meta_folders().look(folder, now) {
            (true, _) => return Ok(false),
            (false, None) => {}
            (false, Some(made)) => {
                let dir = &true_name[..FOLDER_LEN];
                let names = self.fs().list(self.data(), dir).at("list", self.data_path(), dir)?;
                if names.len() <= NAMES_MAX && !names.iter().any(|name| name.ends_with(SUFFIX)) {
                    self.meta_folders().has_none(folder, now, made);
                    return Ok(false);
                }
            }
        }
        self.has_meta(true_name)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::sim_fs::{Fault, SimFs};

    fn path() -> StorePath<SimFs> {
        let path = StorePath::open(SimFs::new(Fault::None), 0, Path::new("/p"), false, 2).unwrap().path;
        path.make_subdirs().unwrap();
        path
    }

    #[test]
    fn after_some_looks_in_vain_none_are_made_until_there_is_metadata() {
        let path = path();
        let now = Instant::now();
        let look = |count| {
            (0..count).for_each(|n| assert!(!path.has_meta_at(&format!("00/01/{n}"), now).unwrap()));
            let has_none = matches!(path.meta_folders().lock().folders[b"00/01"], Folder::HasNone(_));
            let is_left_alone = matches!(path.meta_folders().lock().folders[b"00/01"], Folder::LeftAlone(_));
            (has_none, is_left_alone)
        };
        assert_eq!(look(LOOKS - 1), (false, false));
        assert_eq!(look(1), (true, false));
        path.place_whole("00/01/plain", b"x").unwrap();
        assert_eq!(look(100), (true, false));
        path.write_meta("00/01/plain", b"a", 1, false).unwrap();
        assert!(path.has_meta_at("00/01/plain", now).unwrap());
        assert_eq!(look(LOOKS), (false, true), "it is not listed again and again");
        assert!(path.has_meta_at("00/01/plain", now).unwrap());
    }

    #[test]
    fn every_way_to_make_a_name_is_noticed() {
        let now = Instant::now();
        type Make = fn(&StorePath<SimFs>) -> Result<(), StoreError>;
        let makes: [Make; 6] = [
            |path| path.place_whole("00/01/a-m", b"x"),
            |path| path.write_meta("00/01/a", b"x", 1, false),
            |path| path.rename_new("00/00/other", "00/01/a-m"),
            |path| path.rename_over("00/00/other", "00/01/a-m"),
            |path| path.make_link("00/00/other", "00/01/a-m"),
            |path| path.add_name("00/00/other", "00/01/a-m"),
        ];
        for (n, make) in makes.into_iter().enumerate() {
            let path = path();
            path.place_whole("00/00/other", b"x").unwrap();
            (0..LOOKS).for_each(|_| assert!(!path.has_meta_at("00/01/a", now).unwrap()));
            make(&path).unwrap();
            assert!(path.has_meta_at("00/01/a", now).unwrap(), "{n}");
        }
        let path = path();
        (0..LOOKS).for_each(|_| assert!(!path.has_meta_at("00/01/a", now).unwrap()));
        let file = path.create_unnamed("00/01").unwrap().unwrap();
        path.give_name(&file, "00/01/a-m").unwrap();
        assert!(path.has_meta_at("00/01/a", now).unwrap());
    }

    #[test]
    fn what_is_made_while_a_folder_is_listed_counts() {
        let folders = MetaFolders::default();
        let (folder, now) = (*b"00/01", Instant::now());
        let made = (0..LOOKS).find_map(|_| folders.look(folder, now).1).unwrap();
        folders.made("00/01/a-m");
        folders.has_none(folder, now, made);
        assert!(!folders.look(folder, now).0);
        folders.has_none(folder, now, made + 1);
        assert!(folders.look(folder, now).0);
        assert!(!folders.look(folder, now + KNOWN_FOR).0, "only for so long");
    }
}
