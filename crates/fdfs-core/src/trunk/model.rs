//! Random operations against a plain model: every byte of every trunk file is free, held or used.

use std::collections::BTreeMap;

use fdfs_proto::disk::trunk_record::TrunkBlock;
use proptest::prelude::*;

use super::{FreeSpace, HOLD_SECS, REST_SECS, Replayed, SpaceError, TrunkRules};

const RULES: TrunkRules = TrunkRules { slot_min_bytes: 4, slot_max_bytes: 40, alignment_bytes: 4, file_bytes: 100 };
const PATHS: usize = 2;

#[derive(Debug, Clone, Copy)]
enum Step {
    Allocate { path: u8, bytes: u32 },
    Confirm { which: usize, is_used: bool },
    Free { which: usize },
    FreeAgain { which: usize },
    Join,
    Restart,
    Forget,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..PATHS as u8, 0..=RULES.slot_max_bytes).prop_map(|(path, bytes)| Step::Allocate { path, bytes }),
        6 => (any::<usize>(), prop::bool::weighted(0.8)).prop_map(|(which, is_used)| Step::Confirm { which, is_used }),
        4 => any::<usize>().prop_map(|which| Step::Free { which }),
        1 => any::<usize>().prop_map(|which| Step::FreeAgain { which }),
        1 => Just(Step::Join),
        1 => Just(Step::Restart),
        1 => Just(Step::Forget),
    ]
}

fn overlap(a: &TrunkBlock, b: &TrunkBlock) -> bool {
    (a.store_path_index, a.file_id) == (b.store_path_index, b.file_id)
        && a.offset < b.offset + b.size
        && b.offset < a.offset + a.size
}

/// The free space that a log tells of.
fn replayed(log: &[u8]) -> (FreeSpace, Replayed) {
    let (mut space, mut report) = (FreeSpace::new(RULES), Replayed::default());
    space.replay(log, PATHS, &mut report);
    (space, report)
}

/// Free bytes as ranges, neighbours joined: what counts whatever the borders of blocks are.
fn ranges(space: &FreeSpace) -> BTreeMap<(u8, u32, u32), u32> {
    let mut joined: BTreeMap<(u8, u32, u32), u32> = BTreeMap::new();
    for block in space.blocks() {
        let last = joined.last_entry().filter(|entry| {
            let (path, id, start) = *entry.key();
            (path, id, start + entry.get()) == (block.store_path_index, block.file_id, block.offset)
        });
        match last {
            Some(mut entry) => *entry.get_mut() += block.size,
            None => {
                joined.insert((block.store_path_index, block.file_id, block.offset), block.size);
            }
        }
    }
    joined
}

#[derive(Debug)]
struct World {
    space: FreeSpace,
    log: Vec<u8>,
    held: Vec<TrunkBlock>,
    used: Vec<TrunkBlock>,
    /// Confirmed before the log line of this length.
    used_since: Vec<(usize, TrunkBlock)>,
    files: u32,
    mono: u64,
    /// When which block was freed by the server that runs now.
    freed: Vec<(u64, TrunkBlock)>,
}

impl World {
    fn run(&mut self, step: Step) {
        match step {
            Step::Allocate { path, bytes } => {
                let found = self.space.allocate(1, self.mono, path, bytes, &mut self.log).unwrap();
                let block = found.unwrap_or_else(|| {
                    self.files += 1;
                    let file = TrunkBlock {
                        store_path_index: path,
                        subdir_high: 0,
                        subdir_low: 0,
                        file_id: self.files,
                        offset: 0,
                        size: RULES.file_bytes,
                    };
                    self.space.add_file(1, &file, &mut self.log).unwrap();
                    self.space.allocate(1, self.mono, path, bytes, &mut self.log).unwrap().expect("a whole new file")
                });
                assert!(block.size >= bytes && block.offset + block.size <= RULES.file_bytes);
                assert!(self.used.iter().chain(&self.held).all(|other| !overlap(&block, other)), "given out twice");
                let is_rested =
                    |(at, other): &(u64, TrunkBlock)| at + REST_SECS <= self.mono || !overlap(&block, other);
                assert!(self.freed.iter().all(is_rested), "given out in the second of the file that was deleted");
                self.mono += u64::from(bytes % 2);
                self.held.push(block);
            }
            Step::Confirm { which, is_used } if !self.held.is_empty() => {
                let block = self.held.swap_remove(which % self.held.len());
                self.space.confirm(1, &block, is_used, &mut self.log).unwrap();
                assert_eq!(self.space.confirm(1, &block, true, &mut self.log), Err(SpaceError::NotHeld));
                if is_used {
                    self.used.push(block);
                    self.used_since.push((self.log.len(), block));
                }
            }
            Step::Free { which } if !self.used.is_empty() => {
                let block = self.used.swap_remove(which % self.used.len());
                self.used_since.retain(|(_, used)| *used != block);
                self.space.free(1, self.mono, &block, &mut self.log).unwrap();
                self.freed.push((self.mono, block));
            }
            Step::FreeAgain { which } if !self.held.is_empty() => {
                let block = self.held[which % self.held.len()];
                assert_eq!(self.space.free(1, self.mono, &block, &mut self.log), Err(SpaceError::AlreadyFree));
            }
            Step::Join => {
                self.space.join_neighbours(1, &mut self.log);
            }
            Step::Restart => {
                let (space, report) = replayed(&self.log);
                assert_eq!((report.bad_lines, report.free_twice, report.taken_twice), (0, 0, 0));
                self.space = space;
                self.held.clear();
                self.freed.clear();
            }
            Step::Forget => {
                self.mono += HOLD_SECS;
                assert_eq!(self.space.end_old_holds(self.mono), self.held.len());
                self.held.clear();
            }
            Step::Confirm { .. } | Step::Free { .. } | Step::FreeAgain { .. } => {}
        }
    }

    fn check(&self) {
        let all = u64::from(self.files) * u64::from(RULES.file_bytes);
        let used: u64 = self.used.iter().map(|block| u64::from(block.size)).sum();
        assert_eq!(self.space.bytes(), all - used, "space is lost or there twice");
        assert_eq!(self.space.hold_count(), self.held.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn no_block_is_live_twice_and_freed_space_is_found_again(steps in prop::collection::vec(step(), 1..120)) {
        let mut world = World {
            space: FreeSpace::new(RULES), log: Vec::new(), held: vec![], used: vec![], used_since: vec![], files: 0, mono: 0, freed: vec![],
        };
        for step in steps {
            world.run(step);
            world.check();
            let (space, report) = replayed(&world.log);
            prop_assert_eq!(ranges(&space), ranges(&world.space), "the log says otherwise");
            prop_assert_eq!((report.bad_lines, report.free_twice, report.taken_twice), (0, 0, 0));
        }
        // Any prefix of whole lines is a state in which nothing that was confirmed in it is free.
        let ends = world.log.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(at, _)| at + 1);
        for end in ends.collect::<Vec<_>>() {
            let (space, report) = replayed(&world.log[..end]);
            prop_assert_eq!((report.bad_lines, report.free_twice, report.taken_twice), (0, 0, 0));
            for (_, used) in world.used_since.iter().filter(|(at, _)| *at <= end) {
                prop_assert!(space.blocks().all(|free| !overlap(&free, used)), "{:?} is free in the first {} bytes", used, end);
            }
        }
        let snapshot = world.space.snapshot(1, world.log.len() as u64);
        let (mut restored, mut report) = (FreeSpace::new(RULES), Replayed::default());
        restored.restore(&snapshot, PATHS, &mut report);
        prop_assert_eq!(ranges(&restored), ranges(&world.space));
    }

    /// W-21, decision 0008: a storage takes over with any prefix of the log, works on, and later hears of the rest.
    #[test]
    fn what_the_old_trunk_server_gave_out_unheard_is_never_given_out_again(
        steps in prop::collection::vec(step(), 1..80),
        heard in any::<usize>(),
        later in prop::collection::vec(step(), 1..80),
    ) {
        let new_world = || World {
            space: FreeSpace::new(RULES), log: Vec::new(), held: vec![], used: vec![], used_since: vec![], files: 0, mono: 0, freed: vec![],
        };
        let mut old = new_world();
        steps.into_iter().for_each(|step| old.run(step));
        let ends: Vec<_> = std::iter::once(0)
            .chain(old.log.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(at, _)| at + 1)).collect();
        let heard = ends[heard % ends.len()];
        // What the new one may be asked to delete: all that is used, heard of or not.
        let below = old.files + 1;
        let mut new = World { log: old.log[..heard].to_vec(), files: old.files, used: old.used.clone(), ..new_world() };
        new.space = replayed(&new.log).0;
        new.space.doubt_files_below(below);
        for step in later {
            match step {
                // Deletes of files that it has not heard of are refused as free already: their space is in doubt.
                Step::Free { which } if !new.used.is_empty() => {
                    let block = new.used[which % new.used.len()];
                    let before = new.log.len();
                    if new.space.free(1, new.mono, &block, &mut new.log).is_ok() {
                        new.used.retain(|used| *used != block);
                    } else {
                        prop_assert_eq!(before, new.log.len());
                    }
                }
                Step::Restart | Step::Join => {}
                step => new.run(step),
            }
        }
        let mut merged = Vec::new();
        new.space.merge(1, &old.log, &new.log, PATHS, &mut merged);
        new.space.doubt_files_below(0);
        new.log.extend_from_slice(&merged);
        for used in &new.used {
            prop_assert!(new.space.blocks().all(|free| !overlap(&free, used)), "{:?} is in use and free", used);
        }
        prop_assert_eq!(ranges(&replayed(&new.log).0), ranges(&new.space), "the log says otherwise");
        // And it works on as if nothing had been.
        for n in 0..30 {
            new.run(Step::Allocate { path: 0, bytes: n });
        }
    }
}
