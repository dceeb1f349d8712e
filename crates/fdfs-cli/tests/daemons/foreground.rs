//! `fdfs trackerd CONF` and `fdfs_trackerd -N CONF`.

use std::io::{BufRead as _, BufReader};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::process::{Child, Command, Stdio};

use fdfs_testkit::http::HttpConn;
use fdfs_testkit::loopback::free_port;

use crate::{FDFS, Place, read, signal, text, wait_for};

/// A daemon in the foreground; killed if the test does not end it.
struct Foreground(Child);

impl Drop for Foreground {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_modern_tracker_logs_to_stderr_and_ends_with_0() {
    let place = Place::new();
    place.tracker_conf("t2a.conf", "t2a", "");
    let mut command = Command::new(FDFS);
    command.args(["trackerd", "t2a.conf"]).current_dir(place.dir.path()).stderr(Stdio::piped());
    let mut daemon = Foreground(command.spawn().unwrap());
    let stderr = BufReader::new(daemon.0.stderr.take().unwrap());
    let mut lines = stderr.lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains(&format!("serves on {}:", place.ip))));
    signal(&daemon.0.id().to_string(), rustix::process::Signal::TERM);
    assert!(lines.any(|line| line.contains("signal TERM")));
    assert_eq!(daemon.0.wait().unwrap().code(), Some(0));
    assert!(!place.path("t2a/data/fdfs_trackerd.pid").exists());
    assert_eq!(read(&place.path("t2a/logs/trackerd.log")), "");
}

#[test]
fn a_second_one_on_the_same_base_path_is_refused_whatever_its_name() {
    let mut place = Place::new();
    place.tracker_conf("t2a.conf", "t2a", "");
    place.run("fdfs_trackerd", &["t2a.conf", "start"]);
    let output = Command::new(FDFS).args(["trackerd", "t2a.conf"]).current_dir(place.dir.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(17));
    assert!(text(&output.stderr).starts_with("fdfs: process fdfs_trackerd already running, pid: "));
}

#[test]
fn a_classic_daemon_in_the_foreground_logs_to_its_file() {
    let mut place = Place::new();
    place.tracker_conf("t2a.conf", "t2a", "");
    let mut daemon = Foreground(place.command("fdfs_trackerd").args(["-N", "t2a.conf"]).spawn().unwrap());
    wait_for("it serves", || read(&place.path("t2a/logs/trackerd.log")).contains("serves"));
    let pid = daemon.0.id().to_string();
    wait_for("its pid file is there", || place.path("t2a/data/fdfs_trackerd.pid").exists());
    assert_eq!(read(&place.path("t2a/data/fdfs_trackerd.pid")), pid);
    // `stop` waits until the process is gone, and a child is gone only when it is waited for.
    let waiter = std::thread::spawn(move || daemon.0.wait().unwrap());
    assert_eq!(place.run("fdfs_trackerd", &["t2a.conf", "stop"]).status.code(), Some(0));
    assert_eq!(waiter.join().unwrap().code(), Some(0));
}

#[test]
fn a_configuration_error_names_the_line() {
    let place = Place::new();
    place.tracker_conf("t2a.conf", "t2a", "store_lookup = 9");
    let output = Command::new(FDFS).args(["trackerd", "t2a.conf"]).current_dir(place.dir.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(22));
    assert!(text(&output.stderr).starts_with("fdfs: t2a.conf:4: store_lookup = 9: not allowed"));
}

/// What the service manager is told next.
fn told(socket: &UnixDatagram) -> String {
    let mut text = [0; 512];
    let len = socket.recv(&mut text).unwrap();
    String::from_utf8_lossy(&text[..len]).into_owned()
}

#[test]
fn a_service_manager_is_told_and_its_watchdog_is_fed() {
    let place = Place::new();
    place.tracker_conf("t2a.conf", "t2a", "");
    let socket = UnixDatagram::bind(place.path("notify")).unwrap();
    socket.set_read_timeout(Some(fdfs_testkit::PATIENCE)).unwrap();
    let mut command = Command::new(FDFS);
    command.args(["trackerd", "t2a.conf", "--log-format", "json"]).current_dir(place.dir.path()).stderr(Stdio::piped());
    command.env("NOTIFY_SOCKET", place.path("notify")).env("WATCHDOG_USEC", "200000");
    let mut daemon = Foreground(command.spawn().unwrap());
    let pid = daemon.0.id().to_string();
    let ready = told(&socket);
    assert!(ready.starts_with("READY=1\n") && ready.contains(&format!("MAINPID={pid}\n")), "{ready}");
    for _ in 0..3 {
        assert_eq!(told(&socket), "WATCHDOG=1");
    }
    signal(&pid, rustix::process::Signal::TERM);
    wait_for("it says that it stops", || told(&socket).starts_with("STOPPING=1\n"));
    assert_eq!(daemon.0.wait().unwrap().code(), Some(0));
    for line in BufReader::new(daemon.0.stderr.take().unwrap()).lines() {
        let line: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
        assert!(line["time"].is_string() && line["level"].is_string() && line["message"].is_string(), "{line}");
    }
}

/// What happens on a gateway's own threads stands in its log, too.
#[test]
fn a_gateway_logs_as_it_is_told_and_ends_in_good_order() {
    let place = Place::new();
    let (ip, port, tracker) = (place.ip, free_port(&[place.ip]), free_port(&[place.ip]));
    let conf = format!(
        "tracker_server = {ip}:{tracker}\nconnect_timeout = 1\nhttp.bind_addr = {ip}\nhttp.server_port = {port}\n\
         http.write_token = let me in\n"
    );
    place.write("gateway.conf", &conf);
    let mut command = Command::new(FDFS);
    command.args(["http", "gateway.conf"]).env("FDFS_LOG_FORMAT", "json").current_dir(place.dir.path());
    let mut daemon = Foreground(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    let mut served = String::new();
    BufReader::new(daemon.0.stdout.take().unwrap()).read_line(&mut served).unwrap();
    assert_eq!(served, format!("HTTP is served on {ip}:{port}\n"));
    let answer =
        HttpConn::connect((ip, port).into()).ask("POST", "/upload", &["Authorization: Bearer let me in"], b"x");
    assert_eq!(answer.status, 502, "{}", answer.text());
    let pid = daemon.0.id().to_string();
    place.write("gateway.conf", "tracker_server = nonsense:port\n");
    signal(&pid, rustix::process::Signal::HUP);
    let mut lines = BufReader::new(daemon.0.stderr.take().unwrap()).lines().map(Result::unwrap);
    for (level, begin) in [("warning", "http: "), ("error", "the configuration stays as it was: ")] {
        let told = |line: &str| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            line["level"] == level && line["message"].as_str().unwrap().starts_with(begin)
        };
        assert!(lines.any(|line| told(&line)), "{begin}");
    }
    signal(&pid, rustix::process::Signal::TERM);
    assert_eq!(daemon.0.wait().unwrap().code(), Some(0));
}

#[test]
fn a_service_manager_hears_of_a_storage_that_waits_for_its_tracker() {
    let place = Place::new();
    place.storage_conf("s2x.conf", "s2x", "");
    let name = format!("fdfs-test-{}-{}", std::process::id(), place.ip);
    let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
    socket.set_read_timeout(Some(fdfs_testkit::PATIENCE)).unwrap();
    let mut command = Command::new(FDFS);
    command.args(["storaged", "s2x.conf"]).current_dir(place.dir.path()).stderr(Stdio::null());
    command.env("NOTIFY_SOCKET", format!("@{name}")).env("WATCHDOG_USEC", "100000").env("WATCHDOG_PID", "1");
    let mut daemon = Foreground(command.spawn().unwrap());
    assert!(told(&socket).starts_with("READY=1\n"));
    signal(&daemon.0.id().to_string(), rustix::process::Signal::TERM);
    assert_eq!(daemon.0.wait().unwrap().code(), Some(0));
    // The watchdog is that of another process.
    socket.set_nonblocking(true).unwrap();
    let mut text = [0; 64];
    assert!(socket.recv(&mut text).is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock));
}
