//! How long it still takes.

/// Seconds that are left when `done` of `total` took `elapsed_ms`, at the same speed; `None` as long as nothing is done.
#[must_use]
pub fn eta_secs(done: u64, total: u64, elapsed_ms: u64) -> Option<u64> {
    let left = u128::from(total.saturating_sub(done)) * u128::from(elapsed_ms);
    let ms = left.checked_div(u128::from(done))?;
    Some(u64::try_from(ms.div_ceil(1000)).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_takes_as_long_as_what_is_done() {
        assert_eq!(eta_secs(50, 100, 10_000), Some(10));
        assert_eq!(eta_secs(1, 1_000_001, 1), Some(1000));
        assert_eq!(eta_secs(100, 100, 10_000), Some(0));
        assert_eq!(eta_secs(200, 100, 10_000), Some(0));
        assert_eq!(eta_secs(0, 100, 10_000), None);
        assert_eq!(eta_secs(1, u64::MAX, u64::MAX), Some(u64::MAX));
    }
}
