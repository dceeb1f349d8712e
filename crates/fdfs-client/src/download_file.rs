//! Downloads to local files, which appear under their names only when they are whole.

use std::ffi::OsString;
use std::fs::Permissions;
use std::io;
use std::path::{Path, PathBuf};

use fdfs_proto::file_id::FileId;
use tokio::fs;

use crate::sink::Sink;
use crate::{Client, ClientError, DownloadOptions};

/// How often another temporary name is tried.
const NAME_TRIES: u32 = 16;

impl Client {
    /// Downloads a file, or a part of it, to a local file; gives the number of bytes. What comes is written beside it
    /// under a temporary name and renamed at the end, so that the name never holds half a file. What is no regular file
    /// (`/dev/null`, a pipe) is written to as it is.
    ///
    /// # Errors
    /// [`ClientError::LocalFile`]; and as [`Client::download`].
    pub async fn download_to(
        &self,
        file: &FileId,
        path: impl AsRef<Path>,
        options: &DownloadOptions,
    ) -> Result<u64, ClientError> {
        let path = path.as_ref();
        let local = |action, path: &Path, reason| ClientError::LocalFile { action, path: path.to_owned(), reason };
        let old = match fs::metadata(path).await {
            Ok(old) if old.is_dir() => {
                return Err(local("write", path, io::Error::from_raw_os_error(21 /* EISDIR */)));
            }
            Ok(old) if !old.is_file() => {
                let device = fs::OpenOptions::new().write(true).open(path).await;
                let mut device = device.map_err(|reason| local("open", path, reason))?;
                return self.fetch(file, &mut Sink::Writer(&mut device), options).await;
            }
            Ok(old) => Some(old.permissions()),
            Err(_) => None,
        };
        // Behind a symbolic link, the file is replaced and not the link.
        let target = fs::canonicalize(path).await.unwrap_or_else(|_| path.to_owned());
        let (part, made) =
            PartFile::create(&target).await.map_err(|reason| local("create a file for", path, reason))?;
        let mut sink = Sink::File(made);
        let fetched = self.fetch(file, &mut sink, options).await;
        let bytes = fetched.map_err(|error| match error {
            ClientError::Output(reason) => local("write", path, reason),
            error => error,
        })?;
        drop(sink);
        part.rename_to(&target, old).await.map_err(|reason| local("replace", path, reason))?;
        Ok(bytes)
    }
}

/// A file under a temporary name; it is removed unless it is renamed, also when the download is given up.
struct PartFile(Option<PathBuf>);

impl PartFile {
    /// Makes one beside `target`.
    async fn create(target: &Path) -> io::Result<(Self, fs::File)> {
        let Some(name) = target.file_name() else {
            return Err(io::Error::from_raw_os_error(22 /* EINVAL */));
        };
        for _ in 0..NAME_TRIES {
            let mut part_name = OsString::from(".");
            part_name.push(name);
            part_name.push(format!(".{:08x}.part", fastrand::u32(..)));
            let path = target.with_file_name(part_name);
            match fs::OpenOptions::new().write(true).create_new(true).open(&path).await {
                Ok(file) => return Ok((Self(Some(path)), file)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    /// Gives it its name, with the permissions of the file that it replaces.
    async fn rename_to(mut self, target: &Path, permissions: Option<Permissions>) -> io::Result<()> {
        let Some(path) = &self.0 else { return Ok(()) };
        if let Some(permissions) = permissions {
            fs::set_permissions(path, permissions).await?;
        }
        fs::rename(path, target).await?;
        self.0 = None;
        Ok(())
    }
}

impl Drop for PartFile {
    fn drop(&mut self) {
        if let Some(path) = self.0.take() {
            // Nobody is left to tell of a failure.
            let _ = std::fs::remove_file(path);
        }
    }
}
