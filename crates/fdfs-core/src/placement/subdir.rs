//! The pair of sub directories of a new file.

/// A pair of sub directories: `high/low` below `data`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Subdir {
    /// The first level.
    pub high: u8,
    /// The second level.
    pub low: u8,
}

/// `file_distribute_path_mode` 0: one pair for all uploads, which moves on after some files.
///
/// The state survives restarts, because it is saved with the statistics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SubdirCursor {
    /// The pair that files go to now.
    pub current: Subdir,
    /// Files that went there.
    pub file_count: u32,
}

impl SubdirCursor {
    /// The pair for the next file. After `rotate_count` files the low directory moves on, at `subdir_count` the high
    /// one. A saved pair that lies outside of `subdir_count` starts again at 0.
    pub fn next_file(&mut self, rotate_count: u32, subdir_count: u16) -> Subdir {
        if !holds(subdir_count, self.current.high) {
            self.current.high = 0;
        }
        if !holds(subdir_count, self.current.low) {
            self.current.low = 0;
        }
        let chosen = self.current;
        self.file_count = self.file_count.saturating_add(1);
        if self.file_count >= rotate_count {
            self.file_count = 0;
            self.current = after(chosen, subdir_count);
        }
        chosen
    }
}

/// `file_distribute_path_mode` 1: the pair that a hash of the encoded name comes to, inside `subdir_count`.
#[must_use]
pub fn hashed_subdir(high: u8, low: u8, subdir_count: u16) -> Subdir {
    let count = subdir_count.max(1);
    // The remainder of a byte is a byte.
    Subdir { high: (u16::from(high) % count) as u8, low: (u16::from(low) % count) as u8 }
}

fn holds(subdir_count: u16, index: u8) -> bool {
    u16::from(index) < subdir_count
}

fn after(pair: Subdir, subdir_count: u16) -> Subdir {
    let next = |index: u8| index.checked_add(1).filter(|&index| holds(subdir_count, index));
    match (next(pair.low), next(pair.high)) {
        (Some(low), _) => Subdir { low, ..pair },
        (None, Some(high)) => Subdir { high, low: 0 },
        (None, None) => Subdir::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pair_moves_on_after_so_many_files() {
        for (start, rotate_count, subdir_count, expected) in [
            ((0, 0), 2, 256, "0/0 0/0 0/1 0/1 0/2"),
            ((0, 254), 1, 256, "0/254 0/255 1/0 1/1 1/2"),
            ((255, 255), 1, 256, "255/255 0/0 0/1 0/2 0/3"),
            ((1, 1), 1, 2, "1/1 0/0 0/1 1/0 1/1"),
            ((0, 0), 1, 1, "0/0 0/0 0/0 0/0 0/0"),
            ((200, 7), 1, 4, "0/0 0/1 0/2 0/3 1/0"),
            ((0, 0), 0, 256, "0/0 0/1 0/2 0/3 0/4"),
            ((9, 9), 1, 0, "0/0 0/0 0/0 0/0 0/0"),
        ] {
            let mut cursor = SubdirCursor { current: Subdir { high: start.0, low: start.1 }, file_count: 0 };
            let pairs: Vec<_> = (0..5)
                .map(|_| cursor.next_file(rotate_count, subdir_count))
                .map(|pair| format!("{}/{}", pair.high, pair.low))
                .collect();
            assert_eq!(pairs.join(" "), expected, "from {start:?}, {rotate_count} files, {subdir_count} directories");
        }
    }

    #[test]
    fn a_restart_goes_on_where_it_stopped() {
        let mut cursor = SubdirCursor { current: Subdir { high: 3, low: 4 }, file_count: 98 };
        let low = [(); 3].map(|()| cursor.next_file(100, 256).low);
        assert_eq!((low, cursor.file_count), ([4, 4, 5], 1));
    }

    #[test]
    fn hashed_pairs_stay_inside_the_directories() {
        for (subdir_count, expected) in [(256, (255, 200)), (100, (55, 0)), (1, (0, 0)), (0, (0, 0))] {
            let Subdir { high, low } = hashed_subdir(255, 200, subdir_count);
            assert_eq!((high, low), expected, "{subdir_count} directories");
        }
    }
}
