//! Locks of pieces of trunk files, held for a few disk calls.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::Slot;

/// Locks of pieces of trunk files. Whoever looks at a piece and then writes there what depends on it holds one.
#[derive(Debug, Default)]
pub(super) struct RangeLocks {
    held: Mutex<Held>,
    freed: Condvar,
}

#[derive(Debug, Default)]
struct Held {
    /// No more than there are workers.
    slots: Vec<Slot>,
    /// Who waits: without anybody nobody has to be woken, which costs a system call each time.
    waiting: usize,
}

/// A piece that is held until this is dropped.
#[derive(Debug)]
pub(super) struct RangeLock<'a> {
    locks: &'a RangeLocks,
    slot: Slot,
}

impl RangeLocks {
    /// Waits until nobody holds any part of a slot.
    pub(super) fn lock(&self, slot: Slot) -> RangeLock<'_> {
        let mut held = self.held();
        while held.slots.iter().any(|other| overlap(other, &slot)) {
            held.waiting += 1;
            held = self.freed.wait(held).unwrap_or_else(PoisonError::into_inner);
            held.waiting -= 1;
        }
        held.slots.push(slot);
        RangeLock { locks: self, slot }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for RangeLock<'_> {
    fn drop(&mut self) {
        let mut held = self.locks.held();
        if let Some(at) = held.slots.iter().position(|slot| *slot == self.slot) {
            held.slots.swap_remove(at);
        }
        if held.waiting > 0 {
            self.locks.freed.notify_all();
        }
    }
}

fn overlap(one: &Slot, other: &Slot) -> bool {
    one.file == other.file && u64::from(one.offset) < other.end() && u64::from(other.offset) < one.end()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::super::TrunkFileId;
    use super::*;

    fn slot(id: u32, offset: u32, alloc_size: u32) -> Slot {
        Slot { file: TrunkFileId { high: 0, low: 0, id }, offset, alloc_size }
    }

    #[test]
    fn what_does_not_overlap_does_not_wait() {
        let locks = RangeLocks::default();
        let _held = locks.lock(slot(1, 256, 512));
        drop([(1, 0, 256), (1, 768, 256), (2, 256, 512)].map(|(id, at, size)| locks.lock(slot(id, at, size))));
        assert_eq!(locks.held().slots.len(), 1);
    }

    #[test]
    fn no_unit_is_ever_held_twice() {
        let locks = RangeLocks::default();
        let units: [AtomicBool; 8] = std::array::from_fn(|_| AtomicBool::new(false));
        std::thread::scope(|scope| {
            for seed in 0..4 {
                let (locks, units) = (&locks, &units);
                scope.spawn(move || {
                    let mut random = fastrand::Rng::with_seed(seed);
                    for _ in 0..3000 {
                        let first = random.usize(..units.len());
                        let count = random.usize(1..=units.len() - first);
                        let _held = locks.lock(slot(1, first as u32 * 256, count as u32 * 256));
                        let mine = &units[first..first + count];
                        mine.iter().for_each(|unit| assert!(!unit.swap(true, Ordering::Relaxed)));
                        std::thread::yield_now();
                        mine.iter().for_each(|unit| unit.store(false, Ordering::Relaxed));
                    }
                });
            }
        });
        assert!(locks.held().slots.is_empty());
    }
}
