//! Peers that have another address (77): what is kept for them here goes by the new one.
//!
//! Deletions stand in the changelog as well; senders see those in the list of peers. Source: behaviour, 3.19.

use fdfs_net::Caller;
use fdfs_proto::StorageId;
use fdfs_proto::cmd::tracker::{Changelog, ChangelogLine, ChangelogRequest};
use fdfs_proto::shared::StorageStatus;

use super::ask::ask;
use super::error::LinkError;
use super::session::Session;
use crate::storage::Storage;

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
    let Some(new) = line.new_id.filter(|_| line.status == StorageStatus::IpChanged) else { return Ok(()) };
    if line.group != storage.group || line.id == own || new == own {
        return Ok(());
    }
    follow_source(storage, line.id, new)?;
    storage.received.rename(line.id, new);
    if storage.sync.rename_peer(line.id, new)? {
        tracing::info!("storage {} has a new address: {new}", line.id);
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
