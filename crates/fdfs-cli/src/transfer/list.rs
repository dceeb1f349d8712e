//! The list of files: ids from a file or from standard input, or what lies in a directory.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use fdfs_client::FileId;
use fdfs_proto::Status;

use crate::exit::failure;

/// Directories below each other that are looked into.
const DEPTH_MAX: usize = 64;

/// A list of ids, one a line, that can be read more than once.
#[derive(Debug)]
pub(super) struct IdList {
    shown: String,
    file: File,
    /// How many there are.
    pub(super) count: u64,
}

impl IdList {
    /// Opens a file, or copies standard input (`-`) to a temporary one, and checks each line.
    ///
    /// # Errors
    /// It cannot be read, or a line is no id.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let (shown, file) = if path == Path::new("-") {
            let mut file = tempfile::tempfile().context("make a temporary file for standard input")?;
            std::io::copy(&mut std::io::stdin().lock(), &mut file).context("read standard input")?;
            file.flush()?;
            ("standard input".to_owned(), file)
        } else {
            (path.display().to_string(), File::open(path).with_context(|| format!("open {}", path.display()))?)
        };
        let mut list = Self { shown, file, count: 0 };
        let mut count = 0;
        for id in list.ids()? {
            id?;
            count += 1;
        }
        list.count = count;
        Ok(list)
    }

    /// All ids, from the first. Empty lines and those that begin with `#` are none.
    ///
    /// # Errors
    /// The file cannot be read from its beginning; items: a line cannot be read or is no id.
    pub(super) fn ids(&self) -> anyhow::Result<impl Iterator<Item = anyhow::Result<FileId>> + use<'_>> {
        let mut file = self.file.try_clone().with_context(|| self.shown.clone())?;
        file.rewind().with_context(|| self.shown.clone())?;
        let numbered = BufReader::new(file).lines().enumerate();
        Ok(numbered.filter_map(|(index, line)| {
            let line = match line.with_context(|| format!("read {}", self.shown)) {
                Ok(line) => line,
                Err(error) => return Some(Err(error)),
            };
            let text = line.trim();
            if text.is_empty() || text.starts_with('#') {
                return None;
            }
            let id = text.parse::<FileId>().map_err(|error| error.to_string());
            // What the name says leads to a place in a directory: it must stay in it.
            let checked = id.and_then(|id| id.logic_name().map(|_| id).map_err(|error| error.to_string()));
            Some(checked.map_err(|error| {
                failure(Status::EINVAL, format!("{}, line {}: {text:?}: {error}", self.shown, index + 1))
            }))
        }))
    }
}

/// All regular files below a directory, as paths below it, sorted; symbolic links are not followed.
///
/// # Errors
/// A directory cannot be read, or a name is no UTF-8.
pub(super) fn files_below(dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    walk(dir, Path::new(""), DEPTH_MAX, &mut files)?;
    files.sort_unstable();
    Ok(files)
}

fn walk(dir: &Path, below: &Path, depth: usize, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let path = dir.join(below);
    if depth == 0 {
        return Err(failure(Status::EINVAL, format!("{}: more than {DEPTH_MAX} directories deep", path.display())));
    }
    let read = || format!("read {}", path.display());
    for entry in std::fs::read_dir(&path).with_context(read)? {
        let entry = entry.with_context(read)?;
        let kind = entry.file_type().with_context(read)?;
        let below = below.join(entry.file_name());
        if below.to_str().is_none() {
            return Err(failure(
                Status::EINVAL,
                format!("{}: its name is no UTF-8: rename it", dir.join(below).display()),
            ));
        }
        if kind.is_dir() {
            walk(dir, &below, depth - 1, files)?;
        } else if kind.is_file() {
            files.push(below);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn lists_are_read_twice_and_wrong_lines_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ids");
        let id = "group1/M00/00/00/Ck4BC2sAEACAOnlIAAAACw1KEYU319.txt";
        fs::write(&path, format!("# a list\n{id}\n\n {id}\n")).unwrap();
        let list = IdList::open(&path).unwrap();
        assert_eq!(list.count, 2);
        for _ in 0..2 {
            let ids: Vec<_> = list.ids().unwrap().map(|id| id.unwrap().to_string()).collect();
            assert_eq!(ids, [id, id]);
        }
        for bad in ["group1/M00/../../../etc/passwd", "nonsense", "group1/../x"] {
            fs::write(&path, format!("{id}\n{bad}\n")).unwrap();
            let error = format!("{:#}", IdList::open(&path).unwrap_err());
            assert!(error.contains("ids, line 2: "), "{bad}: {error}");
        }
        assert!(IdList::open(&dir.path().join("none")).is_err());
    }

    #[test]
    fn files_below_a_directory_come_sorted_and_links_do_not() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("b/c")).unwrap();
        for name in ["b/c/2", "a", "b/1", ".hidden"] {
            fs::write(dir.path().join(name), "x").unwrap();
        }
        std::os::unix::fs::symlink("a", dir.path().join("link")).unwrap();
        let names: Vec<_> = files_below(dir.path()).unwrap().iter().map(|path| path.display().to_string()).collect();
        assert_eq!(names, [".hidden", "a", "b/1", "b/c/2"]);
    }
}
