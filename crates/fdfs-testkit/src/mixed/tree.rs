//! A folder byte for byte.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// What is at each path below a folder: the bytes of a file, `None` for a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree(BTreeMap<String, Option<Vec<u8>>>);

impl Tree {
    /// Reads a folder, but for paths that `is_left_out`.
    ///
    /// # Panics
    /// When it cannot be read.
    #[must_use]
    pub fn of(folder: &Path, is_left_out: impl Fn(&str) -> bool) -> Self {
        let mut tree = BTreeMap::new();
        read(folder, "", &is_left_out, &mut tree);
        Self(tree)
    }

    /// Paths that are not the same in both, with what happened to them.
    #[must_use]
    pub fn differences(&self, later: &Self) -> Vec<String> {
        let paths: std::collections::BTreeSet<_> = self.0.keys().chain(later.0.keys()).collect();
        let told = |path: &&String| match (self.0.get(*path), later.0.get(*path)) {
            (None, _) => Some(format!("{path} is new")),
            (_, None) => Some(format!("{path} is gone")),
            (Some(before), Some(after)) if before != after => Some(format!("{path} changed{}", texts(before, after))),
            _ => None,
        };
        paths.iter().filter_map(told).collect()
    }
}

/// Both contents where they are short texts.
fn texts(before: &Option<Vec<u8>>, after: &Option<Vec<u8>>) -> String {
    match (before, after) {
        (Some(before), Some(after)) if before.len().max(after.len()) < 3_000 => {
            format!(" from\n{}\nto\n{}", before.escape_ascii(), after.escape_ascii())
        }
        _ => String::new(),
    }
}

fn read(folder: &Path, below: &str, is_left_out: &impl Fn(&str) -> bool, tree: &mut BTreeMap<String, Option<Vec<u8>>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let path = format!("{below}{}", entry.file_name().to_string_lossy());
        if is_left_out(&path) {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            tree.insert(format!("{path}/"), None);
            read(&entry.path(), &format!("{path}/"), is_left_out, tree);
        } else {
            tree.insert(path, Some(fs::read(entry.path()).unwrap()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_told() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("data")).unwrap();
        for name in ["data/a", "data/b", "data/pid"] {
            fs::write(dir.path().join(name), "1").unwrap();
        }
        let look = || Tree::of(dir.path(), |path| path.ends_with("pid"));
        let before = look();
        assert!(before.differences(&look()).is_empty());
        fs::write(dir.path().join("data/pid"), "2").unwrap();
        assert_eq!(before, look());
        fs::write(dir.path().join("data/a"), "2").unwrap();
        fs::rename(dir.path().join("data/b"), dir.path().join("data/c")).unwrap();
        let told = ["data/a changed from\n1\nto\n2", "data/b is gone", "data/c is new"];
        assert_eq!(before.differences(&look()), told);
    }
}
