//! `fdfs export IDS DIR`: files of a cluster into a directory.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use fdfs_client::{Client, ClientError, FileId};

use super::crew::{Crew, Done};
use super::fetch::fetch;
use super::item::Exported;
use super::journal::Journal;
use super::list::IdList;
use super::parts::Sweeper;
use crate::files::connect::Connect;

/// The journal and table of contents in the directory.
pub(super) const CONTENTS: &str = "fdfs-export.jsonl";

/// What `fdfs export` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  fdfs find /etc/fdfs/storage.conf --since 7d | fdfs export - /backup --tracker 10.0.0.1:22122
  fdfs export ids.txt /backup --jobs 16

Each file comes to DIR/ID. Its content is compared with the CRC-32 of its id, or with what the storages say of it, and
flushed; then a line in DIR/fdfs-export.jsonl tells its id, kind, size, CRC-32 and metadata. The same command again goes on
where it stopped: what has a line and its size is not copied again. fdfs import takes the directory into a cluster.

Exit code: 0 all is there, 5 some files failed (each is named on stderr), else the errno of the failure.")]
pub(crate) struct Args {
    /// A file with the ids of the files, one a line; - is standard input
    #[arg(value_name = "IDS")]
    ids: PathBuf,
    /// Where to; made when it is missing
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// Files that are copied at the same time
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: u16,
    /// Files that are gone from the cluster are failures, too
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    connect: Connect,
    /// Print one JSON object at the end
    #[arg(long)]
    json: bool,
}

/// Copies all files.
pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let client = args.connect.client()?;
    let ids = IdList::open(&args.ids)?;
    std::fs::create_dir_all(&args.dir).with_context(|| format!("make the directory {}", args.dir.display()))?;
    let journal = Arc::new(Journal::<Exported>::open(&args.dir.join(CONTENTS))?);
    let mut crew = Crew::new(args.jobs, ids.count);
    let mut sweeper = Sweeper::default();
    for id in ids.ids()? {
        let id = id?;
        let path = args.dir.join(id.to_string());
        if is_there(&journal, &id, &path) {
            crew.count(Done::Before);
            continue;
        }
        sweeper.sweep_for(&path)?;
        let (client, journal, strict) = (client.clone(), journal.clone(), args.strict);
        crew.copy(id, move || one(client.clone(), journal.clone(), id, path.clone(), strict)).await?;
    }
    crew.rest().await?;
    Ok(crew.end("exported", args.json))
}

/// Whether a file was copied by an earlier run and is still there.
fn is_there(journal: &Journal<Exported>, id: &FileId, path: &Path) -> bool {
    let line = journal.done_before(&id.to_string());
    line.is_some_and(|line| path.metadata().is_ok_and(|facts| facts.is_file() && facts.len() == line.size_bytes))
}

async fn one(
    client: Client,
    journal: Arc<Journal<Exported>>,
    id: FileId,
    path: PathBuf,
    strict: bool,
) -> anyhow::Result<Done> {
    let line = match fetch(&client, &id, &path).await {
        Ok(line) => line,
        Err(error) if !strict && error.downcast_ref::<ClientError>().is_some_and(ClientError::is_not_found) => {
            return Ok(Done::Gone);
        }
        Err(error) => return Err(error),
    };
    journal.put(&line)?;
    Ok(Done::Copied(line.size_bytes))
}
