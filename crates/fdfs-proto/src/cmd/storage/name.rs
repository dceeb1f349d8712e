//! Names whose length stands elsewhere in the body.

use crate::limits::FILE_NAME_MAX;
use crate::{FileName, Put, Reader, WireError};

/// The least length of an appender's name, in bytes.
pub(super) const APPENDER_NAME_MIN: usize = 44;

/// Reads the length of a name: an i64 in `min..=127`.
pub(super) fn read_len(reader: &mut Reader<'_>, field: &'static str, min: usize) -> Result<usize, WireError> {
    reader.ranged(field, min as i64, FILE_NAME_MAX as i64).map(|len| len as usize)
}

/// Writes the length of a name.
pub(super) fn put_len(out: &mut Vec<u8>, name: &FileName) {
    out.put_size(name.as_bytes().len() as u64);
}

/// Reads a name of `len` bytes.
pub(super) fn read(reader: &mut Reader<'_>, len: usize) -> Result<FileName, WireError> {
    FileName::new(reader.bytes(len, "file name")?)
}

/// Reads the name that takes all the rest of the body; there must be one.
pub(super) fn read_rest(reader: &mut Reader<'_>) -> Result<FileName, WireError> {
    match reader.rest() {
        [] => Err(WireError::Truncated { field: "file name", need: 1, have: 0 }),
        name => FileName::new(name),
    }
}
