//! Deleting a file in a slot: first its header, then, when the deletion is recorded, its content.

use std::io;
use std::sync::Arc;

use fdfs_proto::file_id::{BlockType, LogicName};

use super::piece::{PIECE_BYTES, with_piece};
use super::place::state_of;
use super::write::{ZEROS, zero};
use super::{HEADER_LEN, HeaderBytes, Slot, SlotState};
use crate::error::{At, StoreError};
use crate::fs::{Fs, FsFile};
use crate::real_fs::RealFs;
use crate::store_path::StorePath;

/// A file that was taken out of its slot, and whose content is still there.
#[derive(Debug)]
pub struct Removed<F: Fs = RealFs> {
    /// Its slot.
    pub slot: Slot,
    file: Arc<F::File>,
    /// Bytes of the trunk file.
    file_len_bytes: u64,
    /// Bytes of its content.
    len_bytes: u32,
    /// CRC32 of its content.
    crc32: u32,
}

impl<F: Fs> StorePath<F> {
    /// Takes the file of `name` out of its slot: its header is cleared, and readers find it no more. `None` when it is not
    /// there. [`StorePath::clear_slot`] has to follow before the slot is given to somebody else.
    ///
    /// # Errors
    /// [`StoreError::Disk`].
    pub fn remove_from_slot(&self, name: &LogicName) -> Result<Option<Removed<F>>, StoreError> {
        let Some(slot) = Slot::of(name) else { return Ok(None) };
        let opened = match self.trunk_file(slot.file) {
            Err(e) if e.is_not_found() => return Ok(None),
            other => other?,
        };
        let bytes = self.slot_header(&opened.file, &slot)?;
        let Some(header) = bytes.header().filter(|_| state_of(bytes, name) == SlotState::This) else { return Ok(None) };
        let crc32 = match header.block_type {
            // The name of a link tells a number made by chance.
            BlockType::Link => {
                slot_crc32(&*opened.file, &slot, header.file_size).at("read", self.data_path(), "a trunk file")?
            }
            BlockType::Regular | BlockType::Free => header.crc32,
        };
        let cleared = opened.file.write_all_at(&ZEROS[..HEADER_LEN], slot.offset.into());
        cleared.at("clear", self.data_path(), "a trunk file")?;
        Ok(Some(Removed {
            slot,
            file: opened.file,
            file_len_bytes: opened.len_bytes,
            len_bytes: header.file_size,
            crc32,
        }))
    }

    /// Fills the slot of a removed file with zeros. `false` when something else than that file's content is there: then
    /// the space belongs to somebody else too, and is left as it is.
    ///
    /// Differs from C: the reference zeroes whatever is there.
    ///
    /// # Errors
    /// [`StoreError::Disk`].
    pub fn clear_slot(&self, removed: &Removed<F>) -> Result<bool, StoreError> {
        let slot = &removed.slot;
        let _range = self.trunk_files().ranges.lock(*slot);
        if !self.is_only_what_is_left_of(removed).at("read", self.data_path(), "a trunk file")? {
            return Ok(false);
        }
        // Never behind the end of the file, wherever the name of a file says that its slot ends.
        let end = slot.end().min(removed.file_len_bytes);
        let cleared = zero(&*removed.file, slot.content_offset(), end);
        cleared.at("clear", self.data_path(), "a trunk file")?;
        Ok(true)
    }

    /// Whether a slot has no header, and the content that the removed file had.
    fn is_only_what_is_left_of(&self, removed: &Removed<F>) -> io::Result<bool> {
        let Removed { slot, file, len_bytes, crc32, .. } = removed;
        let left = HEADER_LEN + *len_bytes as usize;
        if left > PIECE_BYTES {
            let header = self.slot_header(file, slot).map_err(io::Error::other)?;
            return Ok(header.is_free() && slot_crc32(&**file, slot, *len_bytes)? == *crc32);
        }
        with_piece(|piece| {
            let have = file.read_full_at(&mut piece[..left], slot.offset.into())?;
            // Behind the end of the file there is neither header nor content.
            let Some((header, content)) = piece[..have].split_first_chunk() else { return Ok(*len_bytes == 0) };
            Ok(HeaderBytes(*header).is_free() && crc32fast::hash(content) == *crc32)
        })
    }

    /// Whether the content of the file of `name`, which is in its slot, is what the name tells.
    ///
    /// # Errors
    /// [`StoreError::Disk`].
    pub fn is_slot_content_right(&self, name: &LogicName) -> Result<bool, StoreError> {
        let (Some(slot), Some(fields)) = (Slot::of(name), name.fields()) else { return Ok(false) };
        let opened = self.trunk_file(slot.file)?;
        let len = fields.size_word.size() as u32;
        let crc32 = slot_crc32(&*opened.file, &slot, len).at("read", self.data_path(), "a trunk file")?;
        Ok(crc32 == fields.crc32)
    }
}

/// CRC32 of the first `len` bytes of a slot's content, or of as many as there are.
fn slot_crc32(file: &impl FsFile, slot: &Slot, len: u32) -> io::Result<u32> {
    let mut crc = crc32fast::Hasher::new();
    with_piece(|piece| {
        let (mut at, end) = (slot.content_offset(), slot.content_offset() + u64::from(len));
        while at < end {
            let want = usize::try_from(end - at).unwrap_or(usize::MAX).min(piece.len());
            let have = file.read_full_at(&mut piece[..want], at)?;
            crc.update(&piece[..have]);
            if have < want {
                break;
            }
            at += want as u64;
        }
        Ok::<_, io::Error>(())
    })?;
    Ok(crc.finalize())
}
