//! Reading the replication log from any place, plain files and compressed ones, up to where it is committed.

use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use fdfs_proto::disk::BinlogPosition;
use fdfs_proto::disk::binlog_index::{BinlogFile, binlog_file_name};
use flate2::read::MultiGzDecoder;

use crate::error::{At, StoreError};
use crate::fs::{Fs, FsFile};
use crate::real_fs::RealFs;
use crate::state_file::StateDir;

/// The most bytes that are read at once; some thousand records.
const BUFFER_BYTES: usize = 256 << 10;
/// What a reader begins with that is close to the end: whoever follows a log that grows finds a few records each time.
const BUFFER_MIN_BYTES: usize = 4 << 10;
/// How far before a place its line can begin: a line has at most 255 bytes.
const LOOK_BACK_BYTES: u64 = 4096;

/// A line of the log, without its newline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadLine<'a> {
    /// Where it begins.
    pub at: BinlogPosition,
    /// Where the next one begins.
    pub next: BinlogPosition,
    /// The line.
    pub text: &'a [u8],
}

/// What comes next in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step<'a> {
    /// A line.
    Line(ReadLine<'a>),
    /// A part of the log cannot be read; reading goes on behind it.
    Gap(Gap),
}

/// A part of the log that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// Where it begins.
    pub at: BinlogPosition,
    /// Where reading goes on.
    pub next: BinlogPosition,
    /// Why.
    pub why: String,
}

#[derive(Debug)]
enum Source<F: Fs> {
    Plain(F::File),
    Compressed(Box<MultiGzDecoder<FromStart<F>>>),
}

/// A compressed file as a stream.
#[derive(Debug)]
struct FromStart<F: Fs> {
    file: F::File,
    offset: u64,
}

impl<F: Fs> Read for FromStart<F> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read_at(buf, self.offset)?;
        self.offset += n as u64;
        Ok(n)
    }
}

/// Reads the log line by line. A file of the log is opened when its first line is asked for.
#[derive(Debug)]
pub struct BinlogReader<F: Fs = RealFs> {
    dir: Arc<StateDir<F>>,
    /// Where the next line begins.
    at: BinlogPosition,
    source: Option<Source<F>>,
    /// Bytes of the open file: `buffer[start..end]` begins at `at`. Empty while nothing is being read.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl<F: Fs> BinlogReader<F> {
    /// A reader of the log in `dir` that begins at a place. A place inside of a line counts as the beginning of that
    /// line: marks of the reference can drift into one (disk formats, F.3).
    #[must_use]
    pub const fn new(dir: Arc<StateDir<F>>, at: BinlogPosition) -> Self {
        Self { dir, at, source: None, buffer: Vec::new(), start: 0, end: 0 }
    }

    /// Where the next line begins.
    #[must_use]
    pub const fn position(&self) -> BinlogPosition {
        self.at
    }

    /// What comes next before `end`, a place between two records; `None` when that is reached. Records behind it may be
    /// there, but are not committed.
    ///
    /// # Errors
    /// [`StoreError`]; the same call can be made again.
    pub fn next(&mut self, end: BinlogPosition) -> Result<Option<Step<'_>>, StoreError> {
        while self.at < end {
            if self.source.is_none()
                && let Some(gap) = self.open(end)?
            {
                return Ok(Some(Step::Gap(gap)));
            }
            let have = &self.buffer[self.start..self.end];
            let newline = have.iter().position(|&b| b == b'\n');
            // More than a buffer without a newline is no line: it is given in parts, to be set aside.
            let whole = newline.or_else(|| (have.len() == BUFFER_BYTES).then_some(BUFFER_BYTES));
            if let Some(len) = whole {
                return Ok(Some(self.take(len, usize::from(newline.is_some()))));
            }
            match self.fill(end) {
                Ok(0) if self.at.file >= end.file => return Ok(None),
                // The last line of a file that is complete lacks its newline.
                Ok(0) if self.end > self.start => {
                    let len = self.end - self.start;
                    let (at, from) = (self.at, self.start);
                    self.next_file();
                    let text = &self.buffer[from..from + len];
                    return Ok(Some(Step::Line(ReadLine { at, next: self.at, text })));
                }
                Ok(0) => self.next_file(),
                Ok(_) => {}
                Err(e) if matches!(self.source, Some(Source::Compressed(_))) && self.at.file < end.file => {
                    let at = self.at;
                    self.next_file();
                    let why = format!("{}.gz cannot be unpacked: {e}", binlog_file_name(at.file));
                    return Ok(Some(Step::Gap(Gap { at, next: self.at, why })));
                }
                Err(e) => return Err(e).at("read", self.dir.path(), &binlog_file_name(self.at.file)),
            }
        }
        Ok(None)
    }

    /// Gives the memory of the buffer back; for readers that wait.
    pub fn rest(&mut self) {
        if self.start == self.end {
            (self.buffer, self.start, self.end) = (Vec::new(), 0, 0);
        }
    }

    /// A line of `len` bytes that is in the buffer, with its newline if it has one.
    fn take(&mut self, len: usize, newline: usize) -> Step<'_> {
        let (at, from) = (self.at, self.start);
        self.start += len + newline;
        self.at.offset += (len + newline) as u64;
        Step::Line(ReadLine { at, next: self.at, text: &self.buffer[from..from + len] })
    }

    fn next_file(&mut self) {
        self.at = BinlogPosition::start_of(self.at.file + 1);
        (self.source, self.start, self.end) = (None, 0, 0);
    }

    /// Reads more of the open file behind what the buffer holds; 0 at its end, or at `end`.
    fn fill(&mut self, end: BinlogPosition) -> io::Result<usize> {
        self.make_room(end);
        let offset = self.at.offset + self.end as u64;
        let mut room = &mut self.buffer[self.end..];
        if self.at.file == end.file {
            let committed = usize::try_from(end.offset.saturating_sub(offset)).unwrap_or(usize::MAX);
            let len = room.len().min(committed);
            room = &mut room[..len];
        }
        loop {
            let read = match &mut self.source {
                Some(Source::Plain(file)) => file.read_at(room, offset),
                Some(Source::Compressed(stream)) => stream.read(room),
                None => Ok(0),
            };
            match read {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
                Ok(n) => {
                    self.end += n;
                    return Ok(n);
                }
            }
        }
    }

    /// Moves what is in the buffer to its front, and sees to a buffer that is worth a read.
    fn make_room(&mut self, end: BinlogPosition) {
        self.buffer.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        let ahead = if self.at.file == end.file { end.offset.saturating_sub(self.at.offset) } else { u64::MAX };
        let ahead = usize::try_from(ahead).unwrap_or(BUFFER_BYTES).clamp(BUFFER_MIN_BYTES, BUFFER_BYTES);
        // A buffer that is full without a line is too small.
        let more = if self.end == self.buffer.len() { self.buffer.len() * 2 } else { self.buffer.len() };
        let len = ahead.next_power_of_two().max(more).min(BUFFER_BYTES);
        self.buffer.resize(len.max(self.buffer.len()), 0);
    }

    /// Opens the file that `at` is in, plain or compressed, and goes back to the beginning of the line.
    fn open(&mut self, end: BinlogPosition) -> Result<Option<Gap>, StoreError> {
        let name = binlog_file_name(self.at.file);
        let packed = format!("{name}.gz");
        let fs = self.dir.fs();
        // Compression gives the compressed file its name before the plain one goes.
        let source = match fs.open_read(self.dir.dir(), &name) {
            Ok(file) => Source::Plain(file),
            Err(e) if e.kind() == io::ErrorKind::NotFound => match fs.open_read(self.dir.dir(), &packed) {
                Ok(file) => Source::Compressed(Box::new(MultiGzDecoder::new(FromStart { file, offset: 0 }))),
                Err(e) if e.kind() == io::ErrorKind::NotFound && self.at.file < end.file => {
                    let at = self.at;
                    self.at = BinlogPosition::start_of(self.next_existing(end)?);
                    return Ok(Some(Gap { at, next: self.at, why: format!("{name} is missing") }));
                }
                Err(e) => return Err(e).at("open", self.dir.path(), &packed),
            },
            Err(e) => return Err(e).at("open", self.dir.path(), &name),
        };
        self.source = Some(source);
        if let Err(e) = self.seek() {
            self.source = None;
            if self.at.file < end.file {
                let at = self.at;
                self.next_file();
                return Ok(Some(Gap { at, next: self.at, why: format!("{name} cannot be read: {e}") }));
            }
            return Err(e).at("read", self.dir.path(), &name);
        }
        Ok(None)
    }

    /// The next file that is there, behind one that is missing.
    fn next_existing(&self, end: BinlogPosition) -> Result<u32, StoreError> {
        let names = self.dir.fs().list(self.dir.dir(), "").at("list", self.dir.path(), "")?;
        let numbers = names.iter().filter_map(|name| match BinlogFile::from_name(name) {
            Some(BinlogFile::Plain(n) | BinlogFile::Compressed(n)) => Some(n),
            Some(BinlogFile::Flag(_)) | None => None,
        });
        Ok(numbers.filter(|n| *n > self.at.file).min().map_or(end.file, |n| n.min(end.file)))
    }

    /// Goes to `at`, or back to the beginning of the line that it is in.
    fn seek(&mut self) -> io::Result<()> {
        let from = self.at.offset.saturating_sub(LOOK_BACK_BYTES);
        let mut before = vec![0; usize::try_from(self.at.offset - from).unwrap_or(0)];
        let mut have = 0;
        match &mut self.source {
            Some(Source::Plain(file)) => {
                while have < before.len() {
                    match file.read_at(&mut before[have..], from + have as u64)? {
                        0 => break,
                        n => have += n,
                    }
                }
            }
            Some(Source::Compressed(stream)) => {
                io::copy(&mut stream.by_ref().take(from), &mut io::sink())?;
                while have < before.len() {
                    match stream.read(&mut before[have..])? {
                        0 => break,
                        n => have += n,
                    }
                }
            }
            None => {}
        }
        if have < before.len() {
            // The file is shorter than that: there is nothing to read in it.
            return Ok(());
        }
        let line_start = before.iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
        if line_start == 0 && from > 0 {
            return Ok(());
        }
        let part = &before[line_start..];
        self.at.offset -= part.len() as u64;
        // A stream cannot go back: what was read of the line already stays in the buffer.
        if matches!(self.source, Some(Source::Compressed(_))) && !part.is_empty() {
            self.buffer.resize(BUFFER_BYTES, 0);
            self.buffer[..part.len()].copy_from_slice(part);
            (self.start, self.end) = (0, part.len());
        }
        Ok(())
    }
}

/// Opens the folder of the log, `<base>/data/sync`, for readers, marks and quarantine.
///
/// # Errors
/// [`StoreError`].
pub fn open_sync_dir<F: Fs>(fs: F, path: &Path) -> Result<Arc<StateDir<F>>, StoreError> {
    Ok(Arc::new(StateDir::open(fs, path)?))
}

#[cfg(test)]
mod tests;
