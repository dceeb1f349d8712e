//! Writing and clearing slots.
//!
//! The header makes a file of a slot, so it comes after the content and goes before it. A crash in between leaves a slot
//! that is free for every reader; what is left of a content there does no harm.

use std::sync::Arc;

use fdfs_proto::file_id::{BlockType, LogicName};

use super::piece::with_piece;
use super::{HEADER_LEN, HeaderBytes, Slot, SlotError};
use crate::error::{At, StoreError};
use crate::fs::{Fs, FsFile};
use crate::real_fs::RealFs;
use crate::store_path::StorePath;

/// Slots up to this size must be all zero to be free; of larger ones only the header is looked at.
const CHECKED_WHOLE_MAX_BYTES: u32 = 64 << 10;
/// Zeros are written in pieces of this size, as the reference does.
const ZERO_PIECE_BYTES: usize = 256 << 10;
pub(super) static ZEROS: [u8; ZERO_PIECE_BYTES] = [0; ZERO_PIECE_BYTES];

/// A file that is coming in piece by piece into a slot. It is none until [`SlotWriter::finish`] has written its header;
/// dropped before that, what was written is cleared.
#[derive(Debug)]
pub struct SlotWriter<F: Fs = RealFs> {
    path: Arc<StorePath<F>>,
    file: Arc<F::File>,
    slot: Slot,
    len_bytes: u64,
    /// Bytes that were not yet written back when `fsync_after_written_bytes` is set.
    unsynced_bytes: u64,
    crc: crc32fast::Hasher,
    is_finished: bool,
}

impl<F: Fs> SlotWriter<F> {
    /// Begins a file in a slot, which must be free. The trunk file is made with `trunk_file_bytes` when it is missing.
    ///
    /// # Errors
    /// [`StoreError::Slot`] with [`SlotError::Occupied`] or [`SlotError::OutsideOfFile`]; [`StoreError::Disk`].
    pub fn begin(path: Arc<StorePath<F>>, slot: Slot, trunk_file_bytes: u64) -> Result<Self, StoreError> {
        let file = {
            let _range = path.trunk_files().ranges.lock(slot);
            path.free_slot(&slot, trunk_file_bytes)?
        };
        let crc = crc32fast::Hasher::new();
        Ok(Self { path, file, slot, len_bytes: 0, unsynced_bytes: 0, crc, is_finished: false })
    }

    /// Appends a piece; with `sync_every_bytes` above 0 the written bytes are made durable each time that many have come
    /// together.
    ///
    /// # Errors
    /// [`StoreError::Slot`] when the slot is full, [`StoreError::Disk`].
    pub fn write(&mut self, piece: &[u8], sync_every_bytes: u64) -> Result<(), StoreError> {
        let at = self.slot.content_offset() + self.len_bytes;
        if at + piece.len() as u64 > self.slot.end() {
            let told = u64::from(self.slot.alloc_size) - HEADER_LEN as u64;
            let len = self.len_bytes + piece.len() as u64;
            return Err(self.path.slot_error(&self.slot, SlotError::OtherLength { len, told }));
        }
        self.crc.update(piece);
        // Counted before it is written: of a piece that fails some bytes may be there, and are cleared with the others.
        self.len_bytes += piece.len() as u64;
        self.unsynced_bytes += piece.len() as u64;
        self.file.write_all_at(piece, at).at("write", self.path.data_path(), "a trunk file")?;
        if sync_every_bytes > 0 && self.unsynced_bytes >= sync_every_bytes {
            self.unsynced_bytes = 0;
            self.file.sync().at("sync", self.path.data_path(), "a trunk file")?;
        }
        Ok(())
    }

    /// Bytes written so far.
    #[must_use]
    pub const fn len_bytes(&self) -> u64 {
        self.len_bytes
    }

    /// CRC32 of the bytes written so far.
    #[must_use]
    pub fn crc32(&self) -> u32 {
        self.crc.clone().finalize()
    }

    /// Writes the header of `name`, with which the file is there.
    ///
    /// # Errors
    /// [`StoreError::Slot`] when the name tells of another slot or length, [`StoreError::Disk`].
    pub fn finish(mut self, name: &LogicName) -> Result<(), StoreError> {
        let header = self.path.header_for(&self.slot, name, BlockType::Regular, self.len_bytes)?;
        let _range = self.path.trunk_files().ranges.lock(self.slot);
        if !self.path.slot_header(&self.file, &self.slot)?.is_free() {
            return Err(self.path.slot_error(&self.slot, SlotError::Occupied));
        }
        self.is_finished = true;
        let written = self.file.write_all_at(header.as_bytes(), self.slot.offset.into());
        if written.is_err() {
            self.path.zero_written(&self.file, &self.slot, self.len_bytes);
        }
        written.at("write", self.path.data_path(), "a trunk file")
    }
}

impl<F: Fs> Drop for SlotWriter<F> {
    fn drop(&mut self) {
        if self.is_finished || self.len_bytes == 0 {
            return;
        }
        let _range = self.path.trunk_files().ranges.lock(self.slot);
        // A header that is there is somebody else's, and so may be the content.
        if self.path.slot_header(&self.file, &self.slot).is_ok_and(|header| header.is_free()) {
            self.path.zero_written(&self.file, &self.slot, self.len_bytes);
        }
    }
}

impl<F: Fs> StorePath<F> {
    /// Stores a whole small file in its slot, which must be free, with one write. A process that is killed in the middle
    /// of it leaves a name that nobody was told.
    ///
    /// # Errors
    /// As [`SlotWriter::begin`] and [`SlotWriter::finish`]; nothing of the file is left then.
    pub fn place_in_slot(
        &self,
        name: &LogicName,
        block_type: BlockType,
        content: &[u8],
        trunk_file_bytes: u64,
    ) -> Result<(), StoreError> {
        let Some(slot) = Slot::of(name) else {
            return Err(StoreError::Slot {
                path: self.data_path().join(name.true_name()),
                offset: 0,
                error: SlotError::NoSlot,
            });
        };
        let header = self.header_for(&slot, name, block_type, content.len() as u64)?;
        let _range = self.trunk_files().ranges.lock(slot);
        let file = self.free_slot(&slot, trunk_file_bytes)?;
        let written = file.write_all_two_at(header.as_bytes(), content, slot.offset.into());
        if written.is_err() {
            self.zero_written(&file, &slot, content.len() as u64);
        }
        written.at("write", self.data_path(), &slot.file.true_name())
    }

    /// The trunk file of a slot that is free. A small slot is looked at as a whole: free space is zero, and bytes that are
    /// not belong to somebody.
    fn free_slot(&self, slot: &Slot, trunk_file_bytes: u64) -> Result<Arc<F::File>, StoreError> {
        let opened = self.trunk_file_to_write(slot.file, trunk_file_bytes)?;
        if slot.end() > opened.len_bytes {
            let error = SlotError::OutsideOfFile { end: slot.end(), file_size: opened.len_bytes };
            return Err(self.slot_error(slot, error));
        }
        let is_free = self.trunk_files().take_untouched(slot, &opened.file) || self.is_empty_in(&opened.file, slot)?;
        if is_free { Ok(opened.file) } else { Err(self.slot_error(slot, SlotError::Occupied)) }
    }

    /// Whether a slot could be written now.
    ///
    /// # Errors
    /// [`StoreError::Disk`].
    pub fn is_slot_empty(&self, slot: &Slot) -> Result<bool, StoreError> {
        match self.trunk_file(slot.file) {
            Err(e) if e.is_not_found() => Ok(true),
            other => self.is_empty_in(&other?.file, slot),
        }
    }

    fn is_empty_in(&self, file: &F::File, slot: &Slot) -> Result<bool, StoreError> {
        if slot.alloc_size <= CHECKED_WHOLE_MAX_BYTES {
            is_free_as_a_whole(file, slot).at("read", self.data_path(), "a trunk file")
        } else {
            Ok(self.slot_header(file, slot)?.is_free())
        }
    }

    fn header_for(
        &self,
        slot: &Slot,
        name: &LogicName,
        block_type: BlockType,
        len: u64,
    ) -> Result<HeaderBytes, StoreError> {
        let header = HeaderBytes::of(name, block_type).filter(|_| Slot::of(name).as_ref() == Some(slot));
        let header = header.ok_or_else(|| self.slot_error(slot, SlotError::NoSlot))?;
        match name.fields().map(|fields| fields.size_word.size()) {
            Some(told) if told == len => Ok(header),
            told => Err(self.slot_error(slot, SlotError::OtherLength { len, told: told.unwrap_or(0) })),
        }
    }

    fn slot_error(&self, slot: &Slot, error: SlotError) -> StoreError {
        StoreError::Slot { path: self.data_path().join(slot.file.true_name()), offset: slot.offset, error }
    }

    /// Clears what an upload that failed has written. The error that made it fail is what matters; a header that cannot
    /// be cleared makes the slot occupied for whoever gets it next, which is found before it is written.
    fn zero_written(&self, file: &F::File, slot: &Slot, len_bytes: u64) {
        let _ = zero(file, slot.offset.into(), slot.content_offset() + len_bytes);
    }
}

/// Whether the header says that a slot is free, and all behind it is zero. What is behind the end of the file is zero.
fn is_free_as_a_whole(file: &impl FsFile, slot: &Slot) -> std::io::Result<bool> {
    with_piece(|piece| {
        let (mut at, end) = (u64::from(slot.offset), slot.end());
        while at < end {
            let len = usize::try_from(end - at).unwrap_or(usize::MAX).min(piece.len());
            let have = file.read_full_at(&mut piece[..len], at)?;
            piece[have..len].fill(0);
            let content = match piece[..len].split_first_chunk() {
                Some((header, content)) if at == u64::from(slot.offset) => {
                    if !HeaderBytes(*header).is_free() {
                        return Ok(false);
                    }
                    content
                }
                _ => &piece[..len],
            };
            if *content != ZEROS[..content.len()] {
                return Ok(false);
            }
            at += len as u64;
        }
        Ok(true)
    })
}

/// Writes zeros from `at` to `end`.
pub(super) fn zero(file: &impl FsFile, mut at: u64, end: u64) -> std::io::Result<()> {
    while at < end {
        let len = usize::try_from(end - at).unwrap_or(usize::MAX).min(ZERO_PIECE_BYTES);
        file.write_all_at(&ZEROS[..len], at)?;
        at += len as u64;
    }
    Ok(())
}
