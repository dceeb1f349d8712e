//! What a run of `fdfs export` that was killed left behind: halves of files under temporary names.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// Removes them, each directory once, when the first file is about to come into it. The journal's lock keeps other runs
/// away meanwhile.
#[derive(Debug, Default)]
pub(super) struct Sweeper {
    swept: HashSet<PathBuf>,
}

impl Sweeper {
    /// Sweeps the directory that `path` will lie in.
    ///
    /// # Errors
    /// It cannot be read, or a half cannot be removed.
    pub(super) fn sweep_for(&mut self, path: &Path) -> anyhow::Result<()> {
        match path.parent() {
            Some(dir) if self.swept.insert(dir.to_owned()) => {
                sweep(dir).with_context(|| format!("remove halves of files from {}", dir.display()))
            }
            _ => Ok(()),
        }
    }
}

fn sweep(dir: &Path) -> io::Result<()> {
    let entries = match std::fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(is_part) {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// `.NAME.XXXXXXXX.part`, as the client names a file that it is downloading.
fn is_part(name: &str) -> bool {
    let middle = name.strip_prefix('.').and_then(|name| name.strip_suffix(".part"));
    middle.and_then(|middle| middle.rsplit_once('.')).is_some_and(|(name, random)| {
        !name.is_empty() && random.len() == 8 && random.bytes().all(|b| b.is_ascii_hexdigit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_go_and_files_stay() {
        let dir = tempfile::tempdir().unwrap();
        let stay = [
            "a.jpg",
            "a.part",
            ".a.part",
            ".a.0123456.part",
            ".a.0123456g.part",
            "..01234567.part",
            "fdfs-export.jsonl",
        ];
        for name in stay.into_iter().chain([".a.jpg.01234567.part", ".b.89abcdef.part"]) {
            std::fs::write(dir.path().join(name), name).unwrap();
        }
        let mut sweeper = Sweeper::default();
        sweeper.sweep_for(&dir.path().join("a.jpg")).unwrap();
        for name in stay {
            assert!(dir.path().join(name).exists(), "{name}");
        }
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), stay.len());
        // Once: what comes later is of this run.
        std::fs::write(dir.path().join(".c.01234567.part"), "c").unwrap();
        sweeper.sweep_for(&dir.path().join("c")).unwrap();
        assert!(dir.path().join(".c.01234567.part").exists());
        sweeper.sweep_for(&dir.path().join("none/c")).unwrap();
    }
}
