//! Sizes of blocks.

/// The sizes that trunk files and their blocks have; from the trackers' parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrunkRules {
    /// `slot_min_size`, bytes: no block is smaller.
    pub slot_min_bytes: u32,
    /// `slot_max_size`, bytes: nobody may ask for more.
    pub slot_max_bytes: u32,
    /// `trunk_alloc_alignment_size`, bytes; 0 = none.
    pub alignment_bytes: u32,
    /// `trunk_file_size`, bytes.
    pub file_bytes: u32,
}

impl TrunkRules {
    /// The size of a block for so many bytes, header included; `None` for more than any block may have.
    ///
    /// Source: disk formats, A.6.1.
    #[must_use]
    pub fn block_bytes(&self, bytes: u32) -> Option<u32> {
        if bytes > self.slot_max_bytes || bytes > self.file_bytes {
            return None;
        }
        if bytes <= self.slot_min_bytes {
            return Some(self.slot_min_bytes.min(self.file_bytes));
        }
        let rounded = match self.alignment_bytes {
            0 => bytes,
            alignment => bytes.checked_next_multiple_of(alignment)?,
        };
        // The largest block of a file that is no multiple of the alignment.
        Some(rounded.min(self.file_bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_rounded_as_recorded() {
        let rules =
            TrunkRules { slot_min_bytes: 256, slot_max_bytes: 1 << 20, alignment_bytes: 256, file_bytes: 64 << 20 };
        for (asked, block) in
            [(0, 256), (24, 256), (256, 256), (257, 512), (674, 768), (1000, 1024), (2000, 2048), (1 << 20, 1 << 20)]
        {
            assert_eq!(rules.block_bytes(asked), Some(block), "{asked}");
        }
        assert_eq!(rules.block_bytes((1 << 20) + 1), None);
        let exact = TrunkRules { alignment_bytes: 0, ..rules };
        assert_eq!(exact.block_bytes(257), Some(257));
        let odd = TrunkRules { slot_min_bytes: 10, slot_max_bytes: 1000, alignment_bytes: 300, file_bytes: 1000 };
        assert_eq!(odd.block_bytes(950), Some(1000));
        assert_eq!(
            TrunkRules { alignment_bytes: u32::MAX, file_bytes: u32::MAX, ..odd }.block_bytes(1000),
            Some(u32::MAX)
        );
    }
}
