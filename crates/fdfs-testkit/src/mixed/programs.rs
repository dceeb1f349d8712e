//! Folders of programs under their classic names, and who plays with whom.

use std::env;
use std::fmt;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;

/// The folder of the programs under test; without it the suite takes those that were built with it.
pub const FOLDER_A: &str = "FDFS_MIXED_A";
/// The folder of the others: the reference, or an older fdfs. Without it ours run alone.
pub const FOLDER_B: &str = "FDFS_MIXED_B";
/// The combinations to run, `AB,BA` say; else all but `BB`, which says nothing about ours.
pub const COMBINATIONS: &str = "FDFS_MIXED_COMBINATIONS";

/// The classic programs that the suite runs.
const NAMES: [&str; 18] = [
    "fdfs_trackerd",
    "fdfs_storaged",
    "fdfs_monitor",
    "fdfs_upload_file",
    "fdfs_download_file",
    "fdfs_delete_file",
    "fdfs_file_info",
    "fdfs_upload_appender",
    "fdfs_append_file",
    "fdfs_regenerate_filename",
    "fdfs_test",
    "fdfs_appender_test",
    "fdfs_test1",
    "fdfs_appender_test1",
    "fdfs_crc32",
    "fdfs_tracker_stat",
    "fdfs_storage_stat",
    "fdfs_volumn_stat",
];

/// A folder of programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// `A` or `B`.
    pub letter: char,
    folder: PathBuf,
}

impl Program {
    /// Where the program of that name is.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Whether these are the programs under test, whose every complaint is a failure.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        self.letter == 'A'
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.letter)
    }
}

/// Both folders, as far as they are there.
#[derive(Debug, Clone)]
pub struct Programs {
    a: Program,
    b: Option<Program>,
    /// Links that were made for A.
    _links: Option<Arc<TempDir>>,
}

impl Programs {
    /// What the environment names; for A, `fdfs` under its classic names if it names none.
    ///
    /// # Panics
    /// When a folder that is named has no storage server.
    #[must_use]
    pub fn from_env(fdfs: &Path) -> Self {
        let named = |key, letter| {
            let folder = PathBuf::from(env::var_os(key).filter(|value| !value.is_empty())?);
            assert!(folder.join("fdfs_storaged").exists(), "{key}: no fdfs_storaged in {}", folder.display());
            Some(Program { letter, folder })
        };
        let b = named(FOLDER_B, 'B');
        if let Some(a) = named(FOLDER_A, 'A') {
            return Self { a, b, _links: None };
        }
        let links = tempfile::tempdir().unwrap();
        NAMES.iter().for_each(|name| symlink(fdfs, links.path().join(name)).unwrap());
        let folder = fs::canonicalize(links.path()).unwrap();
        Self { a: Program { letter: 'A', folder }, b, _links: Some(Arc::new(links)) }
    }

    /// Whether there are others than ours.
    #[must_use]
    pub const fn is_mixed(&self) -> bool {
        self.b.is_some()
    }

    /// Pairs to run: the left and the right player of each scenario.
    ///
    /// # Panics
    /// When the environment asks for B and there is none.
    #[must_use]
    pub fn pairs(&self) -> Vec<(Program, Program)> {
        let all = if self.is_mixed() { "AA,AB,BA" } else { "AA" };
        let wanted = env::var(COMBINATIONS).unwrap_or_else(|_| all.to_owned());
        let of = |letter: char| match (letter, &self.b) {
            ('A', _) => self.a.clone(),
            ('B', Some(b)) => b.clone(),
            _ => panic!("{COMBINATIONS}: there is no {letter}; {FOLDER_B} names the folder of B"),
        };
        let pair = |word: &str| {
            let mut letters = word.trim().chars();
            let (Some(left), Some(right)) = (letters.next(), letters.next()) else { panic!("{COMBINATIONS}: {word}") };
            (of(left), of(right))
        };
        wanted.split(',').map(pair).collect()
    }
}
