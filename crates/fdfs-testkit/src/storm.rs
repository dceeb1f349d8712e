//! A storm: a group of real processes behind links that break, clients that change files all the time, and a fault
//! every few seconds. When it is over everything is healed, and then the group must have kept its promises.
//!
//! * [`traffic`]: what clients do; [`request`]: one request of theirs, of which the outcome may stay unknown;
//! * [`faults`]: what is broken, for how long;
//! * [`history`]: all that was done to each file; [`expected`]: what a file must be after that;
//! * [`disk`], [`oracle`]: what the storages really have.
//!
//! The same seed gives the same faults and the same plans of the clients; how they meet is up to the machine.

pub mod disk;
pub mod expected;
pub mod faults;
pub mod history;
pub mod oracle;
pub mod request;
pub mod traffic;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::cluster::Cluster;
use crate::daemons::DaemonCluster;
use faults::Faults;
use history::History;
use traffic::Crew;

/// The variable that makes a storm another one: `SEED,SECONDS` or `SEED,SECONDS,trunk`.
pub const STORM_VAR: &str = "FDFS_STORM";
/// Storages of the group.
const STORAGE_COUNT: usize = 3;
/// Lines of each log that a failure shows.
const LOG_TAIL: usize = 40;

/// What a storm is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Storm {
    /// Decides all that is decided by chance.
    pub seed: u64,
    /// How long faults go on.
    pub duration: Duration,
    /// Small files go into trunk files.
    pub has_slots: bool,
    /// Keeps the folder of a storm that failed.
    pub keeps_folder: bool,
}

impl Storm {
    /// The storm that the environment asks for, or this one.
    ///
    /// # Panics
    /// When the variable is there and reads otherwise.
    #[must_use]
    pub fn from_env_or(seed: u64, duration: Duration) -> Self {
        let Ok(text) = std::env::var(STORM_VAR) else {
            return Self { seed, duration, has_slots: false, keeps_folder: false };
        };
        let (numbers, has_slots) = text.strip_suffix(",trunk").map_or((&text[..], false), |numbers| (numbers, true));
        let numbers = numbers.split_once(',').and_then(|(seed, secs)| Some((seed.parse().ok()?, secs.parse().ok()?)));
        let (seed, secs) = numbers.unwrap_or_else(|| panic!("{STORM_VAR} is SEED,SECONDS[,trunk], not {text}"));
        Self { seed, duration: Duration::from_secs(secs), has_slots, keeps_folder: true }
    }

    /// The same in a group with trunk files, unless the environment asks for something else.
    #[must_use]
    pub fn with_slots(self) -> Self {
        Self { has_slots: self.has_slots || !self.keeps_folder, ..self }
    }

    /// Lets it rage with the program `fdfs`, and judges.
    ///
    /// # Panics
    /// When a promise was broken: with the seed, what happened to the files concerned, and the ends of all logs.
    pub fn rage(self, program: &Path) {
        println!("storm {},{}", self.seed, self.duration.as_secs());
        let mut cluster = DaemonCluster::start(program, self.layout());
        if self.has_slots {
            cluster.expect_problem("small files go on their own");
        }
        faults::EXPECTED_COMPLAINTS.iter().for_each(|pattern| cluster.expect_problem(pattern));
        let history = Arc::new(History::new(cluster.layout.storages.iter().map(|plan| plan.addr).collect()));
        let is_over = Arc::new(AtomicBool::new(false));
        let crew = Crew::start(&cluster.layout, self.seed, &history, &is_over);
        let mut faults = Faults::new(self.seed, history.clone());
        let end = Instant::now() + self.duration;
        while Instant::now() < end {
            faults.step(&mut cluster);
        }
        faults.heal(&mut cluster);
        is_over.store(true, Ordering::Relaxed);
        let violations = crew.join();
        println!("{}; {}", history.summary(), faults.summary());
        let verdict = if violations.is_empty() { oracle::judge(&cluster, &history) } else { Err(violations) };
        let complaints = cluster.unexpected_problems();
        let verdict = verdict.and(if complaints.is_empty() { Ok(()) } else { Err(complaints) });
        if let Err(violations) = verdict {
            self.fail(&mut cluster, &faults, &violations);
        }
    }

    fn fail(self, cluster: &mut DaemonCluster, faults: &Faults, violations: &[String]) -> ! {
        for (node, log) in cluster.logs() {
            let lines: Vec<_> = log.lines().collect();
            println!("--- the end of the log of {node}");
            lines[lines.len().saturating_sub(LOG_TAIL)..].iter().for_each(|line| println!("{line}"));
        }
        println!("--- faults\n{}", faults.report());
        if self.keeps_folder {
            cluster.layout.dir.disable_cleanup(true);
            println!("--- everything lies in {}", cluster.layout.dir.path().display());
        }
        let again = format!(
            "{STORM_VAR}={},{}{}",
            self.seed,
            self.duration.as_secs(),
            if self.has_slots { ",trunk" } else { "" }
        );
        panic!("{} promises broken; again with {again}:\n{}", violations.len(), violations.join("\n"));
    }

    fn layout(self) -> crate::Layout {
        layout(self.has_slots)
    }
}

fn layout(has_slots: bool) -> crate::Layout {
    let builder = Cluster::builder().group("group1", STORAGE_COUNT).proxies();
    // Frozen and hanging peers are noticed within the storm.
    let builder = builder.storage_key("connect_timeout", 1).storage_key("network_timeout", 3);
    let builder = builder.tracker_key("network_timeout", 5).tracker_key("check_active_interval", 3);
    if !has_slots {
        return builder.lay_out();
    }
    let builder = builder.tracker_key("use_trunk_file", true).tracker_key("slot_max_size", "8KB");
    builder.tracker_key("trunk_file_size", "4MB").tracker_key("trunk_free_space_merge", true).lay_out()
}
