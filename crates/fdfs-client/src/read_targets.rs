//! Storages that a file can be read from, one after the other.

use std::net::SocketAddr;

use fdfs_proto::Command;
use fdfs_proto::file_id::FileId;
use fdfs_proto::shared::StorageStatus;

use crate::target::Target;
use crate::{Client, ClientError};

/// Storages that a file can be read from: first the one that the tracker chooses, then all others that have it, and
/// at last what could not be reached a moment ago.
///
/// Differs from C: it asks one storage only; here reading survives a dead one (behaviour, W-36).
#[derive(Debug)]
pub(crate) struct ReadTargets<'a> {
    client: &'a Client,
    doing: &'static str,
    file: &'a FileId,
    /// 102, or 103 for what must come from the source.
    first: Command,
    stage: Stage,
    seen: Vec<Target>,
    /// Last first.
    waiting: Vec<Target>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    One,
    All,
    Rest,
    Group,
}

impl<'a> ReadTargets<'a> {
    pub(crate) const fn new(client: &'a Client, doing: &'static str, first: Command, file: &'a FileId) -> Self {
        Self { client, doing, file, first, stage: Stage::One, seen: Vec::new(), waiting: Vec::new() }
    }

    /// The next storage; `None` when there is no further one.
    ///
    /// # Errors
    /// Only the first time: what asking a tracker can give.
    pub(crate) async fn next(&mut self) -> Result<Option<Target>, ClientError> {
        if self.stage == Stage::One {
            self.stage = Stage::All;
            let (told, tracker) = self.client.ask_fetch(self.doing, self.first, self.file).await?;
            let target = self.client.target(self.doing, told.server, tracker)?;
            self.seen.push(target);
            if !self.client.is_dead(target.addr) {
                return Ok(Some(target));
            }
            self.waiting.push(target);
        }
        if self.stage == Stage::All {
            self.stage = Stage::Rest;
            self.add_all().await;
        }
        Ok(self.waiting.pop())
    }

    /// Whether the last storage was none that the trackers know to have the file.
    pub(crate) fn is_guess(&self) -> bool {
        self.stage == Stage::Group
    }

    /// The next storage, and at last those of the group that the trackers do not know to have the file: what they know is
    /// a beat old.
    ///
    /// # Errors
    /// As [`ReadTargets::next`].
    pub(crate) async fn next_anywhere(&mut self) -> Result<Option<Target>, ClientError> {
        let mut next = self.next().await?;
        if next.is_none() && self.stage == Stage::Rest {
            self.stage = Stage::Group;
            // If no more can be learnt, the failures so far are what the caller should hear of.
            let group = self.client.storages(self.file.group, None).await.unwrap_or_default();
            for storage in group.iter().filter(|storage| storage.status == StorageStatus::Active) {
                let Ok(ip) = storage.ip.as_str().parse() else { continue };
                let target = self.client.mapped(SocketAddr::new(ip, storage.port));
                if !target.is_among(&self.seen) {
                    self.waiting.push(target);
                }
            }
            next = self.waiting.pop();
        }
        self.seen.extend(next);
        Ok(next)
    }

    /// Puts all others in front of what waits already.
    async fn add_all(&mut self) {
        // There was a storage already; if no more can be learnt, its failure is what the caller should hear of.
        let Ok((told, tracker)) = self.client.ask_fetch_all(self.doing, self.file).await else { return };
        let targets = told.servers.into_iter().filter_map(|s| self.client.target(self.doing, s, tracker).ok());
        let mut others: Vec<_> = targets.filter(|target| !target.is_among(&self.seen)).collect();
        fastrand::shuffle(&mut others);
        others.sort_by_cached_key(|target| !self.client.is_dead(target.addr));
        self.waiting.append(&mut others);
    }
}
