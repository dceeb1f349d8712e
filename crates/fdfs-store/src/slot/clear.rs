//! Deleting a file in a slot: first its header, then, when the deletion is recorded, its content. Where nothing has to
//! outlast a power cut, both go with one write.

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

/// What became of the space of a file that is gone.
#[derive(Debug)]
pub enum Cleared {
    /// It is all zero.
    Yes,
    /// Something else than that file's content was there, and is left as it is: it belongs to somebody else too.
    HeldOther,
    /// Some of the content is still there.
    Failed(StoreError),
}

impl<F: Fs> StorePath<F> {
    /// Takes the file of `name` out of its slot and fills all of that with zeros, header first; `None` when it is not
    /// there. A power cut may leave the header and no content, so this is for storages that promise nothing of power
    /// cuts; a process that is killed leaves the file, or none and perhaps some of its content.
    ///
    /// # Errors
    /// [`StoreError::Disk`]; the file is still there.
    pub fn remove_and_clear(&self, name: &LogicName) -> Result<Option<(Slot, Cleared)>, StoreError> {
        let Some(slot) = Slot::of(name) else { return Ok(None) };
        let opened = match self.trunk_file_seen(slot.file) {
            Err(e) if e.is_not_found() => return Ok(None),
            other => other?,
        };
        let _range = self.trunk_files().ranges.lock(slot);
        let found = find(&*opened.file, &slot, name).at("read", self.data_path(), "a trunk file")?;
        let Some(is_content_right) = found else { return Ok(None) };
        if !is_content_right {
            let cleared = opened.file.write_all_at(&ZEROS[..HEADER_LEN], slot.offset.into());
            cleared.at("clear", self.data_path(), "a trunk file")?;
            return Ok(Some((slot, Cleared::HeldOther)));
        }
        // Never behind the end of the file, wherever the name of a file says that its slot ends.
        let end = slot.end().min(opened.len_bytes);
        let content = usize::try_from(end.saturating_sub(slot.content_offset())).unwrap_or(usize::MAX).min(ZEROS.len());
        let cleared = opened
            .file
            .write_all_two_at(&ZEROS[..HEADER_LEN], &ZEROS[..content], slot.offset.into())
            .and_then(|()| zero(&*opened.file, slot.content_offset() + content as u64, end))
            .at("clear", self.data_path(), "a trunk file");
        match cleared {
            Ok(()) => Ok(Some((slot, Cleared::Yes))),
            // The header goes first.
            Err(e) if self.slot_header(&opened.file, &slot)?.is_free() => Ok(Some((slot, Cleared::Failed(e)))),
            Err(e) => Err(e),
        }
    }

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

/// Whether the file of `name` is in its slot, and if so, whether the content is that which its header tells of. Of a link
/// nobody can tell: its name and header have a number made by chance.
fn find(file: &impl FsFile, slot: &Slot, name: &LogicName) -> io::Result<Option<bool>> {
    let told = name.fields().map_or(0, |fields| fields.size_word.size());
    let whole = usize::try_from(told).unwrap_or(usize::MAX).saturating_add(HEADER_LEN);
    with_piece(|piece| {
        let want = whole.min(piece.len());
        let have = file.read_full_at(&mut piece[..want], slot.offset.into())?;
        let Some((header, content)) = piece[..have].split_first_chunk() else { return Ok(None) };
        let bytes = HeaderBytes(*header);
        let Some(header) = bytes.header().filter(|_| state_of(bytes, name) == SlotState::This) else { return Ok(None) };
        if header.block_type == BlockType::Link {
            return Ok(Some(true));
        }
        let mut crc = crc32fast::Hasher::new();
        crc.update(content);
        let mut at = slot.offset as usize + have;
        let mut left = whole - have;
        while left > 0 && have == want {
            let want = left.min(piece.len());
            let have = file.read_full_at(&mut piece[..want], at as u64)?;
            if have == 0 {
                break;
            }
            crc.update(&piece[..have]);
            (at, left) = (at + have, left - have);
        }
        Ok(Some(crc.finalize() == header.crc32))
    })
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
