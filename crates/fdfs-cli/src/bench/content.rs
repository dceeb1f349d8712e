//! What the files of a run contain: made from the number of the upload, so that a download can be compared with it,
//! and nearly free, so that the load generator does not measure itself.

use std::iter;

/// Bytes that all contents are cut from.
const POOL_BYTES: u64 = 1 << 20;
/// The first bytes of a content are the number of its upload, little-endian: no two are equal.
const MARK_BYTES: u64 = 8;

/// Random bytes, always the same; a content is its mark and then the pool, from a place of its own on and round.
#[derive(Debug)]
pub(crate) struct Pool(Box<[u8]>);

impl Pool {
    /// Makes the bytes.
    pub(crate) fn new() -> Self {
        Self((0..POOL_BYTES / 8).flat_map(|index| scattered(index).to_le_bytes()).collect())
    }

    /// The bytes from `offset` on of the content of a number, as far as they lie together in the pool and at most
    /// `max_len`; none when `max_len` is 0. The mark is not in the pool: `offset` is behind it.
    pub(crate) fn piece(&self, number: u64, offset: u64, max_len: u64) -> &[u8] {
        let at = (scattered(number) % POOL_BYTES + offset % POOL_BYTES) % POOL_BYTES;
        let len = max_len.min(POOL_BYTES - at);
        self.0.get(at as usize..(at + len) as usize).unwrap_or_default()
    }

    /// All bytes of the content of a number from `offset` on, in pieces.
    fn pieces(&self, number: u64, mut offset: u64, end: u64) -> impl Iterator<Item = &[u8]> {
        iter::from_fn(move || {
            let piece = self.piece(number, offset, end.saturating_sub(offset));
            offset += piece.len() as u64;
            (!piece.is_empty()).then_some(piece)
        })
    }

    /// Appends the first `len` bytes of the content of a number.
    pub(crate) fn append_first(&self, number: u64, len: u64, out: &mut Vec<u8>) {
        out.extend_from_slice(mark(&number.to_le_bytes(), 0, len));
        self.pieces(number, MARK_BYTES, len).for_each(|piece| out.extend_from_slice(piece));
    }

    /// The CRC-32 of the content of a number.
    pub(crate) fn crc32(&self, number: u64, len: u64) -> u32 {
        let mut crc = crc32fast::Hasher::new();
        crc.update(mark(&number.to_le_bytes(), 0, len));
        self.pieces(number, MARK_BYTES, len).for_each(|piece| crc.update(piece));
        crc.finalize()
    }

    /// Whether `bytes` stand at `offset` in the content of a number.
    pub(crate) fn matches(&self, number: u64, offset: u64, bytes: &[u8]) -> bool {
        let end = offset + bytes.len() as u64;
        let marks = number.to_le_bytes();
        let Some(mut rest) = bytes.strip_prefix(mark(&marks, offset, end)) else { return false };
        self.pieces(number, offset.max(MARK_BYTES), end).all(|piece| match rest.strip_prefix(piece) {
            Some(behind) => {
                rest = behind;
                true
            }
            None => false,
        })
    }
}

/// What lies between two offsets of the mark.
fn mark(mark: &[u8; MARK_BYTES as usize], from: u64, to: u64) -> &[u8] {
    mark.get(from.min(MARK_BYTES) as usize..to.min(MARK_BYTES) as usize).unwrap_or_default()
}

/// A number scattered over all 64 bits, always in the same way: the generator "splitmix64".
pub(crate) const fn scattered(number: u64) -> u64 {
    let mut z = number.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(pool: &Pool, number: u64, len: u64) -> Vec<u8> {
        let mut out = Vec::new();
        pool.append_first(number, len, &mut out);
        assert_eq!(out.len() as u64, len);
        out
    }

    #[test]
    fn a_content_is_the_same_in_pieces_and_beginnings_agree() {
        let pool = Pool::new();
        let len = 2 * POOL_BYTES + 77;
        let content = whole(&pool, 5, len);
        for cut in [0, 1, 7, 8, 9, 4096, POOL_BYTES, len] {
            assert_eq!(whole(&pool, 5, cut), content[..cut as usize], "{cut}");
            assert!(pool.matches(5, cut, &content[cut as usize..]), "from {cut} on");
            assert!(pool.matches(5, 0, &content[..cut as usize]), "up to {cut}");
        }
        let mut pieced = whole(&pool, 5, 100);
        while (pieced.len() as u64) < len {
            let at = pieced.len() as u64;
            pieced.extend_from_slice(pool.piece(5, at, (len - at).min(300_000)));
        }
        assert!(pieced == content);
        assert_eq!(pool.crc32(5, len), crc32fast::hash(&content));
        assert_eq!(pool.crc32(5, 3), crc32fast::hash(&content[..3]));
    }

    #[test]
    fn a_single_wrong_byte_is_seen_wherever_it_is() {
        let pool = Pool::new();
        let mut content = whole(&pool, 9, 3 * 4096);
        for at in [0, 7, 8, 4095, 4096, 3 * 4096 - 1] {
            content[at] ^= 1;
            assert!(!pool.matches(9, 0, &content), "{at}");
            content[at] ^= 1;
        }
        assert!(pool.matches(9, 0, &content) && !pool.matches(10, 0, &content) && !pool.matches(9, 1, &content));
    }

    #[test]
    fn contents_differ_and_do_not_compress() {
        let pool = Pool::new();
        assert_ne!(whole(&pool, 1, 100)[8..], whole(&pool, 2, 100)[8..]);
        let mut counts = [0u32; 256];
        pool.0.iter().for_each(|&byte| counts[usize::from(byte)] += 1);
        let mean = (POOL_BYTES / 256) as u32;
        assert!(counts.iter().all(|&count| count.abs_diff(mean) < mean / 10), "{counts:?}");
    }
}
