//! CRC32 of growing files, kept up with each append, so that a question for it need not read the file again.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Files whose CRC32 is remembered on each store path; when there are more, some are forgotten and read again.
pub(crate) const FILES_MAX: usize = 4096;
/// Counters of changes; files share them by chance.
const COUNTERS: usize = 64;

/// The CRC32 of a file as long as it is what it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KnownCrc {
    /// The CRC32.
    pub(crate) crc32: u32,
    /// Over so many bytes, which are all of the file.
    pub(crate) len_bytes: u64,
    /// The file's number: another file may get the same name.
    pub(crate) inode: u64,
}

impl KnownCrc {
    /// The CRC32 when `len_bytes` with the CRC32 `crc32` have followed.
    #[must_use]
    pub(crate) fn followed_by(self, crc32: u32, len_bytes: u64) -> Self {
        let mut all = crc32fast::Hasher::new_with_initial_len(self.crc32, self.len_bytes);
        all.combine(&crc32fast::Hasher::new_with_initial_len(crc32, len_bytes));
        Self { crc32: all.finalize(), len_bytes: self.len_bytes + len_bytes, ..self }
    }
}

/// CRC32 of the files that were changed or asked for last, by their true names.
#[derive(Debug)]
pub(crate) struct CrcCache {
    known: Mutex<HashMap<Box<str>, KnownCrc>>,
    /// Raised when a change begins and when it ends: whoever has read a file in between has read something torn.
    changes: [AtomicU64; COUNTERS],
}

impl Default for CrcCache {
    fn default() -> Self {
        Self { known: Mutex::default(), changes: std::array::from_fn(|_| AtomicU64::new(0)) }
    }
}

impl CrcCache {
    /// A change of the file begins or ends: what was known of it is given out, and known no more.
    pub(crate) fn take(&self, true_name: &str) -> Option<KnownCrc> {
        self.counter(true_name).fetch_add(1, Ordering::AcqRel);
        self.lock().remove(true_name)
    }

    /// Remembers a file's CRC32.
    pub(crate) fn put(&self, true_name: &str, known: KnownCrc) {
        let mut all = self.lock();
        if all.len() >= FILES_MAX
            && !all.contains_key(true_name)
            && let Some(any) = all.keys().next().cloned()
        {
            all.remove(&any);
        }
        all.insert(true_name.into(), known);
    }

    /// What a reader must have seen before it reads, for [`CrcCache::put_if_unchanged`].
    pub(crate) fn changes(&self, true_name: &str) -> u64 {
        self.counter(true_name).load(Ordering::Acquire)
    }

    /// Remembers what a reader found, unless a change began or ended meanwhile.
    pub(crate) fn put_if_unchanged(&self, true_name: &str, known: KnownCrc, seen: u64) {
        if self.changes(true_name) == seen {
            self.put(true_name, known);
            // A change that began after the look above has not seen the new entry.
            if self.changes(true_name) != seen {
                self.lock().remove(true_name);
            }
        }
    }

    /// The CRC32, if it is known of exactly this file.
    pub(crate) fn find(&self, true_name: &str, len_bytes: u64, inode: u64) -> Option<u32> {
        let known = *self.lock().get(true_name)?;
        (known.len_bytes == len_bytes && known.inode == inode).then_some(known.crc32)
    }

    fn counter(&self, true_name: &str) -> &AtomicU64 {
        &self.changes[crc32fast::hash(true_name.as_bytes()) as usize % COUNTERS]
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Box<str>, KnownCrc>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(bytes: &[u8]) -> KnownCrc {
        KnownCrc { crc32: crc32fast::hash(bytes), len_bytes: bytes.len() as u64, inode: 7 }
    }

    #[test]
    fn a_crc_is_kept_up_and_forgotten_with_changes() {
        let cache = CrcCache::default();
        let whole = known(b"hello ").followed_by(crc32fast::hash(b"world"), 5);
        assert_eq!(whole, known(b"hello world"));
        cache.put("a", whole);
        assert_eq!(cache.find("a", 11, 7), Some(0x0d4a_1185));
        assert_eq!((cache.find("a", 12, 7), cache.find("a", 11, 8)), (None, None));
        let seen = cache.changes("a");
        assert_eq!(cache.take("a"), Some(whole));
        cache.put_if_unchanged("a", whole, seen);
        assert_eq!(cache.find("a", 11, 7), None, "it was read while it changed");
    }

    #[test]
    fn it_never_holds_more_than_its_limit() {
        let cache = CrcCache::default();
        for n in 0..FILES_MAX + 10 {
            cache.put(&n.to_string(), known(b"x"));
        }
        assert_eq!(cache.lock().len(), FILES_MAX);
    }
}
