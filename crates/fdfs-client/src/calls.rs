//! One exchange with one server, over a kept connection where there is one.

use std::net::SocketAddr;
use std::time::Duration;

use fdfs_net::{Answer, CallOptions, NetError, Pool, Pooled};
use fdfs_proto::Command;

use crate::dead_peers::DeadPeers;

/// A request whose body is short, and how long its answer may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ask<'a> {
    /// What is being done, for errors.
    pub(crate) doing: &'static str,
    pub(crate) command: Command,
    /// The header's status byte, which is 0 but for file information.
    pub(crate) status: u8,
    pub(crate) body: &'a [u8],
    /// The longest answer, in bytes. 0: the answer should be empty, and what is in it is thrown away.
    pub(crate) max_answer: usize,
}

/// Connections to servers, and who could not be reached.
#[derive(Debug)]
pub(crate) struct Calls {
    pub(crate) pool: Pool,
    pub(crate) options: CallOptions,
    pub(crate) dead: DeadPeers,
    /// How long a kept connection may have been idle to be used without a question.
    pub(crate) trusted_for: Duration,
}

impl Calls {
    /// A connection to `addr`, kept or new.
    pub(crate) async fn take(&self, addr: SocketAddr) -> Result<Pooled, NetError> {
        match self.pool.take_idle(addr, &self.options) {
            Some(pooled) => Ok(pooled),
            None => self.connect(addr).await,
        }
    }

    /// A connection for a request that is sent only once: a kept one shows first that it still leads somewhere.
    ///
    /// Differs from C: there the request goes into a connection to a machine that may be gone, and nobody knows what became of
    /// it (behaviour, W-36).
    pub(crate) async fn take_checked(&self, addr: SocketAddr) -> Result<Pooled, NetError> {
        let mut conn = self.take(addr).await?;
        if !conn.was_reused() || conn.idle_time() < self.trusted_for {
            return Ok(conn);
        }
        conn.set_network_timeout(self.options.connect_timeout);
        match conn.call_expect_empty(Command::ActiveTest, 0, &[]).await {
            Ok(_) => {
                conn.set_network_timeout(self.options.network_timeout);
                Ok(conn)
            }
            Err(_) => {
                self.pool.forget(addr);
                self.connect(addr).await
            }
        }
    }

    /// A new connection to `addr`. Remembers whether that worked.
    pub(crate) async fn connect(&self, addr: SocketAddr) -> Result<Pooled, NetError> {
        let connected = self.pool.connect(addr, &self.options).await;
        match &connected {
            Ok(_) => self.dead.forget(addr),
            Err(error) if error.is_timeout() => self.dead.note_silent(addr),
            Err(_) => self.dead.note_refused(addr),
        }
        connected
    }

    /// After `error` on `conn`: a new connection, if the server had closed `conn` while it was idle and so never saw
    /// the request; else `error` again.
    ///
    /// Differs from C: there a connection that the server closed costs a failed operation (behaviour, W-36).
    pub(crate) async fn renew(&self, conn: &Pooled, error: NetError) -> Result<Pooled, NetError> {
        let addr = conn.peer_addr();
        if !conn.was_reused() || conn.answer_begun() || !error.is_closed() {
            if error.is_timeout() {
                self.note_gone(addr);
            }
            return Err(error);
        }
        self.pool.forget(addr);
        self.connect(addr).await
    }

    /// Asks and waits for the whole answer.
    pub(crate) async fn call(&self, addr: SocketAddr, ask: &Ask<'_>) -> Result<Answer, NetError> {
        let conn = self.take(addr).await?;
        self.call_on(conn, ask).await
    }

    /// Asks on `conn`, and on a new connection if it turns out to be closed.
    pub(crate) async fn call_on(&self, mut conn: Pooled, ask: &Ask<'_>) -> Result<Answer, NetError> {
        match exchange(&mut conn, ask).await {
            Ok(answer) => Ok(answer),
            Err(error) => {
                let mut conn = self.renew(&conn, error).await?;
                exchange(&mut conn, ask).await
            }
        }
    }
}

async fn exchange(conn: &mut Pooled, ask: &Ask<'_>) -> Result<Answer, NetError> {
    if ask.max_answer == 0 {
        let status = conn.call_expect_empty(ask.command, ask.status, ask.body).await?;
        return Ok(Answer { status, body: Vec::new() });
    }
    conn.call(ask.command, ask.status, ask.body, ask.max_answer).await
}
