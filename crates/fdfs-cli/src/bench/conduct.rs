//! The course of a run: connect, work, look at the servers, clean up; and what Ctrl-C does to it.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{MissedTickBehavior, interval};

use super::crew::{Crew, ThreadEnd};
use super::plan::Kind;
use super::process;
use super::progress::ProgressLine;
use super::result::ServerUse;
use super::routes::Way;
use super::shared::Shared;

/// How often the progress is shown.
const SHOW_INTERVAL: Duration = Duration::from_millis(500);
/// How long operations that are under way when a run is ended early may go on.
const GRACE: Duration = Duration::from_secs(2);

/// What a run brought back.
#[derive(Debug)]
pub(crate) struct Done {
    /// What the workers counted.
    pub(crate) end: ThreadEnd,
    /// From the first operation to the end of the last.
    pub(crate) elapsed: Duration,
    /// Somebody ended it early.
    pub(crate) is_interrupted: bool,
    /// What the servers' processes used meanwhile.
    pub(crate) servers: Option<ServerUse>,
}

/// Runs what is planned.
///
/// # Errors
/// Connections do not come about, or a process cannot be looked at.
pub(crate) async fn run(shared: &Arc<Shared>, way: &Way, pids: &[u32]) -> anyhow::Result<Done> {
    let mut interrupts = Interrupts::listen().context("listen for signals")?;
    let mut crew = Crew::start(shared, way).context("start threads")?;
    let gates = crew.gates.clone();
    {
        let mut ready = pin!(gates.ready.wait());
        while tokio::select! { _ = &mut ready => false, () = interrupts.next() => true } {
            shared.stop();
        }
    }
    if let Some(failure) = gates.take_failure() {
        // Its text names the causes already; `anyhow` would add them once more.
        return Err(anyhow::Error::msg(format!("{failure}{}", failure.cause().hint(Kind::Upload))));
    }

    let before = process::usage(pids)?;
    let began = Instant::now();
    shared.start_clock(shared.plan.duration);
    gates.start.wait().await;
    let mut line = ProgressLine::new();
    wait_until_finished(shared, &crew, &mut interrupts, &mut line).await;
    let elapsed = began.elapsed();
    let is_interrupted = shared.is_stopped();
    let servers = servers(pids, before, &line);

    gates.clean.wait().await;
    let end = clean_up(shared, &mut crew, &mut interrupts, &line).await;
    Ok(Done { end, elapsed, is_interrupted, servers })
}

async fn wait_until_finished(shared: &Shared, crew: &Crew, interrupts: &mut Interrupts, line: &mut ProgressLine) {
    let mut finished = pin!(crew.gates.finished.wait());
    let mut show = ticks();
    let mut give_up: Option<Instant> = None;
    loop {
        tokio::select! {
            _ = &mut finished => break,
            _ = show.tick() => {
                line.show(shared);
                if give_up.is_some_and(|at| Instant::now() >= at) {
                    shared.abort.cancel();
                }
            }
            () = interrupts.next() => {
                // The second one means: at once.
                match give_up {
                    None => give_up = Some(Instant::now() + GRACE),
                    Some(_) => shared.abort.cancel(),
                }
                shared.stop();
            }
        }
    }
}

/// Waits for the workers' ends, while they delete what they uploaded.
async fn clean_up(shared: &Shared, crew: &mut Crew, interrupts: &mut Interrupts, line: &ProgressLine) -> ThreadEnd {
    let mut all = ThreadEnd::default();
    let mut show = ticks();
    loop {
        tokio::select! {
            end = crew.next_end() => match end {
                Some(end) => all.merge(end),
                None => break,
            },
            _ = show.tick() => line.show_cleaning(shared),
            () = interrupts.next() => shared.leave.cancel(),
        }
    }
    line.show_cleaning(shared);
    all
}

fn servers(pids: &[u32], before: process::Usage, line: &ProgressLine) -> Option<ServerUse> {
    match process::usage(pids) {
        _ if pids.is_empty() => None,
        Ok(after) => Some(ServerUse {
            pids: pids.to_vec(),
            cpu_us: after.cpu_us.saturating_sub(before.cpu_us),
            resident_bytes: after.resident_bytes,
        }),
        Err(error) => {
            // The rest of the result is not worth less for it.
            line.say(&format!("{error:#}; it ended during the run"));
            None
        }
    }
}

fn ticks() -> tokio::time::Interval {
    let mut ticks = interval(SHOW_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// Ctrl-C, and what asks for the same.
struct Interrupts {
    interrupt: Signal,
    terminate: Signal,
}

impl Interrupts {
    fn listen() -> io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
