//! The lasting connection to one tracker: join, settle who copies old files, then beat and report for ever.

use std::sync::Arc;
use std::time::Duration;

use fdfs_conf::address::TrackerServer;
use fdfs_core::roster::TrackerIndex;
use fdfs_net::{Backoff, Caller};
use fdfs_proto::VersionText;
use fdfs_proto::cmd::tracker::{
    Beat, BeatAnswer, DiskUsage, HostAddrs, Join, JoinAnswer, ListStorages, PathSpace, ReplicaChange, StorageList,
    SyncDestRequest, SyncNotify, SyncSource, SyncSourceAnswer, TrackerLine,
};
use fdfs_proto::limits::PROTOCOL_VERSION;
use fdfs_proto::shared::{StorageBrief, StorageStatus};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::ask::{TrackerDialer, ask, tell, whole};
use super::error::LinkError;
use crate::storage::Storage;

/// The first pause after a failure.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// Keeps the connection to one tracker until `shutdown`: errors are told once, then only when they change.
pub async fn keep(storage: Arc<Storage>, index: TrackerIndex, shutdown: CancellationToken) {
    let Some(tracker) = storage.conf.tracker_servers.get(index).cloned() else { return };
    let dialer = TrackerDialer::of(&storage.conf);
    let longest = Duration::from_secs(storage.conf.heart_beat_interval_secs.max(1));
    let seed = u64::from(crc32fast::hash(tracker.to_string().as_bytes()));
    let mut backoff = Backoff::new(FIRST_PAUSE.min(longest), longest, seed);
    let mut told = String::new();
    let mut session = Session { storage: &storage, dialer: &dialer, tracker: &tracker, index, status: None };
    loop {
        let ended = tokio::select! {
            () = shutdown.cancelled() => return,
            ended = session.run(&mut backoff, &mut told) => ended,
        };
        storage.link.note_lost(index);
        if let Err(e) = ended {
            let text = e.to_string();
            if text != told {
                // Nobody online to copy old files from is how it is while a group comes up.
                if e.is_later() {
                    tracing::info!("{text}; tried again until it works");
                } else {
                    tracing::warn!("tracker {tracker}: {text}; tried again until it works");
                }
                told = text;
            }
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(backoff.next_pause()) => {}
        }
    }
}

struct Session<'a> {
    storage: &'a Arc<Storage>,
    dialer: &'a TrackerDialer,
    tracker: &'a TrackerServer,
    /// Its place in the configuration.
    index: TrackerIndex,
    /// Our status at this tracker, as it was told last.
    status: Option<StorageStatus>,
}

impl Session<'_> {
    async fn run(&mut self, backoff: &mut Backoff, told: &mut String) -> Result<(), LinkError> {
        let mut caller = self.dialer.connect(self.tracker).await?;
        self.join(&mut caller).await?;
        self.settle_sync_source(&mut caller).await?;
        tracing::info!("joined tracker {}", caller.peer_addr());
        backoff.reset();
        told.clear();
        self.report(&mut caller).await
    }

    async fn join(&mut self, caller: &mut Caller) -> Result<(), LinkError> {
        let storage = self.storage;
        let trackers = self.tracker_lines().await;
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
            // A tracker that lost its data takes the word of a storage that is not new (0 would be "undecided").
            status: Some(self.status.unwrap_or(StorageStatus::Init)),
            id: storage.identity.id,
            tracker_ip: caller.peer_addr().ip().to_canonical().to_string().parse().unwrap_or_default(),
            trackers,
        };
        let answer = ask(caller, &join, whole::<JoinAnswer>).await?;
        self.learn_status(caller, answer.status);
        Ok(())
    }

    /// All trackers of the configuration with their addresses as they are now.
    async fn tracker_lines(&self) -> Vec<TrackerLine> {
        let mut lines = Vec::new();
        for tracker in &self.storage.conf.tracker_servers {
            let Ok(addrs) = self.dialer.addresses(tracker).await else { continue };
            let mut ips = addrs.iter().filter_map(|addr| addr.ip().to_canonical().to_string().parse().ok());
            if let (Some(first), Some(addr)) = (ips.next(), addrs.first()) {
                let second = if tracker.addresses.len() > 1 { ips.next() } else { None };
                lines.push(TrackerLine { addrs: HostAddrs { first, second }, port: addr.port() });
            }
        }
        lines
    }

    fn learn_status(&mut self, caller: &Caller, status: StorageStatus) {
        if self.status != Some(status) {
            tracing::info!("tracker {} sees this storage as {status}", caller.peer_addr());
        }
        self.status = Some(status);
        self.storage.link.note_own_status(self.index, status);
    }

    /// On the very first start one tracker says who copies the old files to us; every tracker is then told.
    async fn settle_sync_source(&mut self, caller: &mut Caller) -> Result<(), LinkError> {
        let settling = self.storage.link.settling.lock().await;
        if !self.storage.lock_init_flag().sync_old_done {
            let answer = ask(caller, &SyncDestRequest, whole::<SyncSourceAnswer>).await?;
            let source = match answer.source {
                Some(source) if self.has_stored_nothing(caller, source).await => None,
                other => other,
            };
            if let Some(source) = source {
                tracing::warn!(
                    "{} holds the older files of this group, and copying them is not built yet: this storage stays \
                     WAIT_SYNC and is not offered to clients",
                    source.id
                );
            }
            let flag = &mut *self.storage.lock_init_flag();
            flag.sync_old_done = true;
            flag.sync_src_server = source.map_or_else(Default::default, |source| source.id);
            flag.sync_until_timestamp = source.map_or(0, |source| source.until_secs);
        }
        self.storage.save_init_flag()?;
        drop(settling);
        let notify = {
            let flag = self.storage.lock_init_flag();
            let source_id = (!flag.sync_src_server.is_empty()).then_some(flag.sync_src_server);
            SyncNotify { source_id, until_secs: flag.sync_until_timestamp }
        };
        tell(caller, &notify).await
    }

    /// Whether the chosen source never stored a file, so that there is nothing to copy.
    async fn has_stored_nothing(&self, caller: &mut Caller, source: SyncSource) -> bool {
        let request = ListStorages { group: self.storage.group, id: Some(source.id) };
        match ask(caller, &request, StorageList::decode).await {
            Ok(list) => {
                !list.storages.is_empty()
                    && list.storages.iter().all(|storage| {
                        let stat = &storage.stat;
                        stat.upload_count.success == 0 && stat.last_source_update == 0 && stat.last_sync_update == 0
                    })
            }
            Err(_) => false,
        }
    }

    /// Beats and disk reports, each at its interval, the first ones at once.
    async fn report(&mut self, caller: &mut Caller) -> Result<(), LinkError> {
        let conf = &self.storage.conf;
        let beat_interval = Duration::from_secs(conf.heart_beat_interval_secs.max(1));
        let disk_interval = Duration::from_secs(conf.stat_report_interval_secs.max(1));
        let (mut beat_at, mut disk_at) = (Instant::now(), Instant::now());
        let mut told_changes = None;
        loop {
            sleep_until(beat_at.min(disk_at)).await;
            // Disks first: a storage is ACTIVE with its first report, and must not be offered as one without space.
            if disk_at <= Instant::now() {
                let paths = self.storage.placing.paths();
                // A path that takes no uploads has no room for them: so the tracker sends them elsewhere (W-24, W-35).
                let space = |facts: &fdfs_core::placement::PathFacts| PathSpace {
                    total_mb: facts.total_mb,
                    free_mb: if facts.writable { facts.free_mb } else { 0 },
                };
                let usage = DiskUsage { paths: paths.iter().map(space).collect() };
                let answer = ask(caller, &usage, whole::<BeatAnswer>).await?;
                self.take_news(caller, &answer).await?;
                disk_at = Instant::now() + disk_interval;
            }
            if beat_at <= Instant::now() {
                let changes = self.storage.stats.changes();
                let news = told_changes != Some(changes);
                let stat = news.then(|| self.storage.stats.snapshot(self.storage.gate.counts()));
                let answer = ask(caller, &Beat { stat }, whole::<BeatAnswer>).await?;
                told_changes = Some(changes);
                self.take_news(caller, &answer).await?;
                beat_at = Instant::now() + beat_interval;
            }
        }
    }

    async fn take_news(&mut self, caller: &mut Caller, answer: &BeatAnswer) -> Result<(), LinkError> {
        let link = &self.storage.link;
        if let Some(leader) = answer.leader {
            // Only the leader tells of a leader: of itself.
            link.note_leader(self.index, leader != StorageBrief::NONE);
        }
        let Some(list) = &answer.storages else { return Ok(()) };
        let news = link.note_list(self.index, list, &self.storage.peers);
        if let Some(status) = link.read(|roster| roster.own_status_at(self.index)) {
            self.learn_status(caller, status);
        }
        if !news.tell_back.is_empty() {
            tell(caller, &ReplicaChange { storages: news.tell_back }).await?;
        }
        Ok(())
    }
}
