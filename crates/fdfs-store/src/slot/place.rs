//! Where the bytes of a file are, plain or in a slot: one way to open, look at and read both.

use std::io;
use std::ops::Deref;
use std::sync::Arc;

use fdfs_proto::file_id::{BlockType, LogicName};

use super::{HEADER_LEN, HeaderBytes, Slot, SlotState};
use crate::data_file::DataFileInfo;
use crate::error::{At, StoreError};
use crate::fs::{Fs, FsFile};
use crate::real_fs::RealFs;
use crate::store_path::StorePath;

/// The longest target of a link in a slot: a logic name.
pub const LINK_TARGET_MAX_BYTES: u64 = 127;

/// An open file: of its own, or a trunk file that others read and write too.
#[derive(Debug)]
pub enum Handle<F: Fs = RealFs> {
    /// A plain file.
    Own(F::File),
    /// A trunk file.
    Trunk(Arc<F::File>),
}

impl<F: Fs> Deref for Handle<F> {
    type Target = F::File;

    fn deref(&self) -> &F::File {
        match self {
            Self::Own(file) => file,
            Self::Trunk(file) => file,
        }
    }
}

/// A file open for reading: a whole plain file, or a piece of a trunk file.
#[derive(Debug)]
pub struct StoredFile<F: Fs = RealFs> {
    /// The open file.
    pub file: Handle<F>,
    /// Where its content begins in there, in bytes.
    pub offset: u64,
    /// Bytes of the content when it was opened.
    pub len_bytes: u64,
    /// Its modification time, unix seconds; in a slot: as its header tells.
    pub modified_unix_secs: i64,
    /// The header that its slot must go on having; `None` for a plain file.
    header: Option<HeaderBytes>,
}

impl<F: Fs> StoredFile<F> {
    /// Whether the content is the logic name of another file: a link in a slot.
    #[must_use]
    pub fn is_link(&self) -> bool {
        self.header.and_then(|header| header.header()).is_some_and(|header| header.block_type == BlockType::Link)
    }

    /// Whether it is in a slot.
    #[must_use]
    pub const fn is_in_slot(&self) -> bool {
        self.header.is_some()
    }

    /// Whether what was read until now is this file: a plain file keeps its content while it is open, but a slot may have
    /// been cleared and written again. Its header goes first, so a header that is still there vouches for what was read
    /// before.
    ///
    /// # Errors
    /// The operating system's.
    pub fn is_intact(&self) -> io::Result<bool> {
        let Some(header) = self.header else { return Ok(true) };
        let mut bytes = [0; HEADER_LEN];
        let at = self.offset - HEADER_LEN as u64;
        Ok(self.file.read_full_at(&mut bytes, at)? == HEADER_LEN && bytes == *header.as_bytes())
    }

    /// Reads content at `at`: as much of `buf` as there is.
    ///
    /// # Errors
    /// [`StoreError::Disk`]; of a slot also when its file went away meanwhile.
    pub fn read_at(&self, buf: &mut [u8], at: u64) -> Result<usize, StoreError> {
        let want = usize::try_from(self.len_bytes.saturating_sub(at)).unwrap_or(usize::MAX).min(buf.len());
        let read = self.file.read_full_at(&mut buf[..want], self.offset + at).and_then(|have| {
            let is_right = have == want && self.is_intact()?;
            if is_right { Ok(have) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
        });
        read.at("read", std::path::Path::new("a stored file"), "")
    }

    /// Reads the target of a link.
    ///
    /// # Errors
    /// The operating system's; `InvalidData` when it is no name or the link went away meanwhile.
    pub fn link_target(&self) -> io::Result<LogicName> {
        let invalid = || io::Error::from(io::ErrorKind::InvalidData);
        let mut bytes = [0; LINK_TARGET_MAX_BYTES as usize];
        let len = usize::try_from(self.len_bytes).map_err(|_| invalid())?;
        let target = bytes.get_mut(..len).ok_or_else(invalid)?;
        if self.file.read_full_at(target, self.offset)? < len || !self.is_intact()? {
            return Err(invalid());
        }
        LogicName::from_bytes(target).map_err(|_| invalid())
    }
}

impl<F: Fs> StorePath<F> {
    /// Opens a file, plain or in a slot. A link in a slot is opened as such ([`StoredFile::is_link`]), one on the disk is
    /// followed. A name of the form that files in slots have is looked for in its slot first, and then as a plain file:
    /// slaves of files in slots can have such names (wire specification, 3.6), and so have files that found their slot
    /// taken.
    ///
    /// # Errors
    /// As [`StorePath::open_file`].
    pub fn open_content(&self, name: &LogicName) -> Result<StoredFile<F>, StoreError> {
        if let Some(file) = self.open_slot(name)? {
            return Ok(file);
        }
        let plain = self.open_file(name.true_name())?;
        Ok(StoredFile {
            file: Handle::Own(plain.file),
            offset: 0,
            len_bytes: plain.len_bytes,
            modified_unix_secs: plain.modified_unix_secs,
            header: None,
        })
    }

    /// Opens the file of a name in its slot; `None` when the name has no slot, or the slot holds none or another.
    ///
    /// # Errors
    /// [`StoreError::Disk`].
    pub fn open_slot(&self, name: &LogicName) -> Result<Option<StoredFile<F>>, StoreError> {
        let Some(slot) = Slot::of(name) else { return Ok(None) };
        let file = match self.trunk_file_to_read(slot.file) {
            Err(e) if e.is_not_found() => return Ok(None),
            other => other?,
        };
        let header = self.slot_header(&file, &slot)?;
        let Some(told) = header.header().filter(|header| header.is_of(name)) else { return Ok(None) };
        Ok(Some(StoredFile {
            file: Handle::Trunk(file),
            offset: slot.content_offset(),
            len_bytes: told.file_size.into(),
            modified_unix_secs: told.mtime.into(),
            header: Some(header),
        }))
    }

    /// The bytes at the front of a slot; behind the end of the file they are zero.
    pub(super) fn slot_header(&self, file: &F::File, slot: &Slot) -> Result<HeaderBytes, StoreError> {
        let mut bytes = [0; HEADER_LEN];
        match file.read_full_at(&mut bytes, slot.offset.into()) {
            Ok(HEADER_LEN) => Ok(HeaderBytes(bytes)),
            Ok(_) => Ok(HeaderBytes([0; HEADER_LEN])),
            Err(e) => Err(e).at("read", self.data_path(), &slot.file.true_name()),
        }
    }

    /// What the slot of a name holds.
    ///
    /// # Errors
    /// [`StoreError::Disk`].
    pub fn slot_state(&self, slot: &Slot, name: &LogicName) -> Result<SlotState, StoreError> {
        let opened = match self.trunk_file(slot.file) {
            Err(e) if e.is_not_found() => return Ok(SlotState::Free),
            other => other?,
        };
        Ok(state_of(self.slot_header(&opened.file, slot)?, name))
    }

    /// Size and time of a file, plain or in a slot. A link in a slot tells its own size.
    ///
    /// # Errors
    /// As [`StorePath::file_info`].
    pub fn content_info(&self, name: &LogicName) -> Result<DataFileInfo, StoreError> {
        if let Some(file) = self.open_slot(name)? {
            return Ok(DataFileInfo { len_bytes: file.len_bytes, modified_unix_secs: file.modified_unix_secs });
        }
        self.file_info(name.true_name())
    }
}

/// What a header means for the file of `name`.
pub(super) fn state_of(header: HeaderBytes, name: &LogicName) -> SlotState {
    if header.is_of(name) {
        SlotState::This
    } else if header.is_free() {
        SlotState::Free
    } else {
        SlotState::Other(header)
    }
}
