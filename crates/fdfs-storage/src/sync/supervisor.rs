//! A sender for each peer that is there.

use std::collections::BTreeSet;
use std::sync::Arc;

use fdfs_proto::StorageId;
use fdfs_proto::shared::StorageStatus;
use fdfs_store::state::Loaded;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::kept;
use super::mend::mend;
use super::questions::Questions;
use super::sender::{Context, MarksAtStart, Sender};
use crate::names::now_unix_secs;
use crate::peers::Peer;
use crate::storage::Storage;

/// Keeps a sender for each peer, until `shutdown`; returns when all marks are written.
pub async fn supervise(storage: Arc<Storage>, questions: Arc<dyn Questions>, shutdown: CancellationToken) {
    let mut peers = storage.peers.watch();
    let mut senders = JoinSet::new();
    let mut running = BTreeSet::new();
    let mut at_start = None;
    let mending = tokio::spawn(mend(storage.clone(), shutdown.clone()));
    loop {
        let list = peers.borrow_and_update().clone();
        if !list.is_empty() {
            for peer in list.iter().filter(|peer| !running.contains(&peer.id)) {
                if let Err(e) = kept::name_by_id(&storage, peer.id) {
                    tracing::error!("to {}: {e}; the mark of its address is not used", peer.id);
                }
            }
            let (were_there, marks) = at_start.get_or_insert_with(|| noticed_at_start(&storage, &list));
            for peer in list.iter().filter(|peer| has_sender(peer.status)) {
                if running.insert(peer.id) {
                    let context = Context {
                        storage: storage.clone(),
                        questions: questions.clone(),
                        shutdown: shutdown.clone(),
                        marks_at_start: marks.clone(),
                        was_there_at_start: were_there.contains(&peer.id),
                    };
                    let (sender, id) = (Sender::new(context, peer.id), peer.id);
                    senders.spawn(async move {
                        sender.run().await;
                        id
                    });
                }
            }
        }
        tokio::select! {
            () = shutdown.cancelled() => break,
            changed = peers.changed() => {
                if changed.is_err() {
                    break;
                }
            }
            Some(Ok(id)) = senders.join_next() => {
                running.remove(&id);
                // One that ended because its peer went may be wanted again by now.
                peers.mark_changed();
            }
        }
    }
    while senders.join_next().await.is_some() {}
    mending.abort();
}

const fn has_sender(status: StorageStatus) -> bool {
    !matches!(status, StorageStatus::Deleted | StorageStatus::IpChanged)
}

/// Who is there at the start, and what each of them has.
fn noticed_at_start(storage: &Storage, list: &[Peer]) -> (BTreeSet<StorageId>, MarksAtStart) {
    let marks = list.iter().filter_map(|peer| match storage.sync.marks.load(peer.id, now_unix_secs()) {
        Ok(Loaded::Read(mark)) => Some((peer.id, mark.position())),
        // The sender itself tells of what is wrong with it.
        _ => None,
    });
    (list.iter().map(|peer| peer.id).collect(), Arc::new(marks.collect()))
}
