//! Asking the trunk server when it is another storage: the requests of many uploads in one.
//!
//! One task for the process. While one batch is on its way the next one gathers. A trunk server of the reference is
//! asked one by one.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use fdfs_net::{CallOptions, Caller, NetError};
use fdfs_proto::cmd::storage::{TrunkAllocSpace, TrunkBlock, TrunkInfo};
use fdfs_proto::ours::{TrunkAsk, TrunkBatch, TrunkBatchAnswer};
use fdfs_proto::{Command, GroupName, Status, Wire};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::desk::PATIENCE;
use super::error::TrunkError;
use super::leases::Server;
use crate::storage::Storage;

/// Requests that wait at most; more are refused, and their files go on their own.
pub(super) const QUEUE_LEN: usize = 16 * 1024;
/// How long a trunk server that failed is left alone: at first, and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));

/// What a request came to.
pub(super) type Outcome = Result<Option<TrunkInfo>, TrunkError>;

/// A request on its way.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) ask: TrunkAsk,
    /// The term that the asker believes in.
    pub(super) term: u64,
    pub(super) reply: oneshot::Sender<Outcome>,
}

/// How a trunk server is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Speaks {
    Unknown,
    Batches,
    One,
}

struct Line {
    group: GroupName,
    options: CallOptions,
    server: Option<SocketAddr>,
    caller: Option<Caller>,
    speaks: Speaks,
    /// The trunk server failed: nobody waits for it before this time.
    down: Option<(Instant, TrunkError)>,
    pause: Duration,
}

/// Carries requests to the trunk server until `shutdown`.
pub(super) async fn run(storage: Arc<Storage>, mut asks: mpsc::Receiver<Asked>, shutdown: CancellationToken) {
    let options = call_options(&storage);
    let mut line = Line {
        group: storage.group,
        options,
        server: None,
        caller: None,
        speaks: Speaks::Unknown,
        down: None,
        pause: PAUSES.0,
    };
    let mut batch = Vec::new();
    loop {
        let count = tokio::select! {
            () = shutdown.cancelled() => return,
            count = asks.recv_many(&mut batch, TrunkBatch::MAX) => count,
        };
        if count == 0 {
            return;
        }
        // The uploads that are ready just now come along.
        tokio::task::yield_now().await;
        while batch.len() < TrunkBatch::MAX
            && let Ok(asked) = asks.try_recv()
        {
            batch.push(asked);
        }
        let told = storage.trunk.told();
        let server = match told.server {
            Some(Server::Other(addr)) => Some(addr),
            _ => None,
        };
        // What was leased from another trunk server is not this one's to confirm.
        let is_stale = |asked: &Asked| asked.term != told.term && matches!(asked.ask, TrunkAsk::Confirm { .. });
        for asked in batch.extract_if(.., |asked| is_stale(asked)) {
            let _ = asked.reply.send(Err(TrunkError::NotHeld));
        }
        let outcomes = line.serve(server, &batch).await;
        for (asked, outcome) in batch.drain(..).zip(outcomes) {
            // Whoever went away meanwhile needs no answer; a hold ends by itself.
            let _ = asked.reply.send(outcome);
        }
    }
}

/// How another storage is asked for something that an upload waits for.
pub(super) fn call_options(storage: &Storage) -> CallOptions {
    let conf = &storage.conf;
    let bind = conf.server.inner_bind_addrs.first().and_then(|addr| addr.parse().ok());
    CallOptions {
        connect_timeout: Duration::from_secs(conf.server.connect_timeout_secs).min(PATIENCE),
        network_timeout: Duration::from_secs(conf.server.network_timeout_secs).min(PATIENCE),
        bind: bind.filter(|_| conf.client_bind),
    }
}

impl Line {
    async fn serve(&mut self, server: Option<SocketAddr>, batch: &[Asked]) -> Vec<Outcome> {
        let all = |error: TrunkError| batch.iter().map(|_| Err(error.clone())).collect();
        if batch.is_empty() {
            return Vec::new();
        }
        let Some(server) = server else { return all(TrunkError::NoServer) };
        if self.server != Some(server) {
            (self.server, self.caller, self.speaks, self.down) = (Some(server), None, Speaks::Unknown, None);
            self.pause = PAUSES.0;
        }
        if let Some((until, error)) = &self.down
            && *until > Instant::now()
        {
            return all(error.clone());
        }
        let mut outcomes = Vec::with_capacity(batch.len());
        let ended = self.ask_all(server, batch, &mut outcomes).await;
        match ended {
            Ok(()) => (self.down, self.pause) = (None, PAUSES.0),
            Err(error) => {
                self.caller = None;
                let was_up = self.down.is_none();
                if was_up {
                    tracing::info!("{error}; small files go on their own meanwhile");
                }
                // The first of those without an answer may have been done; the others were not asked.
                let unasked = TrunkError::Unreachable(server);
                self.down = Some((Instant::now() + self.pause, unasked.clone()));
                self.pause = (self.pause * 2).min(PAUSES.1);
                let is_unknown = matches!(error, TrunkError::Net(_));
                let in_doubt = if !is_unknown {
                    0
                } else if self.speaks == Speaks::One {
                    1
                } else {
                    batch.len()
                };
                let first = outcomes.len();
                outcomes.extend(
                    (first..batch.len())
                        .map(|n| Err(if n - first < in_doubt { error.clone() } else { unasked.clone() })),
                );
            }
        }
        outcomes
    }

    /// Asks; stops at the first failure of the connection.
    async fn ask_all(
        &mut self,
        server: SocketAddr,
        batch: &[Asked],
        outcomes: &mut Vec<Outcome>,
    ) -> Result<(), TrunkError> {
        if self.caller.as_ref().is_none_or(|caller| !caller.is_alive()) {
            self.caller = None;
        }
        if self.speaks != Speaks::One {
            match self.ask_batch(server, batch).await? {
                Some(answers) => {
                    self.speaks = Speaks::Batches;
                    outcomes.extend(answers);
                    return Ok(());
                }
                None => (self.speaks, self.caller) = (Speaks::One, None),
            }
        }
        for asked in batch {
            let outcome = self.ask_one(server, &asked.ask).await?;
            outcomes.push(outcome);
        }
        Ok(())
    }

    async fn caller(&mut self, server: SocketAddr) -> Result<&mut Caller, TrunkError> {
        if self.caller.is_none() {
            match Caller::connect(server, &self.options).await {
                Ok(caller) => self.caller = Some(caller),
                Err(e) => {
                    tracing::debug!("{e}");
                    return Err(TrunkError::Unreachable(server));
                }
            }
        }
        self.caller.as_mut().ok_or(TrunkError::Unreachable(server))
    }

    /// `None` from a server that knows no batches.
    async fn ask_batch(&mut self, server: SocketAddr, batch: &[Asked]) -> Result<Option<Vec<Outcome>>, TrunkError> {
        let request = TrunkBatch { group: self.group, asks: batch.iter().map(|asked| asked.ask).collect() };
        let caller = self.caller(server).await?;
        let answer = caller.call(Command::TrunkBatch, 0, &request.to_bytes(), TrunkBatch::MAX_BYTES).await?;
        if answer.status == Status::EINVAL {
            return Ok(None);
        }
        if !answer.status.is_ok() {
            let status = answer.status;
            return Ok(Some(batch.iter().map(|_| Err(TrunkError::Refused { server, status })).collect()));
        }
        let nonsense = || TrunkError::Nonsense(server);
        let answers = TrunkBatchAnswer::from_bytes(&answer.body).map_err(|_| nonsense())?.answers;
        if answers.len() != batch.len() {
            return Err(nonsense());
        }
        let outcome = |answer: Result<_, Status>| answer.map_err(|status| TrunkError::Refused { server, status });
        Ok(Some(answers.into_iter().map(outcome).collect()))
    }

    async fn ask_one(&mut self, server: SocketAddr, ask: &TrunkAsk) -> Result<Outcome, TrunkError> {
        let group = self.group;
        let (command, flags, body, max) = match *ask {
            TrunkAsk::Allocate { store_path_index, bytes } => {
                let request = TrunkAllocSpace { group, size: bytes, store_path_index };
                (Command::TrunkAllocSpace, 0, request.to_bytes(), TrunkInfo::LEN)
            }
            TrunkAsk::Confirm { block, status } => {
                (Command::TrunkAllocConfirm, status.0, TrunkBlock { group, block }.to_bytes(), 0)
            }
            TrunkAsk::Free { block } => (Command::TrunkFreeSpace, 0, TrunkBlock { group, block }.to_bytes(), 0),
        };
        let caller = self.caller(server).await?;
        let answer = caller.call(command, flags, &body, max).await?;
        if !answer.status.is_ok() {
            let status = answer.status;
            // The reference closes after EINVAL.
            if status == Status::EINVAL {
                self.caller = None;
            }
            return Ok(Err(TrunkError::Refused { server, status }));
        }
        match ask {
            TrunkAsk::Allocate { .. } => {
                Ok(Ok(Some(TrunkInfo::from_bytes(&answer.body).map_err(|_| TrunkError::Nonsense(server))?)))
            }
            _ => Ok(Ok(None)),
        }
    }
}

impl TrunkError {
    /// Whether a request that came to this was surely not carried out, so that it may be made again.
    pub(super) fn is_undone(&self) -> bool {
        match self {
            Self::NoServer | Self::NotReady | Self::Busy { .. } | Self::Unreachable(_) => true,
            Self::Refused { status, .. } => matches!(*status, Status::EINVAL | Status::EAGAIN),
            Self::Net(e) => {
                matches!(**e, NetError::Connect { .. } | NetError::ConnectTimeout { .. } | NetError::Bind { .. })
            }
            _ => false,
        }
    }
}
