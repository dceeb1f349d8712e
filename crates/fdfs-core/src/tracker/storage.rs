//! One storage as this tracker knows it.

use std::net::Ipv4Addr;

use fdfs_proto::ours::Route;
use fdfs_proto::shared::{AddrSize, RwMode, StorageBrief, StorageStat, StorageStatus};
use fdfs_proto::{IpText, StorageId, VersionText};

use super::addr::Addrs;
use super::cluster::ConnId;
use super::ids::number_of;
use super::synced::SyncTimes;
use super::trackers::TrackerAddr;

/// Space of one store path, in megabytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PathSpace {
    /// All of it.
    pub total_mb: u64,
    /// What is free.
    pub free_mb: u64,
}

/// One storage as this tracker knows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Storage {
    pub(crate) id: StorageId,
    pub(crate) number: Option<u32>,
    pub(crate) addrs: Addrs,
    /// Addresses that it had before.
    pub(crate) former: Vec<Ipv4Addr>,
    pub(crate) port: u16,
    pub(crate) status: StorageStatus,
    pub(crate) rw: RwMode,
    /// It told that it takes no new uploads.
    pub(crate) drained: bool,
    /// Its terms are those of an earlier connection until it tells new ones, and are forgotten at this time.
    pub(crate) terms_due_mono_ms: Option<u64>,
    /// What it told of the addresses at which it is reached, and from where.
    pub(crate) own_routes: Vec<Route>,
    /// The same behind what tracker.conf says of it.
    pub(crate) routes: Vec<Route>,
    /// The trackers that its last join named.
    pub(crate) trackers: Vec<TrackerAddr>,
    pub(crate) version: VersionText,
    pub(crate) join_time: i64,
    pub(crate) up_time: i64,
    pub(crate) path_count: usize,
    pub(crate) subdir_count: usize,
    pub(crate) upload_priority: i64,
    pub(crate) total_mb: u64,
    pub(crate) free_mb: u64,
    pub(crate) paths: Vec<PathSpace>,
    pub(crate) current_write_path: usize,
    pub(crate) sync_source: Option<StorageId>,
    pub(crate) sync_until: i64,
    pub(crate) changelog_offset: u64,
    pub(crate) stat: StorageStat,
    /// Of each source: up to when everything has arrived here. One column of the matrix of sync times.
    pub(crate) synced_from: SyncTimes,
    /// While old files are copied here: what the source had of each other member when it was chosen.
    pub(crate) sync_basis: SyncTimes,
    pub(crate) connection: Option<ConnId>,
    pub(crate) last_beat_mono_ms: u64,
    /// Its connection closed, and no other came yet.
    pub(crate) is_gone: bool,
    /// Since when, as far as anybody looked: only of trunk servers.
    pub(crate) gone_since_mono_ms: Option<u64>,
    pub(crate) told_chg_count: u64,
    pub(crate) told_trunk_chg_count: u64,
}

impl Storage {
    /// A storage of which nothing but its identity is known.
    pub(crate) fn new(id: StorageId, addrs: Addrs, port: u16, status: StorageStatus) -> Self {
        Self {
            id,
            number: number_of(&id),
            addrs,
            former: Vec::new(),
            port,
            status,
            rw: RwMode::Both,
            drained: false,
            terms_due_mono_ms: None,
            own_routes: Vec::new(),
            routes: Vec::new(),
            trackers: Vec::new(),
            version: VersionText::EMPTY,
            join_time: 0,
            up_time: 0,
            path_count: 0,
            subdir_count: 0,
            upload_priority: 0,
            total_mb: 0,
            free_mb: 0,
            paths: Vec::new(),
            current_write_path: 0,
            sync_source: None,
            sync_until: 0,
            changelog_offset: 0,
            stat: StorageStat::default(),
            synced_from: SyncTimes::default(),
            sync_basis: SyncTimes::default(),
            connection: None,
            last_beat_mono_ms: 0,
            is_gone: false,
            gone_since_mono_ms: None,
            told_chg_count: 0,
            told_trunk_chg_count: 0,
        }
    }

    /// Its id.
    #[must_use]
    pub const fn id(&self) -> &StorageId {
        &self.id
    }

    /// Its addresses.
    #[must_use]
    pub const fn addrs(&self) -> &Addrs {
        &self.addrs
    }

    /// Its port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Its status.
    #[must_use]
    pub const fn status(&self) -> StorageStatus {
        self.status
    }

    /// What it may be used for: what storage_ids.conf allows, without uploads where it is drained.
    #[must_use]
    pub const fn rw(&self) -> RwMode {
        match (self.rw, self.drained) {
            (RwMode::Both | RwMode::Read, true) => RwMode::Read,
            (RwMode::Write | RwMode::None, true) => RwMode::None,
            (rw, false) => rw,
        }
    }

    /// Up to when everything of its peers has arrived here, unix seconds.
    #[must_use]
    pub const fn last_synced(&self) -> i64 {
        self.stat.last_synced_timestamp
    }

    /// The newest connection that it joined on.
    #[must_use]
    pub const fn connection(&self) -> Option<ConnId> {
        self.connection
    }

    /// How many bytes of the changelog it has read.
    #[must_use]
    pub const fn changelog_offset(&self) -> u64 {
        self.changelog_offset
    }

    /// Whether downloads may go to it now.
    #[must_use]
    pub fn is_readable(&self) -> bool {
        self.status == StorageStatus::Active && self.rw.can_read()
    }

    /// Whether uploads and updates may go to it now.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        self.is_changeable() && !self.drained
    }

    /// Whether changes of files that are there may go to it now, drained or not.
    #[must_use]
    pub fn is_changeable(&self) -> bool {
        self.status == StorageStatus::Active && self.rw.can_write()
    }

    /// Its record in lists of the group, with the address for `asker`.
    #[must_use]
    pub fn brief(&self, asker: &IpText) -> StorageBrief {
        let (ip, port) = self.reached_by(asker, AddrSize::V6);
        StorageBrief { status: self.status, port: u32::from(port), id: self.id, ip }
    }

    /// The same for a storage of its group: to itself it is known by its own address.
    #[must_use]
    pub(crate) fn brief_for(&self, asker: &IpText, asker_id: &StorageId) -> StorageBrief {
        if self.id != *asker_id {
            return self.brief(asker);
        }
        let ip = *self.addrs.for_asker(asker);
        StorageBrief { status: self.status, port: u32::from(self.port), id: self.id, ip }
    }

    /// Forgets every number, as a deletion does; what identifies it stays.
    pub(crate) fn clear_numbers(&mut self) {
        let kept = Self::new(self.id, self.addrs, self.port, self.status);
        *self = Self {
            rw: self.rw,
            routes: std::mem::take(&mut self.routes),
            version: self.version,
            join_time: self.join_time,
            changelog_offset: self.changelog_offset,
            connection: self.connection,
            last_beat_mono_ms: self.last_beat_mono_ms,
            ..kept
        };
    }
}
