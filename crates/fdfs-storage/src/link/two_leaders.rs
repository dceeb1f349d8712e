//! Two trackers say that they lead: they are asked again, and to stand down. Source: behaviour, 4.3; W-12.
//!
//! Differs from C: the first one counts until it says otherwise, and the newer one is asked first. Of two trackers of ours
//! only one stands down; the reference lets both choose anew, for ever.

use std::time::Duration;

use fdfs_net::Caller;
use fdfs_proto::Status;
use fdfs_proto::cmd::tracker::{ReselectLeader, TrackerStatus, TrackerStatusRequest};
use tokio::time::Instant;

use super::ask::{ask, tell, whole};
use super::error::LinkError;
use super::session::Session;

/// How often leaders are asked while there are two.
const PAUSE: Duration = Duration::from_secs(1);
/// For how long only the newer one is asked to stand down.
const NEWER_FIRST: Duration = Duration::from_secs(3);

/// For how long there have been two leaders, on the connection to one of them.
#[derive(Debug, Default)]
pub(super) struct TwoLeaders {
    since: Option<Instant>,
    asked_at: Option<Instant>,
}

impl TwoLeaders {
    /// Looks whether this tracker is one of two leaders, and asks it; when to look again.
    pub(super) async fn look(
        &mut self,
        session: &mut Session<'_>,
        caller: &mut Caller,
    ) -> Result<Option<Instant>, LinkError> {
        let leaders = session.storage.link.read(|roster| roster.leaders().to_vec());
        if leaders.len() < 2 || !leaders.contains(&session.index) {
            *self = Self::default();
            return Ok(None);
        }
        let now = Instant::now();
        let since = *self.since.get_or_insert(now);
        if let Some(at) = self.asked_at.map(|at| at + PAUSE).filter(|at| *at > now) {
            return Ok(Some(at));
        }
        self.asked_at = Some(now);
        let leads = match ask(caller, &TrackerStatusRequest, whole::<TrackerStatus>).await {
            Ok(status) => status.is_leader,
            Err(e) if e.is_refusal(Status::ENOENT) => false,
            Err(e) => return Err(e),
        };
        if !leads {
            session.leads_no_more();
            return Ok(None);
        }
        if leaders.first() != Some(&session.index) || since.elapsed() >= NEWER_FIRST {
            tracing::info!(
                "tracker {} is one of {} leaders and is asked to stand down",
                session.tracker,
                leaders.len()
            );
            match tell(caller, &ReselectLeader).await {
                Ok(()) => {}
                Err(e) if e.is_refusal(Status::EOPNOTSUPP) => session.leads_no_more(),
                Err(e) => return Err(e),
            }
        }
        Ok(Some(now + PAUSE))
    }
}
