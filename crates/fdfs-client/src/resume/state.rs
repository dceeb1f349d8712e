//! The state file of a resumable upload: one fact a line, added at the end, so that a run that is killed at any moment
//! leaves a file that can be read. The last line of a kind counts; one without its line feed does not.
//!
//! ```text
//! fdfs upload 1
//! local /home/me/backup.tar          % and control characters as %XX
//! file group1/M00/00/00/...          the appender file that is filled
//! done 8388608                       bytes of it that the storage has confirmed
//! uploaded group1/M00/00/00/...      the final id; only metadata is missing
//! ```
//!
//! It is locked (`flock`) while a run uses it.

use std::io::SeekFrom;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use fdfs_proto::Status;
use fdfs_proto::file_id::FileId;
use rustix::fs::FlockOperation;
use rustix::io::Errno;
use tokio::fs::{File, OpenOptions};
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};

use crate::ClientError;
use crate::local_file::failed;

const FIRST_LINE: &str = "fdfs upload 1";
/// The longest state that is read, in bytes: enough for the pieces of 4 TB.
const STATE_BYTES_MAX: u64 = 16 << 20;

/// The state file of a resumable upload.
#[derive(Debug)]
pub(super) struct State {
    path: PathBuf,
    file_on_disk: File,
    local: String,
    /// The appender file that is filled.
    pub(super) file: Option<FileId>,
    /// Bytes of it that the storage has confirmed.
    pub(super) done_bytes: u64,
    /// The final id; only metadata is missing.
    pub(super) uploaded: Option<FileId>,
}

/// What the lines say.
#[derive(Debug, Default, PartialEq, Eq)]
struct Facts {
    local: String,
    file: Option<FileId>,
    done_bytes: u64,
    uploaded: Option<FileId>,
}

impl State {
    /// Opens or makes the state file for an upload of `local`.
    ///
    /// # Errors
    /// [`ClientError::ResumeState`], [`ClientError::LocalFile`].
    pub(super) async fn open(path: &Path, local: &Path) -> Result<Self, ClientError> {
        let useless = |status, why| ClientError::ResumeState { path: path.to_owned(), why, status };
        let open = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).await;
        let mut file = open.map_err(failed("open the state file", path))?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => {
                return Err(useless(Status::EBUSY, "another run uses this state file: wait for its end"));
            }
            Err(error) => return Err(failed("lock the state file", path)(error.into())),
        }
        let mut text = String::new();
        let read = (&mut file).take(STATE_BYTES_MAX).read_to_string(&mut text).await;
        let not_ours = || useless(Status::EINVAL, "this is no state file of an upload: name another one");
        match read {
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData => return Err(not_ours()),
            Err(error) => return Err(failed("read the state file", path)(error)),
        }
        let local = escaped(local);
        let facts = if text.is_empty() { Facts::default() } else { Facts::parse(&text).ok_or_else(not_ours)? };
        if !facts.local.is_empty() && facts.local != local {
            return Err(useless(Status::EINVAL, "this state file belongs to the upload of another file"));
        }
        let Facts { file: filled, done_bytes, uploaded, .. } = facts;
        let mut state = Self { path: path.to_owned(), file_on_disk: file, local, file: filled, done_bytes, uploaded };
        if state.file.is_none() && state.uploaded.is_none() {
            state.begin().await?;
        } else {
            // Half a line must never become a whole one.
            let whole = text.rfind('\n').map_or(0, |end| end as u64 + 1);
            state.file_on_disk.set_len(whole).await.map_err(failed("write the state file", path))?;
        }
        Ok(state)
    }

    /// Forgets everything.
    pub(super) async fn begin(&mut self) -> Result<(), ClientError> {
        (self.file, self.done_bytes, self.uploaded) = (None, 0, None);
        let cut = self.file_on_disk.set_len(0).await;
        cut.map_err(failed("write the state file", &self.path))?;
        let local = format!("local {}", self.local);
        self.add(FIRST_LINE).await?;
        self.add(&local).await
    }

    pub(super) async fn note_file(&mut self, file: &FileId) -> Result<(), ClientError> {
        self.file = Some(*file);
        self.add(&format!("file {file}")).await?;
        // Without this line all that is sent would be lost; without one of the others, a piece.
        self.file_on_disk.sync_data().await.map_err(failed("write the state file", &self.path))
    }

    pub(super) async fn note_done(&mut self, bytes: u64) -> Result<(), ClientError> {
        self.done_bytes = bytes;
        self.add(&format!("done {bytes}")).await
    }

    pub(super) async fn note_uploaded(&mut self, file: &FileId) -> Result<(), ClientError> {
        self.uploaded = Some(*file);
        self.add(&format!("uploaded {file}")).await
    }

    /// Removes the file: the upload is done.
    pub(super) async fn remove(self) -> Result<(), ClientError> {
        tokio::fs::remove_file(&self.path).await.map_err(failed("remove the state file", &self.path))
    }

    async fn add(&mut self, line: &str) -> Result<(), ClientError> {
        let line = format!("{line}\n");
        let write = async {
            self.file_on_disk.seek(SeekFrom::End(0)).await?;
            self.file_on_disk.write_all(line.as_bytes()).await?;
            self.file_on_disk.flush().await
        };
        write.await.map_err(failed("write the state file", &self.path))
    }
}

impl Facts {
    /// What the lines say; `None`: they are not ours.
    fn parse(text: &str) -> Option<Self> {
        let mut facts = Self::default();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        let mut lines = whole.split('\n');
        let first = lines.next()?;
        if whole.is_empty() {
            // Ours, killed while it was being begun.
            return FIRST_LINE.starts_with(text).then_some(facts);
        }
        if first != FIRST_LINE {
            return None;
        }
        for line in lines.filter(|line| !line.is_empty()) {
            let Some((word, value)) = line.split_once(' ') else { continue };
            match word {
                "local" => facts.local = value.to_owned(),
                "file" => facts.file = value.parse().ok(),
                "done" => facts.done_bytes = value.parse().unwrap_or(facts.done_bytes),
                "uploaded" => facts.uploaded = value.parse().ok(),
                _ => {}
            }
        }
        Some(facts)
    }
}

/// A path on one line.
fn escaped(path: &Path) -> String {
    let mut text = String::new();
    for &byte in path.as_os_str().as_bytes() {
        match byte {
            b'%' | ..=0x1F | 0x7F.. => text.push_str(&format!("%{byte:02X}")),
            _ => text.push(char::from(byte)),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "group1/M00/00/03/Ck4BC2sAEAKEAj2qAAAAADUkQcI950.log";

    #[tokio::test]
    async fn every_cut_of_a_state_file_can_be_gone_on_with() {
        let dir = tempfile::tempdir().unwrap();
        let (path, local) = (dir.path().join("state"), Path::new("/a%b\nc"));
        let id: FileId = ID.parse().unwrap();
        let mut state = State::open(&path, local).await.unwrap();
        state.note_file(&id).await.unwrap();
        state.note_done(8).await.unwrap();
        state.note_done(16).await.unwrap();
        drop(state);
        let text = std::fs::read(&path).unwrap();
        assert_eq!(text, format!("fdfs upload 1\nlocal /a%25b%0Ac\nfile {ID}\ndone 8\ndone 16\n").as_bytes());
        let mut seen = Vec::new();
        for len in 0..=text.len() {
            std::fs::write(&path, &text[..len]).unwrap();
            let mut state = State::open(&path, local).await.unwrap();
            assert!(state.file.is_none_or(|file| file == id), "cut at {len}");
            seen.push((state.file.is_some(), state.done_bytes));
            // What is added after a cut is read again.
            state.note_file(&id).await.unwrap();
            state.note_done(99).await.unwrap();
            drop(state);
            let state = State::open(&path, local).await.unwrap();
            assert_eq!((state.file, state.done_bytes), (Some(id), 99), "cut at {len}");
        }
        seen.dedup();
        assert_eq!(seen, [(false, 0), (true, 0), (true, 8), (true, 16)]);
    }

    #[tokio::test]
    async fn foreign_files_and_other_uploads_are_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state");
        for foreign in [&b"my diary\n"[..], b"\xFF\xFE", b"fdfs upload 2\n", b"x"] {
            std::fs::write(&path, foreign).unwrap();
            let error = State::open(&path, Path::new("/a")).await.unwrap_err();
            assert_eq!(error.status(), Status::EINVAL, "{error}");
            assert_eq!(std::fs::read(&path).unwrap(), foreign);
        }
        std::fs::remove_file(&path).unwrap();
        let mut state = State::open(&path, Path::new("/a")).await.unwrap();
        let error = State::open(&path, Path::new("/a")).await.unwrap_err();
        assert_eq!(error.status(), Status::EBUSY, "{error}");
        state.note_file(&ID.parse().unwrap()).await.unwrap();
        drop(state);
        let error = State::open(&path, Path::new("/b")).await.unwrap_err();
        assert!(error.to_string().contains("another file"), "{error}");
    }
}
