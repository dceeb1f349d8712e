//! Links: symbolic ones as the reference makes them, and further names of one file.

use std::io;

use fdfs_proto::file_id::LogicName;

use crate::error::{At, StoreError};
use crate::fs::{FileKind, Fs};
use crate::store_path::StorePath;

/// What stands in front of a true name in the target of a link.
const DATA: &str = "/data/";

/// The true name that a link of the reference leads to: what stands behind the last `/data/` of its target.
fn target_name(target: &str) -> Option<&str> {
    let true_name = &target[target.rfind(DATA)? + DATA.len()..];
    let name = format!("M00/{true_name}").parse::<LogicName>().ok()?;
    (name.true_name() == true_name).then_some(true_name)
}

impl<F: Fs> StorePath<F> {
    /// Makes a symbolic link to a file of this store path; its name must be free. The target is the absolute path, as
    /// the reference writes it. Source: disk formats, A.7.4.
    ///
    /// # Errors
    /// [`StoreError::Exists`], [`StoreError::Disk`].
    pub fn make_link(&self, source_true_name: &str, true_name: &str) -> Result<(), StoreError> {
        let target = self.data_path().join(source_true_name);
        let made = target.to_str().ok_or_else(|| io::ErrorKind::InvalidInput.into()).and_then(|target| {
            let make = || self.fs().symlink(self.data(), target, true_name);
            self.retry_with_parents(true_name, make(), make)
        });
        self.named(made, "link", true_name)
    }

    /// Gives a file one more name, which must be free. The file is gone when its last name is deleted; the file system
    /// counts.
    ///
    /// # Errors
    /// [`StoreError::Exists`], [`StoreError::Disk`]: also where a file cannot have (so many) names.
    pub fn add_name(&self, source_true_name: &str, true_name: &str) -> Result<(), StoreError> {
        let add = || self.fs().hard_link(self.data(), source_true_name, true_name);
        self.named(self.retry_with_parents(true_name, add(), add), "name", true_name)
    }

    fn named(&self, made: io::Result<()>, action: &'static str, true_name: &str) -> Result<(), StoreError> {
        self.meta_folders().made(true_name);
        match made {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                Err(StoreError::Exists { path: self.data_path().join(true_name) })
            }
            other => other.at(action, self.data_path(), true_name),
        }
    }

    /// The true name of the file of this store path that a link leads to; `None` when the name is no link, or one that
    /// leads somewhere else.
    ///
    /// A link is followed by this name rather than by its target, so that links stay whole when a store path moves.
    ///
    /// # Errors
    /// [`StoreError::Disk`].
    pub fn link_target(&self, true_name: &str) -> Result<Option<String>, StoreError> {
        if self.stat(true_name)?.kind != FileKind::Symlink {
            return Ok(None);
        }
        let target = match self.fs().read_link(self.data(), true_name) {
            // A target that is no text is none of ours.
            Err(e) if e.kind() == io::ErrorKind::InvalidData => return Ok(None),
            other => other.at("read link", self.data_path(), true_name)?,
        };
        Ok(target_name(&target).map(str::to_owned))
    }

    /// Opens what a link leads to.
    pub(crate) fn open_target(&self, true_name: &str) -> Result<F::File, StoreError> {
        if let Some(target) = self.link_target(true_name)?
            && let Ok(file) = self.fs().open_no_follow(self.data(), &target)
        {
            return Ok(file);
        }
        // Somebody's own link, out of the store path.
        self.fs().open_read(self.data(), true_name).at("open", self.data_path(), true_name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RealFs;
    use std::path::Path;

    fn open(root: &Path) -> StorePath {
        StorePath::open(RealFs, 0, root, false, 4).unwrap().path
    }

    #[test]
    fn a_link_leads_to_its_file_also_after_the_store_path_has_moved() {
        let temp = tempfile::tempdir().unwrap();
        let (here, there) = (temp.path().join("data/here"), temp.path().join("there"));
        let path = open(&here);
        path.place_whole("01/02/a", b"hello").unwrap();
        path.make_link("01/02/a", "00/00/l").unwrap();
        assert!(matches!(path.make_link("01/02/a", "00/00/l"), Err(StoreError::Exists { .. })));
        assert_eq!(std::fs::read_link(here.join("data/00/00/l")).unwrap(), here.join("data/01/02/a"));
        assert_eq!(path.link_target("00/00/l").unwrap().as_deref(), Some("01/02/a"));
        assert_eq!(path.link_target("01/02/a").unwrap(), None);
        assert_eq!(path.open_file("00/00/l").unwrap().len_bytes, 5);
        drop(path);
        std::fs::rename(here, &there).unwrap();
        let path = open(&there);
        assert_eq!(path.open_file("00/00/l").unwrap().len_bytes, 5);
        path.remove("01/02/a").unwrap();
        assert!(path.open_file("00/00/l").unwrap_err().is_not_found());
    }

    #[test]
    fn a_file_with_two_names_is_gone_with_the_last_one() {
        let temp = tempfile::tempdir().unwrap();
        let path = open(temp.path());
        path.place_whole("01/02/a", b"hello").unwrap();
        path.add_name("01/02/a", "03/03/b").unwrap();
        assert!(matches!(path.add_name("01/02/a", "03/03/b"), Err(StoreError::Exists { .. })));
        assert_eq!(path.stat("01/02/a").unwrap().link_count, 2);
        path.remove("01/02/a").unwrap();
        assert_eq!(path.open_file("03/03/b").unwrap().len_bytes, 5);
        assert!(path.add_name("01/02/a", "03/03/c").unwrap_err().is_not_found());
    }

    #[test]
    fn somebodys_own_link_is_followed_as_it_is() {
        let temp = tempfile::tempdir().unwrap();
        let path = open(temp.path());
        path.make_subdirs().unwrap();
        std::fs::write(temp.path().join("elsewhere"), b"moved away").unwrap();
        std::os::unix::fs::symlink(temp.path().join("elsewhere"), temp.path().join("data/00/00/m")).unwrap();
        assert_eq!(path.open_file("00/00/m").unwrap().len_bytes, 10);
        for target in ["/x/data/../../etc/passwd", "/data/00/00/../x", "data/00/00/a", "/data/M00/00/00/abc"] {
            assert_eq!(target_name(target), None, "{target}");
        }
        assert_eq!(target_name("/data/p0/data/00/0A/abcdefg"), Some("00/0A/abcdefg"));
    }
}
