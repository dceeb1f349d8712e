//! What is known of a store path that comes back empty: whether its disk is missing, or another one is in its place.
//!
//! `<base>/data/.fdfs_mounts`, a file of our own, tells where the file systems of the store paths were mounted when they
//! were opened last. A line: index, blank, mount point. Without it, or where it cannot be read, nothing is known.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use fdfs_store::state_file::StateDir;
use fdfs_store::{RealFs, StoreError};

const FILE: &str = ".fdfs_mounts";
/// What the mark of a peer ends with.
const PEER_MARK_SUFFIX: &str = ".mark";

/// What an earlier run knew of the store paths and of the group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Before {
    /// Where the store paths were mounted, by index.
    mounts: BTreeMap<u8, PathBuf>,
    /// The group has other storages: this one has sent something to them.
    has_peers: bool,
}

/// Why a store path that this storage has marked and that is empty cannot be refilled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EmptyBecause {
    /// It was on a file system of its own, which is not there: its files would come to lie below the mount point.
    NotMounted {
        /// Where it was mounted.
        at: PathBuf,
    },
    /// No other storage has its files.
    Alone,
}

/// For operators, as the end of a sentence.
impl std::fmt::Display for EmptyBecause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotMounted { at } => write!(f, "nothing is mounted at {}, where it was before", at.display()),
            Self::Alone => f.write_str("no other storage is known that has its files"),
        }
    }
}

impl Before {
    /// Reads what is known.
    pub(super) fn load(base_data: &StateDir<RealFs>) -> Result<Self, StoreError> {
        let bytes = base_data.read(FILE)?.unwrap_or_default();
        let parse = |line: &str| {
            let (index, mount) = line.split_once(' ')?;
            Some((index.parse().ok()?, PathBuf::from(mount)))
        };
        let mounts = String::from_utf8_lossy(&bytes).lines().filter_map(parse).collect();
        let marks = std::fs::read_dir(base_data.path().join("sync"));
        let mut names = marks.into_iter().flatten().flatten().map(|entry| entry.file_name());
        let has_peers = names.any(|name| name.to_string_lossy().ends_with(PEER_MARK_SUFFIX));
        Ok(Self { mounts, has_peers })
    }

    /// Whether the files of an empty store path can come from others; why not otherwise.
    pub(super) fn judge(&self, index: u8, root: &Path) -> Result<(), EmptyBecause> {
        if let Some(at) = self.mounts.get(&index)
            && mount_point(root).is_some_and(|now| now != *at)
        {
            return Err(EmptyBecause::NotMounted { at: at.clone() });
        }
        if self.has_peers { Ok(()) } else { Err(EmptyBecause::Alone) }
    }
}

/// Notes where the store paths are mounted, when all of them are open.
pub(super) fn save<'a>(base_data: &StateDir<RealFs>, roots: impl Iterator<Item = &'a Path>) -> Result<(), StoreError> {
    let mut text = String::new();
    for (index, root) in roots.enumerate() {
        // A path with a line feed in it is not known again.
        if let Some(mount) = mount_point(root)
            && let Some(mount) = mount.to_str().filter(|mount| !mount.contains('\n'))
        {
            // A string takes everything.
            let _ = writeln!(text, "{index} {mount}");
        }
    }
    if base_data.read(FILE)?.as_deref() == Some(text.as_bytes()) {
        return Ok(());
    }
    base_data.write(FILE, text.as_bytes())
}

/// The uppermost folder of the file system that a path is on.
fn mount_point(path: &Path) -> Option<PathBuf> {
    let mut top = path.canonicalize().ok()?;
    let device = top.metadata().ok()?.dev();
    while let Some(parent) = top.parent() {
        if parent.metadata().ok()?.dev() != device {
            break;
        }
        top.pop();
    }
    Some(top)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_mounted_elsewhere_or_is_nobody_elses_cannot_be_refilled() {
        let temp = tempfile::tempdir().unwrap();
        let base = StateDir::open(RealFs, &temp.path().join("data")).unwrap();
        assert_eq!(Before::load(&base).unwrap(), Before::default());
        assert_eq!(Before::default().judge(0, temp.path()), Err(EmptyBecause::Alone));
        save(&base, [temp.path(), Path::new("/proc")].into_iter()).unwrap();
        std::fs::create_dir(temp.path().join("data/sync")).unwrap();
        std::fs::write(temp.path().join("data/sync/10.78.2.12_23000.mark"), b"").unwrap();
        let before = Before::load(&base).unwrap();
        assert!(before.has_peers);
        assert_eq!(before.mounts[&1], Path::new("/proc"));
        assert_eq!(before.judge(0, temp.path()), Ok(()));
        assert_eq!(before.judge(1, Path::new("/proc")), Ok(()));
        assert_eq!(before.judge(1, temp.path()), Err(EmptyBecause::NotMounted { at: "/proc".into() }));
        assert_eq!(before.judge(7, temp.path()), Ok(()), "nothing is known of it");
    }
}
