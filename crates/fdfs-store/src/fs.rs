//! The narrow door to the disk: what a store needs of a file system, and nothing else.
//!
//! Production goes through [`crate::RealFs`]. Tests use file systems that stop, fail or write short at the n-th call, and
//! that forget whatever was not synced.

use std::io;
use std::path::Path;

/// What a directory entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    Regular,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// Anything else: sockets, devices, pipes.
    Other,
}

/// When a file was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FileTime {
    /// Unix seconds.
    pub unix_secs: i64,
    /// Nanoseconds of that second, below 1,000,000,000.
    pub nanos: u32,
}

impl FileStat {
    /// Its modification time.
    #[must_use]
    pub const fn modified(&self) -> FileTime {
        FileTime { unix_secs: self.modified_unix_secs, nanos: self.modified_nanos }
    }
}

impl From<i64> for FileTime {
    /// A second, from its beginning.
    fn from(unix_secs: i64) -> Self {
        Self { unix_secs, nanos: 0 }
    }
}

/// What a store wants to know of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileStat {
    /// What it is.
    pub kind: FileKind,
    /// Its length in bytes.
    pub len_bytes: u64,
    /// Its modification time, unix seconds.
    pub modified_unix_secs: i64,
    /// The nanoseconds of that second.
    pub modified_nanos: u32,
    /// The device it is on: equal numbers share one file system and so one flush.
    pub device: u64,
    /// How many names it has; 0 for an open file that was removed or replaced.
    pub link_count: u64,
    /// Its number on the device: names with the same one are the same file.
    pub inode: u64,
}

/// Room of the file system below a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Space {
    /// All bytes of the file system.
    pub total_bytes: u64,
    /// Bytes that an unprivileged program can still write.
    pub free_bytes: u64,
}

/// A file system. Names are relative to an open directory and use `/`; none is ever absolute or holds `..`.
///
/// # Errors
/// Every call gives the operating system's error as it is; who calls adds what was being done, and where.
pub trait Fs: std::fmt::Debug + Clone + Send + Sync + 'static {
    /// An open directory.
    type Dir: std::fmt::Debug + Send + Sync + 'static;
    /// An open file.
    type File: FsFile + std::fmt::Debug;

    /// Opens a directory by its path.
    fn open_dir(&self, path: &Path) -> io::Result<Self::Dir>;
    /// Makes a directory and those above it; one that is there already is fine.
    fn make_dirs(&self, path: &Path) -> io::Result<()>;

    /// Makes one directory.
    fn make_dir(&self, dir: &Self::Dir, name: &str) -> io::Result<()>;
    /// Makes a new file for writing; an existing name is an error.
    fn create_new(&self, dir: &Self::Dir, name: &str) -> io::Result<Self::File>;
    /// Makes a file for writing that has no name yet, on the file system of `folder`. It vanishes with its last handle
    /// unless [`Fs::give_name`] gives it a name. Not every file system can; the error then is of the kind `Unsupported`.
    fn create_unnamed(&self, dir: &Self::Dir, folder: &str) -> io::Result<Self::File>;
    /// Gives a file without a name its name; an existing name is an error.
    fn give_name(&self, dir: &Self::Dir, file: &Self::File, name: &str) -> io::Result<()>;
    /// Makes a file for writing, or empties the one that has the name.
    fn create_or_empty(&self, dir: &Self::Dir, name: &str) -> io::Result<Self::File>;
    /// Opens a file for writing at positions, makes it when it is missing, keeps its content.
    fn open_write(&self, dir: &Self::Dir, name: &str) -> io::Result<Self::File>;
    /// Opens a file that is there for reading and for writing at positions. A symbolic link is not followed: it is an
    /// error of the kind [`is_link_error`] tells.
    fn open_read_write(&self, dir: &Self::Dir, name: &str) -> io::Result<Self::File>;
    /// Opens a file for reading.
    fn open_read(&self, dir: &Self::Dir, name: &str) -> io::Result<Self::File>;

    /// Opens a file for reading, but no symbolic link: that is an error of the kind [`is_link_error`] tells.
    fn open_no_follow(&self, dir: &Self::Dir, name: &str) -> io::Result<Self::File>;
    /// Gives a file one more name, which must be free; a symbolic link gets one itself.
    fn hard_link(&self, dir: &Self::Dir, name: &str, new_name: &str) -> io::Result<()>;
    /// Makes a symbolic link; its name must be free.
    fn symlink(&self, dir: &Self::Dir, target: &str, name: &str) -> io::Result<()>;
    /// Where a symbolic link leads.
    fn read_link(&self, dir: &Self::Dir, name: &str) -> io::Result<String>;

    /// What the entry is, without following a link.
    fn stat(&self, dir: &Self::Dir, name: &str) -> io::Result<FileStat>;
    /// The names in a directory, without `.` and `..`, in no order.
    fn list(&self, dir: &Self::Dir, name: &str) -> io::Result<Vec<String>>;
    /// Renames, replacing the target.
    fn rename(&self, dir: &Self::Dir, from: &str, to: &str) -> io::Result<()>;
    /// Renames; an existing target is an error.
    fn rename_new(&self, dir: &Self::Dir, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file or a link.
    fn remove(&self, dir: &Self::Dir, name: &str) -> io::Result<()>;

    /// Makes the names in a directory durable.
    fn sync_dir(&self, dir: &Self::Dir, name: &str) -> io::Result<()>;
    /// Makes everything of the file system below `dir` durable: data, names, sizes.
    fn sync_all(&self, dir: &Self::Dir) -> io::Result<()>;
    /// Room below a directory.
    fn space(&self, dir: &Self::Dir) -> io::Result<Space>;
}

/// An open file; positions come from the caller.
///
/// # Errors
/// As [`Fs`].
pub trait FsFile: Send + Sync + 'static {
    /// Reads some bytes at a position; 0 is the end.
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Writes some bytes at a position.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize>;
    /// Writes some bytes of `head` and then of `content` at a position, with one call.
    fn write_two_at(&self, head: &[u8], content: &[u8], offset: u64) -> io::Result<usize>;
    /// Cuts or extends.
    fn set_len(&self, len_bytes: u64) -> io::Result<()>;
    /// What it is.
    fn stat(&self) -> io::Result<FileStat>;
    /// Sets its modification time.
    fn set_modified(&self, to: FileTime) -> io::Result<()>;
    /// Makes its data and length durable.
    fn sync(&self) -> io::Result<()>;

    /// Writes all bytes at a position.
    fn write_all_at(&self, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.write_at(bytes, offset) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => (bytes, offset) = (&bytes[n..], offset + n as u64),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    /// Writes all of `head` and then all of `content` at a position, with one call if the operating system takes it all.
    fn write_all_two_at(&self, mut head: &[u8], mut content: &[u8], mut offset: u64) -> io::Result<()> {
        while !head.is_empty() {
            match self.write_two_at(head, content, offset) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => {
                    let of_head = n.min(head.len());
                    (head, content) = (&head[of_head..], &content[n - of_head..]);
                    offset += n as u64;
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        self.write_all_at(content, offset)
    }

    /// Reads until `buf` is full or the file ends; gives how many bytes that were.
    fn read_full_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut have = 0;
        while have < buf.len() {
            match self.read_at(&mut buf[have..], offset + have as u64) {
                Ok(0) => break,
                Ok(n) => have += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(have)
    }
}

/// `ELOOP`: what opening a symbolic link says that is not to be followed.
const ELOOP: i32 = 40;

/// Whether a file was not opened because the name is a symbolic link.
#[must_use]
pub fn is_link_error(error: &io::Error) -> bool {
    error.raw_os_error() == Some(ELOOP)
}
