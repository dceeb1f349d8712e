//! Sending the trunk server's log to one other storage, so that each of them can become the trunk server.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use fdfs_net::{Backoff, Caller};
use fdfs_proto::cmd::storage::TrunkSyncBinlog;
use fdfs_proto::disk::StateFile;
use fdfs_proto::disk::sync_mark::MarkName;
use fdfs_proto::disk::trunk_mark::TrunkMark;
use fdfs_proto::ours::{TrunkLogAnswer, TrunkLogPurpose, TrunkLogRequest};
use fdfs_proto::{Command, Wire};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::desk::Desk;
use super::error::TrunkError;
use super::remote::call_options;
use super::role::{Heard, ask, members};
use super::term::TrunkTerm;
use crate::peers::Peer;
use crate::storage::Storage;

/// Pauses after a failure.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(10));
/// The time between two pieces of the log while little is written.
const PACE: Duration = Duration::from_millis(50);
/// The longest that a connection says nothing.
const IDLE: Duration = Duration::from_secs(30);

/// Sends until `stop`; then what is left.
pub(super) async fn run(storage: Arc<Storage>, peer: Peer, stop: CancellationToken) {
    let seed = u64::from(crc32fast::hash(peer.id.as_str().as_bytes()));
    let mut backoff = Backoff::new(PAUSES.0, PAUSES.1, seed);
    let mut told = String::new();
    loop {
        match session(&storage, peer, &stop, &mut backoff).await {
            Ok(()) if stop.is_cancelled() => return,
            Ok(()) => {}
            Err(e) => {
                let text = e.to_string();
                if text != told {
                    tracing::info!("trunk binlog for storage {}: {text}; tried again until it works", peer.id);
                    told = text;
                }
            }
        }
        // News of the group: the peer may be back.
        let mut peers = storage.peers.watch();
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(backoff.next_pause()) => {}
            _ = peers.changed() => {}
        }
    }
}

/// Where a peer's copy stands.
struct Standing {
    offset: u64,
    is_ours: bool,
}

async fn session(
    storage: &Arc<Storage>,
    peer: Peer,
    stop: &CancellationToken,
    backoff: &mut Backoff,
) -> Result<(), TrunkError> {
    let works = storage.trunk.works()?;
    let desk = &works.desk;
    let mut grown = desk.grown.subscribe();
    let term = desk.lock().term;
    let epoch = desk.lock_log().epoch();
    if desk.is_compacting.load(Ordering::Acquire) {
        return Ok(());
    }
    let heard = ask(storage, peer.addr, TrunkLogPurpose::TakeOver, term.generation, 0, 0).await?;
    if let Heard::Ours(TrunkLogAnswer { serves: true, generation, .. }) = heard
        && generation > term.generation
    {
        // It has the role in a later generation: this storage lays it down, and the tracker's word decides.
        desk.close()?;
        return Err(TrunkError::NotReady);
    }
    if term.doubtful_below > 0 {
        clear_up(storage, desk, peer, &heard).await?;
    }
    let port = storage.identity.id.is_none().then(|| storage.addr.port());
    let mark = MarkName { id: peer.id, port }.file_name();
    let standing = standing(desk, &term, &heard, &mark)?;
    let mut caller = Caller::connect(peer.addr, &call_options(storage)).await?;
    let mut offset = standing.offset;
    if offset == 0 {
        tell(&mut caller, Command::TrunkTruncateBinlogFile, &[]).await?;
    }
    if standing.is_ours {
        let size = tell_log(storage, &mut caller, TrunkLogPurpose::Log, term.generation, 0).await?;
        if size != offset {
            // Something came in late over an earlier connection.
            return Err(TrunkError::NotReady);
        }
    }
    backoff.reset();
    let mut saved = None;
    loop {
        let lines = {
            let log = desk.lock_log();
            if log.epoch() != epoch {
                return Ok(());
            }
            grown.borrow_and_update();
            log.lines_at(offset, TrunkSyncBinlog::SEND_MAX)?
        };
        if !lines.is_empty() {
            tell(&mut caller, Command::TrunkSyncBinlog, &lines).await?;
            offset += lines.len() as u64;
            if lines.len() < TrunkSyncBinlog::SEND_MAX / 2 {
                // What comes in the meantime goes along with the next lines.
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = tokio::time::sleep(PACE) => {}
                }
            }
            continue;
        }
        if saved != Some(offset) {
            desk.lock_log().dir().write(&mark, &TrunkMark { binlog_offset: offset }.to_bytes())?;
            saved = Some(offset);
        }
        if stop.is_cancelled() {
            if standing.is_ours {
                tell_log(storage, &mut caller, TrunkLogPurpose::Complete, term.generation, offset).await?;
            }
            return Ok(());
        }
        wait(&mut grown, &mut caller, stop).await?;
    }
}

async fn wait(
    grown: &mut watch::Receiver<u64>,
    caller: &mut Caller,
    stop: &CancellationToken,
) -> Result<(), TrunkError> {
    tokio::select! {
        () = stop.cancelled() => Ok(()),
        _ = grown.changed() => Ok(()),
        () = tokio::time::sleep(IDLE) => tell(caller, Command::ActiveTest, &[]).await,
    }
}

/// Where the copy of a peer stands: one of ours says it, of the others the mark does. 0: it begins anew.
fn standing(desk: &Desk, term: &TrunkTerm, heard: &Heard, mark: &str) -> Result<Standing, TrunkError> {
    let log = desk.lock_log();
    let len = log.len_bytes();
    match heard {
        Heard::Ours(answer) => {
            let is_part = answer.generation == term.generation && answer.size <= len;
            Ok(Standing { offset: if is_part { answer.size } else { 0 }, is_ours: true })
        }
        Heard::Reference(_) => {
            let saved = log.dir().read(mark)?.and_then(|bytes| TrunkMark::decode(&bytes).ok());
            let offset = saved.map_or(0, |mark| mark.binlog_offset);
            Ok(Standing { offset: if offset <= len { offset } else { 0 }, is_ours: false })
        }
    }
}

async fn tell(caller: &mut Caller, command: Command, body: &[u8]) -> Result<(), TrunkError> {
    let server = caller.peer_addr();
    let status = caller.call_expect_empty(command, 0, body).await?;
    if status.is_ok() { Ok(()) } else { Err(TrunkError::Refused { server, status }) }
}

/// Announces lines, or tells that these were all. Gives the size of the peer's copy.
async fn tell_log(
    storage: &Storage,
    caller: &mut Caller,
    purpose: TrunkLogPurpose,
    generation: u64,
    offset: u64,
) -> Result<u64, TrunkError> {
    let server = caller.peer_addr();
    let doubtful_below = storage.trunk.works()?.desk.lock().term.doubtful_below;
    let request = TrunkLogRequest { group: storage.group, purpose, generation, offset, max: 0, doubtful_below };
    let answer = caller.call(Command::TrunkLog, 0, &request.to_bytes(), TrunkLogAnswer::FIXED_LEN).await?;
    if !answer.status.is_ok() {
        return Err(TrunkError::Refused { server, status: answer.status });
    }
    TrunkLogAnswer::decode(&answer.body).map(|answer| answer.size).map_err(|_| TrunkError::Nonsense(server))
}

/// A peer that was not heard at the takeover is here: what it knows is taken in, so that its log may be replaced by
/// ours. Once all were heard, nothing is in doubt any more.
async fn clear_up(storage: &Arc<Storage>, desk: &Desk, peer: Peer, heard: &Heard) -> Result<(), TrunkError> {
    let term = desk.lock().term;
    match heard {
        // A server of the reference cannot be asked; headers guard, as there.
        Heard::Reference(_) => {}
        // It has had a part of this very log, so that it was heard before.
        Heard::Ours(answer) if answer.generation == term.generation => {}
        Heard::Ours(answer) => {
            let theirs = their_log(storage, peer, term.generation, answer).await?;
            tokio::task::block_in_place(|| desk.take_in(&theirs))?;
        }
    }
    let mut is_heard = desk.heard.lock().unwrap_or_else(PoisonError::into_inner);
    is_heard.insert(peer.id);
    let all = members(storage).iter().all(|member| is_heard.contains(&member.id));
    if all && desk.lock().term.doubtful_below > 0 {
        desk.trust_old_files()?;
        tracing::info!("all storages were heard: the free space of the older trunk files is used again");
    }
    Ok(())
}

/// Reads a peer's log.
async fn their_log(
    storage: &Storage,
    peer: Peer,
    generation: u64,
    answer: &TrunkLogAnswer,
) -> Result<Vec<u8>, TrunkError> {
    let mut log = Vec::new();
    while (log.len() as u64) < answer.size {
        let max = TrunkLogAnswer::LINES_MAX as u32;
        let heard = ask(storage, peer.addr, TrunkLogPurpose::TakeOver, generation, log.len() as u64, max).await?;
        let Heard::Ours(piece) = heard else { return Err(TrunkError::Nonsense(peer.addr)) };
        if piece.lines.is_empty() || piece.generation != answer.generation {
            return Err(TrunkError::Nonsense(peer.addr));
        }
        log.extend_from_slice(&piece.lines);
    }
    Ok(log)
}

impl Desk {
    /// Takes in what another storage's log says beyond ours; durable when it returns.
    fn take_in(&self, their_log: &[u8]) -> Result<(), TrunkError> {
        let mut log = self.lock_log();
        self.write_pending(&mut log)?;
        let mut our_log = log.whole()?;
        let paths = self.parts.paths.len();
        let _ = self.change(|space, now, records| {
            // What came since the write above.
            our_log.extend_from_slice(records);
            let mut new = Vec::new();
            space.merge(now, their_log, &our_log, paths, &mut new);
            records.extend_from_slice(&new);
        });
        self.write_pending(&mut log)?;
        Ok(log.sync()?)
    }

    /// The old files are given out again.
    fn trust_old_files(&self) -> Result<(), TrunkError> {
        let term = self.lock().term;
        self.save_term(TrunkTerm { doubtful_below: 0, ..term })?;
        self.lock().space.doubt_files_below(0);
        Ok(())
    }
}
