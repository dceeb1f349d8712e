//! What happened in the cluster, as lines of the log.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use fdfs_core::tracker::{Cause, Event, HostPort};
use fdfs_proto::StorageId;
use tracing::{info, warn};

/// Something for the log.
#[derive(Debug)]
pub(crate) enum Line {
    /// Something happened in the cluster.
    Event(Event),
    /// The trackers have another leader, or none.
    Leader(Option<HostPort>),
}

/// Lines on their way to the log, in the order in which they happened.
///
/// They are queued while the cluster is locked, so that their order is right, and written when it no longer is: a
/// disk that does not take log lines must not stop the cluster.
#[derive(Debug, Default)]
pub(crate) struct EventLog {
    queue: Mutex<VecDeque<Line>>,
    writing: Mutex<()>,
}

impl EventLog {
    pub(crate) fn push(&self, line: Line) {
        self.queue().push_back(line);
    }

    /// Writes what is queued; returns at once when another thread is doing that.
    pub(crate) fn write(&self) {
        // Once more after writing, for an event that came in when this thread had looked for the last time.
        while !self.queue().is_empty() {
            let Ok(_writing) = self.writing.try_lock() else { return };
            loop {
                let line = self.queue().pop_front();
                match line {
                    None => break,
                    Some(Line::Event(event)) => log(&event),
                    Some(Line::Leader(Some(leader))) => info!("the leader of the trackers is {leader}"),
                    Some(Line::Leader(None)) => info!("no leader of the trackers is known"),
                }
            }
        }
    }

    fn queue(&self) -> MutexGuard<'_, VecDeque<Line>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn log(event: &Event) {
    match event {
        Event::GroupCreated { group } => info!("group {group} is new"),
        Event::GroupDeleted { group } => info!("group {group} was deleted"),
        Event::StorageAdded { group, id, ip, status } => info!("storage {id} ({ip}) of group {group} is new: {status}"),
        Event::StatusChanged { group, id, from, to, cause } => {
            let why = cause_text(*cause);
            // The end of a connection may be a restart; silence is a machine or a network that has gone.
            if *cause == Cause::Silence {
                warn!("storage {id} of group {group}: {from} => {to}: {why}");
            } else {
                info!("storage {id} of group {group}: {from} => {to}: {why}");
            }
        }
        Event::AddressChanged { group, old, new } => info!("storage {old} of group {group} is now {new}"),
        Event::GroupChanged { group, port, path_count, subdir_count } => {
            info!("group {group}: port {port}, {path_count} store paths, {subdir_count} sub directories per level");
        }
        Event::MorePathsThanGroup { group, id, path_count, group_path_count } => warn!(
            "storage {id} of group {group} has {path_count} store paths, its group {group_path_count}: the others are \
             used once all storages of the group have them"
        ),
        Event::Drained { .. } | Event::IdChanged { .. } => info!("{event}"),
        Event::TrackerForgotten { .. } => warn!("{event}"),
        Event::TrunkServerChanged { group, old, new } => {
            info!("trunk server of group {group}: {} => {}", id_text(old), id_text(new));
        }
    }
}

const fn cause_text(cause: Cause) -> &'static str {
    match cause {
        Cause::Join => "it joined",
        Cause::Beat => "it sent a beat",
        Cause::Disconnect => "its connection was closed",
        Cause::Silence => "silent for longer than check_active_interval",
        Cause::SyncDestRequest => "it asked who copies the old files to it",
        Cause::SyncNotify => "it told who copies the old files to it",
        Cause::PeerReport => "another storage reported it",
        Cause::OwnRequest => "it asked for it",
        Cause::Administrator => "the administrator asked for it",
        Cause::AddressChange => "its address changed",
    }
}

fn id_text(id: &Option<StorageId>) -> &str {
    id.as_ref().map_or("none", StorageId::as_str)
}
