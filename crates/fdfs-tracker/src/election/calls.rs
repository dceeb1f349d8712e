//! What trackers ask each other in elections, as calls over the network.
//!
//! Differs from C: no tracker is waited for longer than a second, whatever `network_timeout` says: a leader whose machine
//! died must be missed soon (behaviour, W-45).

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use fdfs_core::tracker::HostPort;
use fdfs_core::tracker::leader::{Answer, Ask, Question};
use fdfs_net::{CallOptions, Caller, NetError};
use fdfs_proto::cmd::tracker::{
    self as cmd, CommitNextLeader, JoinLeader, NotifyNextLeader, PingAnswer, PingLeader, ReselectLeader, TrackerStatus,
    TrackerStatusRequest,
};
use fdfs_proto::limits::GROUPS;
use fdfs_proto::{Request, Status, Wire as _};
use tokio::sync::Mutex;
use tracing::info;

use crate::tracker::Tracker;

/// How long one question may take in all.
const PATIENCE: Duration = Duration::from_secs(1);
/// The longest answer to a ping: 32 bytes for each group.
const ANSWER_MAX_BYTES: usize = 32 * GROUPS;

/// The asking side of elections.
#[derive(Debug)]
pub(super) struct Calls {
    options: CallOptions,
    /// The connection on which this tracker follows its leader.
    following: Mutex<Option<Following>>,
}

#[derive(Debug)]
struct Following {
    leader: HostPort,
    caller: Caller,
}

impl Calls {
    pub(super) fn new(tracker: &Tracker) -> Self {
        let CallOptions { connect_timeout, network_timeout, bind } = tracker.call_options;
        let options = CallOptions {
            connect_timeout: connect_timeout.min(PATIENCE),
            network_timeout: network_timeout.min(PATIENCE),
            bind: tracker.bind_ip.or(bind),
        };
        Self { options, following: Mutex::new(None) }
    }

    /// Asks, and gives what became of it.
    pub(super) async fn ask(&self, tracker: &Tracker, ask: &Ask) -> Answer {
        let me = tracker.read(|cluster| cluster.trackers().me());
        let Some(me) = me else { return Answer::Unreachable };
        let own = cmd::HostPort { ip: me.ip, port: me.port };
        let asked = async {
            match ask.question {
                Question::Status => self.status(ask.to).await,
                Question::Notify => self.tell(ask.to, &NotifyNextLeader { leader: own }).await,
                Question::Commit => self.tell(ask.to, &CommitNextLeader { leader: own }).await,
                Question::Reselect => self.tell(ask.to, &ReselectLeader).await,
                Question::Ping => self.ping(tracker, me, ask.to).await,
            }
        };
        match tokio::time::timeout(PATIENCE, asked).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) | Err(_) => Answer::Unreachable,
        }
    }

    async fn status(&self, to: HostPort) -> Result<Answer, NetError> {
        let mut caller = self.connect(to, self.options.bind).await?;
        let (status, body) = call(&mut caller, &TrackerStatusRequest).await?;
        let told = TrackerStatus::from_bytes(&body).ok().filter(|_| status.is_ok());
        let told = told.map(|told| fdfs_core::tracker::TrackerStatus {
            is_leader: told.is_leader,
            running_secs: told.running_secs,
            restart_interval_secs: told.restart_interval_secs,
        });
        Ok(told.map_or(Answer::No(status), Answer::Status))
    }

    async fn tell<R: Request>(&self, to: HostPort, request: &R) -> Result<Answer, NetError> {
        let mut caller = self.connect(to, self.options.bind).await?;
        let (status, _) = call(&mut caller, request).await?;
        Ok(answer(status))
    }

    /// Joins the leader where that is not done yet, and pings it; takes over the trunk servers that it tells.
    async fn ping(&self, tracker: &Tracker, me: HostPort, leader: HostPort) -> Result<Answer, NetError> {
        let mut following = self.following.lock().await;
        // Taken out, so that it is given up when anything fails or takes too long.
        let mut caller = match following.take() {
            Some(known) if known.leader == leader && known.caller.is_alive() => known.caller,
            _ => match self.join(tracker, me, leader).await? {
                Ok(caller) => caller,
                Err(status) => return Ok(Answer::No(status)),
            },
        };
        let connections = tracker.own_state().connections;
        let (status, body) = call(&mut caller, &PingLeader { connections }).await?;
        if status.is_ok() {
            *following = Some(Following { leader, caller });
            if let Ok(news) = PingAnswer::from_bytes(&body)
                && !news.groups.is_empty()
            {
                tracker.take_trunk_servers(&news.groups);
            }
        }
        Ok(answer(status))
    }

    async fn join(
        &self,
        tracker: &Tracker,
        me: HostPort,
        leader: HostPort,
    ) -> Result<Result<Caller, Status>, NetError> {
        let own = tracker.own_state();
        let request = JoinLeader { up_time_secs: own.up_time, version: own.version, port: me.port };
        let mut status = Status::OK;
        // The leader knows its followers by the address that they come from.
        let named: Option<IpAddr> = me.ip.as_str().parse().ok();
        let mut binds = vec![self.options.bind];
        if named.is_some() && named != self.options.bind {
            binds.push(named);
        }
        for bind in binds {
            let mut caller = match self.connect(leader, bind).await {
                Err(NetError::Bind { .. }) => continue,
                connected => connected?,
            };
            (status, _) = call(&mut caller, &request).await?;
            if status.is_ok() {
                return Ok(Ok(caller));
            }
            if status != Status::ENOENT {
                break;
            }
            info!("leader {leader} does not know this tracker by the address {}", caller.local_addr().ip());
        }
        Ok(Err(status))
    }

    async fn connect(&self, to: HostPort, bind: Option<IpAddr>) -> Result<Caller, NetError> {
        let ip = to.ip.as_str().parse().unwrap_or(IpAddr::from([0, 0, 0, 0]));
        Caller::connect(SocketAddr::new(ip, to.port), &CallOptions { bind, ..self.options }).await
    }
}

async fn call<R: Request>(caller: &mut Caller, request: &R) -> Result<(Status, Vec<u8>), NetError> {
    let answer = caller.call(R::COMMAND, 0, &request.to_bytes(), ANSWER_MAX_BYTES).await?;
    Ok((answer.status, answer.body))
}

const fn answer(status: Status) -> Answer {
    if status.is_ok() { Answer::Yes } else { Answer::No(status) }
}
