//! One thread writes all state files, so that nobody waits for a disk with the cluster locked.
//!
//! What is to be written is only noted; the rows are taken when the thread comes to it, so that many changes are one
//! write and the files of one write agree with each other. Who needs a change to be durable before it answers waits for
//! its ticket. The others are in no hurry: their files are written within [`LEISURE`].

use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fdfs_core::tracker::{Cluster, Effect, GroupRow, ServerRow, TimestampRow};
use fdfs_proto::Status;
use fdfs_store::StoreError;
use tokio::sync::watch;
use tracing::{error, info};

use crate::error::RequestError;
use crate::state_files::StateFiles;
use crate::tracker::Tracker;
use crate::trunk_choice::{TrunkChange, TrunkLog};

/// How long a write that nobody waits for may be put off, and the pause after one that failed.
const LEISURE: Duration = Duration::from_secs(1);

/// A place in the order of changes; waiting for it waits for all earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
#[must_use = "changes that must survive a crash are waited for before the answer"]
pub(crate) struct Ticket(u64);

/// What is to be written, shared with the thread that writes it.
#[derive(Debug)]
pub(crate) struct Saver {
    wanted: Mutex<Wanted>,
    wake: Condvar,
    done: watch::Sender<Done>,
}

#[derive(Debug, Default)]
struct Wanted {
    files: Files,
    /// What the changelog shall be before the lines.
    whole_changelog: Option<String>,
    /// Lines for the changelog.
    changelog: String,
    /// Lines for `trunk_server_change.log`.
    trunk_changes: Vec<TrunkChange>,
    /// The last ticket that was given out.
    ticket: u64,
    /// Somebody waits.
    urgent: bool,
    /// The thread shall write everything once more and end.
    stop: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Files {
    groups: bool,
    servers: bool,
    timestamps: bool,
    status: bool,
}

impl Files {
    const ALL: Self = Self { groups: true, servers: true, timestamps: true, status: false };
}

#[derive(Debug, Clone, Copy, Default)]
struct Done {
    ticket: u64,
    failure: Option<Status>,
}

/// Everything for one write, taken at one moment.
struct Job {
    files: Files,
    whole_changelog: Option<String>,
    changelog: String,
    trunk_changes: Vec<TrunkChange>,
    ticket: u64,
    stop: bool,
    groups: Vec<GroupRow>,
    servers: Vec<ServerRow>,
    timestamps: Vec<TimestampRow>,
}

impl Saver {
    pub(crate) fn new() -> Self {
        Self { wanted: Mutex::default(), wake: Condvar::new(), done: watch::Sender::new(Done::default()) }
    }

    /// Notes what an effect wants written. Called while the cluster is locked, so that tickets are in its order.
    pub(crate) fn note(&self, effect: &Effect) -> Ticket {
        let mut wanted = self.wanted();
        match effect {
            Effect::SaveGroups => wanted.files.groups = true,
            Effect::SaveServers => wanted.files.servers = true,
            Effect::SaveTimestamps => wanted.files.timestamps = true,
            Effect::AppendChangelog(lines) => wanted.changelog.push_str(lines),
            Effect::ReplaceChangelog(text) => {
                wanted.changelog.clear();
                wanted.whole_changelog = Some(text.clone());
            }
            Effect::GroupChanged { .. }
            | Effect::TrackersChanged
            | Effect::ChooseTrunkServer { .. }
            | Effect::Log(_) => return Ticket(0),
        }
        wanted.ticket += 1;
        Ticket(wanted.ticket)
    }

    /// Notes that all files are to be written, whether or not they changed.
    pub(crate) fn note_all(&self) {
        self.wanted().files = Files::ALL;
    }

    /// Notes that `.tracker_status` is to be written.
    pub(crate) fn note_status(&self) {
        self.wanted().files.status = true;
    }

    /// Notes a line for `trunk_server_change.log`.
    pub(crate) fn note_trunk_change(&self, change: TrunkChange) {
        self.wanted().trunk_changes.push(change);
    }

    /// Waits until everything up to a ticket is on stable storage.
    ///
    /// # Errors
    /// [`RequestError::NotSaved`] with what the disk said. It is tried again later.
    pub(crate) async fn saved(&self, ticket: Ticket) -> Result<(), RequestError> {
        if ticket == Ticket(0) {
            return Ok(());
        }
        let mut done = self.done.subscribe();
        self.wanted().urgent = true;
        self.wake.notify_one();
        match done.wait_for(|done| done.ticket >= ticket.0).await.map(|done| done.failure) {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(RequestError::NotSaved(status)),
            // The thread has ended after its last write: the server stops, and this answer is nobody's any more.
            Err(_) => Err(RequestError::NotSaved(Status::ECANCELED)),
        }
    }

    /// Has everything written once more, and the thread ended.
    pub(crate) fn stop(&self) {
        self.wanted().stop = true;
        self.wake.notify_one();
    }

    /// Waits for something to do. Nothing is given out without the cluster locked, which is why it comes in as a way to
    /// lock it.
    fn next_job(&self, tracker: &Tracker, leisure: Duration) -> Job {
        let wanted = self.wanted();
        let idle = |wanted: &mut Wanted| !wanted.urgent && !wanted.stop;
        drop(self.wake.wait_timeout_while(wanted, leisure, idle).unwrap_or_else(PoisonError::into_inner));
        // The cluster first: that is the order in which everybody locks.
        tracker.read(|cluster| self.take_job(cluster))
    }

    /// Waits a while, also when somebody waits: a disk that is full is not asked in a busy loop.
    fn pause(&self) {
        let wanted = self.wanted();
        let going_on = |wanted: &mut Wanted| !wanted.stop;
        drop(self.wake.wait_timeout_while(wanted, LEISURE, going_on).unwrap_or_else(PoisonError::into_inner));
    }

    fn take_job(&self, cluster: &Cluster) -> Job {
        let mut wanted = self.wanted();
        let mut files = std::mem::take(&mut wanted.files);
        if wanted.stop {
            files = Files { status: files.status, ..Files::ALL };
        }
        wanted.urgent = false;
        Job {
            files,
            whole_changelog: wanted.whole_changelog.take(),
            changelog: std::mem::take(&mut wanted.changelog),
            trunk_changes: std::mem::take(&mut wanted.trunk_changes),
            ticket: wanted.ticket,
            stop: wanted.stop,
            groups: if files.groups { cluster.group_rows() } else { Vec::new() },
            servers: if files.servers { cluster.server_rows() } else { Vec::new() },
            timestamps: if files.timestamps { cluster.timestamp_rows() } else { Vec::new() },
        }
    }

    /// Puts back what could not be written.
    fn want_again(&self, files: Files) {
        let mut wanted = self.wanted();
        wanted.files.groups |= files.groups;
        wanted.files.servers |= files.servers;
        wanted.files.timestamps |= files.timestamps;
        wanted.files.status |= files.status;
    }

    fn wanted(&self) -> MutexGuard<'_, Wanted> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread that writes.
pub(crate) fn run(tracker: &Arc<Tracker>, mut files: StateFiles, logs_folder: PathBuf, mut old_forms: bool) {
    let saver = &tracker.saver;
    let trunk_log = TrunkLog::new(logs_folder);
    // Lines that could not be written yet; they must stay in their order.
    let (mut whole, mut lines) = (None, String::new());
    let mut failing = false;
    loop {
        let job = saver.next_job(tracker, LEISURE);
        if job.whole_changelog.is_some() {
            (whole, lines) = (job.whole_changelog.clone(), String::new());
        }
        lines.push_str(&job.changelog);
        let mut left = job.files;
        let mut result = write(tracker, &mut files, &job, (&mut whole, &mut lines), &mut left);
        if old_forms && result.is_ok() {
            // Only now is everything of them in the new forms.
            result = files.remove_old_forms();
            old_forms = result.is_err();
        }
        trunk_log.append(&job.trunk_changes);
        match &result {
            Err(error) => {
                saver.want_again(left);
                if !failing {
                    error!("state cannot be saved: {error}; trying again each second");
                }
            }
            Ok(()) if failing => info!("state is saved again"),
            Ok(()) => {}
        }
        failing = result.is_err();
        let failure = result.err().map(|error| error.status());
        saver.done.send_replace(Done { ticket: job.ticket, failure });
        if job.stop {
            return;
        }
        if failing {
            saver.pause();
        }
    }
}

/// The changelog first: a deletion that storages are not told of is worse than one that is forgotten.
fn write(
    tracker: &Tracker,
    files: &mut StateFiles,
    job: &Job,
    (whole, lines): (&mut Option<String>, &mut String),
    left: &mut Files,
) -> Result<(), StoreError> {
    if let Some(text) = &whole {
        files.replace_changelog(text)?;
        *whole = None;
    }
    if !lines.is_empty() {
        files.append_changelog(lines)?;
        lines.clear();
    }
    if left.groups {
        files.write_groups(&job.groups)?;
        left.groups = false;
    }
    if left.servers {
        files.write_servers(&job.servers)?;
        left.servers = false;
    }
    if left.timestamps {
        files.write_timestamps(&job.timestamps)?;
        left.timestamps = false;
    }
    if left.status {
        files.write_status(tracker.up_time, tracker.clock.now().unix_secs)?;
        left.status = false;
    }
    Ok(())
}
