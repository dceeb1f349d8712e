//! `fdfs verify STORAGE_CONF`: reads every file of a storage and compares it with what its id says.

use std::fs::File;
use std::io::{self, Read as _};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use fdfs_client::Promise;
use fdfs_proto::Status;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use super::found::Found;
use super::store::{Dir, Store, StoreArgs};
use crate::{exit, human, out};

/// Bytes that are read at once.
const READ_BYTES: usize = 1 << 20;
/// Files whose progress is shown together.
const SHOWN_FILES: u64 = 64;

/// What `fdfs verify` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  fdfs verify /etc/fdfs/storage.conf
  fdfs verify /etc/fdfs/storage.conf --json > damaged.json

Reads the store paths of a storage on this machine; the storage may run. A regular file's id tells its size and its CRC-32:
a file that is different is damaged, and its id is printed with the reason. Appender, slave and linked files, whose ids do
not tell it, are only read. Nothing is repaired. Files that are stored inside trunk files are not looked at.

Exit code: 0 all files are good, 5 some are damaged or cannot be read, else the errno of the failure.")]
pub(crate) struct Args {
    #[command(flatten)]
    store: StoreArgs,
    /// Directories that are read at the same time [else: as many as there are cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: Option<u16>,
    /// Print one JSON object for each bad file
    #[arg(long)]
    json: bool,
}

/// Reads everything and tells what is bad.
pub(crate) fn run(args: &Args) -> ExitCode {
    let jobs = args.jobs.map_or_else(|| std::thread::available_parallelism().map_or(1, usize::from), usize::from);
    let done = Store::open(&args.store).and_then(|store| {
        let begin = Instant::now();
        let tally = verify(&store, jobs, |file, why| out::line(&line(file, why, args.json)))?;
        eprintln!("{}", tally.summary(begin.elapsed().as_secs_f64()));
        Ok(tally.bad)
    });
    match done {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(Status::EIO.0),
        Err(error) => exit::report(&error),
    }
}

fn line(file: &Found, why: &str, json: bool) -> String {
    let id = file.id.to_string();
    if json { json!({ "id": id, "problem": why }).to_string() } else { format!("{id}: {why}") }
}

/// What was read.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    files: u64,
    /// Those of them whose ids tell the content.
    compared: u64,
    bytes: u64,
    bad: u64,
}

impl Tally {
    fn add(&mut self, other: &Self) {
        self.files += other.files;
        self.compared += other.compared;
        self.bytes += other.bytes;
        self.bad += other.bad;
    }

    fn summary(&self, secs: f64) -> String {
        let Self { files, compared, bytes, bad } = self;
        let size = human::bytes((*bytes).into());
        format!("{files} files read ({size}), {compared} of them compared, {bad} bad, in {secs:.1} s")
    }
}

/// Reads all files, some directories at the same time; `tell` hears of each bad one.
fn verify(store: &Store, jobs: usize, tell: impl FnMut(&Found, &str) + Send) -> anyhow::Result<Tally> {
    let dirs = store.dirs()?;
    let bar = progress(dirs.iter().map(|&dir| store.count(dir)).sum());
    let (next, tell) = (AtomicUsize::new(0), Mutex::new(tell));
    let work = || -> anyhow::Result<Tally> {
        let (mut tally, mut buffer) = (Tally::default(), vec![0; READ_BYTES]);
        while let Some(&dir) = dirs.get(next.fetch_add(1, Ordering::Relaxed)) {
            tally.add(&verify_dir(store, dir, &mut buffer, &bar, &tell)?);
        }
        Ok(tally)
    };
    let results: Vec<_> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    bar.finish_and_clear();
    let mut all = Tally::default();
    for result in results {
        all.add(&result?);
    }
    Ok(all)
}

fn verify_dir(
    store: &Store,
    dir: Dir,
    buffer: &mut [u8],
    bar: &ProgressBar,
    tell: &Mutex<impl FnMut(&Found, &str)>,
) -> anyhow::Result<Tally> {
    let (mut tally, mut unshown) = (Tally::default(), 0);
    for file in store.files(dir)? {
        unshown += 1;
        if unshown == SHOWN_FILES {
            bar.inc(std::mem::take(&mut unshown));
        }
        match check(&file, buffer) {
            Ok(Checked { bytes, is_compared, problem }) => {
                tally.files += 1;
                tally.bytes += bytes;
                tally.compared += u64::from(is_compared);
                let Some(problem) = problem else { continue };
                tally.bad += 1;
                // A lock that is poisoned belongs to a program that is ending.
                if let Ok(mut tell) = tell.lock() {
                    tell(&file, &problem);
                }
            }
            // Deleted while we were looking.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                (tally.files, tally.bad) = (tally.files + 1, tally.bad + 1);
                if let Ok(mut tell) = tell.lock() {
                    tell(&file, &format!("cannot be read: {error}"));
                }
            }
        }
    }
    bar.inc(unshown);
    Ok(tally)
}

struct Checked {
    bytes: u64,
    is_compared: bool,
    problem: Option<String>,
}

/// Reads a file and compares it with its id.
fn check(file: &Found, buffer: &mut [u8]) -> io::Result<Checked> {
    let promise = if file.what == super::found::What::Regular { Promise::of(&file.id) } else { None };
    let (mut content, mut bytes, mut crc32) = (File::open(&file.path)?, 0, crc32fast::Hasher::new());
    loop {
        let n = match content.read(buffer) {
            Ok(0) => break,
            Ok(n) => n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        bytes += n as u64;
        if promise.is_some() {
            crc32.update(&buffer[..n]);
        }
    }
    let problem = promise.and_then(|promise| {
        let actual = crc32.finalize();
        if bytes != promise.size_bytes {
            Some(format!("{bytes} bytes, the id says {}", promise.size_bytes))
        } else if actual != promise.crc32 {
            Some(format!("CRC-32 {actual:08x}, the id says {:08x}", promise.crc32))
        } else {
            None
        }
    });
    Ok(Checked { bytes, is_compared: promise.is_some(), problem })
}

/// A bar on stderr, and only when that is a terminal.
fn progress(file_count: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(file_count), ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{pos} of {len} files [{wide_bar}] {per_sec} {eta:>4}") {
        bar.set_style(style.progress_chars("=> "));
    }
    bar
}

#[cfg(test)]
mod tests {
    use super::*;
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
        let tally = verify(store, 4, |file, why| told.push(line(file, why, false))).unwrap();
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
