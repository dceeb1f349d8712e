//! `fdfs doctor` against clusters that are well, and against some that were broken on purpose.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use fdfs_testkit::loopback::refused_addr;
use fdfs_testkit::{Cluster, wait_for};
use serde_json::Value;

use crate::{Dev, fdfs, text};

/// Runs it, and leaves out how full the disk is on which the test runs; the findings as `severity code about`, and the exit code.
#[track_caller]
fn doctor(trackers: &str) -> (Vec<String>, Option<i32>, Value) {
    let output = fdfs(&["doctor", "--json", "--nearly-full", "0", "--tracker", trackers]);
    let json: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output.stderr)));
    let word = |finding: &Value, key: &str| finding[key].as_str().unwrap_or_default().to_owned();
    let found = json["findings"].as_array().unwrap().iter();
    let found = found.map(|f| format!("{} {} {}", word(f, "severity"), word(f, "code"), word(f, "about"))).collect();
    (found, output.status.code(), json)
}

#[test]
fn a_cluster_that_is_well_has_no_findings() {
    let dev = Dev::start();
    wait_for("both storages to be well", || (doctor(&dev.tracker).0.is_empty()).then_some(()));
    let output = fdfs(&["doctor", "--nearly-full", "0", "--tracker", &dev.tracker]);
    let lines = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{lines}");
    assert!(lines.contains("sees this machine as 127.0.0.1\n"), "{lines}");
    assert!(
        lines.contains("storage group1/127.0.0.1: clients like this one (127.0.0.1) are told 127.0.0.1:"),
        "{lines}"
    );
    assert!(lines.ends_with("1 trackers and 2 storages looked at: 0 errors, 0 warnings, 0 notes\n"), "{lines}");
}

#[test]
fn without_any_tracker_it_says_so() {
    let port = refused_addr().port();
    let output = fdfs(&["doctor", "--tracker", &format!("127.0.0.1:{port}")]);
    assert_eq!(output.status.code(), Some(111));
    assert!(text(&output.stderr).contains("no tracker answers"), "{}", text(&output.stderr));
}

/// A tracker that hangs is what one asks the doctor about: it must not hang with it.
#[test]
fn a_tracker_that_says_nothing_is_named_soon() {
    let dev = Dev::start();
    let silent: Vec<TcpListener> = (0..3).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    let names: Vec<String> = silent.iter().map(|listener| listener.local_addr().unwrap().to_string()).collect();
    let begun = Instant::now();
    let (found, code, json) = doctor(&format!("{},{}", names.join(","), dev.tracker));
    assert!(begun.elapsed() < Duration::from_secs(25), "{:?}", begun.elapsed());
    assert_eq!(code, Some(1));
    for name in &names {
        assert!(found.iter().any(|line| line.starts_with("error") && line.contains(name)), "{name}: {found:?}");
    }
    assert!(json["findings"].to_string().contains("did not answer within"), "{json}");
}

#[test]
fn what_is_broken_on_purpose_is_found() {
    let mut cluster = Cluster::builder().group("group1", 2).build();
    cluster.expect_lost_trackers();
    let port = refused_addr().port();
    let closed = format!("127.0.0.1:{port}");
    // What these askers are told leads nowhere; and one storage has another idea of durability.
    cluster.storages[0].set("advertise", format!("192.0.2.0/24 -> {closed}"));
    cluster.storages[1].set("durability", "disk");
    cluster.trackers[0].start();
    cluster.storages[0].start();
    wait_for("the first storage", || cluster.block_on(cluster.client().query_store(None)).ok());
    cluster.storages[1].start();
    cluster.wait_until_active();
    let (tracker, addrs) = (cluster.tracker_addr().to_string(), [0, 1].map(|i| cluster.storages[i].addr().ip()));
    let expected = [
        format!("error told-address-silent storage group1/{}", addrs[0]),
        "warning storages-configured-differently group group1".to_owned(),
    ];
    wait_for("the two findings", || (doctor(&tracker).0 == expected).then_some(()));
    let (_, code, json) = doctor(&tracker);
    assert_eq!(code, Some(1));
    let told = json["storages"][0]["told"].as_array().unwrap();
    let told: Vec<_> =
        told.iter().map(|told| format!("{} {} {}", told["who"], told["address"], told["answers"])).collect();
    assert_eq!(told[1], format!("\"clients from 192.0.2.0/24\" \"{closed}\" false"));
    assert!(told[2].starts_with("\"all others\"") && told[2].ends_with(" true"), "{told:?}");

    // A second tracker that is not there, and a storage that is gone.
    cluster.storages[1].stop();
    wait_for("the storage that is gone and the tracker that never was", || {
        let (found, code, _) = doctor(&format!("{tracker},{closed}"));
        let has = |text: &str| found.iter().any(|finding| finding.starts_with(text));
        let all = has("error tracker-silent tracker 127.0.0.1:")
            && has(&format!("error offline storage group1/{}", addrs[1]))
            && has("note single-copy group group1");
        (all && code == Some(1)).then_some(())
    });
}
