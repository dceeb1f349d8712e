//! What an upload asks for: a block, and later the word that it is used or not.
//!
//! The way of a file into a trunk file:
//!
//! 1. [`TrunkSpace::lease`]: a block on hold. Any error: the file goes on its own, as if there were no trunk files (W-20).
//! 2. Under a lock of the block: look at the header on this storage's disk. In use: [`TrunkSpace::confirm`] with
//!    `EEXIST` (nobody gets the block again) and ask once more. Free: write the content, then the header.
//! 3. Flush as the policy asks, then [`TrunkSpace::confirm`] with `OK`. **Only when that succeeds is the block this
//!    file's**: on an error the header is zeroed again (if it is still ours) and the file goes on its own.
//! 4. The record in the binlog, the answer.
//!
//! Of two storages that believe to have the same block only one is told `Ok` by `confirm`, so a file whose upload was
//! acknowledged is never written over.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use fdfs_core::trunk::SpaceError;
use fdfs_proto::Status;
use fdfs_proto::cmd::storage::TrunkInfo;
use fdfs_proto::cmd::tracker::{BeatAnswer, Parameters};
use fdfs_proto::file_id::{LogicName, TrunkHeader};
use fdfs_proto::ours::TrunkAsk;
use fdfs_proto::shared::StorageBrief;
use fdfs_store::state_file::StateDir;
use fdfs_store::{RealFs, StoreError};
use tokio::sync::{mpsc, oneshot, watch};

use super::desk::{Desk, DeskParts};
use super::error::TrunkError;
use super::frees::Frees;
use super::owed::Owed;
use super::remote::{Asked, Outcome, QUEUE_LEN};
use super::told::{Claims, Told};

use crate::write_path::WritePath;

pub use super::told::Server;

/// How long the end of a trunk server may take.
const CLOSING_MAX: Duration = Duration::from_secs(4);

/// A block that is held for one upload until [`TrunkSpace::confirm`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a block stays on hold until it is confirmed"]
pub struct TrunkLease {
    /// Where it is and how large: `part.alloc_size` is at least what was asked for, and goes into header and name.
    pub block: TrunkInfo,
    /// In which term it was given: a lease of an earlier trunk server cannot be confirmed any more.
    pub(super) term: u64,
    /// This storage gave it out itself.
    is_own: bool,
}

impl TrunkLease {
    /// Whether this storage gave it out itself, so that its own trunk log tells whether it was confirmed.
    #[must_use]
    pub const fn is_own(&self) -> bool {
        self.is_own
    }
}

/// A block that is being given back.
#[derive(Debug)]
#[must_use = "it is not given back before its second step"]
pub struct Freeing {
    block: TrunkInfo,
    /// The change of the own desk that gives it back.
    change: Option<u64>,
}

/// Space in trunk files, as uploads and deletes of this storage see it.
#[derive(Debug)]
pub struct TrunkSpace {
    params: Parameters,
    /// `None` where trunk files are not used.
    works: Option<Works>,
}

#[derive(Debug)]
pub(super) struct Works {
    pub(super) desk: Desk,
    pub(super) frees: Frees,
    owed: Owed,
    pub(super) told: watch::Sender<Told>,
    claims: Mutex<Claims>,
    asks: mpsc::Sender<Asked>,
    /// Taken by the task that carries the requests.
    pub(super) queue: Mutex<Option<mpsc::Receiver<Asked>>>,
    /// The role is laid down for good, and the others know all of the log.
    pub(super) is_closed: watch::Sender<bool>,
}

impl TrunkSpace {
    /// Opens what lies in `<base>/data`, where trunk files are used.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn open(data_path: &Path, parts: DeskParts) -> Result<Self, StoreError> {
        let params = parts.params.clone();
        let works = if params.use_trunk_file {
            let (asks, queue) = mpsc::channel(QUEUE_LEN);
            let works = Works {
                desk: Desk::open(data_path, parts)?,
                frees: Frees::open(StateDir::open(RealFs, data_path)?)?,
                owed: Owed::open(StateDir::open(RealFs, data_path)?, &crate::start::boot_id())?,
                told: watch::Sender::new(Told::default()),
                claims: Mutex::default(),
                asks,
                queue: Mutex::new(Some(queue)),
                is_closed: watch::Sender::new(false),
            };
            // What was in them went just before the last run ended.
            for block in works.take_empty(works.owed.all()) {
                works.frees.push(block)?;
            }
            Some(works)
        } else {
            None
        };
        Ok(Self { params, works })
    }

    /// Whether new small files go into trunk files (`use_trunk_file` of the trackers). Files that are there already are
    /// served in any case.
    #[must_use]
    pub const fn is_used(&self) -> bool {
        self.params.use_trunk_file
    }

    /// Whether a regular file of this size goes into a trunk file: its header is counted.
    #[must_use]
    pub fn takes(&self, content_bytes: u64) -> bool {
        let with_header = content_bytes.saturating_add(TrunkHeader::LEN as u64);
        self.is_used() && with_header <= u64::from(self.params.slot_max_size_bytes)
    }

    /// Bytes of a trunk file (`trunk_file_size`).
    #[must_use]
    pub const fn trunk_file_bytes(&self) -> u32 {
        self.params.trunk_file_size_bytes
    }

    /// Whether this storage is the trunk server, and gives out space.
    #[must_use]
    pub fn is_server(&self) -> bool {
        self.works.as_ref().is_some_and(|works| works.desk.serves())
    }

    /// The number of the newest trunk file, and free megabytes in trunk files: what the trunk server tells the trackers.
    #[must_use]
    pub fn report(&self) -> Option<(u32, u64)> {
        self.works.as_ref().filter(|works| works.desk.serves()).map(|works| works.desk.report())
    }

    /// A block on this store path for so many bytes, the header's 24 included. Many uploads in flight share one
    /// question to the trunk server.
    ///
    /// # Errors
    /// [`TrunkError`]; the file goes on its own then.
    pub async fn lease(&self, store_path_index: u8, bytes: u32) -> Result<TrunkLease, TrunkError> {
        let works = self.works()?;
        let Told { server, term, .. } = *works.told.borrow();
        let block = match server {
            None => return Err(TrunkError::NoServer),
            Some(Server::Me) => works.desk.allocate(store_path_index, bytes)?,
            Some(Server::Other(addr)) => {
                let block = works.ask(term, TrunkAsk::Allocate { store_path_index, bytes }).await?;
                block.ok_or(TrunkError::Nonsense(addr))?
            }
        };
        // What another server says must fit this one before anything is written there.
        let fits = block.store_path_index == store_path_index
            && block.part.alloc_size >= bytes
            && block.part.offset.checked_add(block.part.alloc_size).is_some_and(|end| i32::try_from(end).is_ok());
        if !fits {
            return Err(TrunkError::Invalid { what: "the trunk server's block is not the one that was asked for" });
        }
        Ok(TrunkLease { block, term, is_own: server == Some(Server::Me) })
    }

    /// Tells what became of a leased block. With `OK` (the file is in it) or `EEXIST` (something else is) nobody gets it
    /// again; with any other status it is free again.
    ///
    /// When this returns after `OK`, the trunk server's log says so: of another storage durably, of this one in the
    /// kernel, so that the flush of the commit makes it durable (a trunk log lies on the file system of the binlog).
    ///
    /// # Errors
    /// [`TrunkError`]; after `OK` that means: the block is **not** the file's, and the file must go elsewhere. After
    /// another status the error needs no care: a hold that nobody ends ends by itself.
    pub async fn confirm(&self, lease: TrunkLease, status: Status) -> Result<(), TrunkError> {
        let works = self.works()?;
        let Told { server, term, .. } = *works.told.borrow();
        if lease.term != term {
            return Err(TrunkError::NotHeld);
        }
        match server {
            None => Err(TrunkError::NoServer),
            Some(Server::Me) => {
                let change = works.desk.confirm(&lease.block, status)?;
                works.desk.settle(change, false).await
            }
            Some(Server::Other(_)) => {
                works.ask(term, TrunkAsk::Confirm { block: lease.block, status }).await.map(|_| ())
            }
        }
    }

    /// Gives back the block of a file that was deleted, after it was zeroed here. Returns when the intention is safe:
    /// it is told to the trunk server now, or later when that is not to be reached (W-21). Only for deletes of clients:
    /// a replicated delete gives back nothing.
    pub async fn free(&self, block: TrunkInfo) {
        let Some(works) = &self.works else { return };
        // Deleted elsewhere before, and given back there: what was taken since is not given back twice.
        if works.owed.sharing(&block).is_empty() {
            works.free(block).await;
        } else {
            self.is_gone(block).await;
        }
    }

    /// Something else is in a leased block: nobody gets it before that is gone from here ([`TrunkSpace::is_gone`]).
    pub async fn occupied(&self, lease: TrunkLease) {
        let Some(works) = &self.works else { return };
        // Without this answer the block is given out again, and found occupied again.
        if self.confirm(lease, Status::EEXIST).await.is_ok() {
            if let Err(e) = works.owed.add(lease.block) {
                tracing::error!("{e}; {} bytes of a trunk file may be lost", lease.block.part.alloc_size);
            }
            // It may have gone meanwhile.
            self.is_gone(lease.block).await;
        }
    }

    /// A file that another storage has deleted is gone from its block here. Its own space was given back there; what was
    /// taken since because something was still here is given back when it is empty.
    pub async fn is_gone(&self, block: TrunkInfo) {
        let Some(works) = &self.works else { return };
        for owed in works.take_empty(works.owed.sharing(&block)) {
            works.free(owed).await;
        }
    }

    /// The same in two steps, for who writes a record in between: what this storage's own log has to tell goes in with
    /// what others write there meanwhile.
    pub fn begin_free(&self, block: TrunkInfo) -> Freeing {
        let desk = self.works.as_ref().filter(|works| works.told.borrow().server == Some(Server::Me));
        let desk = desk.filter(|works| works.owed.sharing(&block).is_empty());
        // Whatever is wrong is found again and told by the second step.
        Freeing { block, change: desk.and_then(|works| works.desk.free(&block).ok()) }
    }

    /// The second step. Returns as [`TrunkSpace::free`] does.
    pub async fn end_free(&self, freeing: Freeing) {
        let Some(works) = &self.works else { return };
        match freeing.change {
            None => self.free(freeing.block).await,
            Some(change) => {
                if let Err(e) = works.desk.write_for(change).await {
                    works.not_freed(freeing.block, &e);
                }
            }
        }
    }

    /// Takes back uploads that the last run confirmed, or was about to, and never acknowledged. Their slots were given out by
    /// the log that is here, and by nobody else since: what it says is in use is theirs.
    pub(crate) async fn take_back(&self, write_path: &WritePath, uploads: &[LogicName]) -> Result<(), TrunkError> {
        if uploads.is_empty() {
            return Ok(());
        }
        // A copy of another storage's log does not tell.
        let own = self.works.as_ref().filter(|works| works.desk.lock().term.is_origin);
        let space = own.map(|works| super::role::load(&works.desk)).transpose()?;
        for name in uploads {
            let slot = write_path.slots.get(usize::from(name.store_path_index()));
            let (Some(slot), Some(block)) = (slot, TrunkInfo::of(name)) else { continue };
            let was_confirmed = space.as_ref().is_some_and(|space| space.is_used(&block.into()));
            let is_clear = write_path.leave_slot(slot, name).await;
            if is_clear
                && was_confirmed
                && let Some(works) = &self.works
            {
                works.frees.push(block)?;
            }
            tracing::info!("{name} was never acknowledged, and is taken out of its slot");
        }
        Ok(write_path.forget_left()?)
    }

    /// Replaces the trunk log by the list of what is free, now; else the clock does it. Blocks.
    ///
    /// # Errors
    /// [`TrunkError`]; the log goes on as it was.
    pub fn compact(&self) -> Result<(), TrunkError> {
        self.works()?.desk.compact()
    }

    /// The generation of the trunk log here, its size in bytes, and whether free space is left unused because another
    /// storage may know better.
    #[must_use]
    pub fn log_state(&self) -> Option<(u64, u64, bool)> {
        let desk = &self.works.as_ref()?.desk;
        let size = desk.log_size();
        let term = desk.lock().term;
        Some((term.generation, size, term.doubtful_below > 0))
    }

    /// Waits until a trunk server that stops has told the others the end of its log.
    pub(crate) async fn closed(&self) {
        let Some(works) = &self.works else { return };
        let mut closed = works.is_closed.subscribe();
        // Others that do not answer must not hold up a stop.
        let _ = tokio::time::timeout(CLOSING_MAX, closed.wait_for(|is_closed| *is_closed)).await;
    }

    pub(super) fn works(&self) -> Result<&Works, TrunkError> {
        self.works.as_ref().ok_or(TrunkError::Off)
    }

    /// Who the trunk server is now.
    pub(super) fn told(&self) -> Told {
        self.works.as_ref().map(|works| *works.told.borrow()).unwrap_or_default()
    }

    /// A tracker answered a beat or a report. `is_me` tells whether a record is this storage; `trunk_file_id` is the
    /// newest trunk file as that tracker knows it, where it was asked.
    pub(crate) fn hear(
        &self,
        tracker: usize,
        answer: &BeatAnswer,
        is_me: impl Fn(&StorageBrief) -> bool,
        trunk_file_id: Option<u32>,
    ) {
        let Some(works) = &self.works else { return };
        let mut claims = works.claims.lock().unwrap_or_else(PoisonError::into_inner);
        claims.hear(tracker, answer, is_me, trunk_file_id);
        works.desk.lock().is_suspended = !claims.is_leader_here();
        let (server, trunk_file_id) = claims.trunk_server();
        works.told.send_if_modified(|told| told.change_to(server, trunk_file_id));
    }

    /// The connection to a tracker ended. Without its leader a trunk server gives out nothing: another one may have the
    /// role by now.
    pub(crate) fn lost(&self, tracker: usize) {
        let Some(works) = &self.works else { return };
        let mut claims = works.claims.lock().unwrap_or_else(PoisonError::into_inner);
        claims.lost(tracker);
        works.desk.lock().is_suspended = !claims.is_leader_here();
    }
}

impl Works {
    /// Those of the owed blocks that are empty here; they are owed no more.
    fn take_empty(&self, mut owed: Vec<TrunkInfo>) -> Vec<TrunkInfo> {
        owed.retain(|block| {
            let path = self.desk.parts.paths.get(usize::from(block.store_path_index));
            if !path.is_some_and(|path| path.is_slot_empty(&(*block).into()).unwrap_or(false)) {
                return false;
            }
            self.owed.take(block).unwrap_or_else(|e| {
                // The next start would give it back once more.
                tracing::error!("{e}; {} bytes of a trunk file may be lost", block.part.alloc_size);
                false
            })
        });
        owed
    }

    async fn ask(&self, term: u64, ask: TrunkAsk) -> Outcome {
        let (reply, answer) = oneshot::channel();
        if self.asks.try_send(Asked { ask, term, reply }).is_err() {
            return Err(TrunkError::Busy { waiting: QUEUE_LEN });
        }
        // The carrier is gone: this storage stops.
        answer.await.unwrap_or(Err(TrunkError::NoServer))
    }

    async fn free(&self, block: TrunkInfo) {
        if let Err(e) = self.try_free(block).await {
            self.not_freed(block, &e);
        }
    }

    fn not_freed(&self, block: TrunkInfo, error: &TrunkError) {
        match error {
            e if e.is_undone() => match self.frees.push(block) {
                Ok(()) => tracing::debug!("{e}; the block is given back later"),
                Err(e) => tracing::error!("{e}; {} bytes of a trunk file are lost", block.part.alloc_size),
            },
            // Free already, or nobody knows: to give back what may be another file's by now is out of the question.
            e if e.status() == SpaceError::AlreadyFree.status() => tracing::debug!("{e}"),
            e => tracing::info!("{e}; {} bytes of a trunk file may be lost", block.part.alloc_size),
        }
    }

    /// Gives a block back, once.
    pub(super) async fn try_free(&self, block: TrunkInfo) -> Result<(), TrunkError> {
        let Told { server, term, .. } = *self.told.borrow();
        match server {
            None => Err(TrunkError::NoServer),
            Some(Server::Me) => {
                let change = self.desk.free(&block)?;
                self.desk.settle(change, false).await
            }
            Some(Server::Other(_)) => self.ask(term, TrunkAsk::Free { block }).await.map(|_| ()),
        }
    }
}

impl Server {
    /// Where it is, if it is another storage.
    #[must_use]
    pub const fn addr(self) -> Option<SocketAddr> {
        match self {
            Self::Me => None,
            Self::Other(addr) => Some(addr),
        }
    }
}
