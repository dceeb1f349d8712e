//! The state files of a storage below `<base>/data`: init flag and statistics.

use fdfs_proto::disk::StateFile;

use crate::error::StoreError;
use crate::fs::Fs;
use crate::state_file::StateDir;

/// What reading a state file came to.
#[derive(Debug)]
pub enum Loaded<T> {
    /// It was read.
    Read(T),
    /// There is none.
    Missing,
    /// It cannot be read, and was moved out of the way.
    SetAside {
        /// Its new name.
        aside: String,
        /// What is wrong with it.
        what: String,
    },
}

/// Reads a state file; one that cannot be what it should be is moved aside under a name that says so, never silently
/// replaced.
///
/// # Errors
/// [`StoreError`] when the disk refuses.
pub fn load<T: StateFile, F: Fs>(dir: &StateDir<F>, now_unix_secs: i64) -> Result<Loaded<T>, StoreError> {
    let Some(bytes) = dir.read(T::FILE)? else { return Ok(Loaded::Missing) };
    match T::decode(&bytes) {
        Ok(value) => Ok(Loaded::Read(value)),
        Err(e) => Ok(Loaded::SetAside { aside: dir.set_aside(T::FILE, now_unix_secs)?, what: e.to_string() }),
    }
}

/// Writes a state file as a whole.
///
/// # Errors
/// [`StoreError`]; the old one is then still there.
pub fn save<T: StateFile, F: Fs>(dir: &StateDir<F>, value: &T) -> Result<(), StoreError> {
    dir.write(T::FILE, &value.to_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RealFs;
    use fdfs_proto::disk::binlog_index::BinlogIndex;

    #[test]
    fn a_corrupt_state_file_is_set_aside_and_said_so() {
        let temp = tempfile::tempdir().unwrap();
        let dir = StateDir::open(RealFs, temp.path()).unwrap();
        assert!(matches!(load::<BinlogIndex, _>(&dir, 1).unwrap(), Loaded::Missing));
        save(&dir, &BinlogIndex { current_write: 3, current_compress: 1 }).unwrap();
        assert!(matches!(load::<BinlogIndex, _>(&dir, 1).unwrap(), Loaded::Read(i) if i.current_write == 3));
        dir.write(BinlogIndex::FILE, b"\0\xff").unwrap();
        let Loaded::SetAside { aside, .. } = load::<BinlogIndex, _>(&dir, 9).unwrap() else { panic!("not set aside") };
        assert_eq!(dir.read(&aside).unwrap().unwrap(), b"\0\xff");
        assert!(matches!(load::<BinlogIndex, _>(&dir, 1).unwrap(), Loaded::Missing));
    }
}
