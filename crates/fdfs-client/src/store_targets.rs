//! Storages that an upload can go to, one after the other.

use fdfs_proto::GroupName;

use crate::target::Target;
use crate::{Client, ClientError, UploadOptions};

/// How often the tracker is asked for a storage of any group after the first group failed.
const OTHER_GROUP_TRIES: u32 = 2;

/// A storage and the store path to use there; `None` lets it choose.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) target: Target,
    pub(crate) store_path: Option<u8>,
}

/// Storages that an upload can go to: first the one that the tracker chooses, then the others of its group, then those
/// that it names when asked again (another group, where none was asked for), at last what could not be reached a
/// moment ago.
#[derive(Debug)]
pub(crate) struct StorePlaces<'a> {
    client: &'a Client,
    doing: &'static str,
    options: &'a UploadOptions,
    stage: Stage,
    seen: Vec<Target>,
    /// Last first.
    waiting: Vec<Place>,
    last_resort: Vec<Place>,
}

#[derive(Debug, Clone, Copy)]
enum Stage {
    First,
    SameGroup(GroupName),
    OtherGroups(u32),
    LastResort,
}

impl<'a> StorePlaces<'a> {
    pub(crate) const fn new(client: &'a Client, doing: &'static str, options: &'a UploadOptions) -> Self {
        let seen = Vec::new();
        Self { client, doing, options, stage: Stage::First, seen, waiting: Vec::new(), last_resort: Vec::new() }
    }

    /// The next place; `None` when there is no further one.
    ///
    /// # Errors
    /// Only the first time: what asking a tracker can give.
    pub(crate) async fn next(&mut self) -> Result<Option<Place>, ClientError> {
        loop {
            if let Some(place) = self.waiting.pop() {
                return Ok(Some(place));
            }
            match self.stage {
                Stage::First => {
                    if let Some(addr) = self.options.storage {
                        self.stage = Stage::LastResort;
                        let target = Target { addr, tracker: None };
                        return Ok(Some(Place { target, store_path: self.options.store_path_index }));
                    }
                    let (told, tracker) = self.client.ask_store(self.doing, self.options.group).await?;
                    self.stage = Stage::SameGroup(told.group);
                    let target = self.client.target(self.doing, told.server, tracker)?;
                    self.add(target, Some(told.store_path_index));
                }
                Stage::SameGroup(group) => {
                    let tries = if self.options.group.is_some() { 0 } else { OTHER_GROUP_TRIES };
                    self.stage = Stage::OtherGroups(tries);
                    self.add_group(group).await;
                }
                Stage::OtherGroups(0) => {
                    self.stage = Stage::LastResort;
                    self.waiting = std::mem::take(&mut self.last_resort);
                }
                Stage::OtherGroups(left) => {
                    self.stage = Stage::OtherGroups(left - 1);
                    if let Ok((told, tracker)) = self.client.ask_store(self.doing, None).await
                        && let Ok(target) = self.client.target(self.doing, told.server, tracker)
                    {
                        self.add(target, Some(told.store_path_index));
                    }
                }
                Stage::LastResort => return Ok(None),
            }
        }
    }

    /// Adds a place that was not seen yet, behind the others if its storage could not be reached a moment ago.
    fn add(&mut self, target: Target, store_path: Option<u8>) {
        if target.is_among(&self.seen) {
            return;
        }
        self.seen.push(target);
        let place = Place { target, store_path: self.options.store_path_index.or(store_path) };
        if self.client.is_dead(target.addr) { self.last_resort.push(place) } else { self.waiting.push(place) }
    }

    /// Adds the other storages of a group. The store path of such an answer is meant for the first of them only.
    async fn add_group(&mut self, group: GroupName) {
        // There was a storage already; if no more can be learnt, its failure is what the caller should hear of.
        let Ok((told, tracker)) = self.client.ask_store_all(self.doing, Some(group)).await else { return };
        let targets = told.servers.into_iter().filter_map(|s| self.client.target(self.doing, s, tracker).ok());
        let mut targets: Vec<_> = targets.collect();
        fastrand::shuffle(&mut targets);
        for target in targets {
            self.add(target, None);
        }
    }
}
