//! The time as the shell hands it in.

/// The time of an event, read once by the shell.
///
/// Intervals are measured on the monotonic clock alone, so that a step of the wall clock sets nobody OFFLINE.
// Differs from C: the reference measures liveness with the wall clock (behaviour, W-44).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Now {
    /// Wall clock, unix seconds: what peers are told and what files store.
    pub unix_secs: i64,
    /// A clock that never steps, in milliseconds from any start: what intervals are measured with.
    pub mono_ms: u64,
}

impl Now {
    /// Milliseconds from `earlier_mono_ms` to now, 0 when that lies in the future.
    #[must_use]
    pub const fn since_ms(self, earlier_mono_ms: u64) -> u64 {
        self.mono_ms.saturating_sub(earlier_mono_ms)
    }
}
