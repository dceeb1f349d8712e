//! From a configuration to all that a storage needs to serve. Each step says in the log what it found.

mod durable;
mod error;
mod learning;
mod mounts;
mod reconcile;
mod store_paths;
mod to_ids;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use fdfs_conf::StorageConf;
use fdfs_log::AccessLog;
use fdfs_net::Gate;
use fdfs_proto::disk::data_init_flag::DataInitFlag;
use fdfs_proto::disk::storage_stat::StorageStatFile;
use fdfs_store::state::{Loaded, load, save};
use fdfs_store::state_file::StateDir;
use fdfs_store::{RealFs, StoreError};

pub use error::StartError;
pub(crate) use learning::learn;
pub use mounts::EmptyBecause;

use crate::commit::Durability;
use crate::doubts::Doubts;
use crate::durations::Durations;
use crate::housekeeping::path_facts;
use crate::init_flag::InitFlag;
use crate::link::{LinkState, Moved, TrackerList};
use crate::names::{in_name, now_unix_secs};
use crate::params::Learnt;
use crate::peers::Peers;
use crate::permits::PermitCounts;
use crate::placing::{Placing, PlacingRules};
use crate::plain_instead::PlainInstead;
use crate::received::Received;
use crate::recovery::Recovery;
use crate::stat::Stats;
use crate::storage::Storage;
use crate::sync::SyncState;
use crate::terms::Terms;
use crate::trunk::{DeskParts, TrunkSpace};
use crate::write_path::{FileLocks, History, PathSlot, TAIL_BYTES, WritePath};

/// Exists while a storage runs, and is left behind by one that was killed.
const RUNNING_FILE: &str = ".fdfs_running";
/// The reference's pid file: also left behind by a reference that was killed.
const PID_FILE: &str = "fdfs_storaged.pid";

/// What is opened before a tracker is asked.
#[derive(Debug)]
pub(crate) struct Base {
    pub(crate) state_dir: StateDir<RealFs>,
    flag: DataInitFlag,
    /// The init flag could not be read and was moved aside.
    is_flag_lost: bool,
    how_it_ended: LastRun,
    /// It was on this machine since that was started: what the kernel had it still has.
    is_same_boot: bool,
    /// It lost and took the role of the trunk server: its notes do not tell what is in use.
    has_moved: bool,
}

/// How the last run on this directory ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LastRun {
    /// Orderly, or there was none.
    Orderly,
    /// Killed.
    Killed,
    /// The reference was killed.
    ReferenceKilled,
}

/// Opens `<base>/data` and reads the init flag.
pub(crate) fn open_base(conf: &StorageConf) -> Result<Base, StartError> {
    let state_dir = StateDir::open(RealFs, &conf.server.base_path.join("data"))?;
    let running = state_dir.read(RUNNING_FILE)?;
    let is_same_boot = running.as_ref().is_some_and(|boot| !boot.is_empty() && *boot == boot_id());
    let has_moved = running.as_deref() == Some(ROLE_HAS_MOVED);
    let how_it_ended = if running.is_some() {
        LastRun::Killed
    } else if state_dir.read(PID_FILE)?.is_some() {
        LastRun::ReferenceKilled
    } else {
        LastRun::Orderly
    };
    let now = now_unix_secs();
    let (flag, is_flag_lost) = match load::<DataInitFlag, _>(&state_dir, now)? {
        Loaded::Read(flag) => (flag, false),
        Loaded::Missing => (DataInitFlag { storage_join_time: now, ..DataInitFlag::default() }, false),
        Loaded::SetAside { aside, what } => {
            tracing::error!("{what}; it lies in {aside} now, and a new one is made from what the store paths say");
            // A storage that has written records before is not new.
            let has_records = !matches!(state_dir.read("sync/binlog_index.dat"), Ok(None));
            let flag = DataInitFlag { storage_join_time: now, sync_old_done: has_records, ..DataInitFlag::default() };
            (flag, true)
        }
    };
    Ok(Base { state_dir, flag, is_flag_lost, how_it_ended, is_same_boot, has_moved })
}

/// What stands in [`RUNNING_FILE`] instead of the boot id once the role of the trunk server came back.
const ROLE_HAS_MOVED: &[u8] = b"moved\n";

/// What tells one run of the machine from another; empty where the system does not tell.
pub(crate) fn boot_id() -> Vec<u8> {
    std::fs::read("/proc/sys/kernel/random/boot_id").unwrap_or_default()
}

/// Opens all the rest, once it is known who this storage is. `addr` is where it will be reached.
pub(crate) async fn open_storage(
    conf: StorageConf,
    base: Base,
    learnt: Learnt,
    gate: Gate,
    addr: SocketAddr,
    worker_count: usize,
    access_log: Option<Arc<AccessLog>>,
) -> Result<Storage, StartError> {
    let Base { state_dir, mut flag, is_flag_lost, how_it_ended, is_same_boot, has_moved } = base;
    let identity = learnt.identity().map_err(|e| StartError::Conf { what: e.to_string() })?;
    let owner = conf.check_store_path_mark.then(|| store_paths::MarkOwner {
        ip: identity.addrs.first,
        port: addr.port(),
        now: in_name(now_unix_secs()),
        adopts_own_marks: is_flag_lost,
    });
    let subdir_count = u16::try_from(conf.subdir_count_per_path).unwrap_or(256);
    let was_member = flag.sync_old_done;
    let before = mounts::Before::load(&state_dir)?;
    let (opened, _) = store_paths::open_all(&conf.store_paths, subdir_count, owner, &before, &mut flag)?;
    mounts::save(&state_dir, conf.store_paths.iter().map(|path| path.path.as_path()))?;
    let moved = Moved::of(&flag.last_ip_addr, &identity, &learnt.cluster.params);
    if moved.is_none() {
        flag.last_ip_addr = identity.addrs.to_string();
    }
    to_ids::name_source_by_id(&mut flag, &identity, &learnt.cluster.ids, addr.port());
    let old_port = Some(flag.last_server_port).filter(|port| *port != 0);
    flag.last_server_port = addr.port();
    save(&state_dir, &flag)?;
    state_dir.write(RUNNING_FILE, &boot_id())?;

    let stats = Stats::default();
    let cursor = match load::<StorageStatFile, _>(&state_dir, now_unix_secs())? {
        Loaded::Read(file) => {
            stats.restore(&file.stat);
            file.cursor
        }
        Loaded::Missing => Default::default(),
        Loaded::SetAside { aside, what } => {
            tracing::error!("{what}; it lies in {aside} now, and the statistics begin at 0");
            Default::default()
        }
    };

    let terms = Terms::load(&state_dir, conf.advertise.clone())?;
    let mut facts = Vec::with_capacity(opened.len());
    let mut paths = Vec::with_capacity(opened.len());
    let mut recoveries = Vec::with_capacity(opened.len());
    for opened in opened {
        // The note that it must be recovered comes first: with its sub directories it looks like any other.
        let needs_recovery = store_paths::needs_recovery(&opened, was_member)?;
        let takes_none = needs_recovery || terms.is_path_drained(opened.path.index());
        facts.push(path_facts(opened.path.space()?, opened.path.is_readonly(), takes_none));
        recoveries.push(needs_recovery);
        let path = Arc::new(opened.path);
        if opened.is_incomplete {
            make_subdirs_aside(&path)?;
        }
        paths.push(path);
    }
    let durable = durable::open(&conf, &state_dir, &paths)?;
    let counts = permit_counts(&conf);
    let slots = paths.into_iter().zip(durable.path_flushers).map(|(path, flusher)| {
        let permits = crate::permits::PathPermits::new(counts);
        PathSlot { path, permits, flusher }
    });
    let write_path = WritePath {
        slots: slots.collect(),
        commit: durable.commit,
        durability: durable.durability,
        sync_every_bytes: conf.fsync_after_written_bytes,
        locks: FileLocks::default(),
        history: History::default(),
        changes: durable.changes,
    };
    let log_end = *write_path.commit.committed().borrow();
    write_path.history.load(&write_path.commit.tail(TAIL_BYTES).await?.0);
    let kept_log = is_same_boot || durable.durability == Durability::Disk;
    let uploads = reconcile::recover(&write_path, &durable.left, how_it_ended, kept_log && !has_moved).await?;
    if how_it_ended != LastRun::Orderly {
        write_path.flush_all().await.map_err(|e| StartError::Conf { what: e.to_string() })?;
        reconcile::reconcile(&write_path, how_it_ended, identity.source).await?;
    }
    let duplicates = durable::open_duplicates(&conf, &state_dir)?;
    let rules = PlacingRules {
        path_rule: learnt.cluster.path_rule(),
        reserve: learnt.cluster.reserve(),
        mode: conf.file_distribute_path_mode,
        rotate_count: conf.file_distribute_rotate_count,
        subdir_count,
    };
    let init_flag = Arc::new(InitFlag::new(flag, StateDir::open(RealFs, state_dir.path())?));
    let placing = Arc::new(Placing::new(rules, cursor, facts));
    let parts = DeskParts {
        params: learnt.cluster.params.clone(),
        paths: write_path.slots.iter().map(|slot| slot.path.clone()).collect(),
        placing: placing.clone(),
        init_flag: init_flag.clone(),
        own_id: identity.storage_id(),
        changes: write_path.changes.clone(),
        flusher: durable.base_flusher,
    };
    let trunk = TrunkSpace::open(state_dir.path(), parts)?;
    trunk.take_back(&write_path, &uploads).await.map_err(|e| StartError::Conf { what: e.to_string() })?;
    let own_port = identity.id.is_none().then(|| addr.port());
    let sync = SyncState::open(&conf, &state_dir.path().join("sync"), own_port)?;
    for (peer, at) in sync.marks.put_back_to(log_end)? {
        tracing::warn!(
            "the binlog ends at {log_end}, and {peer} had all up to {at}: the records in between are lost; what is written now \
             is sent from {log_end} on"
        );
    }
    if let Some(old_port) = old_port {
        let count = sync.marks.change_own_port(old_port)?;
        if count > 0 {
            tracing::info!("the port was {old_port} before: {count} marks have new names");
        }
    }
    Ok(Storage {
        sync,
        group: identity.group,
        terms,
        moved,
        trackers: TrackerList::new(&conf.tracker_servers),
        link: LinkState::new(&identity, addr.port(), conf.tracker_servers.len()),
        identity,
        trunk,
        plain_instead: PlainInstead::default(),
        cluster: learnt.cluster,
        peers: Peers::default(),
        received: Received::default(),
        doubts: Doubts::default(),
        recovery: Recovery::new(&recoveries),
        write_path,
        duplicates,
        placing,
        stats,
        durations: Durations::default(),
        gate,
        access_log,
        state_dir,
        up_time_unix_secs: now_unix_secs(),
        addr,
        worker_count,
        init_flag,
        busy: AtomicUsize::new(0),
        conf,
    })
}

/// `disk_reader_threads`, `disk_writer_threads`, `disk_rw_separated`.
pub(crate) fn permit_counts(conf: &StorageConf) -> PermitCounts {
    let configured = PermitCounts {
        readers: conf.disk_reader_threads as usize,
        writers: conf.disk_writer_threads as usize,
        is_separated: conf.disk_rw_separated,
    };
    configured.at_least_for(core_count())
}

/// Cores that this process may use.
pub(crate) fn core_count() -> usize {
    std::thread::available_parallelism().map_or(2, std::num::NonZero::get)
}

/// Makes the sub directories of a new store path on a thread of its own: uploads make those they need themselves.
fn make_subdirs_aside(path: &Arc<fdfs_store::StorePath>) -> Result<(), StartError> {
    path.begin_subdirs()?;
    let path = path.clone();
    let dispatch = tracing::dispatcher::get_default(Clone::clone);
    let make = move || {
        let _log = tracing::dispatcher::set_default(&dispatch);
        match path.make_subdirs() {
            Ok(()) => tracing::info!("store path {}: its sub directories are there", path.index()),
            Err(e) => tracing::error!("{e}; sub directories are made as files need them"),
        }
    };
    std::thread::Builder::new().name("fdfs-subdirs".into()).spawn(make).map_err(StartError::Threads)?;
    Ok(())
}

impl Storage {
    /// Writes all state, and notes that the run ended orderly.
    ///
    /// # Errors
    /// [`StartError`]; the next start then looks for unrecorded files.
    pub(crate) async fn close(&self) -> Result<(), StartError> {
        self.trunk.closed().await;
        self.write_path.commit.sync().await?;
        if let Some(index) = &self.duplicates
            && let Err(e) = index.save()
        {
            tracing::warn!("{e}; what it learnt last is lost");
        }
        self.write_statistics()?;
        self.save_init_flag()?;
        self.state_dir.remove(RUNNING_FILE)?;
        Ok(())
    }

    /// The role of the trunk server was another storage's for a while: what is noted of uploads does not tell any more
    /// whose a slot is.
    pub(crate) fn distrust_upload_notes(&self) -> Result<(), StoreError> {
        self.state_dir.write(RUNNING_FILE, ROLE_HAS_MOVED)
    }
}
