//! Folders that are missing, files that are broken, ports that are taken: each gets a clear message, and nothing is
//! replaced silently.

use std::fs;
use std::path::Path;

use fdfs_client::Metadata;
use fdfs_storage::{StartError, StartOptions};
use fdfs_testkit::{Cluster, StorageNode};

use crate::support::{files_below, is_stored, stored};

fn start_error(storage: &mut StorageNode) -> StartError {
    storage.try_start(&StartOptions::default()).expect_err("it should not start")
}

/// Names of the files in a folder that begin with `name` and are not `name`.
fn set_aside(dir: &Path, name: &str) -> Vec<String> {
    let names = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|found| found.starts_with(name) && found != name).collect()
}

#[test]
fn a_store_path_that_is_missing_is_named() {
    let mut cluster = Cluster::builder().group("group1", 1).store_paths(2).start();
    let name = stored(&cluster, 0, b"safe");
    cluster.storages[0].stop();
    let path = cluster.storages[0].plan.store_paths[1].clone();
    let unmounted = path.with_extension("unmounted");
    fs::rename(&path, &unmounted).unwrap();
    let error = start_error(&mut cluster.storages[0]);
    assert!(matches!(&error, StartError::NoStorePath { index: 1, path: missing } if *missing == path), "{error}");
    assert_eq!(error.errno(), 2);
    assert!(error.to_string().contains("is the disk mounted?"), "{error}");
    assert!(!path.exists(), "it was not made");
    // Only the mount point is there.
    fs::create_dir(&path).unwrap();
    let error = start_error(&mut cluster.storages[0]);
    assert!(matches!(&error, StartError::EmptyStorePath { index: 1, .. }), "{error}");
    assert!(error.to_string().contains("is the disk mounted?"), "{error}");
    fs::remove_dir_all(&path).unwrap();
    fs::rename(&unmounted, &path).unwrap();
    cluster.storages[0].start();
    cluster.wait_until_active();
    assert!(is_stored(&cluster, 0, &name, b"safe"));
}

#[test]
fn a_store_path_of_another_storage_is_not_touched() {
    let mut cluster = Cluster::builder().group("group1", 2).start();
    cluster.storages[0].stop();
    let other = cluster.storages[1].plan.store_paths[0].clone();
    cluster.storages[0].set("store_path0", other.display());
    let error = start_error(&mut cluster.storages[0]);
    let addr = cluster.storages[1].addr();
    assert!(error.to_string().contains(&addr.to_string()), "it says whose it is: {error}");
}

#[test]
fn a_port_in_use_is_named() {
    let mut cluster = Cluster::small();
    let (tracker, storage) = (cluster.trackers[0].plan.clone(), cluster.storages[0].plan.clone());
    let mut second = fdfs_testkit::TrackerNode::new(tracker, Default::default());
    second.set("base_path", cluster.scratch().display());
    let error = second.try_start().expect_err("the port is taken");
    assert_eq!(error.errno(), 98);
    assert!(error.to_string().contains(&second.addr().to_string()), "{error}");
    let mut second = StorageNode::new(storage, Default::default());
    let (base, path) = (cluster.scratch().join("b"), cluster.scratch().join("p"));
    fs::create_dir(&path).unwrap();
    second.set("base_path", base.display());
    second.set("store_path0", path.display());
    let error = start_error(&mut second);
    assert_eq!(error.errno(), 98);
    assert!(error.to_string().contains(&second.addr().to_string()), "{error}");
    cluster.stop_all();
}

#[test]
fn a_base_path_that_is_a_file_is_named() {
    let mut cluster = Cluster::builder().group("group1", 1).build();
    let file = cluster.scratch().join("file");
    fs::write(&file, b"").unwrap();
    cluster.trackers[0].set("base_path", file.display());
    let error = cluster.trackers[0].try_start().expect_err("a file is no folder");
    assert!(error.to_string().contains(file.to_str().unwrap()), "{error}");
    cluster.storages[0].set("base_path", file.display());
    let error = start_error(&mut cluster.storages[0]);
    assert!(error.to_string().contains(file.to_str().unwrap()), "{error}");
}

#[test]
fn broken_state_files_of_a_tracker_are_moved_aside_and_rebuilt() {
    let mut cluster = Cluster::builder().group("group1", 2).group("group2", 1).start();
    cluster.expect_lost_trackers();
    cluster.expect_problem("state files");
    let name = stored(&cluster, 0, b"found again");
    let data = cluster.trackers[0].plan.base_path.join("data");
    let files = ["storage_groups_new.dat", "storage_servers_new.dat", "storage_sync_timestamp.dat", ".tracker_status"];
    for broken in [&b"\0\0\0\0\0\0\0\0"[..], b"rubbish\xff\xfe", b"[Global]\n\tgroup_count=-7\n"] {
        cluster.trackers[0].stop();
        for file in files.iter().filter(|file| data.join(file).exists()) {
            fs::write(data.join(file), broken).unwrap();
            cluster.expect_problem(file);
        }
        cluster.trackers[0].start();
        cluster.wait_until_active();
        let id = format!("group1/{name}").parse().unwrap();
        assert_eq!(cluster.block_on(cluster.client().download(&id)).unwrap(), b"found again");
    }
    for file in ["storage_groups_new.dat", "storage_servers_new.dat"] {
        let aside = set_aside(&data, file);
        assert!(!aside.is_empty(), "{file} was replaced silently: {:#?}", files_below(&data));
        let said = |name: &String| cluster.trackers[0].log.contains(name);
        assert!(aside.iter().all(said), "{aside:?} are not in the log");
    }
}

#[test]
fn broken_state_files_of_a_storage_are_moved_aside_and_rebuilt() {
    let mut cluster = Cluster::builder().group("group1", 1).store_paths(2).start();
    cluster.expect_problem("it lies in");
    cluster.expect_problem("mark");
    cluster.expect_problem("binlog");
    let metadata = Metadata::default().with("a", "1");
    let options = fdfs_client::UploadOptions::new().metadata(metadata);
    let id = cluster.block_on(cluster.client().upload(b"found again", &options)).unwrap();
    let data = cluster.storages[0].plan.base_path.join("data");
    for file in [".data_init_flag", "storage_stat.dat", "sync/binlog_index.dat"] {
        for broken in [&b"\0\0\0\0\0\0\0\0"[..], b"rubbish\xff\xfe"] {
            cluster.storages[0].stop();
            let (dir, name) = match file.split_once('/') {
                Some((dir, name)) => (data.join(dir), name),
                None => (data.clone(), file),
            };
            assert!(dir.join(name).exists(), "there is no {file}");
            fs::write(dir.join(name), broken).unwrap();
            let before = set_aside(&dir, name).len();
            cluster.storages[0].start();
            cluster.wait_until_active();
            assert_eq!(cluster.block_on(cluster.client().download(&id)).unwrap(), b"found again", "{file}");
            let aside = set_aside(&dir, name);
            assert!(aside.len() > before, "{file} was replaced silently: {:#?}", files_below(&data));
            let said = aside.iter().any(|name| cluster.storages[0].log.contains(name));
            assert!(said, "{aside:?} is not in the log: {:#?}", cluster.storages[0].log.problems());
        }
    }
    let records = fs::read(data.join("sync/binlog.000")).unwrap();
    let name = id.name.as_str().as_bytes();
    assert!(records.windows(name.len()).any(|window| window == name), "the binlog has lost its record");
}

#[test]
fn a_broken_mark_of_a_store_path_is_not_replaced() {
    let mut cluster = Cluster::small();
    cluster.storages[0].stop();
    let mark = cluster.storages[0].plan.store_paths[0].join("data/.fastdfs_vars");
    fs::write(&mark, b"rubbish").unwrap();
    let error = start_error(&mut cluster.storages[0]);
    assert!(error.to_string().contains(".fastdfs_vars"), "{error}");
    assert_eq!(fs::read(&mark).unwrap(), b"rubbish");
}

#[test]
fn a_binlog_that_was_cut_in_a_record_is_mended() {
    let mut cluster = Cluster::small();
    cluster.expect_problem("binlog");
    let names: Vec<String> = (0..3).map(|i| stored(&cluster, 0, format!("file {i}").as_bytes())).collect();
    cluster.storages[0].stop();
    let binlog = cluster.storages[0].plan.base_path.join("data/sync/binlog.000");
    let whole = fs::read(&binlog).unwrap();
    assert_eq!(whole.iter().filter(|&&b| b == b'\n').count(), 3, "{}", whole.escape_ascii());
    fs::write(&binlog, &whole[..whole.len() - 7]).unwrap();
    cluster.storages[0].start();
    let late = stored(&cluster, 0, b"late");
    cluster.storages[0].stop();
    let mended = String::from_utf8(fs::read(&binlog).unwrap()).unwrap();
    for name in names.iter().take(2).chain([&late]) {
        let count = mended.lines().filter(|line| line.ends_with(name.as_str())).count();
        assert_eq!(count, 1, "{name} in {mended}");
    }
    cluster.storages[0].start();
    for (i, name) in names.iter().enumerate() {
        assert!(is_stored(&cluster, 0, name, format!("file {i}").as_bytes()));
    }
}
