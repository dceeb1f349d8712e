//! `fdfs ls`, `fdfs find` and `fdfs verify` where small files lie in slots of trunk files, and the copies of a group.

use std::fs;
use std::os::unix::fs::FileExt as _;

use fdfs_client::{FileId, UploadOptions};
use fdfs_testkit::{Cluster, StorageNode, wait_for};
use serde_json::Value;

use crate::{fdfs, text};

#[track_caller]
fn run(args: &[&str], code: i32) -> (String, String) {
    let output = fdfs(args);
    assert_eq!(output.status.code(), Some(code), "{args:?}: {}{}", text(&output.stdout), text(&output.stderr));
    (text(&output.stdout), text(&output.stderr))
}

/// The files that are found on a storage, by id.
fn found(storage: &StorageNode, options: &[&str]) -> Vec<Value> {
    let conf = storage.plan.conf_path.to_str().unwrap();
    let (lines, _) = run(&[&["find", conf, "--json"], options].concat(), 0);
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn files_in_slots_are_listed_verified_and_compared_with_the_other_storage() {
    let cluster = Cluster::builder()
        .group("group1", 2)
        .tracker_key("use_trunk_file", true)
        .tracker_key("slot_max_size", "8KB")
        .tracker_key("trunk_file_size", "4MB")
        .build();
    let mut cluster = cluster;
    // While they are not yet told which of them is the trunk server.
    cluster.expect_problem("small files go on their own");
    cluster.start_all();
    cluster.wait_until_active();
    let upload = |content: &[u8]| {
        cluster.block_on(cluster.client().upload(content, &UploadOptions::new().ext("bin".parse().unwrap()))).unwrap()
    };
    (0..2).for_each(|storage| cluster.wait_for_slots(storage));
    let small: Vec<FileId> = (0..12).map(|n| upload(format!("small {n}").repeat(100).as_bytes())).collect();
    let large: Vec<FileId> = (0..3).map(|n| upload(&vec![n; 20_000])).collect();
    let deleted = upload(b"deleted again");
    cluster.block_on(cluster.client().delete(&deleted)).unwrap();
    let all = || small.iter().chain(&large).map(ToString::to_string);
    let storages = &cluster.storages;
    for storage in storages {
        wait_for("every file to be found on each storage, and the deleted one on none", || {
            let ids: Vec<String> = found(storage, &[]).iter().map(|f| f["id"].as_str().unwrap().to_owned()).collect();
            (all().all(|id| ids.contains(&id)) && !ids.contains(&deleted.to_string())).then_some(())
        });
    }

    let in_slots = found(&storages[0], &["--in-trunk", "true", "--min-size", "700"]);
    let slot_ids: Vec<&str> = in_slots.iter().map(|file| file["id"].as_str().unwrap()).collect();
    assert!(small.iter().all(|id| slot_ids.contains(&id.to_string().as_str())), "{slot_ids:?}");
    assert!(slot_ids.len() == small.len() && in_slots[0]["trunk_file"].is_string());
    // Going on behind a file in a slot.
    let conf = storages[0].plan.conf_path.to_str().unwrap();
    let (rest, _) = run(&["ls", conf, "--min-size", "700", "--after", slot_ids[4]], 0);
    assert_eq!(rest.lines().collect::<Vec<_>>(), slot_ids[5..]);

    let peers = ["verify", conf, "--peers", "--grace", "0"];
    wait_for("all files to be older than the second that is now", || {
        let (_, stderr) = run(&peers, 0);
        let copies = stderr.split("and with ").nth(1)?.split(' ').next()?.parse::<usize>().ok()?;
        (copies >= small.len() + large.len()).then_some(())
    });

    // One byte of a file in a slot, one file that the other storage lost, one that is different there.
    let broken = &in_slots[7];
    let path = broken["trunk_file"].as_str().unwrap();
    let at = broken["trunk_offset_bytes"].as_u64().unwrap() + 24 + 5;
    fs::OpenOptions::new().write(true).open(path).unwrap().write_all_at(b"\xFF", at).unwrap();
    let place = |id: &FileId| storages[1].plan.store_paths[0].join("data").join(&id.name.as_str()[4..]);
    fs::remove_file(place(&large[0])).unwrap();
    fs::write(place(&large[1]), "short").unwrap();
    cluster.expect_problem(&large[0].name.as_str()[4..]);
    let (stdout, stderr) = run(&peers, 5);
    let lines: Vec<&str> = stdout.lines().collect();
    let said = |id: &str, what: &str| lines.iter().any(|line| line.starts_with(id) && line.contains(what));
    assert!(said(slot_ids[7], "the id says"), "{stdout}");
    assert!(said(&large[0].to_string(), &format!("{} does not have it", storages[1].addr())), "{stdout}");
    assert!(said(&large[1].to_string(), "has 5 bytes of it, here are 20000"), "{stdout}");
    assert!(stderr.contains(", 3 bad, ") && stderr.contains(" in trunk files"), "{stdout}{stderr}");
}
