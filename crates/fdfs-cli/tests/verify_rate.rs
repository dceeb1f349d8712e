//! `fdfs verify` over many small files: what was damaged is named, and nothing else; and it is not much slower than `cat`.
//!
//! `FDFS_VERIFY_FILES=100000 FDFS=target/release/fdfs cargo test -p fdfs-cli --test verify_rate -- --nocapture` measures: then
//! at least half the rate of `cat` is demanded, too, which says something for a release build on a quiet machine only.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may panic")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use fdfs_proto::ExtName;
use fdfs_proto::file_id::{FormattedExt, NewKind, NewName, Source};

/// Files without `FDFS_VERIFY_FILES`.
const FILES: u32 = 3000;
const FILE_BYTES: usize = 4096;
const DAMAGED: usize = 10;
/// Each is measured so often, in turns; the fastest counts.
const ROUNDS: usize = 5;

/// A store path with so many files in 256 directories; where they are.
fn fill(dir: &Path, count: u32) -> Vec<PathBuf> {
    let mut random = fastrand::Rng::with_seed(count.into());
    let mut content = vec![0; FILE_BYTES];
    let mut paths = Vec::new();
    for number in 0..count {
        random.fill(&mut content);
        let name = NewName {
            store_path_index: 0,
            high: (number % 16) as u8,
            low: (number / 16 % 16) as u8,
            source: Source::Ip([127, 0, 0, 1].into()),
            created: 1_795_166_208 + number / 1000,
            size: FILE_BYTES as u64,
            crc32: crc32fast::hash(&content),
            kind: NewKind::Regular,
            random: random.u32(..),
            ext: FormattedExt::new(&"bin".parse::<ExtName>().unwrap(), number),
        };
        let path = dir.join("data").join(name.build().as_str().strip_prefix("M00/").unwrap());
        if number < 256 {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
        }
        fs::write(&path, &content).unwrap();
        paths.push(path);
    }
    paths
}

fn timed(command: &mut Command) -> (Duration, std::process::Output) {
    let begin = Instant::now();
    let output = command.output().unwrap();
    (begin.elapsed(), output)
}

#[test]
fn ten_damaged_files_among_many_are_named_at_no_less_than_half_the_rate_of_cat() {
    let measured: Option<u32> = std::env::var("FDFS_VERIFY_FILES").ok().map(|count| count.parse().unwrap());
    let program = std::env::var("FDFS").unwrap_or_else(|_| env!("CARGO_BIN_EXE_fdfs").to_owned());
    let dir = tempfile::tempdir().unwrap();
    let paths = fill(dir.path(), measured.unwrap_or(FILES));
    let conf = dir.path().join("storage.conf");
    let base = dir.path().display();
    fs::write(
        &conf,
        format!("base_path = {base}\nstore_path0 = {base}\ngroup_name = group1\ntracker_server = 127.0.0.9\n"),
    )
    .unwrap();
    let mut damaged = Vec::new();
    for path in paths.iter().step_by(paths.len() / DAMAGED) {
        let mut content = fs::read(path).unwrap();
        content[FILE_BYTES / 2] ^= 0x10;
        fs::write(path, content).unwrap();
        damaged.push(path.file_name().unwrap().to_str().unwrap().to_owned());
    }
    let mut verify = Command::new(&program);
    verify.args(["verify", conf.to_str().unwrap()]).stdin(Stdio::null());
    let (_, output) = timed(&mut verify);
    let (stdout, stderr) =
        (String::from_utf8_lossy(&output.stdout).into_owned(), String::from_utf8_lossy(&output.stderr).into_owned());
    assert_eq!(output.status.code(), Some(5), "{stdout}{stderr}");
    assert_eq!(stdout.lines().count(), DAMAGED, "{stdout}");
    assert!(damaged.iter().all(|name| stdout.contains(name)), "{stdout}");
    assert!(stderr.starts_with(&format!("{} files read", paths.len())), "{stderr}");

    let Some(count) = measured else { return };
    let mut cat = Command::new("sh");
    cat.args(["-c", "find data -type f -print0 | xargs -0 cat > /dev/null"]).current_dir(dir.path());
    let (mut cat_time, mut verify_time) = (Duration::MAX, Duration::MAX);
    for _ in 0..ROUNDS {
        cat_time = cat_time.min(timed(&mut cat).0);
        verify_time = verify_time.min(timed(&mut verify).0);
    }
    let rate = |time: Duration| f64::from(count) / time.as_secs_f64();
    println!("{count} files: cat {:.0} files/s, fdfs verify {:.0} files/s", rate(cat_time), rate(verify_time));
    assert!(verify_time <= cat_time * 2, "cat takes {cat_time:?}, fdfs verify {verify_time:?}");
}
