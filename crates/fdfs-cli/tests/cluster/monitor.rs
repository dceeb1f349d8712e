//! `fdfs_monitor` and `fdfs monitor` against running trackers.

use fdfs_testkit::loopback::refused_addr;

use crate::{Dev, classic, fdfs, text};

const USAGE: &str = "
Usage:
  fdfs_monitor <client_cfg_file> [-h <tracker_server>]
  [list|delete|set_trunk_server <group_name> [storage_id]]

Note:
  the tracker server format: host[:port], the tracker default port is 22122
  fdfs_monitor without parameter equals: fdfs_monitor /etc/fdfs/client.conf

";

/// A classic run of which stdout and the exit code are known.
#[track_caller]
fn check(args: &[&str], stdout: &str, code: i32) -> String {
    let output = classic("fdfs_monitor", args);
    let stderr = text(&output.stderr);
    assert_eq!(text(&output.stdout), stdout, "{args:?}: {stderr}");
    assert_eq!(output.status.code(), Some(code), "{args:?}: {stderr}");
    stderr
}

#[test]
fn classic_answers_and_exit_codes_agree_with_the_reference() {
    let dev = Dev::start();
    let (conf, tracker) = (dev.conf().to_str().unwrap().to_owned(), &dev.tracker);
    let conf = conf.as_str();
    let head = format!("tracker server count=1, current server index=0\n\ntracker server is {tracker}\n\n");
    check(&["-h"], USAGE, 0);
    check(&[conf, "-h"], USAGE, 1);
    check(&[conf, "-h", "10.78.4.99"], "tracker server: 10.78.4.99 not exists!\n", 2);
    check(&[conf, "list", "group9"], &head, 0);
    check(&[conf, "-h", tracker, "list", "group9"], &head, 0);
    check(&[conf, &format!("-hlocalhost:{}", tracker.split_once(':').unwrap().1), "list", "group9"], &head, 0);
    check(&[conf, "foo"], &format!("{head}Invalid command foo\n\n{USAGE}"), 0);
    check(&[conf, "set_trunk_server"], &format!("{head}{USAGE}"), 1);

    let order = |words: &[&str], line: &str| check(&[&[conf], words].concat(), &format!("{head}{line}\n"), 0);
    let busy = "fail, error no: 16, error info: Device or resource busy";
    let unknown = "fail, error no: 2, error info: No such file or directory";
    order(&["delete", "group1", "127.0.0.1"], &format!("delete storage server group1::127.0.0.1 {busy}"));
    order(&["delete", "group1", "10.78.4.99"], &format!("delete storage server group1::10.78.4.99 {unknown}"));
    order(&["delete", "group1"], &format!("delete group: group1 {busy}"));
    let stderr = order(&["delete", "group9"], &format!("delete group: group9 {unknown}"));
    assert!(stderr.contains("ERROR - "), "{stderr}");
    let unsupported = "fail, error no: 95, error info: Operation not supported";
    order(&["set_trunk_server", "group1", "127.0.0.1"], &format!("set trunk server group1::127.0.0.1 {unsupported}"));

    let listed = text(&classic("fdfs_monitor", &[conf]).stdout);
    let rest = listed.strip_prefix(&head).unwrap_or_else(|| panic!("{listed}"));
    assert!(rest.starts_with("group count: 1\n\nGroup 1:\ngroup name = group1\ndisk total space     = "), "{listed}");
    assert!(rest.contains("\n\tStorage 1:\n\t\tid = 127.0.0.1\n\t\thost = 127.0.0.1:"), "{listed}");
    assert!(rest.contains("  ACTIVE\n\t\tread write mode = both (normal)\n\t\tversion = "), "{listed}");
}

#[test]
fn w49_delete_without_a_group_is_a_usage_error() {
    let dev = Dev::start();
    let head = format!("tracker server count=1, current server index=0\n\ntracker server is {}\n\n", dev.tracker);
    check(&[dev.conf().to_str().unwrap(), "delete"], &format!("{head}{USAGE}"), 1);
}

#[test]
fn without_a_tracker_or_a_configuration_the_codes_are_those_of_the_reference() {
    let dir = tempfile::tempdir().unwrap();
    let conf = dir.path().join("badtrk.conf");
    let port = refused_addr().port();
    std::fs::write(&conf, format!("tracker_server = 127.0.0.1:{port}\n")).unwrap();
    let stderr = check(&[conf.to_str().unwrap()], "tracker server count=1, current server index=0\n", 115);
    let want = format!("ERROR - connect to server 127.0.0.1:{port} fail, errno: 111, error info: Connection refused\n");
    assert!(stderr.ends_with(&want), "{stderr}");

    let stderr = check(&["/nosuch.conf"], "", 2);
    let lines: Vec<&str> = stderr.lines().map(|line| &line[22..]).collect();
    let fails = "ERROR - load conf file \"/nosuch.conf\" fail, ret code: 2";
    assert_eq!(lines, ["ERROR - file /nosuch.conf not exist", fails]);
}

#[test]
fn the_modern_monitor_has_json_and_exit_codes() {
    let dev = Dev::start();
    let tracker = dev.tracker.as_str();
    let output = fdfs(&["monitor", "--json", "--tracker", tracker]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["tracker"], tracker);
    assert_eq!(json["groups"][0]["name"], "group1");
    assert_eq!(json["groups"][0]["storages"][0]["status"], "ACTIVE");
    assert_eq!(json["groups"][0]["storages"][0]["sync_until"], serde_json::Value::Null, "nobody copies files to it");
    assert_eq!(json["groups"][0]["storages"][0]["counters"]["upload_count"]["total"], 0);

    let code = |args: &[&str]| {
        let output = fdfs(&[&["monitor", "--tracker", tracker], args].concat());
        (output.status.code(), text(&output.stderr))
    };
    assert_eq!(code(&["list", "group1"]).0, Some(0));
    let (unknown, stderr) = code(&["list", "group9"]);
    assert_eq!((unknown, stderr.contains("knows no group group9")), (Some(2), true), "{stderr}");
    let (busy, stderr) = code(&["delete", "group1", "127.0.0.1"]);
    assert_eq!((busy, stderr.contains("ACTIVE: stop it before you delete it")), (Some(16), true), "{stderr}");
    assert_eq!(code(&["delete", "group1"]).0, Some(16));
    assert_eq!(code(&["set-trunk-server", "group1"]).0, Some(95));
    let (usage, stderr) = code(&["delete"]);
    assert_eq!((usage, stderr.contains("<GROUP>")), (Some(2), true), "{stderr}");
    assert_eq!(code(&["explode"]).0, Some(2));
}

#[test]
fn sync_status_tells_of_each_pair() {
    let dev = Dev::start();
    let uploaded = fdfs(&["upload", "--tracker", &dev.tracker, dev.conf().to_str().unwrap()]);
    assert_eq!(uploaded.status.code(), Some(0), "{}", text(&uploaded.stderr));
    let ask = |more: &[&str]| {
        let output = fdfs(&[&["sync", "status", "--tracker", &dev.tracker][..], more].concat());
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    // Both have everything in the end.
    let lines = fdfs_testkit::wait::wait_for("both storages to have everything", || {
        let told = ask(&[]);
        (told.matches(" (ACTIVE): has everything, binlog.000:").count() == 2).then_some(told)
    });
    assert!(lines.starts_with("group1 127.0.0.") && lines.contains("\n  -> 127.0.0."), "{lines}");
    let told: serde_json::Value = serde_json::from_str(&ask(&["group1", "--json"])).unwrap();
    let pairs: Vec<_> =
        told["storages"].as_array().unwrap().iter().flat_map(|s| s["peers"].as_array().unwrap()).collect();
    assert_eq!(pairs.len(), 2, "{told}");
    for pair in pairs {
        assert_eq!((&pair["records_behind"], &pair["last_error"]), (&0.into(), &serde_json::Value::Null), "{told}");
    }
    let monitored = fdfs(&["monitor", "--json", "--tracker", &dev.tracker]);
    let monitored: serde_json::Value = serde_json::from_str(&text(&monitored.stdout)).unwrap();
    assert_eq!(monitored["groups"][0]["storages"][0]["sync"]["quarantined"], 0, "{monitored}");
}
