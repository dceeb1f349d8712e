//! `check_file_duplicate`: equal files are stored once, and each id lives as long as it is not deleted.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;

use crate::support::{ENOENT, download, id, is_stored, stored, upload_head, user_files};
use fdfs_testkit::Cluster;

fn cluster() -> Cluster {
    let builder = Cluster::builder().group("group1", 1).store_paths(2);
    builder.storage_key("check_file_duplicate", 1).storage_key("key_namespace", "FastDFS").start()
}

/// Files below the store paths, counted by what they are instead of by their names.
fn body_count(cluster: &Cluster) -> usize {
    user_files(cluster, 0).iter().map(|path| fs::metadata(path).unwrap().ino()).collect::<BTreeSet<_>>().len()
}

fn delete(cluster: &Cluster, name: &str) {
    let _ = cluster.to_storage(0).ask(12, &id("group1", name.as_bytes())).ok();
}

#[test]
fn equal_files_are_stored_once_until_the_last_of_them_is_deleted() {
    let mut cluster = cluster();
    // One that fits the buffer, and one that does not.
    for content in [b"hello world".repeat(10), b"hello world".repeat(50_000)] {
        let names: Vec<_> = (0..3).map(|_| stored(&cluster, 0, &content)).collect();
        assert_eq!((user_files(&cluster, 0).len(), body_count(&cluster)), (3, 1));
        let crc32 = names[2].parse::<fdfs_proto::file_id::LogicName>().unwrap().fields().unwrap().crc32;
        assert_eq!(crc32, crc32fast::hash(&content), "the name tells the truth");
        delete(&cluster, &names[0]);
        cluster.storages[0].restart();
        let again = stored(&cluster, 0, &content);
        assert_eq!((user_files(&cluster, 0).len(), body_count(&cluster)), (3, 1));
        for name in [&names[1], &names[2]] {
            assert!(is_stored(&cluster, 0, name, &content));
            delete(&cluster, name);
        }
        assert!(is_stored(&cluster, 0, &again, &content));
        delete(&cluster, &again);
        assert_eq!(user_files(&cluster, 0).len(), 0);
        let anew = stored(&cluster, 0, &content);
        assert!(is_stored(&cluster, 0, &anew, &content));
        delete(&cluster, &anew);
    }
}

#[test]
fn each_id_has_its_own_record_and_its_own_metadata() {
    let cluster = cluster();
    let names = [stored(&cluster, 0, b"equal"), stored(&cluster, 0, b"equal")];
    let binlog = fs::read_to_string(cluster.storages[0].plan.base_path.join("data/sync/binlog.000")).unwrap();
    for (line, name) in binlog.lines().zip(&names) {
        assert!(line.ends_with(&format!(" C {name}")), "{binlog}");
    }
    let metadata = [
        &(names[0].len() as i64).to_be_bytes()[..],
        &3i64.to_be_bytes(),
        b"O",
        &id("group1", names[0].as_bytes()),
        b"k\x02v",
    ];
    let _ = cluster.to_storage(0).ask(13, &metadata.concat()).ok();
    assert_eq!(cluster.to_storage(0).ask(15, &id("group1", names[1].as_bytes())).status(), Some(ENOENT));
    assert_eq!(cluster.to_storage(0).ask(15, &id("group1", names[0].as_bytes())).ok(), b"k\x02v");
}

#[test]
fn a_lost_index_costs_space_and_no_file() {
    let mut cluster = cluster();
    cluster.expect_problem("the index of duplicates");
    let first = stored(&cluster, 0, b"equal");
    cluster.storages[0].stop();
    let index = cluster.storages[0].plan.base_path.join("data/.fdfs_duplicates");
    fs::write(&index, [7; 5000]).unwrap();
    cluster.storages[0].start();
    let second = stored(&cluster, 0, b"equal");
    let third = stored(&cluster, 0, b"equal");
    assert_eq!(body_count(&cluster), 2);
    for name in [first, second, third] {
        assert!(is_stored(&cluster, 0, &name, b"equal"));
    }
}

#[test]
fn what_can_be_changed_in_place_is_never_shared() {
    let cluster = cluster();
    let body = [&upload_head(0, 5, "txt")[..], b"equal"].concat();
    let upload = |command| String::from_utf8(cluster.to_storage(0).ask(command, &body).ok()[16..].to_vec()).unwrap();
    let names = [upload(23), upload(11), upload(23), upload(11)];
    assert_eq!(body_count(&cluster), 3);
    let append = [&44i64.to_be_bytes()[..], &1i64.to_be_bytes(), names[0].as_bytes(), b"!"].concat();
    let _ = cluster.to_storage(0).ask(24, &append).ok();
    for (name, content) in names.iter().zip([&b"equal!"[..], b"equal", b"equal", b"equal"]) {
        let got = cluster.to_storage(0).send(&download(0, 0, "group1", name.as_bytes())).reply().ok();
        assert_eq!(got, content);
    }
}
