//! Numbers of new trunk files.
//!
//! A trunk server that has heard everybody counts on. One that has not must not make a file that another one may have
//! made: it goes to the next *block* of numbers, and there to the *range* of its own place in the group. Source: decision
//! 0008.

/// Numbers of a range: more trunk files are not made in one.
const RANGE: u32 = 1000;
/// Numbers of a block: a range for each storage that a group can have, and as many again.
const BLOCK: u32 = 64 * RANGE;

/// The number before the first one that nobody but the storage at this place in the group can have given, as far as
/// numbers up to `known` were given.
#[must_use]
pub const fn free_file_id(known: u32, place: usize) -> u32 {
    let block = (known / BLOCK).saturating_add(1).saturating_mul(BLOCK);
    block.saturating_add((place as u32 % (BLOCK / RANGE)) * RANGE)
}

/// The number after `last`; one that is in doubt stays in its ranges.
#[must_use]
pub const fn after_file_id(last: u32, is_in_doubt: bool) -> u32 {
    let next = last.saturating_add(1);
    if is_in_doubt && next.is_multiple_of(RANGE) {
        return free_file_id(last, ((last % BLOCK) / RANGE) as usize).saturating_add(1);
    }
    next
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_two_storages_in_doubt_give_the_same_number() {
        let mut given = BTreeSet::new();
        for place in 0..3 {
            for known in [0, 1, 63_999, 64_000] {
                let mut id = free_file_id(known, place);
                assert!(id >= known);
                for _ in 0..2500 {
                    id = after_file_id(id, true);
                    assert!(id > known);
                    // A storage may come to the same number again, another one may not.
                    assert!(!given.contains(&(id, (place + 1) % 3)) && !given.contains(&(id, (place + 2) % 3)), "{id}");
                    given.insert((id, place));
                }
            }
        }
    }

    #[test]
    fn one_that_knows_all_counts_on() {
        assert_eq!((after_file_id(0, false), after_file_id(64_999, false)), (1, 65_000));
        assert_eq!((after_file_id(64_999, true), free_file_id(1, 0)), (128_001, 64_000));
    }
}
