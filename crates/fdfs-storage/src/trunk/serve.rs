//! The commands about trunk space: 27 to 33 of the reference, 245 and 246 of ours.

use std::sync::Arc;

use fdfs_proto::cmd::storage::{TrunkAllocSpace, TrunkBinlogSize, TrunkBlock, TrunkSyncBinlog};
use fdfs_proto::ours::{TrunkBatch, TrunkBatchAnswer, TrunkLogRequest};
use fdfs_proto::{GroupName, Status, Wire};

use super::error::TrunkError;
use crate::error::RequestError;
use crate::exchange::{Exchange, Reply};
use crate::storage::Storage;

fn check_group(storage: &Storage, asked: GroupName) -> Result<(), RequestError> {
    if asked == storage.group { Ok(()) } else { Err(RequestError::OtherGroup { asked, own: storage.group }) }
}

/// `TRUNK_ALLOC_SPACE` (27).
pub(crate) async fn allocate(storage: &Arc<Storage>, exchange: &mut Exchange<'_>) -> Result<Reply, RequestError> {
    let works = storage.trunk.works()?;
    let request: TrunkAllocSpace = exchange.decode().await?;
    check_group(storage, request.group)?;
    let block = works.desk.allocate(request.store_path_index, request.size)?;
    block.encode(exchange.answer);
    Ok(Reply::Body)
}

/// `TRUNK_ALLOC_CONFIRM` (28): the status byte of the request is what became of the upload.
pub(crate) async fn confirm(storage: &Arc<Storage>, exchange: &mut Exchange<'_>) -> Result<Reply, RequestError> {
    let works = storage.trunk.works()?;
    let request: TrunkBlock = exchange.decode().await?;
    check_group(storage, request.group)?;
    let change = works.desk.confirm(&request.block, Status(exchange.flags()))?;
    works.desk.settle(change, true).await?;
    Ok(Reply::Empty)
}

/// `TRUNK_FREE_SPACE` (29).
pub(crate) async fn free(storage: &Arc<Storage>, exchange: &mut Exchange<'_>) -> Result<Reply, RequestError> {
    let works = storage.trunk.works()?;
    let request: TrunkBlock = exchange.decode().await?;
    check_group(storage, request.group)?;
    let change = works.desk.free(&request.block)?;
    works.desk.settle(change, true).await?;
    Ok(Reply::Empty)
}

/// `TRUNK_SYNC_BINLOG` (30).
pub(crate) async fn sync_binlog(storage: &Arc<Storage>, exchange: &mut Exchange<'_>) -> Result<Reply, RequestError> {
    let works = storage.trunk.works()?;
    let conn = exchange.peer();
    let body = exchange.whole_body().await?;
    works.desk.take_lines(TrunkSyncBinlog::from_bytes(body)?.lines, conn)?;
    works.desk.flush().await?;
    Ok(Reply::Empty)
}

/// `TRUNK_GET_BINLOG_SIZE` (31).
pub(crate) async fn binlog_size(storage: &Arc<Storage>, exchange: &mut Exchange<'_>) -> Result<Reply, RequestError> {
    let works = storage.trunk.works()?;
    exchange.decode::<()>().await?;
    TrunkBinlogSize(works.desk.log_size()).encode(exchange.answer);
    Ok(Reply::Body)
}

/// `TRUNK_DELETE_BINLOG_MARKS` (32).
pub(crate) async fn delete_marks(storage: &Arc<Storage>, exchange: &mut Exchange<'_>) -> Result<Reply, RequestError> {
    let works = storage.trunk.works()?;
    exchange.decode::<()>().await?;
    works.desk.drop_marks()?;
    Ok(Reply::Empty)
}

/// `TRUNK_TRUNCATE_BINLOG_FILE` (33).
pub(crate) async fn truncate(storage: &Arc<Storage>, exchange: &mut Exchange<'_>) -> Result<Reply, RequestError> {
    let works = storage.trunk.works()?;
    exchange.decode::<()>().await?;
    works.desk.begin_anew()?;
    Ok(Reply::Empty)
}

/// `TRUNK_BATCH` (245): many of 27, 28 and 29.
pub(crate) async fn batch(storage: &Arc<Storage>, exchange: &mut Exchange<'_>) -> Result<Reply, RequestError> {
    let works = storage.trunk.works()?;
    let request: TrunkBatch = exchange.decode().await?;
    check_group(storage, request.group)?;
    let answers = works.desk.serve_batch(&request.asks).await;
    let answers = answers.into_iter().map(|answer| answer.map_err(|e: TrunkError| e.status())).collect();
    TrunkBatchAnswer { answers }.encode(exchange.answer);
    Ok(Reply::Body)
}

/// `TRUNK_LOG` (246).
pub(crate) async fn log(storage: &Arc<Storage>, exchange: &mut Exchange<'_>) -> Result<Reply, RequestError> {
    let works = storage.trunk.works()?;
    let request: TrunkLogRequest = exchange.decode().await?;
    check_group(storage, request.group)?;
    works.desk.log_request(&request, exchange.peer())?.encode(exchange.answer);
    Ok(Reply::Body)
}
