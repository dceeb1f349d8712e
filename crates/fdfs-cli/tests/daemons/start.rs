//! Starting in the background: what the reference leaves in the dark, and the files of a running daemon.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use crate::{Place, read, signal, text, wait_for};

#[test]
fn w37_a_storage_with_a_bad_value_says_so_and_gives_the_errno() {
    let mut place = Place::new();
    place.storage_conf("s2x.conf", "s2x", "work_threads = 0");
    let output = place.run("fdfs_storaged", &["s2x.conf", "start"]);
    assert_eq!(output.status.code(), Some(22));
    let stderr = text(&output.stderr);
    assert!(stderr.contains("s2x.conf:9: work_threads = 0: not allowed"), "{stderr}");
    assert!(stderr.ends_with("CRIT - exit abnormally!\n\n"), "{stderr}");
    assert_eq!(text(&output.stdout), "");
}

#[test]
fn w37_a_port_in_use_is_told_to_whoever_starts() {
    let mut place = Place::new();
    let port = place.tracker_conf("t2a.conf", "t2a", "");
    let _taken = TcpListener::bind((place.ip, port)).unwrap();
    let output = place.run("fdfs_trackerd", &["t2a.conf", "start"]);
    assert_eq!(output.status.code(), Some(98));
    let stderr = text(&output.stderr);
    assert!(stderr.contains("Address already in use"), "{stderr}");
    assert!(stderr.ends_with("CRIT - exit abnormally!\n\n"), "{stderr}");
    assert!(read(&place.path("t2a/logs/trackerd.log")).contains("Address already in use"));
    assert!(!place.path("t2a/data/fdfs_trackerd.pid").exists());
}

#[test]
fn an_unknown_user_or_group_ends_with_2() {
    let mut place = Place::new();
    for key in ["run_by_user", "run_by_group"] {
        place.tracker_conf("t2a.conf", "t2a", &format!("{key} = no-such-name-here"));
        let output = place.run("fdfs_trackerd", &["t2a.conf", "start"]);
        assert_eq!(output.status.code(), Some(2), "{key}");
        assert!(text(&output.stderr).contains(&format!("{key} = no-such-name-here: no such ")), "{key}");
    }
}

#[test]
fn a_base_path_that_is_a_file_is_enotdir() {
    let mut place = Place::new();
    place.tracker_conf("t2a.conf", "t2a", "");
    place.write("t2a", "");
    let output = place.run("fdfs_trackerd", &["t2a.conf", "start"]);
    assert_eq!(output.status.code(), Some(20), "{}", text(&output.stderr));
}

#[test]
fn a_running_tracker_has_its_pid_file_its_log_and_no_hold_on_the_terminal() {
    let mut place = Place::new();
    let port = place.tracker_conf("t2a.conf", "t2a", "unknown_key_here = 1");
    let output = place.run("fdfs_trackerd", &["t2a.conf"]);
    place.started.push(("fdfs_trackerd", "t2a.conf"));
    assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(0), ""));
    TcpStream::connect((place.ip, port)).unwrap();

    let pid = read(&place.path("t2a/data/fdfs_trackerd.pid"));
    assert!(!pid.is_empty() && pid.bytes().all(|b| b.is_ascii_digit()), "{pid:?}");
    let log = place.path("t2a/logs/trackerd.log");
    assert!(read(&log).contains("WARNING - "), "{}", read(&log));
    if cfg!(target_os = "linux") {
        let link = |name: &str| fs::read_link(format!("/proc/{pid}/{name}")).unwrap();
        let log = log.canonicalize().unwrap();
        assert_eq!(link("fd/0"), std::path::Path::new("/dev/null"));
        assert_eq!((link("fd/1"), link("fd/2")), (log.clone(), log));
        assert_eq!(link("cwd"), std::path::Path::new("/"));
        let stat = read(std::path::Path::new(&format!("/proc/{pid}/stat")));
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_ascii_whitespace().collect();
        assert_eq!(fields[3], pid, "it leads a session of its own: {stat}");
        assert!(stat.contains("(fdfs_trackerd)"), "{stat}");
    }

    let output = place.run("fdfs_trackerd", &["t2a.conf", "stop"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(!place.path("t2a/data/fdfs_trackerd.pid").exists());
    TcpStream::connect((place.ip, port)).unwrap_err();
}

#[test]
fn hup_begins_a_new_log_and_usr1_is_ignored() {
    let mut place = Place::new();
    place.tracker_conf("t2a.conf", "t2a", "");
    let output = place.run("fdfs_trackerd", &["t2a.conf", "start"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let pid = read(&place.path("t2a/data/fdfs_trackerd.pid"));
    let log = place.path("t2a/logs/trackerd.log");
    signal(&pid, rustix::process::Signal::USR1);
    wait_for("USR1 stands in the log", || read(&log).contains("signal USR1 ignored"));
    signal(&pid, rustix::process::Signal::HUP);
    wait_for("a second log", || fs::read_dir(place.path("t2a/logs")).unwrap().count() == 2);
    wait_for("the new log says why", || read(&log).contains("signal HUP"));
    assert_eq!(text(&place.run("fdfs_trackerd", &["t2a.conf", "status"]).stdout), format!("Running, pid: {pid}\n"));
}

#[test]
fn a_storage_that_waits_for_its_tracker_is_started_and_can_be_stopped() {
    let mut place = Place::new();
    place.storage_conf("s2x.conf", "s2x", "");
    let output = place.run("fdfs_storaged", &["s2x.conf", "start"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let pid = read(&place.path("s2x/data/fdfs_storaged.pid"));
    let output = place.run("fdfs_storaged", &["s2x.conf", "start"]);
    assert_eq!(output.status.code(), Some(17));
    assert_eq!(text(&output.stderr), format!("process fdfs_storaged already running, pid: {pid}\n"));
    let output = place.run("fdfs_storaged", &["s2x.conf", "stop"]);
    assert_eq!(text(&output.stderr), format!("waiting for pid [{pid}] exit ...\npid [{pid}] exit.\n\n"));
    assert!(!place.path("s2x/data/fdfs_storaged.pid").exists());
}

#[test]
fn a_pid_file_of_a_dead_or_foreign_process_hinders_nobody() {
    let mut place = Place::new();
    place.tracker_conf("t2a.conf", "t2a", "");
    fs::create_dir_all(place.path("t2a/data")).unwrap();
    // This test is alive, but no tracker.
    place.write("t2a/data/fdfs_trackerd.pid", &std::process::id().to_string());
    let output = place.run("fdfs_trackerd", &["t2a.conf", "stop"]);
    assert_eq!(output.status.code(), Some(3));
    let want = format!("kill pid: {} fail, errno: 3, error info: No such process\n", std::process::id());
    assert_eq!(text(&output.stderr), want);
    assert_eq!(place.run("fdfs_trackerd", &["t2a.conf", "restart"]).status.code(), Some(0));
}

#[test]
fn the_user_of_run_by_user_owns_the_process_and_its_files() {
    let mut place = Place::new();
    let nobody = nix::unistd::User::from_name("nobody").unwrap();
    let (true, Some(nobody)) = (nix::unistd::geteuid().is_root() && cfg!(target_os = "linux"), nobody) else {
        eprintln!("skipped: needs root, Linux and the user nobody");
        return;
    };
    place.tracker_conf("t2a.conf", "t2a", "run_by_user = nobody");
    fs::set_permissions(place.dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let output = place.run("fdfs_trackerd", &["t2a.conf", "start"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let pid_path = place.path("t2a/data/fdfs_trackerd.pid");
    let status = read(std::path::Path::new(&format!("/proc/{}/status", read(&pid_path))));
    assert!(status.contains(&format!("Uid:\t0\t{0}\t0\t{0}\n", nobody.uid)), "{status}");
    for name in ["t2a", "t2a/data", "t2a/data/fdfs_trackerd.pid", "t2a/logs/trackerd.log"] {
        assert_eq!(fs::metadata(place.path(name)).unwrap().uid(), nobody.uid.as_raw(), "{name}");
    }
}
