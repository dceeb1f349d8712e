//! Two logs of one group that begin alike and went on without hearing of each other.

use std::collections::{BTreeMap, BTreeSet};

use fdfs_proto::disk::trunk_record::{TrunkOp, TrunkRecord, trunk_lines};

use super::free_space::FreeSpace;
use super::index::{FileKey, Piece};
use super::log::Replayed;

/// Ranges of bytes of each trunk file, as starts and ends, in any order and with overlaps.
type Ranges = BTreeMap<FileKey, Vec<(u32, u32)>>;

/// Bytes of whole lines that both logs begin with.
fn common_lines(a: &[u8], b: &[u8]) -> usize {
    let same = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    a[..same].iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1)
}

/// What records speak of.
fn touched(lines: &[u8]) -> Ranges {
    let mut ranges = Ranges::new();
    for record in trunk_lines(lines).filter_map(|line| line.record.ok()) {
        let block = record.block;
        if let Some(end) = block.offset.checked_add(block.size) {
            ranges.entry(FileKey::of(&block)).or_default().push((block.offset, end));
        }
    }
    ranges
}

fn free(space: &FreeSpace) -> Ranges {
    let mut ranges = Ranges::new();
    for (key, offset, piece) in space.index().iter() {
        ranges.entry(key).or_default().push((offset, offset + piece.size));
    }
    ranges
}

/// The pieces of a range that lie in any of `ranges`, answered for one piece after the other in rising order.
struct Cover {
    merged: Vec<(u32, u32)>,
    at: usize,
}

impl Cover {
    fn new(ranges: &Ranges, key: FileKey) -> Self {
        let mut sorted = ranges.get(&key).cloned().unwrap_or_default();
        sorted.sort_unstable();
        let mut merged: Vec<(u32, u32)> = Vec::new();
        for (start, end) in sorted {
            match merged.last_mut() {
                Some((_, last)) if *last >= start => *last = end.max(*last),
                _ => merged.push((start, end)),
            }
        }
        Self { merged, at: 0 }
    }

    fn bounds(&self) -> impl Iterator<Item = u32> {
        self.merged.iter().flat_map(|&(start, end)| [start, end])
    }

    fn has(&mut self, start: u32) -> bool {
        while self.merged.get(self.at).is_some_and(|&(_, end)| end <= start) {
            self.at += 1;
        }
        self.merged.get(self.at).is_some_and(|&(from, _)| from <= start)
    }
}

impl FreeSpace {
    /// Takes in what another storage's log says. `their_log` and `our_log` are both whole; up to where they part both
    /// had the same state. Space is free afterwards where both say so, and where one says so and the other one's log
    /// never speaks of it since they parted. Logs that do not begin alike (one was compacted) speak of all there is in the
    /// files in doubt: what such a log leaves out is in use. Appends the records that make our log say the same.
    ///
    /// Nothing may be on hold in the files that both logs speak of.
    pub fn merge(
        &mut self,
        now_unix: u32,
        their_log: &[u8],
        our_log: &[u8],
        store_path_count: usize,
        log: &mut Vec<u8>,
    ) {
        let common = common_lines(their_log, our_log);
        if common == their_log.len() {
            return;
        }
        let mut theirs = Self::new(*self.rules());
        theirs.replay(their_log, store_path_count, &mut Replayed::default());
        let (their_free, our_free) = (free(&theirs), free(self));
        let (their_words, our_words) = (touched(&their_log[common..]), touched(&our_log[common..]));
        let is_told_of_all = |key: &FileKey| common == 0 && key.id < self.doubtful_below();
        let mut files: BTreeSet<FileKey> = their_words.keys().copied().collect();
        files.extend(our_free.keys().filter(|key| is_told_of_all(key)));
        files.retain(|key| usize::from(key.path) < store_path_count);
        for (key, is_told) in files.into_iter().map(|key| (key, is_told_of_all(&key))).collect::<Vec<_>>() {
            let mut covers = [&their_free, &our_free, &their_words, &our_words].map(|ranges| Cover::new(ranges, key));
            let bounds: BTreeSet<u32> = covers.iter().flat_map(Cover::bounds).collect();
            let bounds: Vec<u32> = bounds.into_iter().collect();
            let mut changes: Vec<(bool, u32, u32)> = Vec::new();
            for pair in bounds.windows(2) {
                let (start, end) = (pair[0], pair[1]);
                let [free_there, free_here, said_there, said_here] = covers.each_mut().map(|cover| cover.has(start));
                let is_free = match (free_there, free_here) {
                    (true, true) => true,
                    (true, false) => !said_here && !is_told,
                    (false, true) => !said_there && !is_told,
                    (false, false) => false,
                };
                if is_free != free_here {
                    match changes.last_mut() {
                        Some((kind, _, last)) if *kind == is_free && *last == start => *last = end,
                        _ => changes.push((is_free, start, end)),
                    }
                }
            }
            for (is_free, start, end) in changes {
                if is_free {
                    self.put_piece(now_unix, key, start, end - start, log);
                } else {
                    self.cut(now_unix, key, start, end, log);
                }
            }
        }
    }

    fn put_piece(&mut self, now_unix: u32, key: FileKey, offset: u32, size: u32, log: &mut Vec<u8>) {
        self.index_mut().insert(key, offset, Piece { size, hold: None });
        TrunkRecord { timestamp: now_unix, op: TrunkOp::Free, block: key.block(offset, size) }.encode(log);
    }

    /// Takes a range out; pieces that reach beyond it are taken whole and their rests given back, so that every record
    /// names a piece as it is.
    fn cut(&mut self, now_unix: u32, key: FileKey, start: u32, end: u32, log: &mut Vec<u8>) {
        while let Some((at, piece)) = self.index().overlapping(key, start, end - start) {
            self.index_mut().remove(key, at);
            TrunkRecord { timestamp: now_unix, op: TrunkOp::Take, block: key.block(at, piece.size) }.encode(log);
            if at < start {
                self.put_piece(now_unix, key, at, start - at, log);
            }
            if at + piece.size > end {
                self.put_piece(now_unix, key, end, at + piece.size - end, log);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trunk::TrunkRules;

    const RULES: TrunkRules =
        TrunkRules { slot_min_bytes: 1, slot_max_bytes: 100, alignment_bytes: 0, file_bytes: 100 };

    fn space(log: &str) -> FreeSpace {
        let mut space = FreeSpace::new(RULES);
        space.replay(log.as_bytes(), 1, &mut Replayed::default());
        space
    }

    fn blocks(space: &FreeSpace) -> Vec<(u32, u32, u32)> {
        space.blocks().map(|block| (block.file_id, block.offset, block.size)).collect()
    }

    fn merged(both: &str, theirs: &str, ours: &str) -> Vec<(u32, u32, u32)> {
        let (their_log, our_log) = (format!("{both}{theirs}"), format!("{both}{ours}"));
        let mut result = space(&our_log);
        result.doubt_files_below(2);
        let mut log = Vec::new();
        result.merge(9, their_log.as_bytes(), our_log.as_bytes(), 1, &mut log);
        let replayed = space(&format!("{our_log}{}", String::from_utf8(log).unwrap()));
        assert_eq!(blocks(&replayed), blocks(&result), "the log says otherwise");
        blocks(&result)
    }

    #[test]
    fn what_one_took_or_freed_the_other_hears_of() {
        let both = "1 A 0 0 0 1 0 50\n1 A 0 0 0 1 60 10\n";
        assert_eq!(merged(both, "", ""), [(1, 0, 50), (1, 60, 10)]);
        assert_eq!(merged(both, "2 D 0 0 0 1 60 10\n", ""), [(1, 0, 50)]);
        assert_eq!(merged(both, "", "2 D 0 0 0 1 60 10\n"), [(1, 0, 50)]);
        assert_eq!(merged(both, "2 A 0 0 0 1 80 5\n", "2 A 0 0 0 1 90 5\n").len(), 4);
        let taken = "2 D 0 0 0 1 0 50\n2 A 0 0 0 1 20 30\n2 A 0 0 0 1 0 20\n2 D 0 0 0 1 0 20\n";
        assert_eq!(merged(both, taken, ""), [(1, 20, 30), (1, 60, 10)]);
    }

    #[test]
    fn what_was_freed_there_and_taken_again_stays_taken() {
        // Here the first file of a block is deleted, there it was, too, and another one is in the block.
        let there = "2 A 0 0 0 1 10 5\n3 D 0 0 0 1 10 5\n";
        assert_eq!(merged("1 A 0 0 0 1 50 5\n", there, "2 A 0 0 0 1 10 5\n"), [(1, 50, 5)]);
        assert_eq!(merged("1 A 0 0 0 1 50 5\n", "2 A 0 0 0 1 10 5\n", there), [(1, 50, 5)]);
    }

    #[test]
    fn logs_without_a_common_beginning_keep_what_is_free_in_both() {
        let ours = "2 A 0 0 0 1 30 40\n2 A 0 0 0 2 0 100\n";
        assert_eq!(merged("", "1 A 0 0 0 1 0 50\n", ours), [(1, 30, 20), (2, 0, 100)], "the second file is not theirs");
        let compacted = "5 A 0 0 0 1 30 10\n";
        let whole = "1 A 0 0 0 1 0 100\n2 D 0 0 0 1 0 20\n";
        assert_eq!(merged("", compacted, whole), [(1, 30, 10)]);
        assert_eq!(merged("", whole, compacted), [(1, 30, 10)]);
    }
}
