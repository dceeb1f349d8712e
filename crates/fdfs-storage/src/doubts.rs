//! Files that a storage of the reference changed and that are not here as they should be: it does not send them whole.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use fdfs_proto::FileName;

/// Names that are kept; of more only the number is known.
const NAMES_MAX: usize = 1000;

/// Files in doubt.
#[derive(Debug, Default)]
pub struct Doubts {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    names: BTreeSet<FileName>,
    count: u64,
}

impl Doubts {
    /// A file is in doubt. Tells whether that is news.
    pub fn add(&self, name: FileName) -> bool {
        let mut state = self.lock();
        if state.names.contains(&name) {
            return false;
        }
        state.count += 1;
        state.names.len() < NAMES_MAX && state.names.insert(name)
    }

    /// A file came in whole.
    pub fn settle(&self, name: FileName) {
        let mut state = self.lock();
        if state.names.remove(&name) {
            state.count -= 1;
        }
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.lock().count
    }

    /// Their names, the first of them.
    #[must_use]
    pub fn names(&self) -> Vec<FileName> {
        self.lock().names.iter().copied().collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubts_are_counted_once_and_settled() {
        let doubts = Doubts::default();
        let name: FileName = "M00/00/00/a".parse().unwrap();
        assert!(doubts.add(name) && !doubts.add(name));
        assert_eq!((doubts.count(), doubts.names()), (1, vec![name]));
        doubts.settle(name);
        assert_eq!(doubts.count(), 0);
        for n in 0..NAMES_MAX + 5 {
            doubts.add(format!("M00/00/00/{n}").parse().unwrap());
        }
        assert_eq!((doubts.count(), doubts.names().len()), (NAMES_MAX as u64 + 5, NAMES_MAX));
    }
}
