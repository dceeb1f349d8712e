//! The lasting connection to one tracker: join, settle who copies old files, then beat and report for ever.

use std::sync::Arc;
use std::time::Duration;

use fdfs_conf::address::TrackerServer;
use fdfs_core::roster::TrackerIndex;
use fdfs_net::{Backoff, Caller};
use fdfs_proto::VersionText;
use fdfs_proto::cmd::tracker::{
    BeatAnswer, Join, JoinAnswer, ReplicaChange, TrackerLine, TrunkFileId, TrunkFileIdRequest,
};
use fdfs_proto::limits::PROTOCOL_VERSION;
use fdfs_proto::ours::GroupView;
use fdfs_proto::shared::{StorageBrief, StorageStatus};
use tokio_util::sync::CancellationToken;

use super::ask::{TrackerDialer, ask, tell, whole};
use super::error::LinkError;
use super::reports::Reports;
use super::watch::Watcher;
use crate::storage::Storage;

/// The pauses after failures: the first, and the longest. `heart_beat_interval` is the longest where it is shorter.
///
/// Differs from C: the reference waits a whole `heart_beat_interval`, so that it comes back late when its tracker does.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(2));

/// Keeps the connection to one tracker until `shutdown`: errors are told once, then only when they change.
pub async fn keep(storage: Arc<Storage>, index: TrackerIndex, shutdown: CancellationToken) {
    let Some(tracker) = storage.trackers.find(index) else { return };
    let ended = storage.trackers.ended(index);
    tokio::select! {
        () = ended.cancelled() => {
            tracing::info!("tracker {tracker} is no longer in the configuration");
            storage.link.note_lost(index);
            storage.trunk.lost(index);
        }
        () = keep_to(&storage, index, &tracker, shutdown) => {}
    }
}

async fn keep_to(storage: &Arc<Storage>, index: TrackerIndex, tracker: &TrackerServer, shutdown: CancellationToken) {
    let dialer = TrackerDialer::of(&storage.conf);
    let longest = PAUSES.1.min(Duration::from_secs(storage.conf.heart_beat_interval_secs.max(1)));
    let seed = u64::from(crc32fast::hash(tracker.to_string().as_bytes()));
    let mut backoff = Backoff::new(PAUSES.0, longest, seed);
    let mut told = String::new();
    let mut session =
        Session { storage, dialer: &dialer, tracker, index, status: None, put_off: None, told_trackers: Vec::new() };
    loop {
        let ended = tokio::select! {
            () = shutdown.cancelled() => return,
            ended = session.run(&mut backoff, &mut told) => ended,
        };
        session.put_off = None;
        storage.link.note_lost(index);
        storage.trunk.lost(index);
        let text = ended.to_string();
        if text != told {
            if ended.is_later() {
                tracing::info!("{text}; tried again until it works");
            } else {
                tracing::warn!("tracker {tracker}: {text}; tried again until it works");
            }
            told = text;
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(backoff.next_pause()) => {}
        }
    }
}

/// The connection to one tracker, and what outlives it.
pub(super) struct Session<'a> {
    pub(super) storage: &'a Arc<Storage>,
    pub(super) dialer: &'a TrackerDialer,
    pub(super) tracker: &'a TrackerServer,
    /// Its place in the configuration.
    pub(super) index: TrackerIndex,
    /// Our status at this tracker, as it was told last.
    status: Option<StorageStatus>,
    /// What it says as a second leader.
    put_off: Option<BeatAnswer>,
    /// The trackers that the last join named.
    told_trackers: Vec<TrackerLine>,
}

impl Session<'_> {
    /// Runs until the connection fails, and gives the reason.
    async fn run(&mut self, backoff: &mut Backoff, told: &mut String) -> LinkError {
        let joined = async {
            let mut caller = self.dialer.connect(self.tracker).await?;
            self.tell_new_address(&mut caller).await?;
            self.join(&mut caller).await?;
            Ok(caller)
        };
        let joined = joined.await;
        self.storage.link.note_tried(self.index);
        let mut caller = match joined {
            Ok(caller) => caller,
            Err(e) => return e,
        };
        tracing::info!("joined tracker {}", caller.peer_addr());
        backoff.reset();
        told.clear();
        let watcher =
            Watcher::start(&self.storage.conf, self.tracker, self.storage.group, self.storage.identity.storage_id());
        match Reports::new(self, watcher).run(&mut caller).await {
            Err(e) => e,
            Ok(never) => match never {},
        }
    }

    async fn join(&mut self, caller: &mut Caller) -> Result<(), LinkError> {
        let storage = self.storage;
        let trackers = self.tracker_lines().await;
        self.told_trackers.clone_from(&trackers);
        let (join_time_secs, is_old_done) = {
            let flag = storage.lock_init_flag();
            (flag.storage_join_time, flag.sync_old_done)
        };
        let join = Join {
            group: storage.group,
            port: storage.addr.port(),
            store_path_count: u16::try_from(storage.write_path.slots.len()).unwrap_or(u16::MAX),
            subdir_count: u16::try_from(storage.conf.subdir_count_per_path).unwrap_or(u16::MAX),
            upload_priority: storage.conf.upload_priority.into(),
            join_time_secs,
            up_time_secs: storage.up_time_unix_secs,
            version: VersionText::new(PROTOCOL_VERSION.as_bytes()).unwrap_or_default(),
            is_first_start: !is_old_done,
            status: storage.link.status_to_join_with(self.status),
            id: storage.identity.id,
            tracker_ip: caller.peer_addr().ip().to_canonical().to_string().parse().unwrap_or_default(),
            trackers,
        };
        let answer = ask(caller, &join, whole::<JoinAnswer>).await?;
        self.learn_status(caller, answer.status);
        Ok(())
    }

    /// The tracker hears of it when the configuration names other trackers, or their names have other addresses.
    ///
    /// Differs from C: there it hears of that when this storage is started again.
    pub(super) async fn tell_other_trackers(&mut self, caller: &mut Caller) -> Result<(), LinkError> {
        if self.tracker_lines().await == self.told_trackers { Ok(()) } else { self.join(caller).await }
    }

    /// All trackers of the configuration with their addresses as they are now.
    async fn tracker_lines(&self) -> Vec<TrackerLine> {
        let trackers = &self.storage.trackers;
        let mut lines = Vec::new();
        for (index, tracker) in trackers.all() {
            let addrs = self.dialer.addresses(&tracker).await.unwrap_or_default();
            let ips: Vec<_> =
                addrs.iter().filter_map(|addr| addr.ip().to_canonical().to_string().parse().ok()).collect();
            let port = tracker.addresses.first().map_or(0, |address| address.port);
            lines.extend(trackers.line(index, &ips, port, tracker.addresses.len() > 1));
        }
        lines
    }

    /// The tracker told our status.
    pub(super) fn learn_status(&mut self, caller: &Caller, status: StorageStatus) {
        self.storage.link.note_own_status(self.index, status);
        if self.status != Some(status) {
            tracing::info!("tracker {} sees this storage as {status}", caller.peer_addr());
        }
        self.status = Some(status);
    }

    /// The news of a beat; whether a peer went for good.
    pub(super) async fn take_news(&mut self, caller: &mut Caller, answer: &BeatAnswer) -> Result<bool, LinkError> {
        if let Some(leader) = answer.leader {
            // Only the leader tells of a leader: of itself.
            self.storage.link.note_leader(self.index, leader != StorageBrief::NONE);
        }
        if self.leads() { self.take_leaders_news(caller, answer).await } else { self.put_off(answer) }
    }

    /// What was seen by watching; whether a peer went for good.
    pub(super) async fn take_view(&mut self, caller: &mut Caller, view: &GroupView) -> Result<bool, LinkError> {
        let link = &self.storage.link;
        link.note_leader(self.index, view.leads);
        if view.leads {
            let news = BeatAnswer {
                leader: Some(view.leader),
                trunk_server: Some(view.trunk_server),
                storages: Some(view.storages.clone()),
            };
            return if self.leads() { self.take_leaders_news(caller, &news).await } else { self.put_off(&news) };
        }
        self.leads_no_more();
        let own = view.storages.iter().find(|brief| link.read(|roster| roster.is_me(brief)));
        if let Some(own) = own {
            self.learn_status(caller, own.status);
        }
        Ok(false)
    }

    /// Whether the word of this tracker counts.
    fn leads(&self) -> bool {
        self.storage.link.read(|roster| roster.leader() == Some(self.index))
    }

    /// A second leader: what it says is kept for the case that the first one stands down.
    fn put_off(&mut self, answer: &BeatAnswer) -> Result<bool, LinkError> {
        let BeatAnswer { leader, trunk_server, storages } = answer;
        if leader.is_some() || trunk_server.is_some() || storages.is_some() {
            let put_off = self.put_off.get_or_insert_default();
            put_off.leader = leader.or(put_off.leader);
            put_off.trunk_server = trunk_server.or(put_off.trunk_server);
            put_off.storages = storages.clone().or(put_off.storages.take());
        }
        self.storage.trunk.hear(self.index, &BeatAnswer::default(), |_| false, None);
        Ok(false)
    }

    /// This tracker may have become the one whose word counts: what it said before counts now.
    pub(super) async fn take_what_was_put_off(&mut self, caller: &mut Caller) -> Result<bool, LinkError> {
        if !self.leads() {
            return Ok(false);
        }
        match self.put_off.take() {
            Some(news) => self.take_leaders_news(caller, &news).await,
            None => Ok(false),
        }
    }

    /// This tracker does not lead.
    pub(super) fn leads_no_more(&mut self) {
        self.put_off = None;
        self.storage.link.note_leader(self.index, false);
        let news = BeatAnswer { leader: Some(StorageBrief::NONE), ..BeatAnswer::default() };
        self.storage.trunk.hear(self.index, &news, |_| false, None);
    }

    async fn take_leaders_news(&mut self, caller: &mut Caller, answer: &BeatAnswer) -> Result<bool, LinkError> {
        if let Some(trunk_server) = answer.trunk_server {
            self.storage.link.note_trunk_server(self.index, trunk_server);
        }
        let someone_went = match &answer.storages {
            Some(list) => self.take_list(caller, list).await?,
            None => false,
        };
        self.take_trunk_news(caller, answer).await?;
        Ok(someone_went)
    }

    /// Who the trunk server is; told behind the list, so that whoever takes the role knows whom to ask. It learns the
    /// newest trunk file that the tracker knows of, too.
    async fn take_trunk_news(&mut self, caller: &mut Caller, answer: &BeatAnswer) -> Result<(), LinkError> {
        let storage = self.storage;
        let is_me = |brief: &StorageBrief| storage.identity.is_brief(brief, storage.addr.port());
        let file_id = match &answer.trunk_server {
            Some(server) if storage.trunk.is_used() && is_me(server) => {
                Some(ask(caller, &TrunkFileIdRequest, whole::<TrunkFileId>).await?.id)
            }
            _ => None,
        };
        storage.trunk.hear(self.index, answer, is_me, file_id);
        Ok(())
    }

    async fn take_list(&mut self, caller: &mut Caller, list: &[StorageBrief]) -> Result<bool, LinkError> {
        let storage = self.storage;
        let link = &storage.link;
        let news = link.note_list(self.index, list);
        // First, so that what is kept for a peer has its new name before a sender looks for it.
        let renamed = if news.gone.is_empty() { Ok(()) } else { self.read_changelog(caller).await };
        link.publish(&storage.peers);
        renamed?;
        if let Some(status) = link.read(|roster| roster.own_status_at(self.index)) {
            self.learn_status(caller, status);
        }
        if !news.tell_back.is_empty() {
            tell(caller, &ReplicaChange { storages: news.tell_back }).await?;
        }
        Ok(!news.gone.is_empty())
    }
}
