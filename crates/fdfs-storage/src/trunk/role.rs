//! Taking the role of the trunk server, and laying it down (decision 0008).
//!
//! Before anything is given out, all other storages are asked what they know: one with the role in an older generation
//! lays it down, and a log that goes on where this one's ends is copied. Whoever was not heard may have given out space
//! that this storage takes for free: all of that stays in doubt until they are heard, and only new trunk files are used.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use fdfs_core::trunk::{FreeSpace, Replayed, free_file_id};
use fdfs_net::Caller;
use fdfs_proto::cmd::storage::TrunkBinlogSize;
use fdfs_proto::ours::{TrunkLogAnswer, TrunkLogPurpose, TrunkLogRequest};
use fdfs_proto::shared::StorageStatus;
use fdfs_proto::{Command, Status, StorageId, Wire};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::desk::Desk;
use super::error::TrunkError;
use super::leases::{Server, Works};
use super::remote::call_options;
use super::sender;
use super::term::TrunkTerm;
use super::timetable::Timetable;
use crate::names::{in_name, local_stamp, now_unix_secs};
use crate::peers::Peer;
use crate::storage::Storage;

/// How often the role is looked after.
const TICK: Duration = Duration::from_secs(1);
/// After another storage took the role this one leaves it alone for so long, unless the trackers say otherwise, or nobody
/// has it any more.
const RESIGNED: Duration = Duration::from_secs(30);
/// Rounds of "I am the trunk server" until nobody contradicts.
const ROUNDS: usize = 4;
/// Bytes of the log that are replayed at a time.
const REPLAY_BYTES: usize = 1 << 20;
/// How long the end of the log may take to reach the others at an orderly stop.
const FAREWELL: Duration = Duration::from_secs(2);

/// What another storage says of its log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Heard {
    /// One of ours.
    Ours(TrunkLogAnswer),
    /// The reference: it tells no more than a size.
    Reference(u64),
}

/// Keeps the role as the trackers tell, until `shutdown`.
pub(super) async fn keep(storage: Arc<Storage>, shutdown: CancellationToken) {
    let Ok(works) = storage.trunk.works() else { return };
    let mut told = works.told.subscribe();
    let mut peers = storage.peers.watch();
    let mut timetable = Timetable::new(&works.desk.parts.params);
    let mut senders: Option<Senders> = None;
    let mut failed = String::new();
    let mut resigned: Option<Instant> = None;
    loop {
        peers.mark_unchanged();
        let is_wanted = told.borrow_and_update().server == Some(Server::Me);
        let is_laid_down = !works.desk.lock().serves;
        if let Some(sending) = &mut senders
            && is_wanted
            && is_laid_down
        {
            // Another storage says that it has the role. If the trackers do not say so, it is taken back later.
            sending.stop(Duration::ZERO).await;
            senders = None;
            resigned = Some(Instant::now());
        }
        let leaves_alone = resigned.is_some_and(|at| at.elapsed() < RESIGNED);
        let is_wanted = is_wanted && !(leaves_alone && is_held_elsewhere(&storage).await);
        match (is_wanted, &mut senders) {
            (true, None) => match take(&storage, works).await {
                Ok(()) => {
                    (failed, resigned) = (String::new(), None);
                    senders = Some(Senders::default());
                }
                Err(e) => {
                    let text = e.to_string();
                    if failed != text {
                        tracing::warn!("this storage is to be the trunk server: {text}; tried again until it works");
                        failed = text;
                    }
                }
            },
            (false, Some(sending)) => {
                lay_down(works);
                sending.stop(Duration::ZERO).await;
                senders = None;
            }
            _ => {}
        }
        if let Some(sending) = &mut senders {
            sending.follow(&storage);
            timetable.tick(&works.desk).await;
        }
        super::timetable::retry_frees(works).await;
        tokio::select! {
            () = shutdown.cancelled() => break,
            changed = told.changed() => match changed {
                Ok(()) => resigned = None,
                Err(_) => break,
            },
            _ = peers.changed() => {}
            () = tokio::time::sleep(TICK) => {}
        }
    }
    if let Some(mut sending) = senders {
        lay_down(works);
        sending.follow(&storage);
        sending.stop(FAREWELL).await;
        if let Err(e) = works.desk.save_snapshot() {
            tracing::warn!("{e}; the next trunk server reads its whole trunk binlog");
        }
    }
    works.is_closed.send_replace(true);
}

fn lay_down(works: &Works) {
    match works.desk.close() {
        Ok(()) => tracing::info!("this storage gives out no more space in trunk files"),
        Err(e) => tracing::error!("{e}; the last changes of trunk space are not in the log"),
    }
}

/// The tasks that send the log, one for each other storage.
#[derive(Default)]
struct Senders {
    tasks: JoinSet<()>,
    running: BTreeMap<StorageId, (SocketAddr, CancellationToken)>,
}

impl Senders {
    fn follow(&mut self, storage: &Arc<Storage>) {
        let peers = members(storage);
        self.running.retain(|id, (addr, stop)| {
            let stays = peers.iter().any(|peer| peer.id == *id && peer.addr == *addr);
            if !stays {
                stop.cancel();
            }
            stays
        });
        for peer in peers {
            self.running.entry(peer.id).or_insert_with(|| {
                let stop = CancellationToken::new();
                self.tasks.spawn(sender::run(storage.clone(), peer, stop.clone()));
                (peer.addr, stop)
            });
        }
        while self.tasks.try_join_next().is_some() {}
    }

    /// Ends them; within `patience` they send what is left.
    async fn stop(&mut self, patience: Duration) {
        for (_, stop) in self.running.values() {
            stop.cancel();
        }
        self.running.clear();
        if !patience.is_zero() {
            let all = async { while self.tasks.join_next().await.is_some() {} };
            let _ = tokio::time::timeout(patience, all).await;
        }
        self.tasks.shutdown().await;
    }
}

/// The other storages that belong to the group.
pub(super) fn members(storage: &Storage) -> Vec<Peer> {
    let peers = storage.peers.watch().borrow().clone();
    let belongs =
        |peer: &&Peer| !matches!(peer.status, StorageStatus::Deleted | StorageStatus::IpChanged | StorageStatus::None);
    peers.iter().filter(belongs).copied().collect()
}

/// Asks another storage of its log, and tells it that this one is the trunk server.
pub(super) async fn ask(
    storage: &Storage,
    addr: SocketAddr,
    purpose: TrunkLogPurpose,
    generation: u64,
    offset: u64,
    max: u32,
) -> Result<Heard, TrunkError> {
    let mut caller = Caller::connect(addr, &call_options(storage)).await?;
    let doubtful_below = storage.trunk.works()?.desk.lock().term.doubtful_below;
    let request = TrunkLogRequest { group: storage.group, purpose, generation, offset, max, doubtful_below };
    let most = TrunkLogAnswer::FIXED_LEN + TrunkLogAnswer::LINES_MAX;
    let answer = caller.call(Command::TrunkLog, 0, &request.to_bytes(), most).await?;
    if answer.status.is_ok() {
        return TrunkLogAnswer::decode(&answer.body).map(Heard::Ours).map_err(|_| TrunkError::Nonsense(addr));
    }
    if answer.status != Status::EINVAL {
        return Err(TrunkError::Refused { server: addr, status: answer.status });
    }
    let mut caller = Caller::connect(addr, &call_options(storage)).await?;
    let answer = caller.call(Command::TrunkGetBinlogSize, 0, &[], 8).await?;
    match answer.status {
        Status::OK => TrunkBinlogSize::from_bytes(&answer.body)
            .map(|size| Heard::Reference(size.0))
            .map_err(|_| TrunkError::Nonsense(addr)),
        // No log, or no trunk files at all: it has given out nothing.
        Status::ENOENT | Status::EINVAL => Ok(Heard::Reference(0)),
        status => Err(TrunkError::Refused { server: addr, status }),
    }
}

/// Asks all at once.
async fn ask_all(storage: &Arc<Storage>, peers: &[Peer], generation: u64) -> BTreeMap<StorageId, (SocketAddr, Heard)> {
    let mut asking = JoinSet::new();
    for peer in peers.iter().copied() {
        let storage = storage.clone();
        asking.spawn(async move {
            let heard = ask(&storage, peer.addr, TrunkLogPurpose::TakeOver, generation, 0, 0).await;
            (peer, heard)
        });
    }
    let mut answers = BTreeMap::new();
    while let Some(asked) = asking.join_next().await {
        match asked {
            Ok((peer, Ok(heard))) => drop(answers.insert(peer.id, (peer.addr, heard))),
            Ok((peer, Err(e))) => tracing::debug!("storage {} was not asked of its trunk log: {e}", peer.id),
            Err(_) => {}
        }
    }
    answers
}

/// Whether another storage has the role, or may have it: who does not answer may.
async fn is_held_elsewhere(storage: &Arc<Storage>) -> bool {
    let peers = members(storage);
    // By generation 0 nobody lays it down.
    let Ok(answers) = timeout(TICK, ask_all(storage, &peers, 0)).await else { return true };
    peers.iter().any(|peer| match answers.get(&peer.id) {
        Some((_, Heard::Ours(answer))) => answer.serves,
        // One of the reference takes it from nobody.
        Some((_, Heard::Reference(_))) => false,
        None => true,
    })
}

/// Takes the role.
async fn take(storage: &Arc<Storage>, works: &Works) -> Result<(), TrunkError> {
    let desk = &works.desk;
    let (peers, own) = (members(storage), desk.parts.own_id);
    let first = desk.lock().term;
    // Whoever wrote the log, and was followed by nobody, goes on with it.
    let mut generation =
        if first.is_origin { first.generation } else { TrunkTerm::next_generation(first.generation, &own) };
    let (mut answers, mut is_clear) = (BTreeMap::new(), false);
    for _ in 0..ROUNDS {
        // Claimed before anybody is asked: of two that take the role at the same time one at least hears of the other.
        desk.lock().claim = Some(generation);
        answers = ask_all(storage, &peers, generation).await;
        let ours = answers.values().filter_map(|(addr, heard)| match heard {
            Heard::Ours(answer) => Some((answer.clone(), *addr)),
            Heard::Reference(_) => None,
        });
        let ours: Vec<_> = ours.collect();
        // Whoever goes by an equal or larger generation has not laid down the role.
        if let Some(other) = ours.iter().filter(|(answer, _)| answer.serves).map(|(answer, _)| answer.generation).max()
        {
            generation = TrunkTerm::next_generation(other, &own);
            continue;
        }
        let known = (desk.lock().term.generation, desk.log_size());
        let best = ours.iter().max_by_key(|(answer, _)| (answer.generation, answer.size));
        if let Some((answer, addr)) = best.filter(|(answer, _)| (answer.generation, answer.size) > known) {
            copy(storage, desk, answer, *addr).await?;
        }
        if desk.lock().term.generation > generation {
            generation = TrunkTerm::next_generation(desk.lock().term.generation, &own);
            continue;
        }
        is_clear = true;
        break;
    }
    if !is_clear {
        desk.lock().claim = None;
        return Err(TrunkError::NotReady);
    }
    let (term, len) = (desk.lock().term, desk.log_size());
    // Of one whose log is of another generation nobody knows what it gave out; its sender finds out.
    let is_heard = |peer: &Peer| match answers.get(&peer.id) {
        Some((_, Heard::Ours(answer))) => answer.generation == term.generation && answer.size <= len,
        Some((_, Heard::Reference(size))) => {
            if *size > len && !term.is_origin {
                tracing::warn!(
                    "storage {} of the reference has a longer trunk binlog, which cannot be fetched",
                    peer.id
                );
            }
            true
        }
        None => false,
    };
    let missing: Vec<_> = peers.iter().filter(|peer| !is_heard(peer)).map(|peer| peer.id.to_string()).collect();
    let is_own = term.is_origin && generation == term.generation;
    let is_trusted = is_own || term.complete_bytes == Some(len) || missing.is_empty();
    let mut space = tokio::task::block_in_place(|| load(desk))?;
    let newest = {
        let mut flag = desk.parts.init_flag.lock();
        let known = flag.current_trunk_file_id.max(works.told.borrow().trunk_file_id).max(space.largest_file_id());
        let place = storage.peers.watch().borrow().iter().filter(|peer| peer.id < own).count();
        flag.current_trunk_file_id = if is_trusted { known } else { free_file_id(known, place) };
        flag.current_trunk_file_id
    };
    desk.parts.init_flag.save()?;
    let mut taken = TrunkTerm { generation, is_origin: true, complete_bytes: None, ..term };
    if !is_trusted {
        taken.doubtful_below = newest + 1;
        tracing::info!(
            "the free space of the older trunk files is not used until storages {} were heard",
            missing.join(", ")
        );
    }
    space.doubt_files_below(taken.doubtful_below);
    if desk.is_another_generation(generation) {
        storage.distrust_upload_notes()?;
    }
    desk.save_term(taken)?;
    {
        let mut state = desk.lock();
        if state.claim.take() != Some(generation) {
            // Somebody with a larger one has asked meanwhile.
            return Err(TrunkError::NotReady);
        }
        (state.space, state.serves) = (space, true);
        desk.heard.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
    tracing::info!("this storage gives out the space in trunk files now, generation {generation}");
    Ok(())
}

/// Copies the log of a storage that knows more. What is in use by this storage's own log, and not of the copied one,
/// stays in use.
async fn copy(storage: &Storage, desk: &Desk, from: &TrunkLogAnswer, addr: SocketAddr) -> Result<(), TrunkError> {
    let term = desk.lock().term;
    let same = from.generation == term.generation;
    let mut offset = if same { desk.log_size() } else { 0 };
    let mut lines = Vec::new();
    while offset < from.size {
        let max = TrunkLogAnswer::LINES_MAX as u32;
        let heard = ask(storage, addr, TrunkLogPurpose::TakeOver, from.generation, offset, max).await?;
        let Heard::Ours(answer) = heard else { return Err(TrunkError::Nonsense(addr)) };
        if answer.lines.is_empty() || answer.generation != from.generation {
            return Err(TrunkError::Nonsense(addr));
        }
        offset += answer.lines.len() as u64;
        lines.extend_from_slice(&answer.lines);
    }
    if !same {
        let own = desk.lock_log().whole()?;
        let path_count = desk.parts.paths.len();
        let mut after = FreeSpace::new(desk.rules);
        after.replay(&lines, path_count, &mut Replayed::default());
        after.doubt_files_below(u32::MAX);
        let mut more = Vec::new();
        after.merge(in_name(now_unix_secs()), &own, &lines, path_count, &mut more);
        lines.extend_from_slice(&more);
    }
    let mut log = desk.lock_log();
    if !same {
        log.begin_anew(desk.parts.params.trunk_binlog_max_backups.max(1), &local_stamp())?;
    }
    log.append(&lines)?;
    log.sync()?;
    drop(log);
    Ok(desk.save_term(TrunkTerm::copied(from.generation, from.doubtful_below))?)
}

/// The free space that snapshot and log tell of.
pub(super) fn load(desk: &Desk) -> Result<FreeSpace, TrunkError> {
    let params = &desk.parts.params;
    let path_count = desk.parts.paths.len();
    let mut space = FreeSpace::new(desk.rules);
    let mut report = Replayed::default();
    let log = desk.lock_log();
    let mut offset = 0;
    if params.trunk_init_reload_from_binlog {
        log.remove_snapshot()?;
    } else if let Some(read) = log.snapshot()? {
        match read {
            Ok(snapshot) => {
                space.restore(&snapshot, path_count, &mut report);
                offset = snapshot.binlog_offset;
                if offset > log.len_bytes() {
                    tracing::warn!(
                        "storage_trunk.dat tells of {offset} bytes of the trunk binlog, which has only {}: its end is lost",
                        log.len_bytes()
                    );
                }
            }
            Err(what) => tracing::warn!("{what}; the whole trunk binlog is read instead"),
        }
    }
    loop {
        let lines = log.lines_at(offset, REPLAY_BYTES)?;
        if lines.is_empty() {
            break;
        }
        space.replay(&lines, path_count, &mut report);
        offset += lines.len() as u64;
    }
    if report.bad_lines > 0 {
        tracing::warn!("trunk binlog: {} lines that are no records are passed over", report.bad_lines);
    }
    drop(log);
    if params.trunk_init_check_occupying {
        let occupied: Vec<_> =
            space.blocks().filter(|block| super::blocks::is_occupied(&desk.parts.paths, block)).collect();
        let mut records = Vec::new();
        for block in &occupied {
            space.take(in_name(now_unix_secs()), block, &mut records);
        }
        if !occupied.is_empty() {
            tracing::warn!("{} free blocks are in use by their headers, and are taken out", occupied.len());
            desk.lock_log().append(&records)?;
        }
    }
    Ok(space)
}
