//! This storage has another address than in its last run: where addresses are ids, each tracker hears of that (78) before
//! it is joined, so that the storage goes on as the one that it was. Source: behaviour, 3.19.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use fdfs_core::roster::TrackerIndex;
use fdfs_net::Caller;
use fdfs_proto::cmd::tracker::{HostAddrs, Parameters, ReportIpChanged};
use fdfs_proto::{IpText, Status};

use super::ask::tell;
use super::error::LinkError;
use super::session::Session;
use crate::identity::Identity;

/// How long a tracker may take the old address for alive: it notices a machine that went without a word after
/// `check_active_interval`, 100 s by default. Then this storage joins as a new one, as it does in the reference at once.
const ALIVE_PATIENCE: Duration = Duration::from_secs(150);

/// An address that changed, and the trackers that know it.
#[derive(Debug)]
pub struct Moved {
    old: IpText,
    since: Instant,
    told: Mutex<BTreeSet<TrackerIndex>>,
}

impl Moved {
    /// What has to be told; `last_addrs` are those of the last run, as the init flag has them. `None`: nothing.
    #[must_use]
    pub fn of(last_addrs: &str, identity: &Identity, params: &Parameters) -> Option<Self> {
        if identity.id.is_some() || !params.storage_ip_changed_auto_adjust {
            return None;
        }
        let old = HostAddrs::parse(last_addrs.as_bytes()).ok()?.first;
        (!old.is_empty() && old != identity.addrs.first).then(|| Self {
            old,
            since: Instant::now(),
            told: Mutex::default(),
        })
    }

    /// Whether all trackers know it now.
    fn note_told(&self, tracker: TrackerIndex, tracker_count: usize) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.insert(tracker);
        told.len() >= tracker_count
    }
}

impl Session<'_> {
    /// Tells this tracker of the new address, if there is one.
    ///
    /// Differs from C: every tracker is told, and one that takes the old address for alive (16) is told again.
    ///
    /// # Errors
    /// [`LinkError`]: it must be told before the join.
    pub(super) async fn tell_new_address(&self, caller: &mut Caller) -> Result<(), LinkError> {
        let storage = self.storage;
        let Some(moved) = &storage.moved else { return Ok(()) };
        let new_ip = storage.identity.addrs.first;
        let request = ReportIpChanged { group: storage.group, old_ip: moved.old, new_ip };
        match tell(caller, &request).await {
            Ok(()) => tracing::info!("tracker {} knows that {} is {new_ip} now", self.tracker, moved.old),
            Err(e) if e.is_refusal(Status::EBUSY) && moved.since.elapsed() < ALIVE_PATIENCE => return Err(e),
            // It never knew the old address (2), or knows the new one already (114, 17).
            Err(LinkError::Refused { status: Status::ENOENT | Status::EALREADY | Status::EEXIST, .. }) => {}
            Err(e @ LinkError::Refused { .. }) => tracing::warn!("{} has the address {new_ip} now: {e}", moved.old),
            Err(e) => return Err(e),
        }
        if moved.note_told(self.index, storage.trackers.count()) {
            storage.lock_init_flag().last_ip_addr = storage.identity.addrs.to_string();
            storage.save_init_flag()?;
        }
        Ok(())
    }
}
