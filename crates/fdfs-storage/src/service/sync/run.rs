//! Small whole files that came in together. A sender of ours has several under way: they go to the disk one after the
//! other, into the binlog with one write, and their answers out with another.

use std::sync::Arc;

use fdfs_net::NetError;
use fdfs_net::connection::DataConnection;
use fdfs_proto::cmd::storage::{ContentHead, SyncFileHead};
use fdfs_proto::disk::binlog_record::Op;
use fdfs_proto::file_id::{Kind, LogicName};
use fdfs_proto::{Command, HEADER_LEN, Header, Reader, Status, Wire};
use fdfs_store::replica_file::Incoming;
use futures_util::future::join_all;

use super::{count_bytes, note_arrival};
use crate::error::{RequestError, refuse_trunk_file};
use crate::service::{Next, log_refusal};
use crate::storage::Storage;
use crate::sync_peer::SyncPeer;
use crate::write_path::{Outcome, Sent};

/// The most files that are taken in together; a sender has not many more under way.
const RUN_MAX: usize = 30;

/// A file of a run.
struct Item<'b> {
    name: LogicName,
    sent: Sent,
    content: &'b [u8],
}

/// Serves the files that are buffered from their first byte to their last. `None` when there are less than two: then
/// nothing was consumed.
pub(in crate::service) async fn serve_run(
    storage: &Arc<Storage>,
    conn: &mut DataConnection,
    answers: &mut Vec<u8>,
    sync_peer: SyncPeer,
) -> Result<Option<Next>, NetError> {
    let mut used = 0;
    let mut items = Vec::new();
    while items.len() < RUN_MAX
        && let Some((item, len)) = item(storage, &conn.buffered()[used..])
    {
        used += len;
        items.push(item);
    }
    if items.len() < 2 {
        return Ok(None);
    }
    let _busy = storage.begin_request();
    let sender = sync_peer.sender(storage, conn.peer());
    for item in &mut items {
        item.sent.sender = sender;
    }
    let outcomes = join_all(items.iter().map(|item| take(storage, item))).await;
    answers.clear();
    let mut next = Next::Request;
    for (item, outcome) in items.iter().zip(outcomes) {
        let status = match &outcome {
            Ok(Outcome::Applied) => Status::OK,
            Ok(_) => Status::EEXIST,
            Err(e) => {
                log_refusal(Command::SyncCreateFile.number(), conn.peer(), e);
                e.status()
            }
        };
        answers.extend_from_slice(&Header::answer(status, 0).to_bytes());
        if outcome.is_err() {
            // The sender closes, as it does after such an answer to a single request, and sends the others again.
            next = if status == Status::EINVAL { Next::Close } else { next };
            if matches!(next, Next::Close) {
                break;
            }
            continue;
        }
        note_arrival(storage, sync_peer.tells_by_sending(), &item.sent);
        storage.doubts.settle(item.name.text());
    }
    drop(items);
    conn.consume(used);
    conn.respond_all(answers).await?;
    Ok(Some(next))
}

/// The request at the front of what is buffered, and its length, if it is a small whole file that is here to its end.
/// Everything else, malformed ones too, is left to be served alone.
fn item<'b>(storage: &Storage, buffered: &'b [u8]) -> Option<(Item<'b>, usize)> {
    let (head, rest) = buffered.split_first_chunk()?;
    let header = Header::from_bytes(*head);
    if header.command != Command::SyncCreateFile.number() || header.status != 0 {
        return None;
    }
    let body = rest.get(..usize::try_from(header.body_len).ok()?)?;
    let mut reader = Reader::new(body);
    let head = SyncFileHead::decode(&mut reader).ok()?;
    head.check(body.len() as u64).ok()?;
    let name = storage.own_name(&head.file).ok()?;
    let content = &body[reader.position()..];
    let sent = Sent { at: head.timestamp, sender: None };
    let is_plain = name.kind() != Kind::Trunk && refuse_trunk_file(&name).is_ok();
    is_plain.then_some((Item { name, sent, content }, HEADER_LEN + body.len()))
}

async fn take(storage: &Arc<Storage>, item: &Item<'_>) -> Result<Outcome, RequestError> {
    let slot = storage.slot(item.name.store_path_index())?;
    let _file = storage.lock_file(&item.name).await;
    let incoming = Incoming::Whole(item.content);
    let outcome = storage.write_path.take_whole(slot, &item.name, Op::Create, &item.sent, incoming).await;
    count_bytes(storage, item.content.len() as u64, outcome.is_ok());
    outcome
}
