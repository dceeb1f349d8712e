//! A buffer of the worker for what is looked at and not kept.

use std::cell::RefCell;

/// Bytes of the buffer: a slot of that size is read with one call.
pub(super) const PIECE_BYTES: usize = 16 << 10;

thread_local! {
    static PIECE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Lends the worker's buffer; what is in it is left over from others. Not to be called from within.
pub(super) fn with_piece<T>(work: impl FnOnce(&mut [u8]) -> T) -> T {
    PIECE.with_borrow_mut(|piece| {
        piece.resize(PIECE_BYTES, 0);
        work(piece)
    })
}
