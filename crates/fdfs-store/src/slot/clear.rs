//! Deleting a file in a slot: first its header, then, when the deletion is recorded, its content.

use fdfs_proto::file_id::{BlockType, LogicName};

use super::place::state_of;
use super::write::{ZEROS, zero};
use super::{HEADER_LEN, Slot, SlotState};
use crate::error::{At, StoreError};
use crate::fs::{Fs, FsFile};
use crate::store_path::StorePath;

/// A file that was taken out of its slot, and whose content is still there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Removed {
    /// Its slot.
    pub slot: Slot,
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
    pub fn remove_from_slot(&self, name: &LogicName) -> Result<Option<Removed>, StoreError> {
        let Some(slot) = Slot::of(name) else { return Ok(None) };
        let opened = match self.trunk_file(slot.file) {
            Err(e) if e.is_not_found() => return Ok(None),
            other => other?,
        };
        let bytes = self.slot_header(&opened.file, &slot)?;
        let Some(header) = bytes.header().filter(|_| state_of(bytes, name) == SlotState::This) else { return Ok(None) };
        let crc32 = match header.block_type {
            // The name of a link tells a number made by chance.
            BlockType::Link => self.slot_crc32(&opened.file, &slot, header.file_size)?,
            BlockType::Regular | BlockType::Free => header.crc32,
        };
        let cleared = opened.file.write_all_at(&ZEROS[..HEADER_LEN], slot.offset.into());
        cleared.at("clear", self.data_path(), "a trunk file")?;
        Ok(Some(Removed { slot, len_bytes: header.file_size, crc32 }))
    }

    /// Fills the slot of a removed file with zeros. `false` when something else than that file's content is there: then
    /// the space belongs to somebody else too, and is left as it is.
    ///
    /// Differs from C: the reference zeroes whatever is there.
    ///
    /// # Errors
    /// [`StoreError::Disk`].
    pub fn clear_slot(&self, removed: &Removed) -> Result<bool, StoreError> {
        let slot = &removed.slot;
        let opened = self.trunk_file(slot.file)?;
        let _zeroing = self.trunk_files().zeroing(slot.file);
        if !self.slot_header(&opened.file, slot)?.is_free()
            || self.slot_crc32(&opened.file, slot, removed.len_bytes)? != removed.crc32
        {
            return Ok(false);
        }
        // Never behind the end of the file, wherever the name of a file says that its slot ends.
        let end = slot.end().min(opened.len_bytes);
        let cleared = zero(&*opened.file, slot.content_offset(), end);
        cleared.at("clear", self.data_path(), "a trunk file")?;
        Ok(true)
    }

    /// Whether the content of the file of `name`, which is in its slot, is what the name tells.
    ///
    /// # Errors
    /// [`StoreError::Disk`].
    pub fn is_slot_content_right(&self, name: &LogicName) -> Result<bool, StoreError> {
        let (Some(slot), Some(fields)) = (Slot::of(name), name.fields()) else { return Ok(false) };
        let opened = self.trunk_file(slot.file)?;
        let len = fields.size_word.size() as u32;
        Ok(self.slot_crc32(&opened.file, &slot, len)? == fields.crc32)
    }

    /// CRC32 of the first `len` bytes of a slot's content, or of as many as there are.
    fn slot_crc32(&self, file: &F::File, slot: &Slot, len: u32) -> Result<u32, StoreError> {
        let mut crc = crc32fast::Hasher::new();
        let mut piece = [0; 8 << 10];
        let (mut at, end) = (slot.content_offset(), slot.content_offset() + u64::from(len));
        while at < end {
            let want = usize::try_from(end - at).unwrap_or(usize::MAX).min(piece.len());
            let have = file.read_full_at(&mut piece[..want], at).at("read", self.data_path(), "a trunk file")?;
            crc.update(&piece[..have]);
            if have < want {
                break;
            }
            at += want as u64;
        }
        Ok(crc.finalize())
    }
}
