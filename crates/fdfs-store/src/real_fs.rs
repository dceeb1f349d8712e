//! The operating system's file system, by handles: every path walk starts at an open directory.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{self, AtFlags, CWD, Mode, OFlags, RenameFlags};

use crate::fs::{FileKind, FileStat, FileTime, Fs, FsFile, Space};

/// The operating system's file system.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealFs;

/// An open directory.
#[derive(Debug)]
pub struct RealDir(OwnedFd);

/// An open file. [`AsFd`] lets a connection send it without copying.
#[derive(Debug)]
pub struct RealFile(OwnedFd);

/// Data files and state files: `rw-r--r--`, as the reference makes them.
const FILE_MODE: Mode = Mode::from_raw_mode(0o644);
/// Directories: `rwxr-xr-x`, as the reference makes them.
const DIR_MODE: Mode = Mode::from_raw_mode(0o755);

impl AsFd for RealFile {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

fn file_stat(stat: &fs::Stat) -> FileStat {
    let kind = match fs::FileType::from_raw_mode(stat.st_mode) {
        fs::FileType::RegularFile => FileKind::Regular,
        fs::FileType::Directory => FileKind::Directory,
        fs::FileType::Symlink => FileKind::Symlink,
        _ => FileKind::Other,
    };
    FileStat {
        kind,
        len_bytes: u64::try_from(stat.st_size).unwrap_or(0),
        modified_unix_secs: stat.st_mtime,
        modified_nanos: u32::try_from(stat.st_mtime_nsec).unwrap_or(0),
        device: stat.st_dev,
        #[allow(clippy::useless_conversion, reason = "its width differs between processors")]
        link_count: stat.st_nlink.into(),
        inode: stat.st_ino,
    }
}

fn open(dir: &RealDir, name: &str, flags: OFlags) -> io::Result<RealFile> {
    // O_NONBLOCK: opening a pipe that somebody left under a file's name must not hang a worker.
    let flags = flags | OFlags::CLOEXEC | OFlags::NONBLOCK;
    Ok(RealFile(fs::openat(&dir.0, name, flags, FILE_MODE)?))
}

impl Fs for RealFs {
    type Dir = RealDir;
    type File = RealFile;

    fn open_dir(&self, path: &Path) -> io::Result<RealDir> {
        Ok(RealDir(fs::openat(CWD, path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?))
    }

    fn make_dirs(&self, path: &Path) -> io::Result<()> {
        std::fs::create_dir_all(path)
    }

    fn make_dir(&self, dir: &RealDir, name: &str) -> io::Result<()> {
        Ok(fs::mkdirat(&dir.0, name, DIR_MODE)?)
    }

    fn create_new(&self, dir: &RealDir, name: &str) -> io::Result<RealFile> {
        open(dir, name, OFlags::RDWR | OFlags::CREATE | OFlags::EXCL)
    }

    fn create_unnamed(&self, dir: &RealDir, folder: &str) -> io::Result<RealFile> {
        use rustix::io::Errno;
        match fs::openat(&dir.0, folder, OFlags::RDWR | OFlags::TMPFILE | OFlags::CLOEXEC, FILE_MODE) {
            // What kernels and file systems that do not know O_TMPFILE say to it.
            Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL | Errno::NOSYS) => {
                Err(io::ErrorKind::Unsupported.into())
            }
            other => Ok(RealFile(other?)),
        }
    }

    fn give_name(&self, dir: &RealDir, file: &RealFile, name: &str) -> io::Result<()> {
        let handle = format!("/proc/self/fd/{}", file.0.as_raw_fd());
        Ok(fs::linkat(CWD, handle.as_str(), &dir.0, name, AtFlags::SYMLINK_FOLLOW)?)
    }

    fn create_or_empty(&self, dir: &RealDir, name: &str) -> io::Result<RealFile> {
        open(dir, name, OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC)
    }

    fn open_write(&self, dir: &RealDir, name: &str) -> io::Result<RealFile> {
        open(dir, name, OFlags::WRONLY | OFlags::CREATE)
    }

    fn open_read_write(&self, dir: &RealDir, name: &str) -> io::Result<RealFile> {
        open(dir, name, OFlags::RDWR | OFlags::NOFOLLOW)
    }

    fn open_no_follow(&self, dir: &RealDir, name: &str) -> io::Result<RealFile> {
        open(dir, name, OFlags::RDONLY | OFlags::NOFOLLOW)
    }

    fn hard_link(&self, dir: &RealDir, name: &str, new_name: &str) -> io::Result<()> {
        Ok(fs::linkat(&dir.0, name, &dir.0, new_name, AtFlags::empty())?)
    }

    fn symlink(&self, dir: &RealDir, target: &str, name: &str) -> io::Result<()> {
        Ok(fs::symlinkat(target, &dir.0, name)?)
    }

    fn read_link(&self, dir: &RealDir, name: &str) -> io::Result<String> {
        let target = fs::readlinkat(&dir.0, name, Vec::new())?;
        target.into_string().map_err(|_| io::ErrorKind::InvalidData.into())
    }

    fn open_read(&self, dir: &RealDir, name: &str) -> io::Result<RealFile> {
        open(dir, name, OFlags::RDONLY)
    }

    fn stat(&self, dir: &RealDir, name: &str) -> io::Result<FileStat> {
        Ok(file_stat(&fs::statat(&dir.0, name, AtFlags::SYMLINK_NOFOLLOW)?))
    }

    fn list(&self, dir: &RealDir, name: &str) -> io::Result<Vec<String>> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = fs::openat(&dir.0, if name.is_empty() { "." } else { name }, flags, Mode::empty())?;
        let mut names = Vec::new();
        for entry in fs::Dir::read_from(&folder)? {
            // A name that is not UTF-8 is none of ours: leave it alone.
            if let Ok(name) = entry?.file_name().to_str()
                && name != "."
                && name != ".."
            {
                names.push(name.to_owned());
            }
        }
        Ok(names)
    }

    fn rename(&self, dir: &RealDir, from: &str, to: &str) -> io::Result<()> {
        Ok(fs::renameat(&dir.0, from, &dir.0, to)?)
    }

    fn rename_new(&self, dir: &RealDir, from: &str, to: &str) -> io::Result<()> {
        match fs::renameat_with(&dir.0, from, &dir.0, to, RenameFlags::NOREPLACE) {
            // File systems without RENAME_NOREPLACE (some network ones): a hard link is refused just the same when
            // the target exists.
            Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => {
                fs::linkat(&dir.0, from, &dir.0, to, AtFlags::empty())?;
                Ok(fs::unlinkat(&dir.0, from, AtFlags::empty())?)
            }
            other => Ok(other?),
        }
    }

    fn remove(&self, dir: &RealDir, name: &str) -> io::Result<()> {
        Ok(fs::unlinkat(&dir.0, name, AtFlags::empty())?)
    }

    fn sync_dir(&self, dir: &RealDir, name: &str) -> io::Result<()> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = fs::openat(&dir.0, if name.is_empty() { "." } else { name }, flags, Mode::empty())?;
        Ok(fs::fsync(folder)?)
    }

    fn sync_all(&self, dir: &RealDir) -> io::Result<()> {
        Ok(fs::syncfs(&dir.0)?)
    }

    fn space(&self, dir: &RealDir) -> io::Result<Space> {
        let stat = fs::fstatvfs(&dir.0)?;
        Ok(Space {
            total_bytes: stat.f_blocks.saturating_mul(stat.f_frsize),
            free_bytes: stat.f_bavail.saturating_mul(stat.f_frsize),
        })
    }
}

impl FsFile for RealFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        Ok(rustix::io::pread(&self.0, buf, offset)?)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        Ok(rustix::io::pwrite(&self.0, bytes, offset)?)
    }

    fn write_two_at(&self, head: &[u8], content: &[u8], offset: u64) -> io::Result<usize> {
        let parts = [io::IoSlice::new(head), io::IoSlice::new(content)];
        Ok(rustix::io::pwritev(&self.0, &parts, offset)?)
    }

    fn set_len(&self, len_bytes: u64) -> io::Result<()> {
        Ok(fs::ftruncate(&self.0, len_bytes)?)
    }

    fn stat(&self) -> io::Result<FileStat> {
        Ok(file_stat(&fs::fstat(&self.0)?))
    }

    fn set_modified(&self, to: FileTime) -> io::Result<()> {
        let at = fs::Timespec { tv_sec: to.unix_secs, tv_nsec: to.nanos.into() };
        Ok(fs::futimens(&self.0, &fs::Timestamps { last_access: at, last_modification: at })?)
    }

    fn sync(&self) -> io::Result<()> {
        Ok(fs::fdatasync(&self.0)?)
    }
}
