//! What can be wrong with bytes from a peer or a disk.

use crate::Status;

/// Why bytes could not be read as what they should be. Each variant names the field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// The body ends inside the field.
    #[error("{field}: {need} bytes needed, {have} left")]
    Truncated {
        /// The field that was being read.
        field: &'static str,
        /// Bytes the field takes.
        need: usize,
        /// Bytes that were left.
        have: usize,
    },
    /// Bytes are left behind the last field.
    #[error("{extra} bytes behind the last field")]
    Trailing {
        /// How many bytes are left.
        extra: usize,
    },
    /// A length, size or offset is negative.
    #[error("{field}: {value} is negative")]
    Negative {
        /// The field.
        field: &'static str,
        /// Its value.
        value: i64,
    },
    /// A number is outside of what the field allows.
    #[error("{field}: {value} is not in {low}..={high}")]
    OutOfRange {
        /// The field.
        field: &'static str,
        /// Its value.
        value: i64,
        /// The least allowed value.
        low: i64,
        /// The greatest allowed value.
        high: i64,
    },
    /// A text holds characters that it must not hold, or is empty where it must not be.
    #[error("{field}: bad text {text:?}")]
    BadText {
        /// The field.
        field: &'static str,
        /// What stood there, made printable.
        text: String,
    },
    /// A text is longer than its field.
    #[error("{field}: {len} bytes, at most {max}")]
    TooLong {
        /// The field.
        field: &'static str,
        /// Its length in bytes.
        len: usize,
        /// The greatest length in bytes.
        max: usize,
    },
    /// Lengths inside the body do not add up to the body's length.
    #[error("lengths add up to {sum}, the body has {len} bytes")]
    LengthMismatch {
        /// What the fields announce, in bytes.
        sum: u64,
        /// What the header announced, in bytes.
        len: u64,
    },
}

impl WireError {
    /// The status byte for a peer that sent such a body: always `EINVAL`.
    #[must_use]
    pub const fn status(&self) -> Status {
        Status::EINVAL
    }

    /// A [`WireError::BadText`] with the bytes made printable and cut to a bearable length.
    #[must_use]
    pub fn bad_text(field: &'static str, bytes: &[u8]) -> Self {
        let shown = &bytes[..bytes.len().min(160)];
        Self::BadText { field, text: String::from_utf8_lossy(shown).into_owned() }
    }
}
