//! Old files of the replication log become `binlog.NNN.gz`, as the reference's daily run of `gzip` makes them.

use std::io::{self, Write};

use fdfs_proto::disk::binlog_index::binlog_file_name;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::error::{At, StoreError};
use crate::fs::{Fs, FsFile};
use crate::state_file::StateDir;

/// A flag file younger than this says that somebody else is at work. Source: disk formats, A.5.5.
pub const FLAG_MAX_AGE_SECS: i64 = 3600;
/// Bytes that are read at once.
const PIECE_BYTES: usize = 256 << 10;

/// What came of compressing one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compressed {
    /// It is compressed now.
    Now,
    /// There is no plain file of this number: it was compressed before, or is missing.
    Before,
    /// A fresh flag file says that another process is at it.
    Busy,
}

/// Writes on at the end of a file.
struct Appender<'a, F: FsFile> {
    file: &'a F,
    offset: u64,
}

impl<F: FsFile> Write for Appender<'_, F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.file.write_at(bytes, self.offset)?;
        self.offset += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Compresses one file that nobody writes any more. At every moment either the plain file or the whole compressed one is
/// there; a reader that has the plain one open goes on with it.
///
/// # Errors
/// [`StoreError`]; the plain file is then still there.
pub fn compress_file<F: Fs>(dir: &StateDir<F>, index: u32, now_unix_secs: i64) -> Result<Compressed, StoreError> {
    let (fs, folder, path) = (dir.fs(), dir.dir(), dir.path());
    let name = binlog_file_name(index);
    let (packed, flag) = (format!("{name}.gz"), format!(".{name}.flag"));
    let source = match fs.open_read(folder, &name) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Compressed::Before),
        other => other.at("open", path, &name)?,
    };
    match fs.stat(folder, &flag) {
        Ok(stat) if now_unix_secs - stat.modified_unix_secs < FLAG_MAX_AGE_SECS => return Ok(Compressed::Busy),
        _ => {}
    }
    let flag_file = fs.create_or_empty(folder, &flag).at("create", path, &flag)?;
    flag_file.write_all_at(b"zip", 0).at("write", path, &flag)?;
    let aside = format!("{packed}.tmp");
    let packing = pack(dir, &source, &name, &aside);
    let finished = packing.and_then(|()| {
        fs.rename(folder, &aside, &packed).at("rename", path, &aside)?;
        fs.sync_dir(folder, "").at("sync directory", path, "")?;
        fs.remove(folder, &name).at("remove", path, &name)
    });
    // A half-made file is made anew next time, a flag file is old by then.
    if finished.is_err() {
        let _ = dir.remove(&aside);
    }
    let _ = dir.remove(&flag);
    finished.map(|()| Compressed::Now)
}

fn pack<F: Fs>(dir: &StateDir<F>, source: &F::File, name: &str, aside: &str) -> Result<(), StoreError> {
    let path = dir.path();
    let target = dir.fs().create_or_empty(dir.dir(), aside).at("create", path, aside)?;
    let mut encoder = GzEncoder::new(Appender { file: &target, offset: 0 }, Compression::default());
    let mut piece = vec![0; PIECE_BYTES];
    let mut offset = 0;
    loop {
        match source.read_at(&mut piece, offset) {
            Ok(0) => break,
            Ok(n) => {
                encoder.write_all(&piece[..n]).at("write", path, aside)?;
                offset += n as u64;
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e).at("read", path, name),
        }
    }
    encoder.finish().at("write", path, aside)?;
    target.sync().at("sync", path, aside)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::binlog_reader::open_sync_dir;
    use crate::sim_fs::{Fault, SimFs};
    use crate::{BinlogReader, binlog_reader::Step};
    use fdfs_proto::disk::BinlogPosition;
    use std::path::Path;
    use std::sync::Arc;

    fn sim_dir(fs: &SimFs) -> Arc<StateDir<SimFs>> {
        open_sync_dir(fs.clone(), Path::new("/sync")).unwrap()
    }

    #[test]
    fn a_fresh_flag_of_another_process_is_respected_and_an_old_one_is_not() {
        let temp = tempfile::tempdir().unwrap();
        std::fs::write(temp.path().join("binlog.000"), b"1 C x\n").unwrap();
        std::fs::write(temp.path().join(".binlog.000.flag"), b"zip").unwrap();
        let dir = open_sync_dir(crate::RealFs, temp.path()).unwrap();
        let made = dir.fs().stat(dir.dir(), ".binlog.000.flag").unwrap().modified_unix_secs;
        assert_eq!(compress_file(&dir, 0, made + 10).unwrap(), Compressed::Busy);
        assert_eq!(compress_file(&dir, 0, made + FLAG_MAX_AGE_SECS).unwrap(), Compressed::Now);
        assert_eq!(compress_file(&dir, 0, made).unwrap(), Compressed::Before);
        let names: Vec<_> = std::fs::read_dir(temp.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names, ["binlog.000.gz"]);
    }

    #[test]
    fn a_crash_or_a_power_cut_at_any_call_loses_no_line() {
        let fs = SimFs::new(Fault::None);
        let dir = sim_dir(&fs);
        let file = fs.create_new(dir.dir(), "binlog.000").unwrap();
        file.write_all_at(b"one\ntwo\n", 0).unwrap();
        file.sync().unwrap();
        fs.sync_dir(dir.dir(), "").unwrap();
        for calls in 0.. {
            let fs = fs.after_crash();
            fs.set_fault(Fault::StopsAfter(calls));
            let done = compress_file(&StateDir::open(fs.clone(), Path::new("/sync")).unwrap(), 0, 1 << 40);
            for after in [fs.after_crash(), fs.after_power_cut(None), fs.after_power_cut(Some(calls))] {
                let mut reader = BinlogReader::new(sim_dir(&after), BinlogPosition::START);
                let mut text = Vec::new();
                while let Some(Step::Line(line)) = reader.next(BinlogPosition::start_of(1)).unwrap() {
                    text.extend_from_slice(line.text);
                }
                assert_eq!(text, b"onetwo", "stopped after {calls} calls");
            }
            if done.is_ok() {
                return assert!(calls > 5);
            }
        }
    }
}
