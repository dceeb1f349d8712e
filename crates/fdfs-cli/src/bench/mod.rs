//! `fdfs bench`: a load generator for clusters of ours and of C.
//!
//! * [`args`], [`plan`], [`sizes`], [`content`], [`ids`]: what is to be done, with which files;
//! * [`crew`], [`worker`], [`shared`]: threads and connections that do it; [`conduct`]: the one who leads them;
//! * [`routes`], [`link`], [`operation`]: the way to a storage and the exchange with it;
//! * [`tally`], [`histogram`], [`failure`], [`process`]: what is counted;
//! * [`progress`], [`result`], [`json`]: what is told.

mod args;
mod conduct;
mod content;
mod crew;
mod failure;
mod histogram;
mod ids;
mod json;
mod link;
mod operation;
mod plan;
mod process;
mod progress;
mod result;
mod routes;
mod shared;
mod sizes;
mod tally;
mod worker;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::error::ErrorKind;
use fdfs_net::nofile::raise_nofile;
use fdfs_net::resolve::HostPort;

pub(crate) use args::Args;
use result::Summary;
use routes::{Asking, Way};
use shared::Shared;

use crate::out;

/// The exit code when something failed.
const FAILED: u8 = 1;
/// The port of a storage that is named without one.
const STORAGE_PORT: u16 = 23000;
/// How long a name server may take.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(5);
/// Files that the program needs for itself.
const OWN_FILE_COUNT: u64 = 64;
/// Connections of a worker: its tracker and one storage; more storages need more.
const FILES_PER_WORKER: u64 = 2;

/// Runs it; gives the exit code.
pub(crate) fn run(args: &Args) -> ExitCode {
    if let Err(error) = args.check() {
        clap::Error::raw(ErrorKind::ArgumentConflict, format!("{error}\n")).exit();
    }
    match run_checked(args) {
        Ok(summary) => {
            out::print(&if args.json { format!("{}\n", json::of(&summary)) } else { summary.text() });
            if summary.has_failures() { ExitCode::from(FAILED) } else { ExitCode::SUCCESS }
        }
        Err(error) => {
            eprintln!("fdfs: {error:#}");
            ExitCode::from(FAILED)
        }
    }
}

fn run_checked(args: &Args) -> anyhow::Result<Summary> {
    let files = args.ids_to_read().map_or_else(|| Ok(Vec::new()), |path| ids::read(path))?;
    let plan = args.plan(files.len() as u64);
    if let Err(error) = raise_nofile(plan.connection_count as u64 * FILES_PER_WORKER + OWN_FILE_COUNT) {
        // It may still be enough: not every worker talks to a tracker and to a storage.
        eprintln!("fdfs: {error}");
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let way = runtime.block_on(way(args, &plan))?;
    let shared = Arc::new(Shared::new(plan, files));
    let mut done = runtime.block_on(conduct::run(&shared, &way, &args.cpu_pid))?;
    let ids = match args.ids_to_write() {
        Some(path) => {
            done.end.files.sort_by_key(|file| file.number);
            ids::write(path, &done.end.files)?;
            Some((path.clone(), done.end.files.len() as u64))
        }
        None => None,
    };
    let tallies = plan::Kind::ALL.into_iter().zip(done.end.tallies).filter(|(kind, _)| shared.plan.has(*kind));
    Ok(Summary {
        plan: shared.plan.clone(),
        way: way_text(&way),
        elapsed: done.elapsed,
        is_interrupted: done.is_interrupted,
        tallies: tallies.collect(),
        servers: done.servers,
        clean_up: shared.plan.cleans_up.then_some(done.end.clean_up),
        ids,
    })
}

/// How the storages are found.
async fn way(args: &Args, plan: &plan::Plan) -> anyhow::Result<Way> {
    if let Some(storage) = &args.storage {
        return Ok(Way::Direct(first_addr(storage).await?));
    }
    let mut addrs = Vec::new();
    for tracker in args.connect.client()?.trackers() {
        addrs.extend(tracker.addrs().await?.first());
    }
    let mut addrs = addrs.into_iter();
    let first = addrs.next().context("no tracker is named")?;
    Ok(Way::Tracker(Asking { first, others: addrs.collect(), group: plan.group, every_time: args.via_tracker }))
}

async fn first_addr(storage: &HostPort) -> anyhow::Result<SocketAddr> {
    let addrs = storage.resolve(STORAGE_PORT, RESOLVE_TIMEOUT).await?;
    addrs.first().copied().with_context(|| format!("{storage} has no address: give HOST:PORT"))
}

/// `storage 10.0.0.11:23000`, `tracker 10.0.0.1:22122 asked every time`.
fn way_text(way: &Way) -> String {
    match way {
        Way::Direct(addr) => format!("storage {addr}"),
        Way::Tracker(asking) => {
            let others: String = asking.others.iter().map(|addr| format!(", {addr}")).collect();
            let how = if asking.every_time { " asked every time" } else { "" };
            format!("tracker {}{others}{how}", asking.first)
        }
    }
}
