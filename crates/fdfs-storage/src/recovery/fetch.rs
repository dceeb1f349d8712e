//! The list of a lost store path's files: asked of a peer (26), and shared out to the tasks while it comes in.

use std::time::Duration;

use fdfs_core::recovery::{Share, Shares};
use fdfs_net::{Caller, NetError};
use fdfs_proto::cmd::storage::FetchOnePathBinlog;
use fdfs_proto::disk::binlog_record::{BinlogRecord, LINE_MAX, Origin};
use fdfs_proto::{Command, Status, StorageId, Wire, WireError};
use fdfs_store::StoreError;
use fdfs_store::recovery_files::{ListWriter, RecoveryFiles};

use super::error::RecoveryError;
use super::progress::PathRecovery;
use super::source::{active_peers, call_options};
use crate::peers::Peer;
use crate::storage::Storage;

/// How long the list of a peer is waited for when another one has given its own.
const MORE_TIMEOUT_SECS: u64 = 60;
/// Bytes of a list that are read at once.
const PIECE_BYTES: usize = 64 << 10;

/// Fetches the lists of all peers. One that is whole is enough; of the others only what clients gave them themselves is
/// taken: the first one may not have it yet, and this storage, which had it, is not sent it again. Gives the first peer;
/// `None` when all say that they have no such store path.
///
/// Differs from C: there one list is all.
pub(super) async fn fetch(
    storage: &Storage,
    index: u8,
    files: &RecoveryFiles,
    tasks: u32,
    path: &PathRecovery,
) -> Result<Option<StorageId>, RecoveryError> {
    let mut last = None;
    let mut has_store_path = false;
    let mut first = None;
    let mut receiver = Receiver::new(files, index, tasks)?;
    for peer in active_peers(storage, usize::from(index)).await {
        receiver.begin(first.is_some());
        match fetch_from(storage, &peer, index, &mut receiver).await {
            Ok(()) => {
                if receiver.skipped > 0 {
                    tracing::info!("{} lines of the list of storage {} tell of no file", receiver.skipped, peer.id);
                }
                path.set_stage(super::RecoveryStage::Listing);
                first = first.or(Some(peer.id));
            }
            Err(RecoveryError::Refused { status: Status::EINVAL, .. }) => {}
            Err(e) => {
                has_store_path = true;
                tracing::info!("store path {index}: {e}; the next storage is asked");
                last = Some(e);
            }
        }
    }
    match (first, last) {
        (None, Some(e)) if has_store_path => Err(e),
        (None, _) => Ok(None),
        (Some(first), _) => receiver.finish().map(|()| Some(first)),
    }
}

/// Fetches the list from a peer.
async fn fetch_from(
    storage: &Storage,
    peer: &Peer,
    index: u8,
    receiver: &mut Receiver<'_>,
) -> Result<(), RecoveryError> {
    let mut options = call_options(storage);
    // The peer reads all of its log before the first line. With a list already that is not worth any wait.
    let patience = if receiver.is_more { MORE_TIMEOUT_SECS } else { FetchOnePathBinlog::TIMEOUT_MIN_SECS };
    options.network_timeout = options.network_timeout.max(Duration::from_secs(patience));
    let mut caller = Caller::connect(peer.addr, &options).await?;
    let request = FetchOnePathBinlog { group: storage.group, store_path_index: index }.to_bytes();
    caller.send_request_head(Command::FetchOnePathBinlog, 0, request.len() as u64, &request).await?;
    let head = caller.read_answer_head().await?;
    if head.status != Status::OK {
        let asked = format!("a list of the files of store path {index}");
        return Err(RecoveryError::Refused { peer: peer.id, asked, status: head.status });
    }
    let mut pending = Vec::new();
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        match caller.read_content(&mut piece).await {
            // A peer that is done closes, long before the length that it announced.
            Ok(0) => break,
            Err(NetError::Closed { .. }) => break,
            Ok(n) => pending.extend_from_slice(&piece[..n]),
            Err(e) => return Err(e.into()),
        }
        // What comes last is no text, whatever it looks like.
        let text_len = pending.len().saturating_sub(FetchOnePathBinlog::TRAILER_LEN);
        let used = receiver.take_lines(&pending[..text_len])?;
        pending.drain(..used);
        if pending.len() > LINE_MAX + FetchOnePathBinlog::TRAILER_LEN {
            return Err(RecoveryError::EndlessLine { peer: peer.id, max: LINE_MAX });
        }
    }
    let broken = |source| RecoveryError::BrokenList { peer: peer.id, source };
    let Ok(trailer) = <[u8; FetchOnePathBinlog::TRAILER_LEN]>::try_from(&pending[..]) else {
        let (need, have) = (FetchOnePathBinlog::TRAILER_LEN, pending.len());
        return Err(broken(WireError::Truncated { field: "trailer", need, have }));
    };
    FetchOnePathBinlog::check_trailer(trailer, receiver.text_len).map_err(broken)
}

/// Takes the lines of lists in.
struct Receiver<'f> {
    files: &'f RecoveryFiles,
    shares: Shares,
    lists: Vec<ListWriter<'f>>,
    /// Of the list that is coming in.
    text_len: u64,
    skipped: u64,
    /// A whole list is here already.
    is_more: bool,
}

impl<'f> Receiver<'f> {
    fn new(files: &'f RecoveryFiles, index: u8, tasks: u32) -> Result<Self, StoreError> {
        let lists = (0..tasks).map(|task| files.new_list(task)).collect::<Result<_, _>>()?;
        Ok(Self { files, shares: Shares::new(index, tasks), lists, text_len: 0, skipped: 0, is_more: false })
    }

    /// Another list begins.
    const fn begin(&mut self, is_more: bool) {
        (self.text_len, self.skipped, self.is_more) = (0, 0, is_more);
    }

    /// Takes whole lines; gives how many bytes they were.
    fn take_lines(&mut self, text: &[u8]) -> Result<usize, StoreError> {
        let mut used = 0;
        while let Some(len) = text[used..].iter().position(|&b| b == b'\n') {
            let line = &text[used..=used + len];
            used += len + 1;
            self.text_len += line.len() as u64;
            let share = match BinlogRecord::parse(&line[..len]) {
                Ok(record) if self.is_more && record.origin == Origin::Replica => continue,
                Ok(record) => self.shares.share(&record),
                // The damaged link records of the reference among them.
                Err(_) => Share::Nobody,
            };
            match share {
                Share::Task(task) => self.lists[task as usize].push(line)?,
                Share::Nobody => self.skipped += 1,
            }
        }
        Ok(used)
    }

    fn finish(self) -> Result<(), RecoveryError> {
        for (task, list) in (0..).zip(self.lists) {
            list.finish()?;
            self.files.write_mark(task, 0)?;
        }
        Ok(())
    }
}
