//! Links whose record the reference has spoilt: `<time> L  <target>` names the file and not the link, so that no other
//! storage ever got it. The link is on the disk: it is looked for, and recorded anew with both names.
//!
//! Source: disk formats, F.2.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fdfs_core::sync::verdict::{NameFacts, NameUse};
use fdfs_proto::FileName;
use fdfs_proto::disk::binlog_record::{BinlogRecord, MalformedLink, Op, Origin, RecordError};
use fdfs_proto::file_id::LogicName;
use fdfs_store::{Fs, StoreError};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::storage::Storage;
use crate::write_path::{PathSlot, on_path};

/// Links that are looked for at once; of more the records stay in quarantine alone.
const TARGETS_MAX: usize = 100_000;

/// What is to be looked for: the files that links lead to, each with the time of its spoilt record, unix seconds.
#[derive(Debug, Default)]
pub(super) struct Spoilt {
    targets: Mutex<Targets>,
    news: Notify,
}

#[derive(Debug, Default)]
struct Targets {
    wanted: BTreeMap<FileName, u32>,
    /// Looked for already: every sender reads the same record.
    done: BTreeMap<FileName, u32>,
}

impl Spoilt {
    /// Somebody read a line that is no record: `why`.
    pub(super) fn note(&self, why: &RecordError) {
        let RecordError::MalformedLink(MalformedLink::NoLinkName { timestamp, origin: Origin::Source, target }) = why
        else {
            return;
        };
        let mut targets = self.lock();
        let is_known = targets.done.contains_key(target) || targets.wanted.contains_key(target);
        if !is_known && targets.wanted.len() + targets.done.len() < TARGETS_MAX {
            targets.wanted.insert(**target, *timestamp);
            self.news.notify_one();
        }
    }

    fn take(&self) -> BTreeMap<FileName, u32> {
        let mut targets = self.lock();
        let wanted = std::mem::take(&mut targets.wanted);
        targets.done.extend(&wanted);
        wanted
    }

    fn lock(&self) -> MutexGuard<'_, Targets> {
        self.targets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks for links as their spoilt records are read, until `shutdown`.
pub(super) async fn mend(storage: Arc<Storage>, shutdown: CancellationToken) {
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = storage.sync.spoilt.news.notified() => {}
        }
        let wanted = storage.sync.spoilt.take();
        let mut found = 0_usize;
        for slot in &storage.write_path.slots {
            tokio::select! {
                () = shutdown.cancelled() => return,
                searched = search(&storage, slot, &wanted) => match searched {
                    Ok(count) => found += count,
                    Err(e) => tracing::error!("{e}; links whose records are spoilt are not looked for there"),
                },
            }
        }
        let count = wanted.len();
        tracing::info!("{count} records of links lack the link's name; {found} links were found and recorded anew");
    }
}

/// Looks through one store path; how many links were found and recorded.
async fn search(storage: &Storage, slot: &PathSlot, wanted: &BTreeMap<FileName, u32>) -> Result<usize, StoreError> {
    let mut count = 0;
    for folder in 0..u32::from(slot.path.subdir_count()).pow(2) {
        let (high, low) = (folder / u32::from(slot.path.subdir_count()), folder % u32::from(slot.path.subdir_count()));
        let permit = slot.permits.read().await;
        let found = look_into(slot, &format!("{high:02X}/{low:02X}"), wanted)?;
        drop(permit);
        for record in &found {
            // Too long a name for a record was too long for the reference, too.
            match storage.write_path.record_own(std::slice::from_ref(record)).await {
                Ok(()) => count += 1,
                Err(e) => tracing::error!("{}: the link cannot be recorded: {e}", record.name),
            }
        }
        tokio::task::yield_now().await;
    }
    Ok(count)
}

/// The links of one directory that are looked for.
fn look_into(slot: &PathSlot, folder: &str, wanted: &BTreeMap<FileName, u32>) -> Result<Vec<BinlogRecord>, StoreError> {
    // A directory that is missing has none.
    let names = slot.path.fs().list(slot.path.data(), folder).unwrap_or_default();
    let mut found = Vec::new();
    for name in names {
        // Only slaves were stored so; the names of all others say what they are.
        let Ok(name) = on_path(slot, &format!("{folder}/{name}")) else { continue };
        if NameFacts::of(&name).used == NameUse::Once || name.as_str().ends_with("-m") {
            continue;
        }
        let Some(target) = slot.path.link_target(name.true_name())? else { continue };
        let target: LogicName = on_path(slot, &target)?;
        if let Some(&timestamp) = wanted.get(&target.text()) {
            let op = Op::Link { source: Some(target.text()) };
            found.push(BinlogRecord { timestamp, origin: Origin::Source, name: name.text(), op });
        }
    }
    Ok(found)
}
