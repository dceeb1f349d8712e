//! Every recorded run of the classic file and test programs again: the same lines and the same exit codes.

use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

use fdfs_client::FileId;
use fdfs_testkit::Cluster;

/// The program under test.
const FDFS: &str = env!("CARGO_BIN_EXE_fdfs");

/// The recordings, in an order in which files are made before they are used and deleted last.
const RECORDINGS: [&str; 9] = [
    include_str!("../golden/upload_file.txt"),
    include_str!("../golden/file_info.txt"),
    include_str!("../golden/download_file.txt"),
    include_str!("../golden/appender.txt"),
    include_str!("../golden/test.txt"),
    include_str!("../golden/test1.txt"),
    include_str!("../golden/appender_test.txt"),
    include_str!("../golden/delete_file.txt"),
    include_str!("../golden/crc32.txt"),
];
/// Where the recorded cluster ran: tracker 1, group1 = 11 and 12, group2 = 13; nobody at 254.
const RECORDED_NET: &str = "10.78.4.";
/// The port of its storages.
const RECORDED_STORAGE_PORT: &str = ":23000";

/// A recorded upload whose file gives its source and time to those of [`LAID_DOWN`].
const SMALL_TITLE: &str = "upload a small file";
/// Files whose uploads are not recorded: recorded id, bytes. They are laid into the store paths of group1.
const LAID_DOWN: &[(&str, usize)] = &[
    ("group1/M00/00/00/Ck4EC2sADjeEIgQ-AAAAAN1ktnU585.log", 10_000),
    ("group1/M00/00/00/Ck4EC2sADjeAHzmNABgAACNeGKU687_100x100.jpg", 700),
    ("group1/M00/00/00/Ck4EC2sADjeIVBDbAAALuI1gj8YAAAAAQAAAAAAAAwA680-s.jpg", 800),
];
/// CRC-32 of the recorded contents and the lengths of the files that they are made of. Those of this test have the same
/// lengths.
const RECORDED_CONTENTS: [(u32, &[usize]); 7] = [
    (0x6ff6_35f9, &[1000]),
    (0xe02f_a70e, &[1_500_000]),
    (0xdd64_b675, &[10_000]),
    (0xc5f2_5934, &[700]),
    (0xc1c3_89a4, &[800]),
    (0x377b_40dd, &[1000, 500]),
    (1_889_067_657, &[500]),
];
/// Recorded uploads before which other groups had their turns; the recordings follow each other in another order here.
const OTHER_TURN: [(&str, &str); 4] = [
    ("fdfs_upload_appender", "fdfs_upload_appender"),
    ("fdfs_test", "upload FILE (small, in a trunk)"),
    ("fdfs_test1", "upload FILE"),
    ("fdfs_appender_test", "fdfs_appender_test FILE"),
];
/// How the second storage of group1 is listed.
const REPLICA_LINE: &str = "\t10.78.4.12:23000";
/// So many characters of a name tell its source and time.
const SOURCE_AND_TIME_LEN: usize = 11;

/// What is repeated with a difference: program, title, how and why. No row is left out.
const DIFFERENT: &[(&str, &str, Difference)] = &[
    // The storages of a test have ports of their own, never the default one.
    ("fdfs_upload_file", "to a given storage, default port, path 0", Difference::PortIsGiven),
    ("fdfs_upload_file", "to a given storage, path 7 (does not exist)", Difference::PortIsGiven),
    // The recordings do not show how these were uploaded; what is on the disk can be asked for.
    ("fdfs_file_info", "appender file", Difference::FileIsLaidDown),
    ("fdfs_file_info", "appender file, -n", Difference::FileIsLaidDown),
    ("fdfs_file_info", "slave file", Difference::FileIsLaidDown),
    ("fdfs_file_info", "slave file, -s", Difference::FileIsLaidDown),
    ("fdfs_file_info", "slave file of a trunk file", Difference::FileIsLaidDown),
    // A file that is missing, but whose name tells of the first storage of this cluster.
    ("fdfs_test", "download missing", Difference::FileIsMissing),
    // How fast replication is does not show in the recordings.
    ("fdfs_test", "query_servers", Difference::ReplicaMayHaveIt),
    ("fdfs_test", "query_servers of a deleted file", Difference::ReplicaMayHaveIt),
    ("fdfs_test1", "query_servers", Difference::ReplicaMayHaveIt),
];

/// How a run differs from the recorded one, with the same output all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Difference {
    /// An address stands there with its port.
    PortIsGiven,
    /// The file was not uploaded but laid into the store path.
    FileIsLaidDown,
    /// Its name tells of a storage of this cluster.
    FileIsMissing,
    /// The other storage of the group may have got the file already, and is listed then.
    ReplicaMayHaveIt,
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
        // Groups in turn, and within a group the first storage: so the recorded ids say. Files are fetched from where they
        // were uploaded to, however fast the other storage gets them: in the recordings it had not got them yet.
        let cluster = Cluster::builder()
            .group("group1", 2)
            .group("group2", 1)
            .tracker_key("store_lookup", 0)
            .tracker_key("store_server", 1)
            .tracker_key("download_server", 1)
            .tracker_key("use_trunk_file", "true")
            .tracker_key("slot_min_size", 256)
            .tracker_key("slot_max_size", "1MB")
            .start();
        // Each group needs its trunk server first. Who is asked directly takes no turn of a group.
        (0..3).for_each(|storage| cluster.wait_for_slots(storage));
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
        let token = "http.anti_steal.check_token = true\nhttp.anti_steal.secret_key = FastDFS1234567890\n";
        let text = fs::read_to_string(place.path("client.conf")).unwrap() + token;
        fs::write(place.path("w/tok.conf"), text).unwrap();
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
        if difference == Some(Difference::FileIsMissing) && recorded.starts_with("M00/") {
            let id = self.of_this_cluster(recorded);
            self.ids.insert(recorded, id);
        }
        if let Some(id) = self.ids.get(logic_name(recorded)) {
            // With its group, or without it.
            return recorded.replace(logic_name(recorded), id);
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
        let own = self.of_this_cluster(recorded);
        let below_path = own.strip_prefix("M00/").unwrap();
        for storage in self.cluster.storages.iter().filter(|storage| storage.plan.group == "group1") {
            fs::write(storage.plan.store_paths[0].join("data").join(below_path), content(bytes)).unwrap();
        }
        self.ids.insert(logic_name(recorded), own);
    }

    /// A recorded name with the source and the time of the first small file.
    fn of_this_cluster(&self, recorded: &str) -> String {
        let (folder, name) = logic_name(self.small_id.as_deref().unwrap()).rsplit_once('/').unwrap();
        let (_, recorded_name) = recorded.rsplit_once('/').unwrap();
        format!("{folder}/{}{}", &name[..SOURCE_AND_TIME_LEN], &recorded_name[SOURCE_AND_TIME_LEN..])
    }

    /// Lets groups have their turns until that comes which took the recorded upload.
    fn turn_to(&self, run: &Run) {
        let group_in = |line: &str| ["group1", "group2"].into_iter().find(|group| line.contains(group));
        // The last line is about the file itself.
        let taker = run.stdout.iter().rev().find_map(|line| group_in(line)).unwrap();
        // `fdfs_test` asks for a list first, and so gives the other group its turn.
        let asks_twice = run.program == "fdfs_test";
        loop {
            let turn = self.cluster.block_on(self.cluster.client().query_store(None)).unwrap().group;
            if (turn.as_str() == taker) == asks_twice {
                return;
            }
        }
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
        let said: Vec<String> = without_log(&stderr).iter().map(|line| self.as_recorded(line)).collect();
        assert_eq!(said, without_log(&run.stderr), "stderr of {what}");

        let stdout: Vec<&str> = stdout.lines().collect();
        for (said, recorded) in stdout.iter().zip(&run.stdout) {
            self.note_file(run, said, recorded, &what);
        }
        // Files of this test are of another time and have another content than the recorded ones.
        let mut said: Vec<String> = stdout.iter().map(|line| without_time(&self.as_recorded(line))).collect();
        if difference == Some(Difference::ReplicaMayHaveIt) && said.iter().any(|line| line == "server list (2):") {
            said.retain(|line| line != REPLICA_LINE);
            said.iter_mut().for_each(|line| *line = line.replace("server list (2):", "server list (1):"));
        }
        let recorded: Vec<String> =
            run.stdout.iter().map(|line| without_time(&with_crc32_of_this_test(line))).collect();
        assert_eq!(said, recorded, "stdout of {what}");
        if run.program.starts_with("fdfs_test") {
            self.check_saved(&said, &what);
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

    /// Notes the file that a line names for the first time: it plays the role of the recorded one from then on.
    fn note_file(&mut self, run: &Run, said: &str, recorded: &'static str, what: &str) {
        let (Some(own), Some(name)) = (name_in(said), name_in(recorded)) else { return };
        if self.ids.contains_key(name) {
            return;
        }
        assert_eq!(name_shape(own), name_shape(name), "{what}");
        self.ids.insert(name, own.to_owned());
        if run.title == SMALL_TITLE {
            self.small_id = Some(said.to_owned());
        }
    }

    /// A line as it would have been written in the recorded cluster.
    fn as_recorded(&self, line: &str) -> String {
        let mut line = line.to_owned();
        for (recorded, own) in &self.ids {
            let last = |name: &str| name.rsplit('/').next().unwrap().to_owned();
            line = line.replace(own, recorded).replace(&last(own), &last(recorded));
        }
        for storage in &self.cluster.storages {
            let (addr, port) = (storage.addr(), storage.addr().port());
            let recorded = format!("{}{RECORDED_STORAGE_PORT}", addr.ip());
            line = line.replace(&addr.to_string(), &recorded);
            line = line
                .replace(&format!("ip_addr={}, port={port}", addr.ip()), &format!("ip_addr={}, port=23000", addr.ip()));
        }
        let tracker_ip = self.cluster.loopback.ip(1).to_string();
        line.replace(tracker_ip.strip_suffix('1').unwrap(), RECORDED_NET)
    }

    /// Compares the file that a line says was saved, and removes it.
    fn check_saved(&self, lines: &[String], what: &str) {
        let saved = lines.iter().find_map(|line| line.strip_prefix("download file success, file size="));
        let Some((size, name)) = saved.and_then(|rest| rest.split_once(", file save to ")) else { return };
        let own = self.ids.iter().find(|(recorded, _)| recorded.ends_with(name));
        let name = own.map_or(name, |(_, own)| own.rsplit('/').next().unwrap());
        let made = fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}: {what}"));
        assert_eq!(made.len().to_string(), size, "{what}");
        assert!(made == content(made.len()).as_bytes(), "{what}");
        fs::remove_file(self.path(name)).unwrap();
    }
}

/// The name without its group.
fn logic_name(id: &str) -> &str {
    id.find("M00/").map_or(id, |at| &id[at..])
}

/// The name of a file in a line, without its group.
fn name_in(line: &str) -> Option<&str> {
    let name = &line[line.find("M00/")?..];
    name.split([' ', '?', ',']).next()
}

/// The content of all files, as far as they go.
fn content(bytes: usize) -> String {
    ('0'..='9').chain('A'..='Z').chain('a'..='z').cycle().take(bytes).collect()
}

/// A recorded line with the CRC-32 of the content that stands for the recorded one: `1a2b3c4d`,
/// `439041101 (0x1a2b3c4d)` with a signed number, or `=439041101` with an unsigned one.
fn with_crc32_of_this_test(line: &str) -> String {
    static OWN: LazyLock<[u32; RECORDED_CONTENTS.len()]> = LazyLock::new(|| {
        RECORDED_CONTENTS
            .map(|(_, lengths)| crc32fast::hash(lengths.iter().map(|&len| content(len)).collect::<String>().as_bytes()))
    });
    for ((recorded, _), &own) in RECORDED_CONTENTS.iter().zip(OWN.iter()) {
        let signed = |crc32: u32| format!("{} (0x{crc32:08x})", crc32.cast_signed());
        let forms: [&dyn Fn(u32) -> String; 3] =
            [&signed, &|crc32| format!("crc32={crc32}"), &|crc32| format!("{crc32:x}")];
        if let Some(form) = forms.iter().find(|form| line.contains(&form(*recorded))) {
            return line.replace(&form(*recorded), &form(own));
        }
    }
    line.to_owned()
}

/// A line in which the digits of a time are masked, and a token.
fn without_time(line: &str) -> String {
    if line.starts_with("file create timestamp: ") || line.starts_with("file timestamp=") {
        return line.replace(|char: char| char.is_ascii_digit(), "N");
    }
    match line.split_once("?token=") {
        Some((url, rest)) => {
            let (token, ts) = rest.split_once("&ts=").unwrap();
            assert!(token.len() == 32 && token.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')), "{line}");
            assert!(ts.parse::<u64>().is_ok(), "{line}");
            format!("{url}?token=T&ts=N")
        }
        None => line.to_owned(),
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

/// What names of files of one kind have in common: the folder, whether the file is in a slot of a trunk file, and what
/// follows the encoded part, in which random digits are masked.
fn name_shape(name: &str) -> (String, bool, String) {
    const ENCODED_LEN: usize = 27;
    let file: FileId = format!("group1/{name}").parse().unwrap();
    let in_trunk = file.logic_name().unwrap().fields().unwrap().size_word.is_trunk();
    let (folder, last) = name.rsplit_once('/').unwrap();
    let end = &last[ENCODED_LEN + if in_trunk { 16 } else { 0 }..];
    let (of_storage, of_slave) = end.split_at(7);
    let masked = of_storage.replace(|char: char| char.is_ascii_digit(), "N");
    (folder.to_owned(), in_trunk, format!("{masked}{of_slave}"))
}

#[test]
fn every_recorded_run_of_the_file_programs_agrees() {
    let mut place = Place::new();
    let runs = Run::all();
    let mut different: Vec<_> = DIFFERENT.to_vec();
    for run in &runs {
        if OTHER_TURN.contains(&(run.program, run.title)) {
            place.turn_to(run);
        }
        let entry = different.iter().position(|&(program, title, _)| (program, title) == (run.program, run.title));
        place.check(run, entry.map(|index| different.remove(index).2));
    }
    assert_eq!(different, [], "no recorded run has these names");
    println!("{} of {} runs, {} of them with a difference", runs.len(), runs.len(), DIFFERENT.len());
    assert_eq!(runs.len(), 55 + 15 + 23 + 11 + 7, "recorded runs");
    assert_eq!(place.ids.len(), 9 + LAID_DOWN.len() + 2 + 8 + 1 + 6 + 6, "files uploaded, laid down and missing");
}
