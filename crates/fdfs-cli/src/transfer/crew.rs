//! Many files at a time: with a bar, tries again what may pass, and ends when nothing works any more.

use std::fmt::Display;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fdfs_client::ClientError;
use fdfs_proto::Status;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use tokio::task::JoinSet;

use crate::{human, out};

/// How often one file is tried.
const TRIES: u32 = 4;
/// The pause before the second try; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// After so many failures in a row something is wrong with all.
const FAILURES_MAX: u64 = 100;

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Done {
    /// It was copied; so many bytes.
    Copied(u64),
    /// It was there already.
    Before,
    /// It is gone from where it should come from.
    Gone,
}

/// What became of all.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) copied: u64,
    pub(super) bytes: u64,
    pub(super) before: u64,
    pub(super) gone: u64,
    pub(super) failed: u64,
    failed_in_a_row: u64,
}

/// The files that are being copied.
#[derive(Debug)]
pub(super) struct Crew {
    jobs: usize,
    bar: ProgressBar,
    begin: Instant,
    pub(super) tally: Tally,
    running: JoinSet<(String, anyhow::Result<Done>)>,
}

impl Crew {
    /// A crew for `count` files.
    pub(super) fn new(jobs: u16, count: u64) -> Self {
        // Indicatif draws nothing where stderr is no terminal.
        let bar = ProgressBar::with_draw_target(Some(count), ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
            bar.set_style(style.progress_chars("=> "));
        }
        let (begin, tally, running) = (Instant::now(), Tally::default(), JoinSet::new());
        Self { jobs: usize::from(jobs), bar, begin, tally, running }
    }

    /// Copies one more file; waits while enough are being copied.
    ///
    /// # Errors
    /// Nothing works any more.
    pub(super) async fn copy<F>(
        &mut self,
        name: impl Display,
        work: impl Fn() -> F + Send + Sync + 'static,
    ) -> anyhow::Result<()>
    where
        F: Future<Output = anyhow::Result<Done>> + Send + 'static,
    {
        while self.running.len() >= self.jobs {
            self.one_ends().await?;
        }
        let (name, work) = (name.to_string(), Arc::new(work));
        self.running.spawn(async move { (name, patiently(&*work).await) });
        Ok(())
    }

    /// Counts a file without work.
    pub(super) fn count(&mut self, done: Done) {
        self.bar.inc(1);
        match done {
            Done::Copied(bytes) => {
                self.tally.copied += 1;
                self.tally.bytes += bytes;
                self.bar.set_message(human::bytes(self.tally.bytes.into()));
            }
            Done::Before => self.tally.before += 1,
            Done::Gone => self.tally.gone += 1,
        }
    }

    /// Counts and tells a failure.
    ///
    /// # Errors
    /// Nothing works any more.
    pub(super) fn fail(&mut self, name: &str, error: &anyhow::Error) -> anyhow::Result<()> {
        self.bar.inc(1);
        self.tally.failed += 1;
        self.tally.failed_in_a_row += 1;
        self.bar.suspend(|| eprintln!("{name}: {error:#}"));
        if self.tally.failed_in_a_row < FAILURES_MAX {
            return Ok(());
        }
        Err(anyhow::anyhow!(
            "stopped: {FAILURES_MAX} files in a row failed; see fdfs doctor, and run the same command again"
        ))
    }

    /// Waits for all that is being copied.
    ///
    /// # Errors
    /// Nothing works any more.
    pub(super) async fn rest(&mut self) -> anyhow::Result<()> {
        while !self.running.is_empty() {
            self.one_ends().await?;
        }
        Ok(())
    }

    async fn one_ends(&mut self) -> anyhow::Result<()> {
        match self.running.join_next().await {
            Some(Ok((_, Ok(done)))) => {
                self.tally.failed_in_a_row = 0;
                self.count(done);
                Ok(())
            }
            Some(Ok((name, Err(error)))) => self.fail(&name, &error),
            // A panic of ours goes on.
            Some(Err(error)) => std::panic::resume_unwind(error.into_panic()),
            None => Ok(()),
        }
    }

    /// Says what became of all; 5 (`EIO`) when some failed.
    pub(super) fn end(self, verb: &str, json: bool) -> ExitCode {
        self.bar.finish_and_clear();
        let Tally { copied, bytes, before, gone, failed, .. } = self.tally;
        let secs = self.begin.elapsed().as_secs_f64();
        if json {
            let line = json!({ verb: copied, "bytes": bytes, "before": before, "gone": gone, "failed": failed });
            out::line(&line.to_string());
        }
        let gone_text = if gone > 0 { format!(", {gone} gone meanwhile") } else { String::new() };
        let size = human::bytes(bytes.into());
        eprintln!("{copied} files {verb} ({size}), {before} before{gone_text}, {failed} failed, in {secs:.1} s");
        if failed == 0 { ExitCode::SUCCESS } else { ExitCode::from(Status::EIO.0) }
    }
}

const TEMPLATE: &str = "{pos} of {len} files [{wide_bar}] {msg} {per_sec} {eta:>4}";

/// One file, tried again while that may help.
async fn patiently<F>(work: impl Fn() -> F) -> anyhow::Result<Done>
where
    F: Future<Output = anyhow::Result<Done>>,
{
    let mut pause = FIRST_PAUSE;
    for _ in 1..TRIES {
        match work().await {
            Err(error) if may_pass(&error) => tokio::time::sleep(pause).await,
            done => return done,
        }
        pause *= 2;
    }
    work().await
}

fn may_pass(error: &anyhow::Error) -> bool {
    error.downcast_ref::<ClientError>().is_some_and(ClientError::is_retryable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[test]
    fn the_template_is_accepted() {
        assert!(ProgressStyle::with_template(TEMPLATE).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_pass_is_tried_again_and_nothing_else() {
        async fn tries(error: fn() -> anyhow::Error) -> u32 {
            let tries = AtomicU32::new(0);
            let done = patiently(|| {
                tries.fetch_add(1, Ordering::Relaxed);
                async move { Err(error()) }
            });
            assert!(done.await.is_err());
            tries.into_inner()
        }
        let silent = || ClientError::NoTrackerAnswers { doing: "ask", failures: Vec::new() }.into();
        assert_eq!((tries(silent).await, tries(|| anyhow::anyhow!("no")).await), (TRIES, 1));
    }

    #[tokio::test]
    async fn a_crew_counts_and_gives_up_when_nothing_works() {
        let mut crew = Crew::new(4, 20);
        for n in 0..20u64 {
            let work = move || async move {
                match n % 4 {
                    0 => Ok(Done::Before),
                    1 => Ok(Done::Gone),
                    2 => Err(anyhow::anyhow!("no")),
                    _ => Ok(Done::Copied(n)),
                }
            };
            crew.copy(n, work).await.unwrap();
        }
        crew.rest().await.unwrap();
        let Tally { copied, before, gone, failed, bytes, .. } = crew.tally;
        assert_eq!((copied, before, gone, failed, bytes), (5, 5, 5, 5, 3 + 7 + 11 + 15 + 19));
        let mut crew = Crew::new(1, 1000);
        let mut begun = 0;
        while crew.copy("x", || async { Err(anyhow::anyhow!("no")) }).await.is_ok() {
            begun += 1;
        }
        assert_eq!(begun, FAILURES_MAX);
    }
}
