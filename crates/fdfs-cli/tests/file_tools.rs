//! Every recorded run of the classic file programs again: the same lines and the same exit codes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may panic as tests do")]

use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Output, Stdio};

use fdfs_testkit::Cluster;

/// The program under test.
const FDFS: &str = env!("CARGO_BIN_EXE_fdfs");

/// The recordings, in an order in which files are made before they are used and deleted last.
const RECORDINGS: [&str; 5] = [
    include_str!("golden/upload_file.txt"),
    include_str!("golden/file_info.txt"),
    include_str!("golden/download_file.txt"),
    include_str!("golden/delete_file.txt"),
    include_str!("golden/crc32.txt"),
];
/// Where the recorded cluster ran: tracker 1, group1 = 11 and 12, group2 = 13; nobody at 254.
const RECORDED_NET: &str = "10.78.4.";
/// The port of its storages.
const RECORDED_STORAGE_PORT: &str = ":23000";

/// A recorded upload whose file gives its source and time to those of [`LAID_DOWN`].
const SMALL_TITLE: &str = "upload a small file";
/// Files that the programs here cannot upload yet: recorded id, bytes. They are laid into the store paths of group1.
const LAID_DOWN: &[(&str, usize)] = &[
    ("group1/M00/00/00/Ck4EC2sADjeEIgQ-AAAAAN1ktnU585.log", 10_000),
    ("group1/M00/00/00/Ck4EC2sADjeAHzmNABgAACNeGKU687_100x100.jpg", 700),
    ("group1/M00/00/00/Ck4EC2sADjeIVBDbAAALuI1gj8YAAAAAQAAAAAAAAwA680-s.jpg", 800),
];
/// CRC-32 and length of the recorded contents. Those of this test have the same lengths.
const RECORDED_CONTENTS: [(u32, usize); 5] =
    [(0x6ff6_35f9, 1000), (0xe02f_a70e, 1_500_000), (0xdd64_b675, 10_000), (0xc5f2_5934, 700), (0xc1c3_89a4, 800)];
/// So many characters of a name tell its source and time.
const SOURCE_AND_TIME_LEN: usize = 11;

/// What is repeated with a difference: program, title, how and why. No row is left out.
const DIFFERENT: &[(&str, &str, Difference)] = &[
    // The storages of a test have ports of their own, never the default one.
    ("fdfs_upload_file", "to a given storage, default port, path 0", Difference::PortIsGiven),
    ("fdfs_upload_file", "to a given storage, path 7 (does not exist)", Difference::PortIsGiven),
    // Appender, slave and trunk files come with later versions; what is on the disk can be asked for already.
    ("fdfs_file_info", "trunk file", Difference::FileIsPlain),
    ("fdfs_file_info", "appender file", Difference::FileIsLaidDown),
    ("fdfs_file_info", "appender file, -n", Difference::FileIsLaidDown),
    ("fdfs_file_info", "slave file", Difference::FileIsLaidDown),
    ("fdfs_file_info", "slave file, -s", Difference::FileIsLaidDown),
    ("fdfs_file_info", "slave file of a trunk file", Difference::FileIsLaidDown),
];

/// How a run differs from the recorded one, with the same output all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Difference {
    /// An address stands there with its port.
    PortIsGiven,
    /// The recorded file lies in a trunk file.
    FileIsPlain,
    /// The file was not uploaded but laid into the store path.
    FileIsLaidDown,
}

/// One recorded run.
struct Run {
    title: &'static str,
    program: &'static str,
    args: Vec<&'static str>,
    stdout: Vec<&'static str>,
    stderr: Vec<&'static str>,
    exit: i32,
    /// Bytes of the local file that it made.
    made_bytes: Option<usize>,
    /// What stands in that file, where the recording shows it.
    made_text: Option<&'static str>,
}

impl Run {
    fn all() -> Vec<Self> {
        let records = RECORDINGS.iter().flat_map(|text| text.split("=== ").skip(1));
        records.map(Self::parse).collect()
    }

    fn parse(record: &'static str) -> Self {
        let stream = |mark: &str| record.lines().filter_map(|line| line.strip_prefix(mark)).collect();
        let mut lines = record.lines();
        let title = lines.next().unwrap();
        let mut words = lines.next().unwrap().strip_prefix("$ ").unwrap().split_ascii_whitespace();
        let exit = record.lines().find_map(|line| line.strip_prefix("exit=")).unwrap().parse().unwrap();
        let mut rest = record.lines().skip_while(|line| !line.starts_with("(file made: "));
        // "No bytes": there was no file to be counted.
        let made_bytes = rest.next().and_then(|line| line.split([' ', ':']).nth(3)).and_then(|n| n.parse().ok());
        Self {
            title,
            program: words.next().unwrap(),
            args: words.collect(),
            stdout: stream("1| "),
            stderr: stream("2| "),
            exit,
            made_bytes,
            made_text: rest.next(),
        }
    }
}

/// A cluster of the recorded shape, with the programs and the files that they are given.
struct Place {
    cluster: Cluster,
    dir: tempfile::TempDir,
    /// Recorded file ids and those of the files that play their roles.
    ids: BTreeMap<&'static str, String>,
    /// The id of the first small file.
    small_id: Option<String>,
}

impl Place {
    fn new() -> Self {
        // Groups in turn, and within a group the first storage: so the recorded ids say.
        let cluster = Cluster::builder()
            .group("group1", 2)
            .group("group2", 1)
            .tracker_key("store_lookup", 0)
            .tracker_key("store_server", 1)
            .start();
        let place = Self { cluster, dir: tempfile::tempdir().unwrap(), ids: BTreeMap::new(), small_id: None };
        let linked = Command::new(FDFS).arg("link").arg(place.path("bin")).output().unwrap();
        assert!(linked.status.success(), "{linked:?}");
        let conf =
            |tracker: String| format!("base_path = {}\ntracker_server = {tracker}\n", place.dir.path().display());
        let nobody = format!("{}:22122", place.cluster.loopback.ip(254));
        fs::write(place.path("client.conf"), conf(place.cluster.tracker_addr().to_string())).unwrap();
        fs::write(place.path("badtrk.conf"), conf(nobody)).unwrap();
        let text = content(1_500_000);
        for name in ["small.txt", "noext", "long.extension", "two.tar.gz", ".hid"] {
            fs::write(place.path(name), &text[..1000]).unwrap();
        }
        fs::write(place.path("big.jpg"), &text).unwrap();
        fs::write(place.path("add.txt"), &text[..500]).unwrap();
        fs::write(place.path("empty.txt"), "").unwrap();
        fs::create_dir(place.path("w")).unwrap();
        place
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join(name)
    }

    /// An argument of a recorded run, for this cluster.
    fn arg(&mut self, recorded: &'static str, difference: Option<Difference>) -> String {
        if difference == Some(Difference::FileIsLaidDown) && recorded.starts_with("group1/") {
            self.lay_down(recorded);
        }
        if let Some(id) = self.ids.get(recorded) {
            return id.clone();
        }
        let Some(addr) = recorded.strip_prefix(RECORDED_NET) else { return recorded.to_owned() };
        let host = addr.strip_suffix(RECORDED_STORAGE_PORT);
        assert_eq!(host.is_none(), difference == Some(Difference::PortIsGiven), "{recorded}");
        let ip = IpAddr::from(self.cluster.loopback.ip(host.unwrap_or(addr).parse().unwrap()));
        match self.cluster.storages.iter().find(|storage| storage.addr().ip() == ip) {
            Some(storage) => storage.addr().to_string(),
            None => format!("{ip}{RECORDED_STORAGE_PORT}"),
        }
    }

    /// Makes a file that plays the role of a recorded one, of the same kind and length.
    fn lay_down(&mut self, recorded: &'static str) {
        let &(_, bytes) = LAID_DOWN.iter().find(|&&(id, _)| id == recorded).unwrap();
        let small = self.small_id.as_deref().unwrap();
        let (folder, name) = small.rsplit_once('/').unwrap();
        let (_, recorded_name) = recorded.rsplit_once('/').unwrap();
        let name = format!("{}{}", &name[..SOURCE_AND_TIME_LEN], &recorded_name[SOURCE_AND_TIME_LEN..]);
        let below_path = folder.strip_prefix("group1/M00/").unwrap();
        for storage in self.cluster.storages.iter().filter(|storage| storage.plan.group == "group1") {
            fs::write(storage.plan.store_paths[0].join("data").join(below_path).join(&name), content(bytes)).unwrap();
        }
        self.ids.insert(recorded, format!("{folder}/{name}"));
    }

    fn run(&self, program: &str, args: &[String]) -> Output {
        let mut command = Command::new(self.path("bin").join(program));
        command.arg0(program).args(args).current_dir(self.dir.path()).env("TZ", "UTC").stdin(Stdio::null());
        command.output().unwrap()
    }

    /// Repeats a run and compares.
    fn check(&mut self, run: &Run, difference: Option<Difference>) {
        let args: Vec<String> = run.args.iter().map(|&arg| self.arg(arg, difference)).collect();
        let output = self.run(run.program, &args);
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        let what = format!("{}, {}: {args:?}\nstdout: {stdout}\nstderr: {stderr}", run.program, run.title);
        assert_eq!(output.status.code(), Some(run.exit), "exit code of {what}");
        let stderr: Vec<&str> = stderr.lines().collect();
        let count = |lines: &[&str]| lines.iter().filter(|line| is_log(line)).count();
        assert_eq!(count(&stderr) > 0, count(&run.stderr) > 0, "log lines of {what}");
        assert_eq!(without_log(&stderr), without_log(&run.stderr), "stderr of {what}");

        let stdout: Vec<&str> = stdout.lines().collect();
        match run.stdout.as_slice() {
            &[id] if run.program == "fdfs_upload_file" && run.exit == 0 => {
                assert_eq!(stdout.len(), 1, "{what}");
                assert_eq!(id_shape(stdout[0]), id_shape(id), "{what}");
                self.ids.insert(id, stdout[0].to_owned());
                if run.title == SMALL_TITLE {
                    self.small_id = Some(stdout[0].to_owned());
                }
            }
            recorded => {
                // Files of this test are of another time and have another content than the recorded ones.
                let is_other_file = run.args.iter().any(|&arg| self.ids.contains_key(arg) || arg == "small.txt");
                let recorded: Vec<String> = match is_other_file {
                    true => recorded.iter().map(|line| without_time(&with_crc32_of_this_test(line))).collect(),
                    false => recorded.iter().map(ToString::to_string).collect(),
                };
                let said: Vec<String> = match is_other_file {
                    true => stdout.iter().map(|line| without_time(&self.with_recorded_net(line))).collect(),
                    false => stdout.iter().map(ToString::to_string).collect(),
                };
                assert_eq!(said, recorded, "stdout of {what}");
            }
        }
        if run.program == "fdfs_download_file" && run.args.len() > 1 {
            self.check_made(run, &args, &what);
        }
    }

    /// Compares the file that a download made, and removes it.
    fn check_made(&self, run: &Run, args: &[String], what: &str) {
        let name = args.get(2).map_or_else(|| args[1].rsplit('/').next().unwrap(), String::as_str);
        let made = fs::read(self.path(name)).ok();
        match (run.made_bytes, &made) {
            (None, None) => return,
            (Some(bytes), Some(made)) => assert_eq!(made.len(), bytes, "file of {what}"),
            (recorded, made) => panic!("recorded {recorded:?} bytes, made {:?}: {what}", made.as_ref().map(Vec::len)),
        }
        let made = made.unwrap();
        if let Some(shown) = run.made_text {
            assert_eq!(text(&made), shown, "file of {what}");
        }
        let small = fs::read(self.path("small.txt")).unwrap();
        assert!(small.windows(made.len()).any(|part| part == made), "file of {what}");
        fs::remove_file(self.path(name)).unwrap();
    }

    fn with_recorded_net(&self, line: &str) -> String {
        let tracker_ip = self.cluster.loopback.ip(1).to_string();
        line.replace(tracker_ip.strip_suffix('1').unwrap(), RECORDED_NET)
    }
}

/// The content of all files, as far as they go.
fn content(bytes: usize) -> String {
    ('0'..='9').chain('A'..='Z').chain('a'..='z').cycle().take(bytes).collect()
}

/// A recorded line with the CRC-32 of the content that stands for the recorded one: `1a2b3c4d`, or
/// `439041101 (0x1a2b3c4d)` with a signed number.
fn with_crc32_of_this_test(line: &str) -> String {
    let whole = |crc32: u32| format!("{} (0x{crc32:08x})", crc32.cast_signed());
    let known = RECORDED_CONTENTS.iter().find(|(recorded, _)| line.contains(&format!("{recorded:x}")));
    let Some(&(recorded, bytes)) = known else { return line.to_owned() };
    let own = crc32fast::hash(content(bytes).as_bytes());
    line.replace(&whole(recorded), &whole(own)).replace(&format!("{recorded:x}"), &format!("{own:x}"))
}

/// A line in which the digits of a time are masked.
fn without_time(line: &str) -> String {
    if line.starts_with("file create timestamp: ") {
        line.replace(|char: char| char.is_ascii_digit(), "N")
    } else {
        line.to_owned()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Whether the library wrote this line: `[YYYY-mm-dd HH:MM:SS] LEVEL - TEXT`.
fn is_log(line: &str) -> bool {
    line.starts_with('[') && line.get(20..).is_some_and(|rest| rest.starts_with("] ERROR - "))
}

fn without_log<'a>(lines: &[&'a str]) -> Vec<&'a str> {
    lines.iter().copied().filter(|line| !is_log(line)).collect()
}

/// What ids of files of one kind have in common: folder, and the 7 characters at the end, with random digits masked.
/// The recorded ids of group1 are longer: they name a place in a trunk file.
fn id_shape(id: &str) -> (String, String) {
    let (folder, name) = id.rsplit_once('/').unwrap();
    assert!([34, 34 + 16].contains(&name.len()), "{id}");
    let (_, end) = name.split_at(name.len() - 7);
    (folder.to_owned(), end.replace(|char: char| char.is_ascii_digit(), "N"))
}

#[test]
fn every_recorded_run_of_the_file_programs_agrees() {
    let mut place = Place::new();
    let runs = Run::all();
    let mut different: Vec<_> = DIFFERENT.to_vec();
    for run in &runs {
        let entry = different.iter().position(|&(program, title, _)| (program, title) == (run.program, run.title));
        place.check(run, entry.map(|index| different.remove(index).2));
    }
    assert_eq!(different, [], "no recorded run has these names");
    println!("{} of {} runs, {} of them with a difference", runs.len(), runs.len(), DIFFERENT.len());
    assert_eq!(runs.len(), 55, "recorded runs");
    assert_eq!(place.ids.len(), 9 + LAID_DOWN.len(), "files uploaded and laid down");
}
