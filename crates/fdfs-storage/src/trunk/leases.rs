//! What an upload asks for: a block, and later the word that it is used or not.
//!
//! The way of a file into a trunk file:
//!
//! 1. [`TrunkSpace::lease`]: a block on hold. Any error: the file goes on its own, as if there were no trunk files (W-20).
//! 2. Under a lock of the block: look at the header on this storage's disk. In use: [`TrunkSpace::confirm`] with
//!    `EEXIST` (nobody gets the block again) and ask once more. Free: write the content, then the header.
//! 3. Flush as the policy asks, then [`TrunkSpace::confirm`] with `OK`. **Only when that succeeds is the block this
//!    file's**: on an error the header is zeroed again (if it is still ours) and the file goes on its own.
//! 4. The record in the binlog, the answer.
//!
//! Of two storages that believe to have the same block only one is told `Ok` by `confirm`, so a file whose upload was
//! acknowledged is never written over.

use fdfs_proto::Status;
use fdfs_proto::cmd::storage::TrunkInfo;
use fdfs_proto::cmd::tracker::Parameters;
use fdfs_proto::file_id::TrunkHeader;

use super::error::TrunkError;

/// A block that is held for one upload until [`TrunkSpace::confirm`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a block stays on hold until it is confirmed"]
pub struct TrunkLease {
    /// Where it is and how large: `part.alloc_size` is at least what was asked for, and goes into header and name.
    pub block: TrunkInfo,
    /// Who gave it, and in which term: a lease of an earlier trunk server cannot be confirmed any more.
    pub(super) term: u64,
}

/// Space in trunk files, as uploads and deletes of this storage see it.
#[derive(Debug)]
pub struct TrunkSpace {
    params: Parameters,
}

impl TrunkSpace {
    /// As the trackers' parameters say.
    #[must_use]
    pub const fn new(params: Parameters) -> Self {
        Self { params }
    }

    /// Whether new small files go into trunk files (`use_trunk_file` of the trackers). Files that are there already are
    /// served in any case.
    #[must_use]
    pub const fn is_used(&self) -> bool {
        self.params.use_trunk_file
    }

    /// Whether a regular file of this size goes into a trunk file: its header is counted.
    #[must_use]
    pub fn takes(&self, content_bytes: u64) -> bool {
        let with_header = content_bytes.saturating_add(TrunkHeader::LEN as u64);
        self.is_used() && with_header <= u64::from(self.params.slot_max_size_bytes)
    }

    /// Bytes of a trunk file (`trunk_file_size`).
    #[must_use]
    pub const fn trunk_file_bytes(&self) -> u32 {
        self.params.trunk_file_size_bytes
    }

    /// A block on this store path for so many bytes, the header's 24 included. Many uploads in flight share one
    /// question to the trunk server.
    ///
    /// # Errors
    /// [`TrunkError`]; the file goes on its own then.
    pub async fn lease(&self, store_path_index: u8, bytes: u32) -> Result<TrunkLease, TrunkError> {
        let _ = (store_path_index, bytes);
        Err(if self.is_used() { TrunkError::NoServer } else { TrunkError::Off })
    }

    /// Tells what became of a leased block. With `OK` (the file is in it) or `EEXIST` (something else is) nobody gets it
    /// again; with any other status it is free again.
    ///
    /// When this returns after `OK`, the trunk server's log says so: of another storage durably, of this one in the
    /// kernel, so that the flush of the commit makes it durable (a trunk log lies on the file system of the binlog).
    ///
    /// # Errors
    /// [`TrunkError`]; after `OK` that means: the block is **not** the file's, and the file must go elsewhere. After
    /// another status the error needs no care: a hold that nobody ends ends by itself.
    pub async fn confirm(&self, lease: TrunkLease, status: Status) -> Result<(), TrunkError> {
        let _ = (lease.term, status);
        Err(TrunkError::NoServer)
    }

    /// Gives back the block of a file that was deleted, after it was zeroed here. Returns when the intention is safe:
    /// it is told to the trunk server now, or later when that is not to be reached (W-21). Only for deletes of clients:
    /// a replicated delete gives back nothing.
    pub async fn free(&self, block: TrunkInfo) {
        let _ = block;
    }
}
