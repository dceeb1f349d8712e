//! Files that live in slots of trunk files: small files packed into big ones.
//!
//! A trunk file `<HH>/<HH>/<id>` is a row of slots. A slot begins with a header of 24 bytes
//! ([`fdfs_proto::file_id::TrunkHeader`]); a name is only a file if the header in its slot is the one that follows from
//! the name. Who gets which slot is the trunk server's business (`crate::trunk`); here slots are read, written and
//! cleared.
//!
//! Source: disk formats, A.6.1, A.6.2, A.7.7.

mod clear;
mod piece;
mod place;
mod range_locks;
#[cfg(test)]
mod tests;
mod trunk_files;
mod write;

use fdfs_proto::cmd::storage::TrunkInfo;
use fdfs_proto::file_id::{BlockType, LogicName, TrunkHeader, TrunkPart};
use fdfs_proto::{Status, Wire};

pub use clear::{Cleared, Removed};
pub use place::{Handle, LINK_TARGET_MAX_BYTES, StoredFile};
pub use trunk_files::{OPEN_MAX, TrunkFileId, TrunkFiles, is_trunk_file_name};
pub use write::SlotWriter;

/// Bytes of a slot's header.
pub const HEADER_LEN: usize = TrunkHeader::LEN;

/// A slot of a trunk file, as the trunk server leases it and as the names of files in it tell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Slot {
    /// The trunk file.
    pub file: TrunkFileId,
    /// Where the slot begins, in bytes.
    pub offset: u32,
    /// Its bytes, with the header.
    pub alloc_size: u32,
}

impl From<TrunkInfo> for Slot {
    fn from(block: TrunkInfo) -> Self {
        let file = TrunkFileId { high: block.high, low: block.low, id: block.part.id };
        Self { file, offset: block.part.offset, alloc_size: block.part.alloc_size }
    }
}

impl Slot {
    /// The slot of a name; `None` when the name is not that of a file in a trunk file, or when the file it tells of does
    /// not fit the slot it tells of.
    #[must_use]
    pub fn of(name: &LogicName) -> Option<Self> {
        let part = name.trunk_part()?;
        let file_size = name.fields()?.size_word.size();
        let file = TrunkFileId { high: name.high(), low: name.low(), id: part.id };
        let slot = Self { file, offset: part.offset, alloc_size: part.alloc_size };
        (HEADER_LEN as u64 + file_size <= u64::from(part.alloc_size)).then_some(slot)
    }

    /// What the names of files in it tell.
    #[must_use]
    pub const fn part(&self) -> TrunkPart {
        TrunkPart { id: self.file.id, offset: self.offset, alloc_size: self.alloc_size }
    }

    /// Where its content begins in the trunk file, in bytes.
    #[must_use]
    pub const fn content_offset(&self) -> u64 {
        self.offset as u64 + HEADER_LEN as u64
    }

    /// Where it ends in the trunk file, in bytes.
    #[must_use]
    pub const fn end(&self) -> u64 {
        self.offset as u64 + self.alloc_size as u64
    }
}

/// The 24 bytes in front of a file, as they are on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeaderBytes([u8; HEADER_LEN]);

impl HeaderBytes {
    /// The header that the file of a name has; `None` when the name is not that of a file in a trunk file.
    #[must_use]
    pub fn of(name: &LogicName, block_type: BlockType) -> Option<Self> {
        let header = TrunkHeader::from_name(name, block_type)?;
        let mut bytes = [0; HEADER_LEN];
        bytes[0] = header.block_type.byte();
        bytes[1..5].copy_from_slice(&header.alloc_size.to_be_bytes());
        bytes[5..9].copy_from_slice(&header.file_size.to_be_bytes());
        bytes[9..13].copy_from_slice(&header.crc32.to_be_bytes());
        bytes[13..17].copy_from_slice(&header.mtime.to_be_bytes());
        bytes[17..].copy_from_slice(&header.ext);
        Some(Self(bytes))
    }

    /// What the bytes say; `None` for a type that is none.
    #[must_use]
    pub fn header(&self) -> Option<TrunkHeader> {
        TrunkHeader::from_bytes(&self.0).ok()
    }

    /// Whether no file is here: CRC, time and extension are all zero, whatever type and sizes say (disk formats, A.6.4).
    #[must_use]
    pub fn is_free(&self) -> bool {
        self.0[9..].iter().all(|&byte| byte == 0)
    }

    /// Whether this is the header of the file of `name`: of any type but free, and else as the name tells.
    #[must_use]
    pub fn is_of(&self, name: &LogicName) -> bool {
        self.header().is_some_and(|header| header.is_of(name))
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; HEADER_LEN] {
        &self.0
    }
}

/// What a slot holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotState {
    /// No file.
    Free,
    /// The file that was asked for.
    This,
    /// Another file, or what nobody can read.
    Other(HeaderBytes),
}

/// Why a slot cannot be used, whatever the disk says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SlotError {
    /// The slot ends behind the trunk file.
    #[error("the slot ends at byte {end}, the trunk file at byte {file_size}")]
    OutsideOfFile {
        /// Where the slot ends.
        end: u64,
        /// Bytes of the trunk file.
        file_size: u64,
    },
    /// A content that the slot's name does not tell of.
    #[error("content of {len} bytes for a name that tells of {told}")]
    OtherLength {
        /// Bytes of the content.
        len: u64,
        /// Bytes that the name tells of.
        told: u64,
    },
    /// The name has no slot, or one that is too small.
    #[error("the name has no slot for its file")]
    NoSlot,
    /// Another file is there.
    #[error("another file is in the slot")]
    Occupied,
}

impl SlotError {
    /// The status byte for a client.
    #[must_use]
    pub const fn status(self) -> Status {
        match self {
            Self::Occupied => Status::EEXIST,
            Self::OutsideOfFile { .. } | Self::OtherLength { .. } | Self::NoSlot => Status::EINVAL,
        }
    }
}

#[cfg(test)]
mod of_names {
    use super::*;

    const NAME: &str = "M00/00/00/Ck4CC2sAEBGILXy_AAAA6RSSpAMAAAAAQAAAwAAAAIA798.jpg";

    #[test]
    fn a_slot_follows_from_a_name_and_a_slave_beside_it_has_none() {
        let name: LogicName = NAME.parse().unwrap();
        let slot = Slot::of(&name).unwrap();
        assert_eq!((slot.offset, slot.alloc_size, slot.content_offset(), slot.end()), (768, 512, 792, 1280));
        assert_eq!(slot.file.true_name(), "00/00/000001");
        assert_eq!(Some(slot.part()), name.trunk_part());
        let slave = NAME.replace("798.jpg", "798_s.jpg");
        assert_eq!(Slot::of(&slave.parse().unwrap()), None);
        // The same name with a slot of 256 bytes: a file of 233 bytes does not fit.
        assert_eq!(Slot::of(&NAME.replace("AAAAIA798", "AAAAEA798").parse().unwrap()), None);
    }

    #[test]
    fn header_bytes_are_those_of_the_format() {
        let name: LogicName = NAME.parse().unwrap();
        let bytes = HeaderBytes::of(&name, BlockType::Regular).unwrap();
        assert_eq!(TrunkHeader::from_name(&name, BlockType::Regular).unwrap().to_bytes(), bytes.as_bytes());
        assert!(bytes.is_of(&name) && !bytes.is_free());
        assert!(HeaderBytes([0; HEADER_LEN]).is_free());
        let mut sizes_only = [0; HEADER_LEN];
        sizes_only[..9].copy_from_slice(&bytes.as_bytes()[..9]);
        assert!(HeaderBytes(sizes_only).is_free());
    }
}
