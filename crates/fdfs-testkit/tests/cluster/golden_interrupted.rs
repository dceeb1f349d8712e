//! What the reference V6.16.1 had begun when it ended goes on with servers of ours: a disk recovery, and a deletion of a
//! storage that not everybody has heard of.

use std::fs;
use std::path::Path;

use fdfs_proto::disk::StateFile;
use fdfs_proto::disk::storage_stat::StorageStatFile;
use fdfs_proto::disk::tracker_servers::TrackerServers;
use fdfs_storage::recovery::RecoveryStage;
use fdfs_testkit::golden_cluster::GoldenCluster;
use fdfs_testkit::golden_disk::GoldenDisk;
use fdfs_testkit::{Cluster, wait_for};

/// What the thread that had come nowhere was to fetch; the others were done.
const MISSING: [&str; 3] = [
    "00/00/Ck4CC2sADxWATWO4AAAAAAAAAAA573.txt",
    "00/00/Ck4CC2sADxWEWqriAAAAAHIu194086.log",
    "00/00/Ck4CDGsADxWAPyQvAAADCZL2TeY52.html-m",
];

#[test]
fn w19_a_disk_recovery_goes_on_where_the_reference_was_killed() {
    let mut golden = GoldenCluster::lay_out("plain", |builder| builder);
    golden.lay(&GoldenDisk::read("recovery"), "s2");
    let data = |node: &str| golden.folders(node).1[0].join("data");
    let (from, to) = (data("s1"), data("s2"));
    let missing = MISSING.map(|name| golden.place.text(name));
    missing.iter().for_each(|name| fs::remove_file(to.join(name)).unwrap());
    // Where there is nothing to compare, everything would be fetched anew.
    assert!(to.join(".recovery.flag").exists() && to.join(".recovery.mark.3").exists());

    golden.cluster.start_all();
    golden.cluster.wait_until_active();
    wait_for("the recovery to end", || {
        let (_, progress) = golden.cluster.storages[1].inside().recovery.snapshot().into_iter().next()?;
        (progress.stage == RecoveryStage::Done).then_some(())
    });
    for name in &missing {
        assert_eq!(fs::read(to.join(name)).unwrap(), fs::read(from.join(name)).unwrap(), "{name}");
    }
    golden.cluster.stop_all();
    let left: Vec<_> = names_in(&to).into_iter().filter(|name| name.contains("recovery")).collect();
    assert_eq!(left, Vec::<String>::new());
    let downloads = |bytes: &[u8]| StorageStatFile::decode(bytes).unwrap().stat.download_count.success;
    let (before, after) = (golden.recorded_state("s1"), golden.state("s1"));
    let fetched = downloads(&after["storage_stat.dat"]) - downloads(&before["storage_stat.dat"]);
    assert_eq!(fetched, missing.len() as i64, "what was there is not fetched again");
    let log = "sync/binlog.000";
    assert_eq!(golden.state("s2")[log], golden.recorded_state("s2")[log]);
}

fn names_in(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The tracker right after the deletion, and the storage that is left.
fn after_a_deletion() -> GoldenCluster {
    let golden = GoldenCluster::empty(GoldenDisk::read("changelog"), |builder| {
        builder
            .store_paths(2)
            .storage_key("subdir_count_per_path", 4)
            .tracker_key("use_trunk_file", true)
            .tracker_key("check_active_interval", 2)
    });
    golden.lay(&GoldenDisk::read("links"), "s1");
    let data = golden.folders("s1").0.join("data");
    for dir in ["sync", "trunk"] {
        let marks = names_in(&data.join(dir)).into_iter().filter(|name| name.ends_with(".mark"));
        marks.for_each(|name| fs::remove_file(data.join(dir).join(name)).unwrap());
    }
    golden.lay(&golden.set, "s1");
    golden.lay(&golden.set, "t1");
    // The reference wrote the storages without the deleted one, but not yet the matrix; it cannot start with that.
    golden.cluster.expect_problem("sync times of storage");
    golden.cluster.expect_problem("link record without the link's name");
    golden
}

fn marks(golden: &GoldenCluster) -> Vec<String> {
    let data = golden.folders("s1").0.join("data");
    let of = |dir: &str| names_in(&data.join(dir)).into_iter().filter(|name| name.contains(".mark"));
    of("sync").chain(of("trunk")).collect()
}

fn changelog_offset(golden: &GoldenCluster) -> u64 {
    TrackerServers::decode(&golden.state("t1")["storage_servers_new.dat"]).unwrap().storages[0].changelog_offset
}

fn group1(cluster: &Cluster) -> usize {
    cluster.block_on(cluster.client().storages("group1".parse().unwrap(), None)).unwrap().len()
}

#[test]
fn a_deleted_storage_stays_deleted_and_its_marks_stay_set_aside() {
    let mut golden = after_a_deletion();
    let before = marks(&golden);
    assert_eq!(before.len(), 2);
    golden.cluster.start_all();
    golden.cluster.wait_until_active();
    assert_eq!(group1(&golden.cluster), 1);
    golden.cluster.stop_all();
    assert_eq!(marks(&golden), before);
    let t1 = golden.state("t1");
    assert_eq!(t1["storage_changelog.dat"], golden.recorded_state("t1")["storage_changelog.dat"]);
    assert_eq!(changelog_offset(&golden), t1["storage_changelog.dat"].len() as u64);
    let matrix = String::from_utf8(t1["storage_sync_timestamp.dat"].clone()).unwrap();
    assert_eq!(matrix, golden.place.text("group1,10.78.2.11,0\n"));
}

#[test]
fn a_storage_that_has_not_heard_of_the_deletion_sets_the_marks_aside() {
    let mut golden = after_a_deletion();
    let s1 = golden.folders("s1").0.join("data");
    let contents = |golden: &GoldenCluster| -> Vec<Vec<u8>> {
        let state = golden.state("s1");
        state.into_iter().filter(|(name, _)| name.contains(".mark")).map(|(_, bytes)| bytes).collect()
    };
    for dir in ["sync", "trunk"] {
        let stamped = names_in(&s1.join(dir)).into_iter().find(|name| name.contains(".mark")).unwrap();
        let (plain, _) = stamped.rsplit_once('.').unwrap();
        fs::rename(s1.join(dir).join(&stamped), s1.join(dir).join(plain)).unwrap();
    }
    let before = contents(&golden);
    let servers = golden.folders("t1").0.join("data/storage_servers_new.dat");
    let text = fs::read_to_string(&servers).unwrap();
    fs::write(&servers, text.replace("changelog_offset=32", "changelog_offset=0")).unwrap();

    golden.cluster.start_all();
    golden.cluster.wait_until_active();
    let are_aside = |names: &[String]| {
        let stamp = |name: &String| name.rsplit_once(".mark.").is_some_and(|(_, stamp)| stamp.len() == 14);
        names.len() == 2 && names.iter().all(stamp)
    };
    wait_for("the marks to be set aside", || are_aside(&marks(&golden)).then_some(()));
    golden.cluster.stop_all();
    assert!(are_aside(&marks(&golden)), "{:?}", marks(&golden));
    assert_eq!(contents(&golden), before);
    assert_eq!(changelog_offset(&golden), 32);
}
