//! Keeps a picture, the last hour and the findings up to date for whoever shows them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::value::Value;
use fdfs_client::Client;
use tokio_util::sync::CancellationToken;

use crate::findings::{Finding, NEARLY_FULL_PERCENT, findings};
use crate::lag::Row;
use crate::picture::Picture;
use crate::samples::Samples;
use crate::{gather, json, lag};

/// Between two looks at the cluster.
pub const PERIOD: Duration = Duration::from_secs(10);
/// Nobody looks any more after this time without a question: then nobody is asked, either.
pub const IDLE_AFTER: Duration = Duration::from_secs(3600);
/// How old what is known of replication may be.
const LAG_AGE_MAX: Duration = Duration::from_secs(4);
/// How old findings may be before they are looked for anew.
const FINDINGS_AGE_MAX: Duration = Duration::from_secs(30);

/// A cluster that is watched.
#[derive(Debug)]
pub struct Watch {
    client: Client,
    /// Also while nobody asks.
    always: bool,
    state: Mutex<State>,
    /// Whoever asks for what is too old looks; the others wait for it.
    looking: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct State {
    picture: Picture,
    looked: Option<Instant>,
    error: Option<String>,
    samples: Samples,
    lag: Vec<Row>,
    lag_asked: Option<Instant>,
    findings: Option<Vec<Finding>>,
    findings_began: Option<Instant>,
    /// The last question.
    asked: Option<Instant>,
}

impl Watch {
    /// A watch. One that is `always` on looks also while nobody asks: for the few servers that everybody looks at.
    #[must_use]
    pub fn new(client: Client, always: bool) -> Arc<Self> {
        let state = State {
            picture: Picture::default(),
            looked: None,
            error: None,
            samples: Samples::default(),
            lag: Vec::new(),
            lag_asked: None,
            findings: None,
            findings_began: None,
            asked: None,
        };
        Arc::new(Self { client, always, state: Mutex::new(state), looking: tokio::sync::Mutex::default() })
    }

    /// Looks every [`PERIOD`] until the shutdown, or while somebody asks.
    pub async fn run(self: Arc<Self>, shutdown: CancellationToken) {
        let mut ticks = tokio::time::interval(PERIOD);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                _ = ticks.tick() => {}
            }
            let is_wanted = self.always || self.state().asked.is_some_and(|asked| asked.elapsed() < IDLE_AFTER);
            if is_wanted {
                tokio::select! {
                    () = shutdown.cancelled() => return,
                    () = self.look(PERIOD / 2) => {}
                }
            }
        }
    }

    /// Everything as one object.
    pub async fn json(self: &Arc<Self>) -> Value {
        let is_idle = {
            let mut state = self.state();
            state.asked = Some(Instant::now());
            state.looked.is_none_or(|looked| looked.elapsed() > PERIOD * 2)
        };
        if is_idle {
            self.look(Duration::from_secs(1)).await;
        }
        self.ask_lag().await;
        self.find();
        let state = self.state();
        let State { picture, samples, lag, findings, error, .. } = &*state;
        json::all(picture, samples, lag, findings.as_deref(), error.as_deref(), PERIOD.as_secs())
    }

    /// Runs a function on what is known.
    pub fn read<T>(&self, read: impl FnOnce(&Picture, &Samples, &[Row], Option<&[Finding]>, Option<&str>) -> T) -> T {
        let state = self.state();
        let State { picture, samples, lag, findings, error, .. } = &*state;
        read(picture, samples, lag, findings.as_deref(), error.as_deref())
    }

    /// Looks, unless that was done within `age_max`.
    pub async fn look(&self, age_max: Duration) {
        let _looking = self.looking.lock().await;
        if self.state().looked.is_some_and(|looked| looked.elapsed() < age_max) {
            return;
        }
        let picture = Picture::look(&self.client, unix_secs()).await;
        let mut state = self.state();
        state.looked = Some(Instant::now());
        match picture {
            Ok(picture) => {
                state.samples.add(&picture);
                (state.picture, state.error) = (picture, None);
            }
            // What was seen last stays, with a word about it.
            Err(error) => state.error = Some(error.to_string()),
        }
    }

    /// Asks for the replication, unless that was done a moment ago.
    pub async fn ask_lag(&self) {
        let picture = {
            let mut state = self.state();
            if state.lag_asked.is_some_and(|asked| asked.elapsed() < LAG_AGE_MAX) {
                return;
            }
            state.lag_asked = Some(Instant::now());
            state.picture.clone()
        };
        let rows = lag::ask(&picture).await;
        self.state().lag = rows;
    }

    /// Begins to look for findings, unless that was done not long ago.
    pub fn find(self: &Arc<Self>) {
        {
            let mut state = self.state();
            if state.findings_began.is_some_and(|began| began.elapsed() < FINDINGS_AGE_MAX) {
                return;
            }
            state.findings_began = Some(Instant::now());
        }
        let watch = self.clone();
        tokio::spawn(async move { watch.find_now().await });
    }

    /// Looks for findings, which takes a second or more.
    pub async fn find_now(&self) {
        let snapshot = gather::snapshot(&self.client).await;
        self.state().findings = Some(findings(&snapshot, NEARLY_FULL_PERCENT));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere left it whole: each change is one assignment.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unix_secs() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
