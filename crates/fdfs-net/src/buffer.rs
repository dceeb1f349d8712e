//! Receive buffers: held while bytes are coming in, given back while a connection waits.
//!
//! A connection that waits for its next request holds no buffer, so that ten thousand idle ones cost next to nothing, and
//! the few that are busy on a worker share buffers that are warm in its cache.

use std::cell::RefCell;

/// Bytes of the buffer that a request starts with: most requests, and small files with them, fit.
pub const SMALL_BYTES: usize = 16 << 10;
/// Bytes of the buffer for larger files: as much as a processor's cache holds while it is checked and written. A file of
/// 64 KB with its head fits.
pub const MEDIUM_BYTES: usize = 68 << 10;
/// Buffers of each of the two kinds that a worker keeps for later. Larger ones are rare, and made anew each time.
const KEPT_PER_WORKER: usize = 8;

thread_local! {
    static SMALL: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
    static MEDIUM: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// Bytes that came in and were not yet used: `bytes[start..end]`.
#[derive(Debug, Default)]
pub struct Buffer {
    /// Always full length; empty when there is no buffer.
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

/// A buffer of at least `len` bytes.
fn take(len: usize) -> Vec<u8> {
    if len <= SMALL_BYTES {
        SMALL.with_borrow_mut(Vec::pop).unwrap_or_else(|| vec![0; SMALL_BYTES])
    } else if len <= MEDIUM_BYTES {
        MEDIUM.with_borrow_mut(Vec::pop).unwrap_or_else(|| vec![0; MEDIUM_BYTES])
    } else {
        vec![0; len]
    }
}

impl Buffer {
    /// The bytes that came in and were not yet used.
    #[must_use]
    pub fn filled(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// How many bytes can be held at once.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.bytes.len()
    }

    /// Marks `n` bytes as used.
    ///
    /// # Panics
    /// When fewer came in: that would be our own mistake.
    pub fn consume(&mut self, n: usize) {
        assert!(n <= self.end - self.start, "consumed more than came in");
        self.start += n;
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
    }

    /// Makes room for `len` unused bytes in all; moves what is there. The caller has checked `len` against its limit.
    pub fn reserve(&mut self, len: usize) {
        if self.bytes.len() - self.start >= len && !self.bytes.is_empty() {
            return;
        }
        if self.bytes.len() >= len && !self.bytes.is_empty() {
            self.bytes.copy_within(self.start..self.end, 0);
        } else {
            let mut bytes = take(len);
            bytes[..self.end - self.start].copy_from_slice(self.filled());
            give_back(std::mem::replace(&mut self.bytes, bytes));
        }
        (self.start, self.end) = (0, self.end - self.start);
    }

    /// Where the next bytes may be put; [`Buffer::advance`] tells how many were.
    pub fn spare(&mut self) -> &mut [u8] {
        &mut self.bytes[self.end..]
    }

    /// `n` bytes were put into [`Buffer::spare`].
    pub fn advance(&mut self, n: usize) {
        self.end = (self.end + n).min(self.bytes.len());
    }

    /// Gives the buffer back when nothing unused is in it.
    pub fn release_if_empty(&mut self) {
        if self.start == self.end && !self.bytes.is_empty() {
            (self.start, self.end) = (0, 0);
            give_back(std::mem::take(&mut self.bytes));
        }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        give_back(std::mem::take(&mut self.bytes));
    }
}

fn give_back(bytes: Vec<u8>) {
    let pool = match bytes.len() {
        0 => return,
        SMALL_BYTES => &SMALL,
        MEDIUM_BYTES => &MEDIUM,
        _ => return,
    };
    // The thread may be ending, and its pool gone: then the buffer is simply freed.
    let _ = pool.try_with(|pool| {
        let mut pool = pool.borrow_mut();
        if pool.len() < KEPT_PER_WORKER {
            pool.push(bytes);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_in_survives_growth_and_the_empty_buffer_goes() {
        let mut buffer = Buffer::default();
        buffer.reserve(10);
        buffer.spare()[..5].copy_from_slice(b"hello");
        buffer.advance(5);
        buffer.consume(1);
        buffer.reserve(SMALL_BYTES + 1);
        assert_eq!(buffer.capacity(), MEDIUM_BYTES);
        assert_eq!(buffer.filled(), b"ello");
        buffer.release_if_empty();
        assert_eq!(buffer.filled(), b"ello");
        buffer.consume(4);
        buffer.release_if_empty();
        assert_eq!(buffer.capacity(), 0);
        buffer.reserve(MEDIUM_BYTES + 1);
        assert_eq!(buffer.capacity(), MEDIUM_BYTES + 1);
    }

    #[test]
    fn bytes_move_to_the_front_when_the_end_is_reached() {
        let mut buffer = Buffer::default();
        buffer.reserve(1);
        buffer.advance(SMALL_BYTES);
        buffer.consume(SMALL_BYTES - 3);
        buffer.reserve(10);
        assert_eq!(buffer.capacity(), SMALL_BYTES);
        assert_eq!(buffer.filled().len(), 3);
        assert!(buffer.spare().len() >= 7);
    }
}
