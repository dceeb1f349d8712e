//! A connection, from accept to its end.

use std::net::SocketAddr;
use std::sync::Arc;

use fdfs_net::{ConnectionPermit, NetError, ServerConn};
use tokio::net::TcpStream;
use tracing::{debug, info};

use crate::peer::Peer;
use crate::service;
use crate::tracker::Tracker;

/// An answer buffer that grew beyond this is given back.
const IDLE_ANSWER_BYTES: usize = 8 * 1024;

/// Serves a connection to its end.
pub(crate) async fn serve(tracker: Arc<Tracker>, stream: TcpStream, addr: SocketAddr, permit: ConnectionPermit) {
    let mut peer = Peer::new(tracker.next_conn(), addr, stream.local_addr().ok());
    let conn = ServerConn::new(stream, addr, tracker.limits, tracker.shutdown.clone());
    match serve_requests(&tracker, &mut peer, conn).await {
        Ok(()) => {}
        Err(error) if error.is_closed() => debug!("{error}"),
        Err(error) => info!("{error}; connection closed"),
    }
    tracker.sys_files.give_back(peer.conn);
    // A tracker that stops closes the connections of storages that are well: their states are kept as they are.
    if !tracker.shutdown.is_cancelled() {
        let _ = tracker.change(|cluster| Ok::<_, std::convert::Infallible>(cluster.disconnect(peer.conn)));
    }
    drop(permit);
}

async fn serve_requests(tracker: &Tracker, peer: &mut Peer, mut conn: ServerConn) -> Result<(), NetError> {
    let mut answer = Vec::new();
    while let Some(request) = conn.next_request().await? {
        answer.clear();
        let Some(status) = service::serve(tracker, peer, &request, &mut answer).await else { return Ok(()) };
        conn.respond(status, &answer).await?;
        if answer.capacity() > IDLE_ANSWER_BYTES {
            answer = Vec::new();
        }
    }
    Ok(())
}
