//! Files that a run works on, and the text file that carries them from one run to the next.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::Context as _;
use fdfs_proto::Status;
use fdfs_proto::file_id::FileId;

use crate::exit::failure;

/// A file in the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StoredFile {
    /// Its id.
    pub(crate) id: FileId,
    /// The number that its content was made from, if that is known.
    pub(crate) number: Option<u64>,
    /// The storage that this run uploaded it to.
    pub(crate) storage: Option<SocketAddr>,
}

/// Reads a file of ids, one a line; behind a blank the number of the content, if it is known.
///
/// # Errors
/// The file cannot be read, has no line, or a line is no id.
pub(crate) fn read(path: &Path) -> anyhow::Result<Vec<StoredFile>> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).with_context(|| format!("read the ids in {shown}"))?;
    let mut files = Vec::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.is_empty()) {
        let file = file_of(line).with_context(|| format!("{shown}:{}: {line:?}", index + 1))?;
        files.push(file);
    }
    if files.is_empty() {
        return Err(failure(Status::EINVAL, format!("{shown}: there is no id in it")));
    }
    Ok(files)
}

fn file_of(line: &str) -> anyhow::Result<StoredFile> {
    let (id, number) = match line.split_once(' ') {
        Some((id, number)) => (id, Some(number.trim().parse().context("behind the id stands a number or nothing")?)),
        None => (line, None),
    };
    Ok(StoredFile { id: id.parse()?, number, storage: None })
}

/// Writes such a file.
///
/// # Errors
/// As the file system gives.
pub(crate) fn write<'a>(path: &Path, files: impl IntoIterator<Item = &'a StoredFile>) -> anyhow::Result<()> {
    let mut text = String::new();
    for file in files {
        // Writing to a text does not fail.
        let _ = match file.number {
            Some(number) => writeln!(text, "{} {number}", file.id),
            None => writeln!(text, "{}", file.id),
        };
    }
    std::fs::write(path, text).with_context(|| format!("write the ids to {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "group1/M00/00/00/Ck4BC2sAEACAOnlIAAAACw1KEYU319.txt";

    #[test]
    fn ids_are_read_back_as_they_were_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ids");
        let known = StoredFile { id: ID.parse().unwrap(), number: Some(u64::MAX), storage: None };
        let files = [known, StoredFile { number: None, ..known }];
        write(&path, &files).unwrap();
        assert_eq!(read(&path).unwrap(), files);
    }

    #[test]
    fn lines_that_are_no_ids_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ids");
        for (text, says) in [
            (format!("{ID} 7\nnonsense\n"), "ids:2: \"nonsense\""),
            (format!("{ID} x\n"), "stands a number"),
            ("\n".to_owned(), "no id in it"),
        ] {
            std::fs::write(&path, &text).unwrap();
            let error = format!("{:#}", read(&path).unwrap_err());
            assert!(error.contains(says), "{error}");
        }
        assert!(read(&dir.path().join("missing")).is_err());
    }
}
