//! Which part of a file is wanted, and how.

use std::ops::{Bound, RangeBounds};

use crate::Progress;

/// A part of a file.
///
/// ```
/// use fdfs_client::ByteRange;
///
/// assert_eq!(ByteRange::of(10..30), ByteRange { offset: 10, len: Some(20) });
/// assert_eq!(ByteRange::of(10..), ByteRange { offset: 10, len: None });
/// assert_eq!(ByteRange::of(..), ByteRange::ALL);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteRange {
    /// Where it begins, in bytes.
    pub offset: u64,
    /// Bytes; `None` is all to the end. More than there are gives those there are.
    pub len: Option<u64>,
}

impl ByteRange {
    /// The whole file.
    pub const ALL: Self = Self { offset: 0, len: None };

    /// A range of Rust; one that ends before it begins is empty.
    #[must_use]
    pub fn of(range: impl RangeBounds<u64>) -> Self {
        let offset = match range.start_bound() {
            Bound::Included(&start) => start,
            Bound::Excluded(&start) => start.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let len = match range.end_bound() {
            Bound::Included(&end) => Some(end.saturating_add(1).saturating_sub(offset)),
            Bound::Excluded(&end) => Some(end.saturating_sub(offset)),
            Bound::Unbounded => None,
        };
        Self { offset, len }
    }
}

impl Default for ByteRange {
    fn default() -> Self {
        Self::ALL
    }
}

/// How a file is downloaded: by default all of it, checked if the client checks.
#[derive(Debug, Clone, Default)]
pub struct DownloadOptions {
    pub(crate) range: ByteRange,
    pub(crate) verify_crc32: Option<bool>,
    pub(crate) anywhere: bool,
    pub(crate) progress: Progress,
}

impl DownloadOptions {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The part that is wanted. A part cannot be checked.
    #[must_use]
    pub const fn range(mut self, range: ByteRange) -> Self {
        self.range = range;
        self
    }

    /// Whether the content is checked against size and CRC-32 in the id, whatever the client does else.
    #[must_use]
    pub const fn verify_crc32(mut self, verify: bool) -> Self {
        self.verify_crc32 = Some(verify);
        self
    }

    /// Asks all storages that can have the file before it counts as missing (default: no; a storage that says it has no
    /// such file is believed).
    #[must_use]
    pub const fn anywhere(mut self, anywhere: bool) -> Self {
        self.anywhere = anywhere;
        self
    }

    /// Who is told how many bytes have come.
    #[must_use]
    pub fn progress(mut self, progress: Progress) -> Self {
        self.progress = progress;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::reversed_empty_ranges)]
    fn ranges_never_overflow() {
        assert_eq!(ByteRange::of(5..=5), ByteRange { offset: 5, len: Some(1) });
        assert_eq!(ByteRange::of(7..3), ByteRange { offset: 7, len: Some(0) });
        assert_eq!(ByteRange::of(0..=u64::MAX), ByteRange { offset: 0, len: Some(u64::MAX) });
        let behind = (Bound::Excluded(u64::MAX), Bound::Unbounded);
        assert_eq!(ByteRange::of(behind), ByteRange { offset: u64::MAX, len: None });
    }
}
