//! `FETCH_ONE_PATH_BINLOG` (26): the files of a store path, for a storage that lost its copy.

use std::sync::Arc;

use fdfs_core::recovery::{Found, entry, is_listed};
use fdfs_proto::Status;
use fdfs_proto::cmd::storage::FetchOnePathBinlog;
use fdfs_proto::disk::BinlogPosition;
use fdfs_proto::disk::binlog_record::BinlogRecord;
use fdfs_proto::file_id::LogicName;
use fdfs_store::binlog_reader::{BinlogReader, Step};
use fdfs_store::state_file::StateDir;
use fdfs_store::{FileKind, RealFs};

use crate::error::RequestError;
use crate::exchange::{Exchange, Reply};
use crate::storage::Storage;

/// Text that is sent at once.
const PIECE_BYTES: usize = 64 << 10;

/// Serves the command: the answer is as long as it gets, and ends with the connection. A disk that fails in the middle
/// ends it without the trailer, by which the other side knows.
pub(super) async fn fetch_one_path_binlog(
    storage: &Arc<Storage>,
    exchange: &mut Exchange<'_>,
) -> Result<Reply, RequestError> {
    let request: FetchOnePathBinlog = exchange.decode().await?;
    if request.group != storage.group {
        return Err(RequestError::OtherGroup { asked: request.group, own: storage.group });
    }
    let index = request.store_path_index;
    storage.slot(index)?;
    exchange.drop_buffered();
    let sync_dir = StateDir::open(RealFs, &storage.state_dir.path().join("sync"))?;
    let end = *storage.write_path.commit.committed().borrow();
    let mut reader = BinlogReader::new(Arc::new(sync_dir), BinlogPosition::start_of(0));
    tracing::info!("store path {index}: {} asks for a list of its files", exchange.peer());
    exchange.connection().begin_endless(Status::OK, FetchOnePathBinlog::ANSWER_LEN).await?;
    let (mut text, mut text_len) = (Vec::with_capacity(PIECE_BYTES), 0u64);
    while let Some(step) = reader.next(end)? {
        let line = match step {
            Step::Line(line) => line.text,
            Step::Gap(gap) => {
                tracing::error!("{}; files in that part of the log are not in the list", gap.why);
                continue;
            }
        };
        let Ok(record) = BinlogRecord::parse(line) else { continue };
        let Some(name) = is_listed(&record, index) else { continue };
        let listed = find(storage, &name).await?.and_then(|found| entry(&record, found));
        if let Some(listed) = listed {
            // A record that was read can be written.
            let _ = listed.encode(&mut text);
        }
        if text.len() >= PIECE_BYTES {
            exchange.connection().send_piece(&text).await?;
            text_len += text.len() as u64;
            text.clear();
            tokio::task::yield_now().await;
        }
    }
    text_len += text.len() as u64;
    text.extend_from_slice(&FetchOnePathBinlog::trailer(text_len));
    exchange.connection().send_piece(&text).await?;
    Ok(Reply::End)
}

/// What is here of a name now; `None`: nothing.
async fn find(storage: &Storage, name: &LogicName) -> Result<Option<Found>, RequestError> {
    let slot = storage.slot(name.store_path_index())?;
    let _permit = slot.permits.read().await;
    if name.trunk_part().is_some() {
        // The trunk file comes as a whole; what of it is in use shows in itself.
        return Ok(slot.path.content_info(name).ok().map(|_| Found::File));
    }
    match slot.path.find(name.true_name())?.map(|stat| stat.kind) {
        Some(FileKind::Regular) => Ok(Some(Found::File)),
        Some(FileKind::Symlink) => {
            let target = slot.path.link_target(name.true_name())?;
            let logic = target.and_then(|target| format!("M{:02X}/{target}", slot.path.index()).parse().ok());
            Ok(Some(Found::Link { target: logic }))
        }
        Some(FileKind::Directory | FileKind::Other) | None => Ok(None),
    }
}
