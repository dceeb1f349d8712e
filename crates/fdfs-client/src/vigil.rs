//! A server that stays silent is asked on another connection whether it is there at all.

use std::net::SocketAddr;
use std::time::Duration;

use fdfs_net::{CallOptions, Caller, NetError};
use fdfs_proto::{Command, Status};

use crate::calls::Calls;

/// The pauses between two looks grow up to this many times the first one.
const PAUSE_GROWTH_MAX: u32 = 8;

impl Calls {
    /// Waits for `request` to `addr`. After `connect_timeout` without an end, and then ever more seldom, the server is asked
    /// on a connection of its own whether it is there (111): one that does not answer that either within `connect_timeout` is
    /// given up. For requests that can be sent once more elsewhere.
    ///
    /// Differs from C: there a machine that is gone without a word costs the whole of `network_timeout` (behaviour, W-10,
    /// W-36).
    pub(crate) async fn while_alive<T, E: From<NetError>>(
        &self,
        addr: SocketAddr,
        request: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let first = self.options.connect_timeout;
        let mut pause = first;
        tokio::pin!(request);
        loop {
            tokio::select! {
                biased;
                result = &mut request => return result,
                () = tokio::time::sleep(pause) => {}
            }
            tokio::select! {
                biased;
                result = &mut request => return result,
                alive = self.is_alive(addr) => if let Err(error) = alive {
                    self.note_gone(addr);
                    return Err(error.into());
                },
            }
            pause = (pause * 2).min(first * PAUSE_GROWTH_MAX);
        }
    }

    /// Whether a server answers on a new connection.
    async fn is_alive(&self, addr: SocketAddr) -> Result<(), NetError> {
        let patience = self.options.connect_timeout;
        let options = CallOptions { network_timeout: patience, ..self.options };
        let mut caller = Caller::connect(addr, &options).await.map_err(|error| gone(error, patience))?;
        let status = caller.call_expect_empty(Command::ActiveTest, 0, &[]).await?;
        debug_assert!(status == Status::OK || !status.is_ok());
        Ok(())
    }

    /// A server is gone without a word: its other connections are no better.
    pub(crate) fn note_gone(&self, addr: SocketAddr) {
        self.dead.note_silent(addr);
        self.pool.forget(addr);
    }
}

/// The request was sent already, so this is no failed connect: the server may have seen it.
fn gone(error: NetError, patience: Duration) -> NetError {
    if !error.is_connect() {
        return error;
    }
    let timeout_ms = u64::try_from(patience.as_millis()).unwrap_or(u64::MAX);
    NetError::Timeout { peer: error.peer(), doing: "waiting for", timeout_ms }
}
