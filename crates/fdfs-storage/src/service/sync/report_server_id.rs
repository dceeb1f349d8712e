//! `REPORT_SERVER_ID` (9): who replicates on this connection.

use fdfs_proto::cmd::storage::ReportServerId;

use crate::error::RequestError;
use crate::exchange::{Exchange, Reply};

/// Serves the command.
pub(super) async fn report_server_id(exchange: &mut Exchange<'_>) -> Result<Reply, RequestError> {
    let ReportServerId(id) = exchange.decode().await?;
    exchange.sync_peer.told = Some(id);
    Ok(Reply::Empty)
}
