//! What is sent: a local file, or standard input.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// What is sent: a local file, or standard input (`-`).
#[derive(Debug)]
pub(super) struct Source {
    /// As it was given, for messages and results.
    pub(super) shown: String,
    path: PathBuf,
    /// The content of standard input: its size must be known before it is sent. Disappears with the value.
    spooled: Option<tempfile::NamedTempFile>,
}

impl Source {
    /// # Errors
    /// Standard input cannot be read, or there is no place for it.
    pub(super) fn of(given: &Path) -> anyhow::Result<Self> {
        let spooled = if given == Path::new("-") { Some(spool_stdin()?) } else { None };
        Ok(Self { shown: given.display().to_string(), path: given.to_owned(), spooled })
    }

    /// Where the bytes are.
    pub(super) fn path(&self) -> &Path {
        self.spooled.as_ref().map_or(&self.path, |file| file.path())
    }

    pub(super) const fn is_stdin(&self) -> bool {
        self.spooled.is_some()
    }

    /// # Errors
    /// The file is not there.
    pub(super) fn size_bytes(&self) -> anyhow::Result<u64> {
        Ok(std::fs::metadata(self.path()).with_context(|| self.shown.clone())?.len())
    }
}

fn spool_stdin() -> anyhow::Result<tempfile::NamedTempFile> {
    let mut file = tempfile::NamedTempFile::new().context("make a temporary file for standard input")?;
    std::io::copy(&mut std::io::stdin().lock(), file.as_file_mut()).context("read standard input")?;
    Ok(file)
}
