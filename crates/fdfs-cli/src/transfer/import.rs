//! `fdfs import SOURCE --map FILE`: files of a directory or of another cluster into a cluster, under new ids.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use fdfs_client::{Client, ClientError, FileId, GroupName};
use fdfs_proto::Status;

use super::crew::{Crew, Done};
use super::export::CONTENTS;
use super::fetch::{fetch, sum_of};
use super::item::{Exported, Imported, ItemKind};
use super::journal::{Journal, read_only};
use super::list::{IdList, files_below};
use super::store::{Beside, masters_of, stem, store};
use crate::exit::failure;
use crate::files::connect::Connect;

/// What `fdfs import` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  fdfs import /backup --map map.jsonl --tracker 10.0.0.1:22122
  fdfs import ~/photos --map map.jsonl --group group2
  fdfs import --from 10.1.0.1:22122 ids.txt --map map.jsonl --tracker 10.0.0.1:22122
  jq -r '[.from, .to] | @tsv' map.jsonl       old ids and new ones

SOURCE is a directory that fdfs export made: its files come with kind and metadata, slave files beside their masters. Or
any directory: its files come as regular files, links in it are left out. With --from it is a list of ids of that cluster.

A cluster gives files their ids, so each file gets a new one; the map has a line for each file, written when the storage
has what was sent (by size and CRC-32). The same command again goes on where it stopped. What was being sent when it was
interrupted may be stored without a line: such a file is nobody's, and at most --jobs of them are left.

Exit code: 0 all is there, 5 some files failed (each is named on stderr), else the errno of the failure.")]
pub(crate) struct Args {
    /// A directory; with --from a file with ids, one a line (- is standard input)
    #[arg(value_name = "SOURCE")]
    source: PathBuf,
    /// A tracker of the cluster that the files come from; give it once for each
    #[arg(long, value_name = "HOST[:PORT]", value_delimiter = ',')]
    from: Vec<String>,
    /// Where the new ids are written to, one JSON object a line; also the journal
    #[arg(long, value_name = "FILE")]
    map: PathBuf,
    /// The group that the files go to [else: the tracker chooses]
    #[arg(long)]
    group: Option<GroupName>,
    /// Files that are copied at the same time
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: u16,
    #[command(flatten)]
    connect: Connect,
    /// Print one JSON object at the end
    #[arg(long)]
    json: bool,
}

/// Where the files come from.
#[derive(Debug)]
enum Source {
    /// What an export wrote, by ids.
    Exported(PathBuf, HashMap<String, Exported>),
    /// Any directory.
    Tree(PathBuf),
    /// Another cluster; files pass through a directory that disappears.
    Cluster(Client, tempfile::TempDir),
}

/// What all files have in common.
#[derive(Debug)]
struct Job {
    source: Source,
    target: Client,
    group: Option<GroupName>,
    map: Journal<Imported>,
    /// New ids by old ones without extension: where slaves find their masters.
    new_ids: Mutex<HashMap<String, FileId>>,
}

/// Copies all files.
pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let target = args.connect.client()?;
    let (source, names) = open(&args)?;
    let map = Journal::open(&args.map)?;
    let job = Arc::new(Job { source, target, group: args.group, map, new_ids: Mutex::default() });
    let mut crew = Crew::new(args.jobs, names.len() as u64);
    // Masters first; slaves of slaves have longer names than their masters.
    let (mut slaves, others): (Vec<_>, Vec<_>) = names.into_iter().partition(|name| job.is_slave(name));
    slaves.sort_by_key(String::len);
    let mut len = 0;
    for name in others.into_iter().chain(slaves) {
        if job.is_slave(&name) && name.len() != len {
            crew.rest().await?;
            len = name.len();
        }
        if job.is_done(&name) {
            crew.count(Done::Before);
            continue;
        }
        let (job, shown) = (job.clone(), name.clone());
        crew.copy(shown, move || one(job.clone(), name.clone())).await?;
    }
    crew.rest().await?;
    Ok(crew.end("imported", args.json))
}

/// The source, and the names of its files: ids, or paths below a directory.
fn open(args: &Args) -> anyhow::Result<(Source, Vec<String>)> {
    if !args.from.is_empty() {
        let from = args.from.iter().fold(Client::builder(), |builder, tracker| builder.tracker(tracker)).build()?;
        let list = IdList::open(&args.source)?;
        let names = list.ids()?.map(|id| Ok(id?.to_string())).collect::<anyhow::Result<_>>()?;
        let dir = tempfile::tempdir().context("make a temporary directory")?;
        return Ok((Source::Cluster(from, dir), names));
    }
    if !args.source.is_dir() {
        let why =
            format!("{} is no directory; for a list of ids say which cluster: --from HOST:PORT", args.source.display());
        return Err(failure(Status::ENOTDIR, why));
    }
    let contents = args.source.join(CONTENTS);
    if contents.exists() {
        let lines = read_only::<Exported>(&contents)?;
        let mut names = Vec::with_capacity(lines.len());
        for line in lines.values() {
            // The name leads to a place below the directory: it must stay in it.
            let checked = line.id.parse::<FileId>().is_ok_and(|id| id.logic_name().is_ok());
            if !checked {
                return Err(failure(Status::EINVAL, format!("{}: {:?} is no id", contents.display(), line.id)));
            }
            names.push(line.id.clone());
        }
        names.sort_unstable();
        return Ok((Source::Exported(args.source.clone(), lines), names));
    }
    let paths = files_below(&args.source)?;
    // The map may lie in the directory itself.
    let map = args.map.canonicalize().ok();
    let is_map = |path: &PathBuf| map.is_some() && args.source.join(path).canonicalize().ok() == map;
    let is_file = |path: &&PathBuf| !(path.file_name() == args.map.file_name() && is_map(path));
    let names = paths.iter().filter(is_file).filter_map(|path| path.to_str().map(str::to_owned)).collect();
    Ok((Source::Tree(args.source.clone()), names))
}

impl Job {
    fn is_slave(&self, name: &str) -> bool {
        match &self.source {
            Source::Exported(_, lines) => lines.get(name).is_some_and(|line| line.kind == ItemKind::Slave),
            Source::Tree(_) => false,
            Source::Cluster(..) => name.parse().is_ok_and(|id| ItemKind::of(&id) == ItemKind::Slave),
        }
    }

    /// Whether an earlier run copied it.
    fn is_done(&self, name: &str) -> bool {
        let Some(line) = self.map.done_before(name) else { return false };
        self.learn(line);
        true
    }

    fn learn(&self, line: &Imported) {
        if let Ok(id) = line.to.parse() {
            let mut new_ids = self.new_ids.lock().unwrap_or_else(PoisonError::into_inner);
            new_ids.insert(stem(&line.from).to_owned(), id);
        }
    }

    /// Where a slave goes.
    fn beside(&self, slave: &str) -> anyhow::Result<Beside> {
        let new_ids = self.new_ids.lock().unwrap_or_else(PoisonError::into_inner);
        let found = masters_of(slave)
            .into_iter()
            .find_map(|(master, prefix)| Some(Beside { master: *new_ids.get(&master)?, prefix }));
        found.ok_or_else(|| {
            failure(Status::ENOENT, "its master is not in the map: add the master's id to the list, and import it, too")
        })
    }
}

/// One file.
async fn one(job: Arc<Job>, name: String) -> anyhow::Result<Done> {
    let (item, path) = match &job.source {
        Source::Exported(dir, lines) => {
            let line = lines.get(&name).cloned().context("not in the table of contents any more")?;
            (line, dir.join(&name))
        }
        Source::Tree(dir) => {
            let path = dir.join(&name);
            (plain_item(&name, &path).await?, path)
        }
        Source::Cluster(from, dir) => {
            let (id, path) = (name.parse::<FileId>()?, dir.path().join(name.replace('/', "_")));
            match fetch(from, &id, &path).await {
                Ok(item) => (item, path),
                Err(error) if error.downcast_ref::<ClientError>().is_some_and(ClientError::is_not_found) => {
                    return Ok(Done::Gone);
                }
                Err(error) => return Err(error),
            }
        }
    };
    let stored = store_item(&job, &item, &path).await;
    if matches!(job.source, Source::Cluster(..)) {
        // It is in a directory that disappears: this only keeps that small.
        let _ = tokio::fs::remove_file(&path).await;
    }
    let line = stored?;
    job.map.put(&line)?;
    job.learn(&line);
    Ok(Done::Copied(line.size_bytes))
}

async fn store_item(job: &Job, item: &Exported, path: &Path) -> anyhow::Result<Imported> {
    let beside = if item.kind == ItemKind::Slave { Some(job.beside(&item.id)?) } else { None };
    store(&job.target, job.group, item, path, beside).await
}

/// A file of which nothing is known but its content.
async fn plain_item(name: &str, path: &Path) -> anyhow::Result<Exported> {
    let sum = sum_of(path).await?;
    let crc32 = format!("{:08x}", sum.crc32);
    Ok(Exported { id: name.to_owned(), kind: ItemKind::Regular, size_bytes: sum.size_bytes, crc32, meta: Vec::new() })
}
