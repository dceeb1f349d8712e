//! All files of a storage, read by some workers at a time.

use std::io;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Mutex, PoisonError};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::content::{Checked, Reader};
use super::found::Found;
use super::peers::Peers;
use super::store::{Dir, Store};
use crate::human;

/// Files whose progress is shown together.
const SHOWN_FILES: u64 = 64;
/// Files in slots that go to a worker together.
const BATCH_FILES: usize = 64;
/// Tasks that wait for a worker.
const TASKS_MAX: usize = 256;

/// What was read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) files: u64,
    /// Those of them whose ids tell the content.
    pub(super) compared: u64,
    /// Those of them that lie in slots of trunk files.
    pub(super) in_slots: u64,
    pub(super) bytes: u64,
    /// Copies that other storages were asked for.
    pub(super) copies: u64,
    pub(super) bad: u64,
}

impl Tally {
    fn add(&mut self, other: &Self) {
        self.files += other.files;
        self.compared += other.compared;
        self.in_slots += other.in_slots;
        self.bytes += other.bytes;
        self.copies += other.copies;
        self.bad += other.bad;
    }

    pub(super) fn summary(&self, secs: f64) -> String {
        let Self { files, compared, in_slots, bytes, copies, bad } = self;
        let size = human::bytes((*bytes).into());
        let slots = if *in_slots > 0 { format!(", {in_slots} in trunk files") } else { String::new() };
        let peers = if *copies > 0 { format!(" and with {copies} copies of other storages") } else { String::new() };
        format!("{files} files read ({size}{slots}), {compared} of them compared{peers}, {bad} bad, in {secs:.1} s")
    }
}

/// What a worker does next.
enum Task {
    Dir(Dir),
    InSlots(Vec<Found>),
}

/// Who hears of bad files.
struct Ears<T> {
    bar: ProgressBar,
    tell: Mutex<T>,
}

impl<T: FnMut(&Found, &str)> Ears<T> {
    fn tell(&self, file: &Found, why: &str) {
        // A lock that is poisoned belongs to a program that is ending.
        let mut tell = self.tell.lock().unwrap_or_else(PoisonError::into_inner);
        self.bar.suspend(|| tell(file, why));
    }
}

/// Reads all files; `tell` hears of each bad one.
///
/// # Errors
/// A directory, or the log that tells of files in slots, cannot be read.
pub(super) fn scrub(
    store: &Store,
    jobs: usize,
    peers: Option<&Peers>,
    tell: impl FnMut(&Found, &str) + Send,
) -> anyhow::Result<(Tally, Vec<String>)> {
    let dirs = store.dirs()?;
    let ears = Ears { bar: progress(dirs.iter().map(|&dir| store.count(dir)).sum()), tell: Mutex::new(tell) };
    let (tasks, queue) = sync_channel(TASKS_MAX);
    let queue = Mutex::new(queue);
    let (listed, results): (_, Vec<_>) = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs).map(|_| scope.spawn(|| worker(store, &queue, peers, &ears))).collect();
        let mut batch = Vec::new();
        // Nobody takes a task when all workers have ended with an error, which is told then.
        let listed = dirs.iter().try_for_each(|&dir| tasks.send(Task::Dir(dir))).map_or(Ok(Vec::new()), |()| {
            store.each_in_slots(|file| {
                batch.push(file);
                if batch.len() == BATCH_FILES {
                    ears.bar.inc_length(BATCH_FILES as u64);
                    let _ = tasks.send(Task::InSlots(std::mem::take(&mut batch)));
                }
                Ok(())
            })
        });
        ears.bar.inc_length(batch.len() as u64);
        let _ = tasks.send(Task::InSlots(batch));
        drop(tasks);
        let results = workers
            .into_iter()
            .map(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect();
        (listed, results)
    });
    ears.bar.finish_and_clear();
    let mut all = Tally::default();
    for result in results {
        all.add(&result?);
    }
    Ok((all, listed?))
}

fn worker<T: FnMut(&Found, &str)>(
    store: &Store,
    queue: &Mutex<Receiver<Task>>,
    peers: Option<&Peers>,
    ears: &Ears<T>,
) -> anyhow::Result<Tally> {
    let (mut tally, mut reader) = (Tally::default(), Reader::new());
    loop {
        let task = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let files = match task {
            Ok(Task::Dir(dir)) => store.files(dir)?,
            Ok(Task::InSlots(files)) => files,
            Err(_) => return Ok(tally),
        };
        let mut unshown = 0;
        for file in files {
            unshown += 1;
            if unshown == SHOWN_FILES {
                ears.bar.inc(std::mem::take(&mut unshown));
            }
            one(&file, &mut reader, peers, ears, &mut tally);
        }
        ears.bar.inc(unshown);
    }
}

fn one<T: FnMut(&Found, &str)>(
    file: &Found,
    reader: &mut Reader,
    peers: Option<&Peers>,
    ears: &Ears<T>,
    tally: &mut Tally,
) {
    let checked = reader.check(file);
    let mut problems = Vec::new();
    match checked {
        // Deleted while we were looking.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return,
        Err(error) => problems.push(format!("cannot be read: {error}")),
        Ok(Checked { bytes, crc32, is_compared, problem }) => {
            tally.bytes += bytes;
            tally.compared += u64::from(is_compared);
            tally.in_slots += u64::from(file.slot_offset.is_some());
            problems.extend(problem);
            if let Some(peers) = peers {
                let (asked, different) = peers.compare(file, bytes, crc32);
                tally.copies += asked;
                problems.extend(different);
            }
        }
    }
    tally.files += 1;
    tally.bad += u64::from(!problems.is_empty());
    for problem in &problems {
        ears.tell(file, problem);
    }
}

/// A bar on stderr, and only when that is a terminal.
fn progress(file_count: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(file_count), ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{pos} of {len} files [{wide_bar}] {per_sec} {eta:>4}") {
        bar.set_style(style.progress_chars("=> "));
    }
    bar
}
