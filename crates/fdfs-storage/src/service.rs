//! Serving a client's connection: one request after the other, one line per command.

mod append_file;
mod appender;
mod create_link;
mod delete_file;
mod download_file;
mod drain;
mod duplicate;
mod fetch_one_path_binlog;
mod metadata;
mod modify_file;
mod query_file_info;
mod regenerate;
mod self_report;
mod sync;
mod sync_status;
mod truncate_file;
mod upload_file;
mod upload_in_slot;
mod upload_slave;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use fdfs_net::connection::DataConnection;
use fdfs_net::{NetError, Permits};
use fdfs_proto::file_id::{FileId, LogicName};
use fdfs_proto::{Command, FileName, Header, Status};
use fdfs_store::StoredFile;

use crate::error::RequestError;
use crate::exchange::{Exchange, Reply};
use crate::storage::Storage;
use crate::sync_peer::SyncPeer;
use crate::trunk::serve as trunk;

/// The most of an unwanted body that is read to keep a connection in step; with more to come it is closed instead.
const DRAIN_MAX_BYTES: u64 = 16 << 20;

/// Serves a connection until it closes or breaks the rules.
pub async fn serve(storage: Arc<Storage>, mut conn: DataConnection) {
    let mut answer = Vec::new();
    let mut sync_peer = SyncPeer::default();
    loop {
        match serve_next(&storage, &mut conn, &mut answer, &mut sync_peer).await {
            Ok(Next::Request) => {}
            Ok(Next::Close) => break,
            Err(e) if e.is_closed() => {
                tracing::debug!("{e}");
                break;
            }
            Err(e) => {
                tracing::info!("{e}; connection closed");
                break;
            }
        }
    }
}

/// What follows a request.
enum Next {
    /// Another one.
    Request,
    /// The end of the connection.
    Close,
}

/// Serves what came in next: a run of replicated files, or one request.
async fn serve_next(
    storage: &Arc<Storage>,
    conn: &mut DataConnection,
    answer: &mut Vec<u8>,
    sync_peer: &mut SyncPeer,
) -> Result<Next, NetError> {
    if sync_peer.is_ours
        && conn.next_bytes().await?
        && let Some(next) = sync::run::serve_run(storage, conn, answer, *sync_peer).await?
    {
        return Ok(next);
    }
    serve_one(storage, conn, answer, sync_peer).await
}

async fn serve_one(
    storage: &Arc<Storage>,
    conn: &mut DataConnection,
    answer: &mut Vec<u8>,
    sync_peer: &mut SyncPeer,
) -> Result<Next, NetError> {
    let Some(header) = conn.next_header().await? else { return Ok(Next::Close) };
    let _busy = storage.begin_request();
    let started = Instant::now();
    let Ok(body_len) = u64::try_from(header.body_len) else {
        tracing::info!("{} announces a body of {} bytes; connection closed", conn.peer(), header.body_len);
        return Ok(Next::Close);
    };
    let mut exchange = Exchange::new(conn, header, body_len, answer, sync_peer);
    let Some(command) = Command::from_number(header.command) else {
        return refuse(exchange, &header, &RequestError::UnknownCommand { number: header.command }).await;
    };
    if command == Command::Quit {
        return Ok(Next::Close);
    }
    let result = dispatch(storage, command, &mut exchange).await;
    storage.count(command, &exchange, &result);
    storage.durations.count(command, started.elapsed());
    storage.log_access(command, &exchange, &result, started);
    match result {
        Ok(reply) => {
            exchange.drop_buffered();
            if matches!(reply, Reply::End) {
                return Ok(Next::Close);
            }
            send(exchange, reply).await?;
            Ok(Next::Request)
        }
        Err(RequestError::Net(e)) => Err(e),
        Err(e) => refuse(exchange, &header, &e).await,
    }
}

/// One line per command.
async fn dispatch(
    storage: &Arc<Storage>,
    command: Command,
    exchange: &mut Exchange<'_>,
) -> Result<Reply, RequestError> {
    match command {
        Command::UploadFile => upload_file::upload_file(storage, exchange).await,
        Command::UploadAppenderFile => upload_file::upload_appender(storage, exchange).await,
        Command::UploadSlaveFile => upload_slave::upload_slave(storage, exchange).await,
        Command::AppendFile => append_file::append_file(storage, exchange).await,
        Command::ModifyFile => modify_file::modify_file(storage, exchange).await,
        Command::TruncateFile => truncate_file::truncate_file(storage, exchange).await,
        Command::RegenerateAppenderFilename => regenerate::regenerate(storage, exchange).await,
        Command::CreateLink => create_link::create_link(storage, exchange).await,
        Command::DownloadFile => download_file::download_file(storage, exchange).await,
        Command::DeleteFile => delete_file::delete_file(storage, exchange).await,
        Command::SetMetadata => metadata::set_metadata(storage, exchange).await,
        Command::GetMetadata => metadata::get_metadata(storage, exchange).await,
        Command::QueryFileInfo => query_file_info::query_file_info(storage, exchange).await,
        Command::TrunkAllocSpace => trunk::allocate(storage, exchange).await,
        Command::TrunkAllocConfirm => trunk::confirm(storage, exchange).await,
        Command::TrunkFreeSpace => trunk::free(storage, exchange).await,
        Command::TrunkSyncBinlog => trunk::sync_binlog(storage, exchange).await,
        Command::TrunkGetBinlogSize => trunk::binlog_size(storage, exchange).await,
        Command::TrunkDeleteBinlogMarks => trunk::delete_marks(storage, exchange).await,
        Command::TrunkTruncateBinlogFile => trunk::truncate(storage, exchange).await,
        Command::TrunkBatch => trunk::batch(storage, exchange).await,
        Command::TrunkLog => trunk::log(storage, exchange).await,
        Command::ActiveTest => active_test(exchange).await,
        Command::Drain => drain::drain(storage, exchange).await,
        Command::SelfReport => self_report::self_report(storage, exchange).await,
        Command::SyncStatus => sync_status::sync_status(storage, exchange).await,
        Command::ReportServerId
        | Command::SyncHello
        | Command::SyncReached
        | Command::SyncCreateFile
        | Command::SyncDeleteFile
        | Command::SyncUpdateFile
        | Command::SyncCreateLink
        | Command::SyncAppendFile
        | Command::SyncModifyFile
        | Command::SyncTruncateFile
        | Command::SyncRenameFile => sync::dispatch(storage, command, exchange).await,
        Command::FetchOnePathBinlog => fetch_one_path_binlog::fetch_one_path_binlog(storage, exchange).await,
        // What only a tracker serves is unknown here, as in the reference.
        _ => Err(RequestError::UnknownCommand { number: command.number() }),
    }
}

async fn active_test(exchange: &mut Exchange<'_>) -> Result<Reply, RequestError> {
    exchange.decode::<()>().await?;
    Ok(Reply::Empty)
}

async fn send(mut exchange: Exchange<'_>, reply: Reply) -> Result<(), NetError> {
    match reply {
        Reply::Empty => exchange.connection().respond(Status::OK, &[]).await,
        Reply::End => Ok(()),
        Reply::Body => exchange.send_answer().await,
        Reply::File { file, permits, offset, len } => {
            send_file(exchange.connection(), &file, offset, len, &permits).await
        }
        Reply::Status(status) => exchange.connection().respond(status, &[]).await,
    }
}

async fn send_file(
    conn: &mut DataConnection,
    file: &StoredFile,
    offset: u64,
    len: u64,
    permits: &Permits,
) -> Result<(), NetError> {
    let at = file.offset + offset;
    if !file.is_in_slot() {
        return conn.respond_with_file(&*file.file, at, len, permits).await;
    }
    if conn.respond_with_checked_file(&*file.file, at, len, permits, || file.is_intact()).await? {
        return Ok(());
    }
    // It was deleted since it was opened.
    conn.respond(Status::ENOENT, &[]).await
}

/// Answers with an error. The rest of the body is read and dropped, so that the next request is found where it begins; a
/// request that was malformed, or announces more than that is worth, ends the connection.
///
/// Differs from C: the reference answers and then takes the rest of the body for new requests.
async fn refuse(mut exchange: Exchange<'_>, header: &Header, error: &RequestError) -> Result<Next, NetError> {
    let status = error.status();
    log_refusal(header.command, exchange.peer(), error);
    exchange.drop_buffered();
    let left = exchange.left();
    let conn = exchange.connection();
    conn.respond(status, &[]).await?;
    if status == Status::EINVAL || left > DRAIN_MAX_BYTES {
        conn.linger(left.min(DRAIN_MAX_BYTES)).await;
        return Ok(Next::Close);
    }
    conn.drain(left).await?;
    Ok(Next::Request)
}

fn log_refusal(number: u8, peer: SocketAddr, error: &RequestError) {
    if error.is_server_fault() {
        tracing::error!("command {number} of {peer}: {error}");
    } else {
        tracing::debug!("command {number} of {peer} answered {}: {error}", error.status());
    }
}

impl Storage {
    /// Checks group and name of a request, and gives the name.
    ///
    /// # Errors
    /// [`RequestError::OtherGroup`], [`RequestError::Name`].
    pub(crate) fn own_name(&self, file: &FileId) -> Result<LogicName, RequestError> {
        if file.group != self.group {
            return Err(RequestError::OtherGroup { asked: file.group, own: self.group });
        }
        self.logic_name(&file.name)
    }

    /// Checks the name of a request that has no group, and gives it.
    ///
    /// # Errors
    /// [`RequestError::Name`].
    pub(crate) fn logic_name(&self, name: &FileName) -> Result<LogicName, RequestError> {
        Ok(LogicName::parse(name)?.in_store_paths(self.write_path.slots.len())?)
    }
}
