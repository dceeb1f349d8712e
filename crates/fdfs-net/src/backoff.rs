//! Pauses that grow while something keeps failing.

use std::time::Duration;

/// Pauses between tries: each about twice the one before, up to a limit, and never quite the same for two who
/// began together.
#[derive(Debug, Clone)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    next: Duration,
    random: u64,
}

impl Backoff {
    /// Pauses from about `first` to about `longest`. Equal seeds give equal pauses; what differs between machines and
    /// tasks makes a good seed.
    #[must_use]
    pub fn new(first: Duration, longest: Duration, seed: u64) -> Self {
        let first = first.min(longest);
        Self { first, longest, next: first, random: seed }
    }

    /// The pause after one more failure: between a half and the whole of what its turn would be.
    pub fn next_pause(&mut self) -> Duration {
        let whole = self.next;
        self.next = whole.saturating_mul(2).min(self.longest);
        // 16 bits of chance are plenty for a pause.
        let share = self.next_random() & 0xFFFF;
        whole / 2 + (whole / 2).mul_f64(share as f64 / f64::from(0xFFFF))
    }

    /// Begins anew, after a success.
    pub fn reset(&mut self) {
        self.next = self.first;
    }

    /// The next number of the generator "splitmix64".
    fn next_random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn pauses_double_up_to_the_limit_within_their_jitter_and_begin_anew() {
        let mut backoff = Backoff::new(100 * MS, 1000 * MS, 7);
        for whole in [100, 200, 400, 800, 1000, 1000] {
            let pause = backoff.next_pause();
            assert!((whole / 2 * MS..=whole * MS).contains(&pause), "{whole}: {pause:?}");
        }
        backoff.reset();
        assert!(backoff.next_pause() <= 100 * MS);
    }

    #[test]
    fn seeds_tell_two_apart_and_repeat_one() {
        let pauses = |seed| {
            let mut backoff = Backoff::new(100 * MS, 60_000 * MS, seed);
            [(); 8].map(|()| backoff.next_pause())
        };
        assert_eq!(pauses(1), pauses(1));
        assert_ne!(pauses(1), pauses(2));
    }
}
