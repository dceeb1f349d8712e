//! Where `fdfs upload --resume` remembers an interrupted upload.

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use fdfs_proto::Status;

use crate::exit::failure;

/// The state file for an upload of `local`: in `$XDG_STATE_HOME/fdfs`, else `~/.local/state/fdfs`, under the file's
/// name and a hash of its whole path. Makes the directory.
///
/// # Errors
/// There is no such place, or `local` is not there.
pub(super) fn default_path(local: &Path) -> anyhow::Result<PathBuf> {
    let variable = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state_home = variable("XDG_STATE_HOME").or_else(|| Some(variable("HOME")?.join(".local/state")));
    let dir = state_home.ok_or_else(|| {
        failure(Status::ENOENT, "where to remember the upload? Set HOME or XDG_STATE_HOME, or give --state FILE")
    })?;
    let dir = dir.join("fdfs");
    let canonical = std::fs::canonicalize(local).with_context(|| local.display().to_string())?;
    std::fs::create_dir_all(&dir).with_context(|| format!("make the directory {}", dir.display()))?;
    Ok(dir.join(name(&canonical)))
}

fn name(canonical: &Path) -> PathBuf {
    let hash = canonical.as_os_str().as_bytes().iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, &byte| {
        // FNV-1a. The path stands in the file, too: a collision is noticed.
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let base = canonical.file_name().unwrap_or_default().to_string_lossy();
    // File systems allow names of 255 bytes.
    let base: String = base.chars().take(40).collect();
    PathBuf::from(format!("{base}-{hash:016x}.upload"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_files_of_one_name_apart_and_are_never_too_long() {
        let (a, b) = (name(Path::new("/a/big.tar")), name(Path::new("/b/big.tar")));
        assert_ne!(a, b);
        assert!(a.to_str().unwrap().starts_with("big.tar-") && a.to_str().unwrap().ends_with(".upload"));
        assert!(name(Path::new(&"\u{1F600}".repeat(63))).as_os_str().len() <= 255);
    }
}
