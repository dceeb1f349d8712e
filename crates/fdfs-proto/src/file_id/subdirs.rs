//! The sub directories of a new file, when they are chosen by hash.

use super::Fields;

/// The sub directories (high, low) of a new file with `file_distribute_path_mode` 1: by the PJW hash of the first 27
/// characters of its name, so that a cluster spreads its files evenly.
///
/// `count` is `subdir_count_per_path`, 1 to 256; 0 is taken as 256.
///
/// Source: wire specification, 3.8.
#[must_use]
pub fn subdirs_by_hash(encoded: &[u8; Fields::CHARS], count: u16) -> (u8, u8) {
    let [.., high, low] = pjw(encoded).to_be_bytes();
    let within = |byte: u8| u16::from(byte).checked_rem(count).map_or(byte, |index| index as u8);
    (within(high), within(low))
}

/// The PJW hash in 32 bits: four bits a character, the overflowing four folded back.
fn pjw(chars: &[u8]) -> u32 {
    chars.iter().fold(0u32, |hash, &char| {
        let sum = (hash << 4).wrapping_add(u32::from(char));
        let top = sum & 0xF000_0000;
        (sum ^ (top >> 24)) & !top
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_hash_folds_its_top_bits_back() {
        // Worked out by hand: the seventh character is the first that reaches the top four bits.
        assert_eq!(pjw(b""), 0);
        assert_eq!(pjw(b"a"), 0x61);
        assert_eq!(pjw(b"ab"), 0x672);
        assert_eq!(pjw(b"abc"), 0x6783);
        assert_eq!(pjw(b"abcdef"), 0x0678_9ab6);
        assert_eq!(pjw(b"abcdefg"), 0x0789_aba7, "0x6789abc7, then 0x60 folded into its low byte");
        assert_eq!(pjw(b"abcdefgh"), 0x089a_baa8, "0x789abad8, then 0x70 folded into its low byte");
    }

    proptest! {
        #[test]
        fn sub_directories_lie_below_the_count(encoded: [u8; 27], count in 1..=256u16) {
            let (high, low) = subdirs_by_hash(&encoded, count);
            prop_assert!(u16::from(high) < count && u16::from(low) < count);
        }
    }
}
