//! `fdfs dev`: a whole cluster in one process on loopback addresses, with no configuration file.
//!
//! * [`place`]: the directory that holds its data, and the lock on it;
//! * [`ports`]: which addresses and ports it takes;
//! * [`cluster`]: the servers;
//! * [`banner`]: what is said about it; [`trial`]: `--try FILE`.

mod banner;
mod cluster;
mod place;
mod ports;
mod trial;

use std::path::PathBuf;

use anyhow::Context as _;
use fdfs_conf::Durability;
use fdfs_proto::Status;
use tokio_util::sync::CancellationToken;

use crate::daemon::signals::{self, Signal};
use crate::exit::{self, failure};
use crate::out;
use cluster::Cluster;
use place::Place;

/// How often ports are chosen anew when others take them in between.
const START_TRIES: u32 = 4;

/// What `fdfs dev` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  fdfs dev                          until Ctrl-C; the next start finds its files again
  fdfs dev --try README.md          store a file, read it back, compare, end
  fdfs dev --temp --port-base 0     any free ports, and nothing is left behind

What is uploaded to one storage is on the other a moment later.")]
pub(crate) struct Args {
    /// The directory for data and logs
    #[arg(long, value_name = "DIR", default_value = "fdfs-dev", conflicts_with = "temp")]
    dir: PathBuf,
    /// Use a temporary directory that is removed at the end
    #[arg(long)]
    temp: bool,
    /// Take port N for the tracker, N+1 for the storages, N+2 and N+3 for HTTP; 0 takes any free ports. Without it:
    /// 22122, 23000, 8080 and 8888, or any free ports when those are taken
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(..65527))]
    port_base: Option<u16>,
    /// When the storages answer an upload: `disk`, when it is safe from a power cut; `none`, when it is written
    #[arg(long, value_name = "none|disk", default_value = "disk", value_parser = durability_of_word)]
    durability: Durability,
    /// Upload this file, download it, compare, and end; the exit code tells whether all went well
    #[arg(long = "try", value_name = "FILE")]
    try_file: Option<PathBuf>,
}

fn durability_of_word(word: &str) -> Result<Durability, String> {
    Durability::from_word(word).ok_or_else(|| "none or disk".to_owned())
}

/// Runs the cluster.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let cancel = CancellationToken::new();
    let received = signals::listen(cancel.clone()).context("listen for signals")?;
    // A file that cannot be read should not cost the start of a cluster.
    if let Some(file) = &args.try_file {
        std::fs::File::open(file).with_context(|| format!("open {}", file.display()))?;
    }
    let place = if args.temp { Place::temporary()? } else { Place::at(&args.dir)? };
    let Some(cluster) = start(args, &place, &cancel)? else { return Ok(()) };
    let done = match &args.try_file {
        Some(file) => trial::run(&cluster, file, &cancel).map(|text| out::print(&text)),
        None => {
            cluster.write_client_conf(&place)?;
            out::print(&banner::text(&place, &cluster));
            while !matches!(received.recv(), Ok(Signal::Stop(_)) | Err(_)) {}
            out::line("stopping");
            Ok(())
        }
    };
    cluster.stop();
    drop(place);
    match done {
        Err(_) if cancel.is_cancelled() => Err(failure(Status::EINTR, "interrupted")),
        done => done,
    }
}

/// Starts the servers; `None` when the user has changed his mind.
fn start(args: &Args, place: &Place, cancel: &CancellationToken) -> anyhow::Result<Option<Cluster>> {
    for tries_left in (0..START_TRIES).rev() {
        let layout = ports::choose(args.port_base)?;
        for note in &layout.notes {
            eprintln!("{note}");
        }
        match Cluster::start(place, &layout, args.durability, cancel) {
            Ok(cluster) => return Ok(Some(cluster)),
            Err(_) if cancel.is_cancelled() => return Ok(None),
            Err(error) if tries_left == 0 || exit::code_of(&error) != Status::EADDRINUSE.0 => return Err(error),
            // Between the choice of a free port and the start another program was faster.
            Err(_) => {}
        }
    }
    Ok(None)
}
