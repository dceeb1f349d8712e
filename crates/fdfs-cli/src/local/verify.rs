//! `fdfs verify STORAGE_CONF`: reads every file of a storage and compares it with what its id says.

use std::process::ExitCode;
use std::time::Instant;

use fdfs_proto::Status;
use serde_json::json;

use super::found::Found;
use super::peers::Peers;
use super::scrub::scrub;
use super::store::{Store, StoreArgs};
use crate::files::connect::{builder_of, parse};
use crate::{exit, out};

/// What `fdfs verify` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  fdfs verify /etc/fdfs/storage.conf
  fdfs verify /etc/fdfs/storage.conf --json > damaged.json
  fdfs verify /etc/fdfs/storage.conf --peers     and compare with the other storages of the group

Reads the store paths of a storage on this machine, the slots of its trunk files too; the storage may run. A regular file's
id tells its size and its CRC-32: a file that is different is damaged, and its id is printed with the reason. Appender, slave
and linked files, whose ids do not tell it, are only read.

With --peers each other ACTIVE storage of the group is asked for each file, and must have it with the same size and CRC-32.
For a regular file a storage answers with the CRC-32 of the id: run fdfs verify there, too, to have its disk read. Files
that were changed less than --grace seconds ago may be on their way, and are not asked for.

Nothing is repaired. To repair a damaged file: fdfs download it from another storage of the group, check it, and upload it
anew; or empty the store path, and let the storage fetch it from its group (docs/operating.md).

Exit code: 0 all files are good, 5 some are damaged or cannot be read, else the errno of the failure.")]
pub(crate) struct Args {
    #[command(flatten)]
    store: StoreArgs,
    /// Directories that are read at the same time [else: as many as there are cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: Option<u16>,
    /// Ask the other storages of the group for each file, too
    #[arg(long)]
    peers: bool,
    /// Seconds that a change may take to reach the other storages
    #[arg(long, value_name = "SECS", default_value_t = 300, requires = "peers")]
    grace: u32,
    /// Print one JSON object for each bad file
    #[arg(long)]
    json: bool,
}

/// Reads everything and tells what is bad.
pub(crate) fn run(args: &Args) -> ExitCode {
    verify(args).unwrap_or_else(|error| exit::report(&error))
}

fn verify(args: &Args) -> anyhow::Result<ExitCode> {
    let jobs = args.jobs.map_or_else(|| std::thread::available_parallelism().map_or(1, usize::from), usize::from);
    let store = Store::open(&args.store)?;
    let peers = args.peers.then(|| {
        let (port, ips) = store.own_place();
        let client = builder_of(&parse(&args.store.storage_conf)?)?.max_idle_connections(jobs).build()?;
        Peers::find(client, store.group(), port, ips, args.grace)
    });
    let peers = peers.transpose()?;
    let begin = Instant::now();
    let (tally, gaps) = scrub(&store, jobs, peers.as_ref(), |file, why| out::line(&line(file, why, args.json)))?;
    eprintln!("{}", tally.summary(begin.elapsed().as_secs_f64()));
    if let Some(gap) = gaps.first() {
        eprintln!("fdfs: some files in trunk files may not have been read: {gap}");
    }
    let is_good = tally.bad == 0 && gaps.is_empty();
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::from(Status::EIO.0) })
}

fn line(file: &Found, why: &str, json: bool) -> String {
    let id = file.id.to_string();
    if json { json!({ "id": id, "problem": why }).to_string() } else { format!("{id}: {why}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::scrub::Tally;
    use fdfs_proto::file_id::{FormattedExt, NewKind, NewName, Source};
    use std::fs;

    /// A store path with so many good files, and their places.
    fn store(count: u32) -> (tempfile::TempDir, Store, Vec<std::path::PathBuf>) {
        let dir = tempfile::tempdir().unwrap();
        let mut paths = Vec::new();
        for n in 0..count {
            let content = n.to_string().repeat(500);
            let (high, low) = ((n % 3) as u8, (n % 5) as u8);
            let name = NewName {
                store_path_index: 0,
                high,
                low,
                source: Source::Ip([127, 0, 0, 1].into()),
                created: 1_795_166_208,
                size: content.len() as u64,
                crc32: crc32fast::hash(content.as_bytes()),
                kind: NewKind::Regular,
                random: n,
                ext: FormattedExt::new(&"bin".parse().unwrap(), n),
            };
            let name = name.build();
            let path = dir.path().join("data").join(name.as_str().strip_prefix("M00/").unwrap());
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, content).unwrap();
            paths.push(path);
        }
        let store = Store::of("group1".parse().unwrap(), vec![dir.path().to_owned()]);
        (dir, store, paths)
    }

    fn problems(store: &Store) -> (Tally, Vec<String>) {
        let mut told = Vec::new();
        let (tally, gaps) = scrub(store, 4, None, |file, why| told.push(line(file, why, false))).unwrap();
        assert_eq!(gaps, [""; 0]);
        told.sort();
        (tally, told)
    }

    #[test]
    fn every_damaged_file_is_named_and_no_other() {
        let (_dir, store, paths) = store(200);
        let (tally, told) = problems(&store);
        assert_eq!((tally.files, tally.compared, tally.bad, told.len()), (200, 200, 0, 0));

        let mut names = Vec::new();
        for (n, path) in paths.iter().step_by(20).enumerate() {
            let mut content = fs::read(path).unwrap();
            match n % 2 {
                0 => content[7] ^= 1,
                _ => content.push(0),
            }
            fs::write(path, content).unwrap();
            names.push(path.file_name().unwrap().to_str().unwrap().to_owned());
        }
        let (tally, told) = problems(&store);
        assert_eq!((tally.bad, told.len()), (10, 10));
        for name in names {
            let told = told.iter().filter(|line| line.contains(&name)).collect::<Vec<_>>();
            assert!(matches!(told.as_slice(), [line] if line.contains(", the id says ")), "{name}: {told:?}");
        }
    }

    #[test]
    fn files_whose_ids_tell_nothing_are_read_only() {
        let (dir, store, _) = store(3);
        let folder = dir.path().join("data/00/00");
        fs::write(folder.join("Ck4BC2sAEAKEAj2qAAAAADUkQcI950.log"), "grown").unwrap();
        fs::write(folder.join("Ck4BC2sAEASAX_e9AAAAC9yobGc248_150x150.jpg"), "slave").unwrap();
        let (tally, told) = problems(&store);
        assert_eq!((tally.files, tally.compared, tally.bad), (5, 3, 0), "{told:?}");
        assert!(tally.summary(1.5).ends_with("3 of them compared, 0 bad, in 1.5 s"), "{}", tally.summary(1.5));
    }
}
