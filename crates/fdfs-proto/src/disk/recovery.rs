//! The files of a disk recovery in the `data` directory of a store path: the flag, the marks and their names.

use super::ini::{Ini, IniWriter};
use super::{DiskError, StateFile, ValueFault};
use crate::shared::StorageStatus;

/// The file `.recovery.flag`: as long as it is there, the store path is being recovered.
///
/// An empty file means that the recovery must begin anew. The lists of files, `.binlog.recovery.<thread>`, hold lines
/// of the replication log.
///
/// Source: disk formats, A.8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RecoveryFlag {
    /// The storage's status before the recovery, to be reported at its end; `None` if the file does not say it.
    pub saved_storage_status: Option<StorageStatus>,
    /// Whether the list of files has been fetched and shared out.
    pub fetch_binlog_done: bool,
    /// Over how many threads; `None` (-1 in the file) as long as it is not.
    pub recovery_threads: Option<u32>,
}

/// The file `.recovery.mark.<thread>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RecoveryMark {
    /// The byte of the thread's list where the next line to restore begins.
    pub binlog_offset: u64,
}

/// The name of the flag.
pub const FLAG_FILE: &str = ".recovery.flag";
/// The name of the one list of old versions.
pub const OLD_LIST_FILE: &str = ".binlog.recovery";
/// The name of the one mark of old versions, which is flag and mark in one.
pub const OLD_MARK_FILE: &str = ".recovery.mark";

const STATUS: &str = "saved_storage_status";
const FETCHED: &str = "fetch_binlog_done";
const THREADS: &str = "recovery_threads";
const OFFSET: &str = "binlog_offset";
const NOT_KNOWN: i64 = -1;

/// The name of a thread's list.
#[must_use]
pub fn list_file(thread_index: u32) -> String {
    format!("{OLD_LIST_FILE}.{thread_index}")
}

/// The name of a thread's mark.
#[must_use]
pub fn mark_file(thread_index: u32) -> String {
    format!("{OLD_MARK_FILE}.{thread_index}")
}

impl StateFile for RecoveryFlag {
    const FILE: &'static str = FLAG_FILE;

    fn encode(&self, out: &mut Vec<u8>) {
        let mut ini = IniWriter::new(out);
        ini.signed(STATUS, self.saved_storage_status.map_or(NOT_KNOWN, |status| status.number().into()));
        ini.flag(FETCHED, self.fetch_binlog_done);
        ini.signed(THREADS, self.recovery_threads.map_or(NOT_KNOWN, i64::from));
    }

    fn decode(bytes: &[u8]) -> Result<Self, DiskError> {
        decode_flag(&Ini::parse(bytes), Self::FILE)
    }
}

impl StateFile for RecoveryMark {
    const FILE: &'static str = "recovery mark";

    fn encode(&self, out: &mut Vec<u8>) {
        IniWriter::new(out).unsigned(OFFSET, self.binlog_offset);
    }

    fn decode(bytes: &[u8]) -> Result<Self, DiskError> {
        decode_mark(&Ini::parse(bytes), Self::FILE)
    }
}

/// Reads `.recovery.mark` of old versions, which recovered with one thread: flag and mark in one file.
///
/// # Errors
/// As for the flag and the mark.
pub fn decode_old(bytes: &[u8]) -> Result<(RecoveryFlag, RecoveryMark), DiskError> {
    let ini = Ini::parse(bytes);
    Ok((decode_flag(&ini, OLD_MARK_FILE)?, decode_mark(&ini, OLD_MARK_FILE)?))
}

fn decode_flag(ini: &Ini<'_>, file: &'static str) -> Result<RecoveryFlag, DiskError> {
    let keys = ini.keys(file);
    if !ini.is_blank() && keys.has_none_of([STATUS, FETCHED, THREADS]) {
        return Err(DiskError::Unrecognized { file });
    }
    let saved_storage_status = match keys.number(STATUS)? {
        None => None,
        Some(value) if value < 0 => None,
        Some(value) => {
            let status = u8::try_from(value).ok().and_then(StorageStatus::from_number);
            let fault = ValueFault::OutOfRange { value, low: 0, high: StorageStatus::None.number().into() };
            Some(status.ok_or_else(|| keys.bad_value(STATUS, fault))?)
        }
    };
    Ok(RecoveryFlag {
        saved_storage_status,
        fetch_binlog_done: keys.flag(FETCHED).unwrap_or(false),
        recovery_threads: keys.number::<i64>(THREADS)?.and_then(|n| u32::try_from(n).ok()).filter(|&n| n > 0),
    })
}

fn decode_mark(ini: &Ini<'_>, file: &'static str) -> Result<RecoveryMark, DiskError> {
    if ini.is_blank() {
        return Err(DiskError::Empty { file });
    }
    let keys = ini.keys(file);
    Ok(RecoveryMark { binlog_offset: keys.required(OFFSET, keys.number(OFFSET)?)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_flag_of_the_beginning_is_as_the_reference_writes_it() {
        let flag = RecoveryFlag { saved_storage_status: Some(StorageStatus::None), ..RecoveryFlag::default() };
        assert_eq!(flag.to_bytes(), b"saved_storage_status=99\nfetch_binlog_done=0\nrecovery_threads=-1\n");
        assert_eq!(RecoveryFlag::decode(&flag.to_bytes()), Ok(flag));
    }

    #[test]
    fn an_empty_flag_begins_anew_and_rubbish_is_an_error() {
        assert_eq!(RecoveryFlag::decode(b""), Ok(RecoveryFlag::default()));
        assert_eq!(RecoveryFlag::decode(b"\xff\xfe"), Err(DiskError::Unrecognized { file: FLAG_FILE }));
        assert!(RecoveryFlag::decode(b"saved_storage_status=8\n").is_err());
        assert!(RecoveryMark::decode(b"").is_err());
        assert!(RecoveryMark::decode(b"binlog_offset=-1\n").is_err());
    }

    #[test]
    fn the_old_form_is_flag_and_mark_in_one() {
        let (flag, mark) = decode_old(b"saved_storage_status=7\nbinlog_offset=12\nfetch_binlog_done=1\n").unwrap();
        assert_eq!((flag.saved_storage_status, flag.fetch_binlog_done), (Some(StorageStatus::Active), true));
        assert_eq!((flag.recovery_threads, mark.binlog_offset), (None, 12));
        assert!(decode_old(b"binlog_offset=12\n").is_err());
    }

    #[test]
    fn names_carry_the_thread() {
        assert_eq!((list_file(3).as_str(), mark_file(0).as_str()), (".binlog.recovery.3", ".recovery.mark.0"));
    }

    proptest! {
        #[test]
        fn it_round_trips_and_no_cut_panics(
            status in proptest::option::of(0usize..10), fetch_binlog_done: bool,
            recovery_threads in proptest::option::of(1u32..), binlog_offset in 0..=i64::MAX as u64,
        ) {
            let saved_storage_status = status.map(|index| StorageStatus::ALL[index]);
            let flag = RecoveryFlag { saved_storage_status, fetch_binlog_done, recovery_threads };
            let bytes = flag.to_bytes();
            for len in 0..bytes.len() {
                let _ = RecoveryFlag::decode(&bytes[..len]);
            }
            prop_assert_eq!(RecoveryFlag::decode(&bytes), Ok(flag));
            let mark = RecoveryMark { binlog_offset };
            prop_assert_eq!(RecoveryMark::decode(&mark.to_bytes()), Ok(mark));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = RecoveryFlag::decode(&bytes);
            let _ = RecoveryMark::decode(&bytes);
            let _ = decode_old(&bytes);
        }
    }
}
