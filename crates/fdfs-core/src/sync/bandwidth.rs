//! A limit to what is sent to all peers together: key `sync_bandwidth_limit`.

/// How far ahead of the limit one may be: small files go out at once, and only sustained sending is slowed down.
const BURST_MS: u64 = 200;

/// Shares a rate among all who send.
#[derive(Debug, Clone)]
pub struct Bandwidth {
    /// Bytes of a second; 0 for no limit.
    limit_bytes: u64,
    /// Until when everything that was sent so far is paid for, in microseconds.
    paid_until_us: u64,
}

impl Bandwidth {
    /// So many bytes a second; 0 for no limit.
    #[must_use]
    pub const fn new(limit_bytes: u64) -> Self {
        Self { limit_bytes, paid_until_us: 0 }
    }

    /// Somebody is about to send: how long he has to wait before, in milliseconds.
    pub fn take(&mut self, bytes: u64, now_ms: u64) -> u64 {
        if self.limit_bytes == 0 {
            return 0;
        }
        let now_us = now_ms.saturating_mul(1000);
        let from_us = self.paid_until_us.max(now_us.saturating_sub(BURST_MS * 1000));
        let cost_us = u128::from(bytes) * 1_000_000 / u128::from(self.limit_bytes);
        self.paid_until_us = from_us.saturating_add(u64::try_from(cost_us).unwrap_or(u64::MAX));
        from_us.saturating_sub(now_us) / 1000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sustained_sending_keeps_to_the_limit_whatever_the_pieces() {
        for piece in [100u64, 4096, 1_000_000] {
            let mut bandwidth = Bandwidth::new(1_000_000);
            let (mut now_ms, mut sent) = (1_000_000, 0);
            while sent < 10_000_000 {
                now_ms += bandwidth.take(piece, now_ms);
                sent += piece;
            }
            let secs = (now_ms - 1_000_000) as f64 / 1000.0;
            assert!((8.5..=10.5).contains(&secs), "{piece}: {secs} s");
        }
        assert_eq!(Bandwidth::new(0).take(u64::MAX, 5), 0);
    }
}
