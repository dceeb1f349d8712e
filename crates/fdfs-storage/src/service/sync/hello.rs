//! `SYNC_HELLO` (243), our own: the sender on this connection is one of ours.

use fdfs_proto::Wire;
use fdfs_proto::ours::{SyncHello, SyncHelloAnswer};

use crate::error::RequestError;
use crate::exchange::{Exchange, Reply};

/// Serves the command.
pub(super) async fn hello(exchange: &mut Exchange<'_>) -> Result<Reply, RequestError> {
    exchange.decode::<SyncHello>().await?;
    exchange.sync_peer.is_ours = true;
    exchange.connection().expect_pipelined();
    SyncHelloAnswer { version: SyncHelloAnswer::VERSION }.encode(exchange.answer);
    Ok(Reply::Body)
}
