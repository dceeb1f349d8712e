//! What all connections of a storage share.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, MutexGuard};

use fdfs_conf::StorageConf;
use fdfs_log::AccessLog;
use fdfs_net::Gate;
use fdfs_proto::GroupName;
use fdfs_proto::disk::data_init_flag::DataInitFlag;
use fdfs_proto::file_id::LogicName;
use fdfs_store::RealFs;
use fdfs_store::duplicates::Duplicates;
use fdfs_store::state_file::StateDir;

use crate::doubts::Doubts;
use crate::durations::Durations;
use crate::error::RequestError;
use crate::identity::Identity;
use crate::init_flag::InitFlag;
use crate::link::{LinkState, Moved, TrackerList};
use crate::params::KnownCluster;
use crate::peers::Peers;
use crate::placing::Placing;
use crate::plain_instead::PlainInstead;
use crate::received::Received;
use crate::recovery::Recovery;
use crate::stat::Stats;
use crate::sync::SyncState;
use crate::terms::Terms;
use crate::trunk::TrunkSpace;
use crate::write_path::{FileGuard, PathSlot, WritePath};

/// What all connections of a storage share.
#[derive(Debug)]
pub struct Storage {
    /// The configuration.
    pub conf: StorageConf,
    /// The group.
    pub group: GroupName,
    /// Who this storage is.
    pub identity: Identity,
    /// What the trackers have told.
    pub cluster: KnownCluster,
    /// What trackers of ours are told beyond the join.
    pub terms: Terms,
    /// The trackers of the configuration, as it is now.
    pub trackers: TrackerList,
    /// What the trackers say of the group.
    pub link: LinkState,
    /// Its address changed since the last run, and trackers must be told.
    pub moved: Option<Moved>,
    /// The other storages of the group.
    pub peers: Peers,
    /// Up to when the changes of the others are here.
    pub received: Received,
    /// Files that peers of the reference changed and that are not here as they should be.
    pub doubts: Doubts,
    /// What is sent to the others.
    pub sync: SyncState,
    /// Store paths that came back empty and are being refilled.
    pub recovery: Recovery,
    /// The way of all changes.
    pub write_path: WritePath,
    /// Contents that are stored already (`check_file_duplicate`).
    pub duplicates: Option<Duplicates>,
    /// Where new files go.
    pub placing: Arc<Placing>,
    /// Space in trunk files for small files.
    pub trunk: TrunkSpace,
    /// Whether small files go on their own just now.
    pub plain_instead: PlainInstead,
    /// Counters.
    pub stats: Stats,
    /// How long requests take.
    pub durations: Durations,
    /// Who may come in.
    pub gate: Gate,
    /// The access log, if there is one.
    pub access_log: Option<Arc<AccessLog>>,
    /// `<base>/data`.
    pub state_dir: StateDir<RealFs>,
    /// When this process began to serve, unix seconds.
    pub up_time_unix_secs: i64,
    /// Where clients are served.
    pub addr: SocketAddr,
    /// Threads of the data port.
    pub worker_count: usize,
    pub(crate) init_flag: Arc<InitFlag>,
    pub(crate) busy: AtomicUsize,
}

/// Counts a request in work until it is dropped.
#[derive(Debug)]
pub struct Busy<'a>(&'a AtomicUsize);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Release);
    }
}

impl Storage {
    /// A store path by its index.
    ///
    /// # Errors
    /// [`RequestError::NoStorePath`].
    pub fn slot(&self, index: u8) -> Result<&PathSlot, RequestError> {
        let count = self.write_path.slots.len();
        self.write_path.slots.get(usize::from(index)).ok_or(RequestError::NoStorePath { index, count })
    }

    /// Keeps others from changing this file or its metadata.
    pub async fn lock_file(&self, name: &LogicName) -> FileGuard<'_> {
        self.write_path.locks.lock(name.as_str()).await
    }

    /// A request begins; it ends when the value is dropped.
    pub fn begin_request(&self) -> Busy<'_> {
        self.busy.fetch_add(1, Ordering::Relaxed);
        Busy(&self.busy)
    }

    /// Requests in work.
    #[must_use]
    pub fn busy_count(&self) -> usize {
        self.busy.load(Ordering::Acquire)
    }

    /// The init flag, to be read or changed; [`Storage::save_init_flag`] writes it.
    pub(crate) fn lock_init_flag(&self) -> MutexGuard<'_, DataInitFlag> {
        self.init_flag.lock()
    }

    /// Writes the init flag.
    ///
    /// # Errors
    /// [`fdfs_store::StoreError`].
    pub(crate) fn save_init_flag(&self) -> Result<(), fdfs_store::StoreError> {
        self.init_flag.save()
    }
}
