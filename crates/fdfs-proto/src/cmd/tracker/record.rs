//! Pieces that many bodies here are made of: lists of records, statuses, ports, a group followed by an id.

use crate::limits::{GROUP_NAME_LEN, STORAGE_ID_LEN};
use crate::shared::StorageStatus;
use crate::{GroupName, Reader, StorageId, Wire, WireError};

/// Bytes of a group name field that has room for a NUL behind the longest name.
pub(super) const GROUP_NAME_NUL_LEN: usize = GROUP_NAME_LEN + 1;

/// Reads records of `record_len` bytes to the end of the body, at most `max` of them.
///
/// The vector grows with what was really received: the body is there before its records are counted.
pub(super) fn read_all<T: Wire>(
    reader: &mut Reader<'_>,
    record_len: usize,
    max: usize,
    field: &'static str,
) -> Result<Vec<T>, WireError> {
    let len = reader.remaining();
    let count = len / record_len;
    if count * record_len != len {
        return Err(WireError::LengthMismatch { sum: (count * record_len) as u64, len: len as u64 });
    }
    if count > max {
        return Err(WireError::OutOfRange { field, value: count as i64, low: 0, high: max as i64 });
    }
    (0..count).map(|_| T::decode(reader)).collect()
}

/// Reads exactly `count` records of `record_len` bytes, which must be all that is left; at most `max` of them.
pub(super) fn read_counted<T: Wire>(
    reader: &mut Reader<'_>,
    count: u32,
    record_len: usize,
    max: usize,
    field: &'static str,
) -> Result<Vec<T>, WireError> {
    let (sum, len) = (u64::from(count) * record_len as u64, reader.remaining() as u64);
    if sum != len {
        return Err(WireError::LengthMismatch { sum, len });
    }
    read_all(reader, record_len, max, field)
}

/// Reads a status byte.
pub(super) fn read_status(reader: &mut Reader<'_>) -> Result<StorageStatus, WireError> {
    status(reader.u8("storage status")?)
}

/// The status of a byte.
pub(super) fn status(number: u8) -> Result<StorageStatus, WireError> {
    StorageStatus::from_number(number).ok_or(WireError::OutOfRange {
        field: "storage status",
        value: i64::from(number),
        low: 0,
        high: 99,
    })
}

/// Reads a port that takes eight bytes; 0 is "none yet".
pub(super) fn read_port(reader: &mut Reader<'_>) -> Result<u16, WireError> {
    port(reader.i64("port")?)
}

/// Reads a port that takes four bytes; 0 is "none yet".
pub(super) fn read_short_port(reader: &mut Reader<'_>) -> Result<u16, WireError> {
    port(i64::from(reader.u32("port")?))
}

/// A number as a port.
pub(super) fn port(value: i64) -> Result<u16, WireError> {
    u16::try_from(value).map_err(|_| WireError::OutOfRange { field: "port", value, low: 0, high: 65535 })
}

/// Reads a group and, behind it, an id that takes the rest of the body: 0 to 15 bytes, not padded.
pub(super) fn read_group_and_id(reader: &mut Reader<'_>) -> Result<(GroupName, StorageId), WireError> {
    let group = GroupName::read(reader, GROUP_NAME_LEN)?;
    let len = reader.remaining();
    if len >= STORAGE_ID_LEN {
        return Err(WireError::TooLong { field: "storage id", len, max: STORAGE_ID_LEN - 1 });
    }
    Ok((group, StorageId::read(reader, len)?))
}

/// As [`read_group_and_id`], but the body must have an id.
pub(super) fn read_group_and_some_id(reader: &mut Reader<'_>) -> Result<(GroupName, StorageId), WireError> {
    let (group, id) = read_group_and_id(reader)?;
    if id.is_empty() {
        return Err(WireError::Truncated { field: "storage id", need: 1, have: 0 });
    }
    Ok((group, id))
}

/// Writes a group and an id that is not padded.
pub(super) fn put_group_and_id(out: &mut Vec<u8>, group: &GroupName, id: &StorageId) {
    group.put(out, GROUP_NAME_LEN);
    // An id of all 16 bytes cannot be asked for: the answer would be EINVAL, so it is sent as it is.
    out.extend_from_slice(id.as_bytes());
}

/// Reads an id that may be missing: an empty field is none.
pub(super) fn read_maybe_id(reader: &mut Reader<'_>) -> Result<Option<StorageId>, WireError> {
    let id = StorageId::read(reader, STORAGE_ID_LEN)?;
    Ok((!id.is_empty()).then_some(id))
}

/// Writes an id that may be missing.
pub(super) fn put_maybe_id(out: &mut Vec<u8>, id: Option<&StorageId>) {
    id.copied().unwrap_or_default().put(out, STORAGE_ID_LEN);
}
