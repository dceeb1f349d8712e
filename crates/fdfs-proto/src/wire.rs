//! How bodies are read and written: a bounds-checked reader, an appending writer, and the trait of all bodies.

use crate::{Command, WireError};

/// A body, or a part of one, that can be written and read back.
pub trait Wire: Sized {
    /// Appends the bytes to `out`.
    fn encode(&self, out: &mut Vec<u8>);

    /// Reads it from the front of `reader`.
    ///
    /// # Errors
    /// A [`WireError`] that names the field.
    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError>;

    /// The bytes alone.
    fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode(&mut out);
        out
    }

    /// Reads a whole body: nothing may be left over.
    ///
    /// # Errors
    /// As [`Wire::decode`], and [`WireError::Trailing`].
    fn from_bytes(bytes: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new(bytes);
        let value = Self::decode(&mut reader)?;
        reader.finish()?;
        Ok(value)
    }
}

/// A request body that belongs to one command.
pub trait Request: Wire {
    /// The command whose body this is (where two commands share a body: the first).
    const COMMAND: Command;
}

/// An empty body.
impl Wire for () {
    fn encode(&self, _: &mut Vec<u8>) {}
    fn decode(_: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(())
    }
}

/// Reads fields from the front of a byte slice; every read is checked against what is left.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    rest: &'a [u8],
    len: usize,
}

impl<'a> Reader<'a> {
    /// A reader over a whole body.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, len: bytes.len() }
    }

    /// Bytes read so far.
    #[must_use]
    pub const fn position(&self) -> usize {
        self.len - self.rest.len()
    }

    /// Bytes left.
    #[must_use]
    pub const fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// The next `n` bytes as they are.
    ///
    /// # Errors
    /// [`WireError::Truncated`].
    pub fn bytes(&mut self, n: usize, field: &'static str) -> Result<&'a [u8], WireError> {
        let (head, rest) =
            self.rest.split_at_checked(n).ok_or(WireError::Truncated { field, need: n, have: self.rest.len() })?;
        self.rest = rest;
        Ok(head)
    }

    /// All that is left.
    pub fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    /// The next `N` bytes as an array.
    ///
    /// # Errors
    /// [`WireError::Truncated`].
    pub fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], WireError> {
        let (head, rest) =
            self.rest.split_first_chunk().ok_or(WireError::Truncated { field, need: N, have: self.rest.len() })?;
        self.rest = rest;
        Ok(*head)
    }

    /// One byte.
    ///
    /// # Errors
    /// [`WireError::Truncated`].
    pub fn u8(&mut self, field: &'static str) -> Result<u8, WireError> {
        self.array(field).map(|[byte]| byte)
    }

    /// A big-endian u32.
    ///
    /// # Errors
    /// [`WireError::Truncated`].
    pub fn u32(&mut self, field: &'static str) -> Result<u32, WireError> {
        self.array(field).map(u32::from_be_bytes)
    }

    /// A big-endian i64.
    ///
    /// # Errors
    /// [`WireError::Truncated`].
    pub fn i64(&mut self, field: &'static str) -> Result<i64, WireError> {
        self.array(field).map(i64::from_be_bytes)
    }

    /// A size, count or offset: a big-endian i64 that must not be negative.
    ///
    /// # Errors
    /// [`WireError::Truncated`], [`WireError::Negative`].
    pub fn size(&mut self, field: &'static str) -> Result<u64, WireError> {
        let value = self.i64(field)?;
        u64::try_from(value).map_err(|_| WireError::Negative { field, value })
    }

    /// A big-endian i64 that must lie in `low..=high`.
    ///
    /// # Errors
    /// [`WireError::Truncated`], [`WireError::OutOfRange`].
    pub fn ranged(&mut self, field: &'static str, low: i64, high: i64) -> Result<i64, WireError> {
        let value = self.i64(field)?;
        if (low..=high).contains(&value) { Ok(value) } else { Err(WireError::OutOfRange { field, value, low, high }) }
    }

    /// Checks that nothing is left.
    ///
    /// # Errors
    /// [`WireError::Trailing`].
    pub const fn finish(&self) -> Result<(), WireError> {
        if self.rest.is_empty() { Ok(()) } else { Err(WireError::Trailing { extra: self.rest.len() }) }
    }
}

/// Appends fields to a body.
pub trait Put {
    /// One byte.
    fn put_u8(&mut self, value: u8);
    /// A big-endian u32.
    fn put_u32(&mut self, value: u32);
    /// A big-endian i64.
    fn put_i64(&mut self, value: i64);
    /// A size: a big-endian i64; what does not fit becomes `i64::MAX`.
    fn put_size(&mut self, value: u64);
    /// Bytes as they are.
    fn put_bytes(&mut self, value: &[u8]);
    /// A text in a field of `width` bytes, cut or padded with NUL.
    fn put_padded(&mut self, value: &[u8], width: usize);
}

impl Put for Vec<u8> {
    fn put_u8(&mut self, value: u8) {
        self.push(value);
    }
    fn put_u32(&mut self, value: u32) {
        self.extend_from_slice(&value.to_be_bytes());
    }
    fn put_i64(&mut self, value: i64) {
        self.extend_from_slice(&value.to_be_bytes());
    }
    fn put_size(&mut self, value: u64) {
        self.put_i64(i64::try_from(value).unwrap_or(i64::MAX));
    }
    fn put_bytes(&mut self, value: &[u8]) {
        self.extend_from_slice(value);
    }
    fn put_padded(&mut self, value: &[u8], width: usize) {
        let value = &value[..value.len().min(width)];
        self.extend_from_slice(value);
        self.resize(self.len() + width - value.len(), 0);
    }
}
