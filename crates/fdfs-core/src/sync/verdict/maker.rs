//! Who made a change, in the time of a file.

use std::num::NonZeroU32;

use fdfs_proto::StorageId;

/// Nanoseconds of a second.
const NANOS_MAX: u32 = 1_000_000_000;

/// Stands for a storage in the nanoseconds of a file's modification time, which the reference never reads and sets to 0.
///
/// They are 1 + FNV-1a (32 bits) of the storage's id, modulo 999,999,999. A file that was written and not given a time has
/// those of the clock: who asks for the storage that sent something finds another one in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Maker(NonZeroU32);

impl Maker {
    /// That of a storage.
    #[must_use]
    pub fn of(id: StorageId) -> Self {
        let hash =
            id.as_str().bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        Self(NonZeroU32::MIN.saturating_add(hash % (NANOS_MAX - 1)))
    }

    /// The nanoseconds that stand for it, 1 to 999,999,999.
    #[must_use]
    pub const fn nanos(self) -> u32 {
        self.0.get()
    }

    /// What the nanoseconds of a time stand for; 0: nothing.
    #[must_use]
    pub fn of_nanos(nanos: u32) -> Option<Self> {
        NonZeroU32::new(nanos).filter(|nanos| nanos.get() < NANOS_MAX).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nanoseconds_stand_for_a_storage_and_stay_the_same() {
        let maker = |id: &str| Maker::of(id.parse().unwrap());
        // Written on disks: this must not change.
        assert_eq!(maker("100001").nanos(), 709_351_129);
        assert_eq!(maker("10.78.1.11").nanos(), 927_752_189);
        assert_eq!(Maker::of_nanos(maker("100001").nanos()), Some(maker("100001")));
        assert_eq!(Maker::of_nanos(0), None);
        assert_eq!(Maker::of_nanos(NANOS_MAX), None);
        assert_ne!(maker("100001"), maker("100002"));
    }
}
