//! Peers that have another address, or were deleted (77): what is kept for them here goes by the new one, or is set aside.
//!
//! Whoever has a sender sees a deletion in the list of peers; the changelog tells of those that went while this storage, or
//! the tracker, was down. Source: behaviour, 3.19.

use fdfs_net::Caller;
use fdfs_proto::StorageId;
use fdfs_proto::cmd::tracker::{Changelog, ChangelogLine, ChangelogRequest};
use fdfs_proto::shared::StorageStatus;

use super::ask::ask;
use super::error::LinkError;
use super::session::Session;
use crate::storage::Storage;
use crate::sync::kept;

/// Answers that are read at one time; the rest comes with the next beat.
const PIECES_MAX: usize = 64;

impl Session<'_> {
    /// Reads what this tracker has written into the changelog since it was last asked.
    pub(super) async fn read_changelog(&mut self, caller: &mut Caller) -> Result<(), LinkError> {
        // A tracker of the reference may cut a line between two answers.
        let mut rest = Vec::new();
        for _ in 0..PIECES_MAX {
            let piece = ask(caller, &ChangelogRequest::Joined, |body| Ok(body.to_vec())).await?;
            if piece.is_empty() {
                break;
            }
            for line in Changelog::from_pieces(&mut rest, &piece).lines {
                follow(self.storage, &line)?;
            }
        }
        Ok(())
    }
}

/// Takes over one line. Every tracker tells of every change, so that most come several times.
fn follow(storage: &Storage, line: &ChangelogLine) -> Result<(), LinkError> {
    let own = storage.identity.storage_id();
    if line.group != storage.group || line.id == own {
        return Ok(());
    }
    match (line.status, line.new_id) {
        (StorageStatus::IpChanged, Some(new)) if new != own => {
            follow_source(storage, line.id, new)?;
            storage.received.rename(line.id, new);
            if kept::rename(storage, line.id, new)? {
                tracing::info!("storage {} has a new address: {new}", line.id);
            }
        }
        // One that is known is there again, or its sender is about to see that it went.
        (StorageStatus::Deleted, _) if storage.link.read(|roster| roster.peer(&line.id).is_none()) => {
            kept::retire(storage, line.id);
        }
        _ => {}
    }
    Ok(())
}

/// The source that copies our old files goes by another address now.
fn follow_source(storage: &Storage, old: StorageId, new: StorageId) -> Result<(), LinkError> {
    {
        let mut flag = storage.lock_init_flag();
        if flag.sync_src_server != old {
            return Ok(());
        }
        flag.sync_src_server = new;
    }
    Ok(storage.save_init_flag()?)
}
