//! The list of a lost store path's files: asked of a peer (26), and shared out to the tasks while it comes in.

use std::time::Duration;

use fdfs_core::recovery::{Share, Shares};
use fdfs_net::{Caller, NetError};
use fdfs_proto::cmd::storage::FetchOnePathBinlog;
use fdfs_proto::disk::binlog_record::{BinlogRecord, LINE_MAX};
use fdfs_proto::{Command, Status, StorageId, Wire, WireError};
use fdfs_store::StoreError;
use fdfs_store::recovery_files::{ListWriter, RecoveryFiles};

use super::error::RecoveryError;
use super::progress::PathRecovery;
use super::source::{active_peers, call_options};
use crate::peers::Peer;
use crate::storage::Storage;

/// Bytes of a list that are read at once.
const PIECE_BYTES: usize = 64 << 10;

/// Fetches the list from one peer after the other, until one gives it as a whole. Gives that peer; `None` when all say
/// that they have no such store path.
pub(super) async fn fetch(
    storage: &Storage,
    index: u8,
    files: &RecoveryFiles,
    tasks: u32,
    path: &PathRecovery,
) -> Result<Option<StorageId>, RecoveryError> {
    let mut last = None;
    let mut has_store_path = false;
    for peer in active_peers(storage, usize::from(index)).await {
        match fetch_from(storage, &peer, index, files, tasks).await {
            Ok(skipped) => {
                if skipped > 0 {
                    tracing::info!("{skipped} lines of the list of storage {} tell of no file", peer.id);
                }
                path.set_stage(super::RecoveryStage::Listing);
                return Ok(Some(peer.id));
            }
            Err(RecoveryError::Refused { status: Status::EINVAL, .. }) => {}
            Err(e) => {
                has_store_path = true;
                tracing::info!("store path {index}: {e}; the next storage is asked");
                last = Some(e);
            }
        }
    }
    match last {
        Some(e) if has_store_path => Err(e),
        _ => Ok(None),
    }
}

/// Fetches the list from a peer; gives how many of its lines are nothing that can be restored.
async fn fetch_from(
    storage: &Storage,
    peer: &Peer,
    index: u8,
    files: &RecoveryFiles,
    tasks: u32,
) -> Result<u64, RecoveryError> {
    let mut options = call_options(storage);
    // The peer reads all of its log before the first line.
    options.network_timeout = options.network_timeout.max(Duration::from_secs(FetchOnePathBinlog::TIMEOUT_MIN_SECS));
    let mut caller = Caller::connect(peer.addr, &options).await?;
    let request = FetchOnePathBinlog { group: storage.group, store_path_index: index }.to_bytes();
    caller.send_request_head(Command::FetchOnePathBinlog, 0, request.len() as u64, &request).await?;
    let head = caller.read_answer_head().await?;
    if head.status != Status::OK {
        let asked = format!("a list of the files of store path {index}");
        return Err(RecoveryError::Refused { peer: peer.id, asked, status: head.status });
    }
    let mut receiver = Receiver::new(files, index, tasks)?;
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
    FetchOnePathBinlog::check_trailer(trailer, receiver.text_len).map_err(broken)?;
    Ok(receiver.finish()?)
}

/// Takes the lines of a list in.
struct Receiver<'f> {
    files: &'f RecoveryFiles,
    shares: Shares,
    lists: Vec<ListWriter<'f>>,
    text_len: u64,
    skipped: u64,
}

impl<'f> Receiver<'f> {
    fn new(files: &'f RecoveryFiles, index: u8, tasks: u32) -> Result<Self, StoreError> {
        let lists = (0..tasks).map(|task| files.new_list(task)).collect::<Result<_, _>>()?;
        Ok(Self { files, shares: Shares::new(index, tasks), lists, text_len: 0, skipped: 0 })
    }

    /// Takes whole lines; gives how many bytes they were.
    fn take_lines(&mut self, text: &[u8]) -> Result<usize, StoreError> {
        let mut used = 0;
        while let Some(len) = text[used..].iter().position(|&b| b == b'\n') {
            let line = &text[used..=used + len];
            used += len + 1;
            self.text_len += line.len() as u64;
            let share = match BinlogRecord::parse(&line[..len]) {
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

    fn finish(self) -> Result<u64, StoreError> {
        for (task, list) in (0..).zip(self.lists) {
            list.finish()?;
            self.files.write_mark(task, 0)?;
        }
        Ok(self.skipped)
    }
}
