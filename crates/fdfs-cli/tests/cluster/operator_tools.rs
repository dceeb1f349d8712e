//! The programs of operators against a running cluster: `fdfs_tracker_stat`, `fdfs_storage_stat`, `fdfs_volumn_stat`,
//! `fdfs_health_checker`, `fdfs_exporter`.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use fdfs_proto::shared::StorageStatus;
use fdfs_testkit::Cluster;
use fdfs_testkit::wait::wait_for;
use rustix::process::{Pid, Signal, kill_process};

/// The program under test.
const FDFS: &str = env!("CARGO_BIN_EXE_fdfs");

/// A cluster of the recorded shape, with the programs by their names.
struct Place {
    cluster: Cluster,
    dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let cluster = Cluster::builder().group("group1", 2).group("group2", 1).start();
        let place = Self { cluster, dir: tempfile::tempdir().unwrap() };
        let linked = Command::new(FDFS).arg("link").arg(place.path("bin")).output().unwrap();
        assert!(linked.status.success(), "{linked:?}");
        let base = place.dir.path().display();
        let conf = |tracker: String| format!("base_path = {base}\ntracker_server = {tracker}\nconnect_timeout = 2\n");
        let nobody = format!("{}:22122", place.cluster.loopback.ip(254));
        fs::write(place.path("client.conf"), conf(place.cluster.tracker_addr().to_string())).unwrap();
        fs::write(place.path("badtrk.conf"), conf(nobody)).unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn command(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new(self.path("bin").join(program));
        command.arg0(program).args(args).current_dir(self.dir.path()).env("TZ", "UTC").stdin(Stdio::null());
        command
    }

    /// A run that ends by itself.
    fn run(&self, program: &str, args: &[&str], code: i32) -> (String, String) {
        let output = self.command(program, args).output().unwrap();
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{program} {args:?}: {stdout}{stderr}");
        (stdout, stderr)
    }

    /// A run that is ended by TERM as soon as its output holds `until`.
    fn run_until(&self, program: &str, args: &[&str], until: &str) -> Output {
        let out = fs::File::create(self.path("out")).unwrap();
        let err = fs::File::create(self.path("err")).unwrap();
        let mut child = Running(self.command(program, args).stdout(out).stderr(err).spawn().unwrap());
        let all = || fs::read(self.path("out")).unwrap().into_iter().chain(fs::read(self.path("err")).unwrap());
        wait_for(&format!("{program} says {until:?}"), || {
            text(&all().collect::<Vec<_>>()).contains(until).then_some(())
        });
        kill_process(Pid::from_child(&child.0), Signal::TERM).unwrap();
        let status = child.0.wait().unwrap();
        Output { status, stdout: fs::read(self.path("out")).unwrap(), stderr: fs::read(self.path("err")).unwrap() }
    }
}

/// A process that does not outlive its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A text with all numbers masked.
fn masked(text: &str) -> String {
    let mut out = String::new();
    for char in text.chars() {
        match char {
            '0'..='9' if out.ends_with('N') => {}
            '0'..='9' => out.push('N'),
            other => out.push(other),
        }
    }
    out
}

#[test]
fn the_stat_programs_tell_what_the_leader_sees() {
    let mut place = Place::new();
    let (stdout, stderr) = place.run("fdfs_tracker_stat", &["-c", "client.conf", "-d"], 0);
    let tracker = place.cluster.tracker_addr();
    let lines: Vec<&str> = stdout.lines().collect();
    assert!(lines[1].starts_with(&format!("{tracker}, is_leader: 1, is_active: 1, connections {{alloc: ")), "{stdout}");
    assert!(lines[2].starts_with("  version: ") && lines[2].contains(", up_time: 20"), "{stdout}");
    assert_eq!(lines[3..], ["", "", "tracker server count: 1", ""], "{stdout}{stderr}");
    assert_eq!(place.run("fdfs_tracker_stat", &["-c", "client.conf", "-F"], 0).0, "");

    let (stdout, _) = place.run("fdfs_storage_stat", &["-c", "client.conf", "-A"], 0);
    for storage in &place.cluster.storages {
        assert!(stdout.contains(&format!("\n{} ACTIVE, connections {{alloc: ", storage.addr())), "{stdout}");
    }
    assert!(stdout.ends_with("\n\nstorage server count: 3\n\n"), "{stdout}");

    let (stdout, _) = place.run("fdfs_volumn_stat", &["-c", "client.conf"], 0);
    let shape = "\ngroupN disk_available: N, disk space {total: ";
    assert!(masked(&stdout).starts_with(shape), "{stdout}");
    assert!(stdout.ends_with("\nvolumn / group counts {total: 2, available: 2}\n\n"), "{stdout}");

    assert_eq!(place.run("fdfs_storage_stat", &["-c", "client.conf", "-N"], 0).0, "");
    place.cluster.storages[1].stop();
    place.cluster.wait_for_status(&place.cluster.storages[1], StorageStatus::Offline);
    let (stdout, _) = place.run("fdfs_storage_stat", &["-c", "client.conf", "-N"], 0);
    let addr = place.cluster.storages[1].addr();
    assert!(stdout.starts_with(&format!("\n{addr} OFFLINE, ")) && stdout.ends_with("count: 1\n\n"), "{stdout}");
}

#[test]
fn the_stat_programs_say_what_is_wrong() {
    let place = Place::new();
    for program in ["fdfs_tracker_stat", "fdfs_storage_stat", "fdfs_volumn_stat"] {
        let (_, stderr) = place.run(program, &["-h"], 0);
        assert!(stderr.starts_with(&format!("Usage: {program} [-c config_filename=")), "{stderr}");
        let (_, stderr) = place.run(program, &["-c"], 1);
        assert!(stderr.starts_with(&format!("{program}: option requires an argument -- 'c'\n")), "{stderr}");
        let (stdout, stderr) = place.run(program, &["-c", "badtrk.conf"], 115);
        assert!(stdout.is_empty() && stderr.contains("connect to server "), "{stdout}{stderr}");
        let (_, stderr) = place.run(program, &["-c", "/nosuch.conf"], 2);
        assert!(stderr.contains("file /nosuch.conf not exist"), "{stderr}");
    }
}

#[test]
fn the_programs_for_appender_files_say_what_is_wrong() {
    let place = Place::new();
    fs::write(place.path("a.txt"), "abc").unwrap();
    let id = "group1/M00/00/03/Ck4BC2sAEAKEAj2qAAAAADUkQcI950.log";
    for (program, args) in [
        ("fdfs_upload_appender", &["a.txt"][..]),
        ("fdfs_append_file", &[id, "a.txt"]),
        ("fdfs_regenerate_filename", &[id]),
        ("fdfs_appender_test", &["a.txt"]),
        ("fdfs_appender_test1", &["a.txt"]),
        ("fdfs_test", &["upload", "a.txt"]),
        ("fdfs_test1", &["delete", id]),
    ] {
        let (_, stderr) = place.run(program, &[&["badtrk.conf"], args].concat(), 115);
        assert!(stderr.contains("] ERROR - connect to server "), "{program}: {stderr}");
        let (_, stderr) = place.run(program, &[&["/nosuch.conf"], args].concat(), 2);
        assert!(stderr.contains("file /nosuch.conf not exist"), "{program}: {stderr}");
    }
    for (program, args, says) in [
        ("fdfs_append_file", &["abc", "a.txt"][..], "append file fail, error no: 22, error info: Invalid argument\n"),
        (
            "fdfs_regenerate_filename",
            &["abc"],
            "regenerate file abc fail, error no: 22, error info: Invalid argument\n",
        ),
        ("fdfs_append_file", &[id, "a.txt"], "append file fail, error no: 2, error info: No such file or directory\n"),
    ] {
        let code = if says.contains("no: 22") { 22 } else { 2 };
        let (stdout, stderr) = place.run(program, &[&["client.conf"], args].concat(), code);
        assert!(stdout.ends_with(says) || stderr.ends_with(says), "{program}: {stdout}{stderr}");
    }
}

/// The recorded runs of `fdfs_health_checker`, one after the other.
#[test]
fn every_recorded_run_of_the_health_checker_agrees() {
    let mut place = Place::new();
    let recorded = include_str!("../golden/health_checker.txt");
    let run = |title: &str| -> String {
        let (_, rest) = recorded.split_once(&format!("=== {title}\n")).unwrap();
        let record = rest.split("\nexit=").next().unwrap();
        record.lines().filter_map(|line| line.strip_prefix("1| ")).map(|line| format!("{line}\n")).collect()
    };
    assert_eq!(place.run("fdfs_health_checker", &[], 1).0, run("no arguments"));
    let (stdout, stderr) = place.run("fdfs_health_checker", &["/nosuch.conf"], 2);
    assert_eq!(stdout, run("bad conf"));
    assert_eq!(stderr.lines().count(), 2, "{stderr}");

    let output =
        place.run_until("fdfs_health_checker", &["badtrk.conf"], "[ALERT] CRITICAL: Cannot connect to tracker");
    assert_eq!((text(&output.stdout), output.status.code()), (run("tracker refuses"), Some(0)));

    // The disk of this test may be fuller than the recorded one.
    let record = place.cluster.record(&place.cluster.storages[0]).unwrap();
    let free_percent = record.free_mb * 100 / record.total_mb;
    let end = "=====================================\n";
    let output = place.run_until("fdfs_health_checker", &["client.conf", "-i", "5"], end);
    let said = text(&output.stdout);
    let want = run("all well, ended by a signal");
    if free_percent >= 20 {
        assert_eq!(masked_time(&said), masked_time(&want));
    } else {
        let lines = |text: &str| text.lines().count();
        assert_eq!(lines(&said), lines(&want), "{said}");
        assert!(text(&output.stderr).contains("disk space free"), "{said}");
    }

    place.cluster.storages[2].stop();
    place.cluster.wait_for_status(&place.cluster.storages[2], StorageStatus::Offline);
    let output = place.run_until("fdfs_health_checker", &["client.conf", "-i", "10"], end);
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert!(stdout.contains("Overall Status: CRITICAL\nGroups: 2 total, "), "{stdout}");
    let ip = place.cluster.storages[2].addr().ip();
    let problem = format!("Storage group2:{ip} - Storage server not active (status: 5)");
    assert!(stderr.contains(&format!("] ERROR - {problem}\n")), "{stderr}");
    assert!(stderr.contains(&format!("] ERROR - [ALERT] CRITICAL: {problem}\n")), "{stderr}");
}

fn masked_time(text: &str) -> String {
    let mask = |line: &str| if line.starts_with("Timestamp: ") { "Timestamp: T".to_owned() } else { line.to_owned() };
    text.lines().map(|line| mask(line) + "\n").collect()
}

/// What a server answers to a request, without its head.
fn get(addr: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(addr).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

/// The lines of metrics with their values left out, and those that only clusters with trunk files have.
fn shape(lines: impl Iterator<Item = String>) -> Vec<String> {
    lines
        .filter(|line| !line.contains("trunk_free_mb"))
        .map(|line| {
            let name = line.split(['{']).next().unwrap().to_owned();
            let group = ["group1", "group2"].into_iter().find(|group| line.contains(group)).unwrap_or_default();
            format!("{name} {group}")
        })
        .collect()
}

#[test]
fn the_exporter_serves_the_recorded_metrics() {
    let place = Place::new();
    let addr = SocketAddr::new(place.cluster.loopback.ip(201).into(), 9899);
    let conf = format!("bind_addr = {}\nport = 9899\nfdfs_client_cfg = client.conf\n", addr.ip());
    fs::write(place.path("exp.conf"), conf).unwrap();
    let mut command = place.command("fdfs_exporter", &["-c", "exp.conf"]);
    let out = fs::File::create(place.path("out")).unwrap();
    let mut child = Running(command.stdout(out).spawn().unwrap());
    wait_for("the exporter listens", || TcpStream::connect(addr).ok());

    let recorded = include_str!("../golden/exporter.txt");
    let (_, whole) = recorded.split_once("whole answer").unwrap();
    let wanted = whole.lines().filter_map(|line| line.strip_prefix("| ")).filter(|line| line.contains("fastdfs_"));
    let metrics = get(addr, "/metrics");
    // Behind those of the reference stand ours.
    let (recorded_ones, ours) = metrics.split_once("# HELP fdfs_").unwrap();
    assert_eq!(shape(recorded_ones.lines().map(str::to_owned)), shape(wanted.map(str::to_owned)));
    for name in ["fdfs_storage_quarantined{group=\"group1\"", "fdfs_storage_in_doubt{", "fdfs_sync_records_behind{"] {
        assert!(ours.contains(name), "{name} in\n{ours}");
    }
    assert!(!ours.contains("fastdfs_"));
    let uploads = |text: &str| {
        let lines = text.lines().filter(|line| line.starts_with("fastdfs_storage_upload_total{"));
        lines.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum::<u64>()
    };
    assert_eq!(uploads(&metrics), 0);
    assert_eq!(get(addr, "/"), "Not Found");

    kill_process(Pid::from_child(&child.0), Signal::TERM).unwrap();
    assert_eq!(child.0.wait().unwrap().code(), Some(0));
    let (_, start) = recorded.split_once("=== -c conf, foreground").unwrap();
    let start = start.split("exit=").next().unwrap();
    let said: String =
        start.lines().filter_map(|line| line.strip_prefix("1| ")).map(|line| format!("{line}\n")).collect();
    assert_eq!(fs::read_to_string(place.path("out")).unwrap(), said);
}

#[test]
fn the_exporter_becomes_a_daemon_and_tells_when_the_cluster_is_gone() {
    let mut place = Place::new();
    let ip = place.cluster.loopback.ip(202).to_string();
    // The name of the file finds the process.
    let conf = place.path("client.conf").display().to_string();
    let args = ["-f", &conf, "-B", &ip, "-P", "9898", "-d"];
    let (stdout, _) = place.run("fdfs_exporter", &args, 0);
    let pid = processes_with(&conf);
    let addr: SocketAddr = format!("{ip}:9898").parse().unwrap();
    let metrics = get(addr, "/metrics");
    place.cluster.expect_lost_trackers();
    place.cluster.trackers[0].stop();
    let gone = get(addr, "/metrics");
    pid.iter().for_each(|&pid| kill_process(pid, Signal::TERM).unwrap());
    assert_eq!(pid.len(), 1);
    wait_for("the daemon ends", || processes_with(&conf).is_empty().then_some(()));
    assert!(stdout.contains("\nMode: daemon\n") && stdout.contains(":9898/metrics\n"), "{stdout}");
    assert!(metrics.contains("fastdfs_group_storage_count{group=\"group1\"} 2\n"), "{metrics}");
    assert_eq!(gone, "Internal Server Error");
}

/// Processes of this program that have `word` on their command line.
fn processes_with(word: &str) -> Vec<Pid> {
    let numbers = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let has_word = |pid: &i32| fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| text(&line).contains(word));
    numbers.filter(has_word).filter_map(Pid::from_raw).collect()
}

#[test]
fn the_exporter_says_what_is_wrong_as_the_reference_does() {
    let place = Place::new();
    let recorded = include_str!("../golden/exporter.txt");
    let usage: String = {
        let (_, help) = recorded.split_once("=== -h\n").unwrap();
        let lines = help.split("exit=").next().unwrap().lines();
        lines.filter_map(|line| line.strip_prefix("1| ")).map(|line| format!("{line}\n")).collect()
    };
    assert_eq!(place.run("fdfs_exporter", &["-h"], 0).0, usage);
    let (stdout, stderr) = place.run("fdfs_exporter", &["--help"], 22);
    assert_eq!((stdout, stderr.as_str()), (usage, "fdfs_exporter: unrecognized option '--help'\n"));
    assert_eq!(place.run("fdfs_exporter", &["-P", "0"], 22).0, "invalid port number: 0\n");
    let (_, stderr) = place.run("fdfs_exporter", &["-c", "/dev/null"], 22);
    assert!(stderr.contains("] ERROR - /dev/null is not a regular file\n"), "{stderr}");
    assert!(stderr.ends_with("] ERROR - load conf file \"/dev/null\" fail, ret code: 22\n"), "{stderr}");
    fs::write(place.path("digest.conf"), "[auth]\nmethod = digest\n").unwrap();
    let (_, stderr) = place.run("fdfs_exporter", &["-c", "digest.conf"], 22);
    assert!(stderr.ends_with("] ERROR - unkown auth method: digest!\n"), "{stderr}");
}
