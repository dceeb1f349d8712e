//! `fdfs admin` against a running cluster.

use crate::{Dev, fdfs, text};

#[track_caller]
fn admin(dev: &Dev, args: &[&str], code: i32) -> (String, String) {
    let output = fdfs(&[&["admin"], args, &["--tracker", &dev.tracker]].concat());
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{args:?}: {stdout}{stderr}");
    (stdout, stderr)
}

fn modes(dev: &Dev) -> Vec<String> {
    let output = fdfs(&["monitor", "--json", "--tracker", &dev.tracker]);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let storages = json["groups"][0]["storages"].as_array().unwrap();
    storages.iter().map(|s| format!("{} {}", s["read_write_mode"], s["self_report"]["drained"])).collect()
}

#[test]
fn draining_shows_in_the_monitor_and_can_be_tried_dry() {
    let dev = Dev::start();
    let said = admin(&dev, &["drain", "group1", "127.0.0.1", "--dry-run"], 0).0;
    assert_eq!(said, "would be told: storage 127.0.0.1 of group1 takes no new uploads\n");
    assert_eq!(modes(&dev)[0], r#""both (normal)" "no""#);
    assert_eq!(
        admin(&dev, &["drain", "group1", "127.0.0.1"], 0).0,
        "storage 127.0.0.1 of group1 takes no new uploads\n"
    );
    fdfs_testkit::wait_for("the tracker to know", || (modes(&dev)[0] == r#""readonly" "yes""#).then_some(()));
    let (json, stderr) = admin(&dev, &["drain", "group1", "--json"], 0);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["drained"], json["storages"].as_array().unwrap().len()), (&true.into(), 2), "{json}");
    assert!(stderr.contains("no storage of group1 takes uploads then"), "{stderr}");
    admin(&dev, &["undrain", "group1"], 0);
    fdfs_testkit::wait_for("both to take uploads", || {
        modes(&dev).iter().all(|mode| mode == r#""both (normal)" "no""#).then_some(())
    });
    let (_, stderr) = admin(&dev, &["drain", "group1", "127.0.0.1", "--store-path", "9"], 22);
    assert!(stderr.contains("store paths, none has index 9"), "{stderr}");
    admin(&dev, &["drain", "group1", "10.9.9.9"], 2);
}

#[test]
fn what_serves_is_not_deleted() {
    let dev = Dev::start();
    for dry in [&[][..], &["--dry-run"]] {
        let (_, stderr) = admin(&dev, &[&["delete-storage", "group1", "127.0.0.1"], dry].concat(), 16);
        assert!(stderr.contains("ACTIVE: drain it, stop it, then delete it"), "{stderr}");
        let (_, stderr) = admin(&dev, &[&["delete-group", "group1"], dry].concat(), 16);
        assert!(stderr.contains("has storages: 127.0.0.1 ACTIVE"), "{stderr}");
        admin(&dev, &[&["delete-storage", "group1", "10.9.9.9"], dry].concat(), 2);
        admin(&dev, &[&["delete-group", "group9"], dry].concat(), 2);
    }
    admin(&dev, &["set-trunk-server", "group1"], 95);
    let said = admin(&dev, &["set-trunk-server", "group1", "--dry-run"], 0).0;
    assert_eq!(said, "trunk server of group1 is nobody; would be asked for: whom the leader chooses\n");
}
