//! `check_file_duplicate`: uploads whose content is stored already.

use std::sync::Arc;

use fdfs_proto::FileName;
use fdfs_proto::file_id::{LogicName, NewName};
use fdfs_store::duplicates::ContentSignature;

use crate::error::RequestError;
use crate::storage::Storage;
use crate::write_path::{Content, PathSlot};

/// How much of a content that lies aside is read at once.
const PIECE_BYTES: usize = 256 << 10;

/// The signature of a content, if duplicates are looked for.
///
/// # Errors
/// [`RequestError`].
pub(super) async fn signature(
    storage: &Storage,
    slot: &PathSlot,
    content: &Content<'_>,
) -> Result<Option<ContentSignature>, RequestError> {
    let Some(index) = &storage.duplicates else { return Ok(None) };
    // An empty file takes no space.
    if content.is_empty() {
        return Ok(None);
    }
    let mut signer = index.signer();
    match content {
        Content::Here(bytes) => signer.update(bytes),
        Content::Aside(file) => {
            let mut piece = vec![0; PIECE_BYTES];
            let mut at = 0;
            while at < file.len_bytes() {
                let _permit = slot.permits.read().await;
                let have = file.read(&mut piece, at)?;
                signer.update(&piece[..have]);
                at += have.max(1) as u64;
            }
        }
    }
    Ok(Some(signer.finish()))
}

/// Stores a content as one more name of a file that has it already; `None` when there is none. The name is on the store
/// path of that file.
///
/// # Errors
/// [`RequestError`].
pub(super) async fn add_duplicate<N: FnMut() -> FileName>(
    storage: &Arc<Storage>,
    signature: Option<&ContentSignature>,
    content: &Content<'_>,
    facts: NewName,
    draw: impl FnOnce(NewName) -> N,
) -> Result<Option<FileName>, RequestError> {
    let (Some(index), Some(signature)) = (&storage.duplicates, signature) else { return Ok(None) };
    let found = index.find(signature).unwrap_or_else(|e| {
        tracing::warn!("{e}; the file is stored by itself");
        None
    });
    let Some(source) = found.and_then(|name| LogicName::parse(&name).ok()) else { return Ok(None) };
    let Ok(slot) = storage.slot(source.store_path_index()) else { return Ok(None) };
    let facts = NewName { store_path_index: source.store_path_index(), ..facts };
    storage.write_path.add_duplicate(slot, &source, content, facts.created, draw(facts)).await
}

impl Storage {
    /// A content was stored under a name.
    pub(super) fn remember_content(&self, signature: Option<&ContentSignature>, name: &FileName) {
        if let (Some(index), Some(signature)) = (&self.duplicates, signature)
            && let Err(e) = index.remember(signature, name)
        {
            tracing::warn!("{e}; the next file like {name} is stored by itself");
        }
    }

    /// A file was deleted.
    pub(super) fn forget_content(&self, name: &FileName) {
        if let Some(index) = &self.duplicates
            && let Err(e) = index.forget(name)
        {
            tracing::warn!("{e}; the entry of {name}, which is deleted, stays");
        }
    }
}
