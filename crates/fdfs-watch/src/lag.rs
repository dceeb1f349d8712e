//! How far what each storage has is at its peers: the matrix of replication.

use fdfs_proto::Command;
use fdfs_proto::ours::{PeerStatus, SyncStatus};
use tokio::task::JoinSet;

use crate::gather::call;
use crate::picture::{Picture, addr_of};

/// Storages that are asked; of more, the first ones.
pub const ASKED_MAX: usize = 64;

/// What one storage tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its group.
    pub group: String,
    /// Its id.
    pub id: String,
    /// Its peers; or why it does not tell.
    pub peers: Result<Vec<PeerStatus>, String>,
}

/// Asks all ACTIVE storages at once.
pub async fn ask(picture: &Picture) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut asking = JoinSet::new();
    for group in &picture.groups {
        for storage in &group.storages {
            let Some(addr) = addr_of(&storage.record).filter(|_| rows.len() < ASKED_MAX) else { continue };
            let index = rows.len();
            let (group, id) = (group.record.group.to_string(), storage.record.id.to_string());
            rows.push(Row { group, id, peers: Err(String::new()) });
            asking.spawn(async move { (index, one(call(addr, Command::SyncStatus).await.map(|(body, _)| body))) });
        }
    }
    for (index, peers) in asking.join_all().await {
        if let Some(row) = rows.get_mut(index) {
            row.peers = peers;
        }
    }
    rows
}

/// What an answer says.
fn one(answer: Result<Vec<u8>, String>) -> Result<Vec<PeerStatus>, String> {
    SyncStatus::decode(&answer?).map(|status| status.peers).map_err(|error| error.to_string())
}
