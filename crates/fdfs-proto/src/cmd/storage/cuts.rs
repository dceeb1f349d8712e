//! Checks that the tests of all bodies share.

use std::fmt::Debug;

use crate::{Wire, WireError};

/// The bytes read as `body`, the body writes as the bytes, and every cut is refused. (Not for bodies that end in a name
/// without a length: their cuts are shorter names. See [`round_trips_with_open_end`].)
pub(super) fn round_trips_and_rejects_every_cut<T: Wire + PartialEq + Debug>(body: &T, bytes: &[u8]) {
    round_trips(body, bytes);
    for len in 0..bytes.len() {
        assert!(T::from_bytes(&bytes[..len]).is_err(), "cut at {len}");
    }
}

/// The bytes read as `body`, and the body writes as the bytes; whatever is cut off before `name_at` is refused.
pub(super) fn round_trips_with_open_end<T: Wire + PartialEq + Debug>(body: &T, bytes: &[u8], name_at: usize) {
    round_trips(body, bytes);
    for len in 0..=name_at {
        assert!(T::from_bytes(&bytes[..len]).is_err(), "cut at {len}");
    }
    for len in name_at + 1..bytes.len() {
        assert_ne!(T::from_bytes(&bytes[..len]).as_ref(), Ok(body), "cut at {len}");
    }
}

fn round_trips<T: Wire + PartialEq + Debug>(body: &T, bytes: &[u8]) {
    assert_eq!(body.to_bytes(), bytes);
    assert_eq!(T::from_bytes(bytes).as_ref(), Ok(body));
}

/// Arbitrary bytes are refused, or write back as something that reads the same.
pub(super) fn reads_or_refuses<T: Wire + PartialEq + Debug>(bytes: &[u8]) -> Result<(), WireError> {
    let body = T::from_bytes(bytes)?;
    assert_eq!(T::from_bytes(&body.to_bytes()), Ok(body));
    Ok(())
}
