//! Commands by which the other storages of the group replicate to this one: one file per command.
//!
//! A change that is older than what is here, or of a file that was deleted since, has no effect and is answered as done:
//! the sender must go on. docs/decisions/0007-two-sides-of-a-break.md says what is older.

mod change_file;
mod create_link;
mod delete_file;
mod hello;
mod reached;
mod rename_file;
mod report_server_id;
pub(super) mod run;
mod slot_file;
mod truncate_file;
mod whole_file;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use fdfs_proto::{Command, Status, StorageId};
use fdfs_store::NewFile;
use fdfs_store::replica_file::Incoming;

use crate::error::RequestError;
use crate::exchange::{Exchange, Reply};
use crate::names::now_unix_secs;
use crate::storage::Storage;
use crate::write_path::{Outcome, PathSlot, Sent};

/// One line per command; others are not served here.
pub(super) async fn dispatch(
    storage: &Arc<Storage>,
    command: Command,
    exchange: &mut Exchange<'_>,
) -> Result<Reply, RequestError> {
    match command {
        Command::ReportServerId => report_server_id::report_server_id(exchange).await,
        Command::SyncHello => hello::hello(exchange).await,
        Command::SyncReached => reached::reached(storage, exchange).await,
        Command::SyncCreateFile => whole_file::create_file(storage, exchange).await,
        Command::SyncUpdateFile => whole_file::update_file(storage, exchange).await,
        Command::SyncDeleteFile => delete_file::delete_file(storage, exchange).await,
        Command::SyncCreateLink => create_link::create_link(storage, exchange).await,
        Command::SyncRenameFile => rename_file::rename_file(storage, exchange).await,
        Command::SyncAppendFile => change_file::append_file(storage, exchange).await,
        Command::SyncModifyFile => change_file::modify_file(storage, exchange).await,
        Command::SyncTruncateFile => truncate_file::truncate_file(storage, exchange).await,
        _ => Err(RequestError::UnknownCommand { number: command.number() }),
    }
}

/// The change of a request, and who sends it.
fn sent(storage: &Storage, exchange: &Exchange<'_>, timestamp: u32) -> Sent {
    Sent { at: timestamp, sender: exchange.sync_peer.sender(storage, exchange.peer()) }
}

/// A change is here, or need not be: what a storage of the reference that told its id has sent is here up to its time.
fn arrived(storage: &Storage, exchange: &Exchange<'_>, sent: &Sent) {
    note_arrival(storage, exchange.sync_peer.tells_by_sending(), sent);
}

fn note_arrival(storage: &Storage, source: Option<StorageId>, sent: &Sent) {
    if let Some(source) = source {
        storage.received.note(source, sent.at);
    }
    storage.stats.last_sync_update.store(now_unix_secs(), Ordering::Relaxed);
    storage.stats.touch();
}

/// The answer to a change of a part of a file.
fn change_reply(storage: &Storage, exchange: &Exchange<'_>, sent: &Sent, outcome: Outcome) -> Reply {
    if outcome == Outcome::NeedsWhole {
        return Reply::Status(Status::ENOENT);
    }
    arrived(storage, exchange, sent);
    match outcome {
        Outcome::Applied => Reply::Empty,
        Outcome::IsHere | Outcome::Kept | Outcome::StaysDeleted | Outcome::NeedsWhole => Reply::Status(Status::EEXIST),
    }
}

/// What is left of a body that does not fit the buffer comes into a file without a name; cut off, it is gone.
async fn spool(
    storage: &Storage,
    slot: &PathSlot,
    folder: &str,
    exchange: &mut Exchange<'_>,
) -> Result<NewFile, RequestError> {
    let mut file = storage.write_path.begin(slot, folder).await?;
    while exchange.left() > 0 {
        let len = exchange.next_piece().await?;
        storage.write_path.write_piece(slot, &mut file, exchange.piece(len)).await?;
        exchange.consume(len);
    }
    Ok(file)
}

/// What has come in as content.
fn incoming<'b>(spooled: Option<NewFile>, exchange: &'b Exchange<'_>) -> Incoming<'b, fdfs_store::RealFs> {
    match spooled {
        Some(file) => Incoming::Spooled(file),
        None => Incoming::Whole(exchange.whole_content().unwrap_or_default()),
    }
}

/// Counts the bytes of a change.
fn count_bytes(storage: &Storage, bytes: u64, is_ok: bool) {
    storage.stats.sync_in_bytes.count(bytes, is_ok);
    storage.stats.touch();
}
