//! Asking the trackers who we are, or remembering what they said last time.

use std::time::Duration;

use fdfs_conf::StorageConf;
use fdfs_net::Backoff;
use fdfs_store::RealFs;
use fdfs_store::state::{Loaded, load, save};
use fdfs_store::state_file::StateDir;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::error::StartError;
use crate::link::first_contact;
use crate::link::{LinkError, TrackerDialer};
use crate::names::now_unix_secs;
use crate::params::Learnt;

/// Pauses between rounds in which no tracker answered.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(10));

/// Asks all trackers at once; the first good answer counts. When none answers, what was learnt in an earlier run is used;
/// on a first start `on_waiting` is called once and the question repeated until `cancel`.
///
/// # Errors
/// [`StartError`].
pub(crate) async fn learn(
    conf: &StorageConf,
    dialer: &TrackerDialer,
    port: u16,
    state_dir: &StateDir<RealFs>,
    cancel: &CancellationToken,
    on_waiting: impl FnOnce(),
) -> Result<Learnt, StartError> {
    let mut backoff = Backoff::new(PAUSES.0, PAUSES.1, u64::from(port));
    let mut on_waiting = Some(on_waiting);
    let mut told = Vec::new();
    loop {
        let asked = tokio::select! {
            () = cancel.cancelled() => return Err(StartError::Stopped),
            asked = ask_all(conf, dialer, port) => asked,
        };
        let errors = match asked {
            Ok(learnt) => {
                save(state_dir, &learnt)?;
                return Ok(learnt);
            }
            Err(errors) => errors,
        };
        if told != errors {
            for error in &errors {
                tracing::warn!("{error}");
            }
            told = errors;
        }
        if let Loaded::Read(learnt) = load::<Learnt, _>(state_dir, now_unix_secs())?
            && conf.group_name.is_none_or(|group| group == learnt.group)
        {
            tracing::warn!("no tracker answers; starting with what was learnt in the last run");
            return Ok(learnt);
        }
        if let Some(on_waiting) = on_waiting.take() {
            tracing::info!("this is the first start, and no tracker answers: waiting for one");
            on_waiting();
        }
        tokio::select! {
            () = cancel.cancelled() => return Err(StartError::Stopped),
            () = tokio::time::sleep(backoff.next_pause()) => {}
        }
    }
}

async fn ask_all(conf: &StorageConf, dialer: &TrackerDialer, port: u16) -> Result<Learnt, Vec<String>> {
    let mut asking = JoinSet::new();
    for tracker in conf.tracker_servers.clone() {
        let (conf, dialer) = (conf.clone(), dialer.clone());
        asking.spawn(async move { first_contact::learn(&dialer, &conf, port, &tracker).await });
    }
    let mut errors = Vec::new();
    while let Some(answer) = asking.join_next().await {
        match answer {
            Ok(Ok(learnt)) => return Ok(learnt),
            Ok(Err(e)) => errors.push(LinkError::to_string(&e)),
            Err(e) => errors.push(e.to_string()),
        }
    }
    errors.sort();
    Err(errors)
}
