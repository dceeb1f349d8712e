//! Directories of a time before: of versions long gone, and of the time before storage ids were switched on. Servers of ours
//! take them over, copy nothing again, and write today's forms.

use std::fs;
use std::path::Path;

use fdfs_proto::disk::StateFile;
use fdfs_proto::disk::data_init_flag::DataInitFlag;
use fdfs_proto::disk::storage_stat::StorageStatFile;
use fdfs_proto::disk::sync_mark::SyncMark;
use fdfs_proto::disk::tracker_servers::{StoredStorage, TrackerServers};
use fdfs_proto::file_id::{FileId, FormattedExt, NewKind, NewName, base64};
use fdfs_testkit::golden_cluster::GoldenCluster;
use fdfs_testkit::{Cluster, StorageNode, TrackerNode, wait_for};

use crate::golden_clusters::{every_file_reads, log_continues, new_files_everywhere, trunk};
use crate::support::{is_stored, stored};

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

/// Starts a cluster, lets it go on, and stops it; what is new stands in the logs behind what was there.
fn goes_on(golden: &mut GoldenCluster) {
    golden.cluster.trackers.iter_mut().for_each(TrackerNode::start);
    golden.cluster.storages.iter_mut().for_each(StorageNode::start);
    golden.cluster.wait_until_active();
    every_file_reads(golden);
    let names = new_files_everywhere(golden, b"new");
    golden.cluster.stop_all();
    for node in ["s1", "s2"] {
        log_continues(golden, node, &names);
    }
}

/// The mark of a peer went on: one new record was sent, none again.
fn mark_went_on(golden: &GoldenCluster, node: &str, old_name: &str, new_name: &str) {
    let (before, after) = (golden.recorded_state(node), golden.state(node));
    let old = SyncMark::decode(&before[old_name]).unwrap();
    let new = SyncMark::decode(&after[new_name]).unwrap();
    assert_eq!(new.sync_row_count, old.sync_row_count + 1, "{node}");
    assert_eq!(new.binlog_offset, after["sync/binlog.000"].len() as u64, "{node}");
    assert_eq!(
        (new.need_sync_old, new.sync_old_done, new.until_timestamp),
        (old.need_sync_old, old.sync_old_done, old.until_timestamp),
        "{node}"
    );
}

#[test]
fn a_cluster_goes_on_with_storage_ids_that_are_new_to_it() {
    let mut golden = GoldenCluster::lay_out("plain", |builder| builder.storage_ids(&[]));
    goes_on(&mut golden);
    let old_mark = |host: &str| golden.place.text(&format!("sync/10.78.2.{host}_23000.mark"));
    for (node, old, new) in [("s1", old_mark("12"), "sync/100002.mark"), ("s2", old_mark("11"), "sync/100001.mark")] {
        mark_went_on(&golden, node, &old, new);
        assert!(!golden.state(node).contains_key(&old), "{node}: the mark has the name of the id");
    }
    let flag = DataInitFlag::decode(&golden.state("s2")[".data_init_flag"]).unwrap();
    assert_eq!(flag.sync_src_server.as_str(), "100001");
    let servers = TrackerServers::decode(&golden.state("t1")["storage_servers_new.dat"]).unwrap().storages;
    let ids: Vec<_> = servers.iter().map(|server| server.id.unwrap().to_string()).collect();
    assert_eq!(ids, ["100001", "100002"]);
    assert_eq!(servers[1].sync_src_server.as_str(), "100001");
    let times = String::from_utf8(golden.state("t1")["storage_sync_timestamp.dat"].clone()).unwrap();
    assert!(times.starts_with("group1,100001,0,"), "{times}");
}

/// A mark of a store path from before 6.11: 16 bytes for the address.
fn old_mark(ip: &str, index: u8) -> String {
    let mut fields = [0; 24];
    fields[..ip.len()].copy_from_slice(ip.as_bytes());
    fields[16..18].copy_from_slice(&23000_u16.to_le_bytes());
    fields[18] = index;
    fields[20..].copy_from_slice(&1_500_000_000_u32.to_le_bytes());
    let chars: [u8; 32] = base64::encode(&fields);
    String::from_utf8(chars.to_vec()).unwrap()
}

/// Makes the directory of a storage what an old version would have left.
fn age_storage(golden: &GoldenCluster, node: &str, with_marks: bool) {
    let (base, store_paths) = golden.folders(node);
    let data = base.join("data");
    let mut flag: String =
        text(&data.join(".data_init_flag")).lines().take(4).map(|line| format!("{line}\n")).collect();
    for (index, path) in (0..).zip(&store_paths) {
        let vars = path.join("data/.fastdfs_vars");
        if with_marks {
            let mark = old_mark("10.78.2.12", index);
            flag += &format!("store_path_mark{index}={mark}\n");
            fs::write(vars, format!("store_path_mark={mark}\n")).unwrap();
        } else {
            fs::remove_file(vars).unwrap();
        }
    }
    fs::write(data.join(".data_init_flag"), flag).unwrap();
    fs::remove_file(data.join("sync/binlog_index.dat")).unwrap();
    fs::write(data.join("sync/binlog.index"), "0").unwrap();
    let stat: String = text(&data.join("storage_stat.dat"))
        .lines()
        .filter(|line| ["upload_count", "download_count", "_update="].iter().any(|key| line.contains(key)))
        .map(|line| format!("{line}\n"))
        .collect();
    fs::write(data.join("storage_stat.dat"), stat).unwrap();
}

/// The state of a tracker of V2 to V4; `columns` as versions had them.
fn age_tracker(golden: &GoldenCluster, columns: usize) {
    let data = golden.folders("t1").0.join("data");
    let servers = TrackerServers::decode(&fs::read(data.join("storage_servers_new.dat")).unwrap()).unwrap().storages;
    let port = servers[0].storage_port;
    fs::remove_dir_all(&data).unwrap();
    fs::create_dir(&data).unwrap();
    let line = |server: &StoredStorage| {
        let (stat, source) = (&server.stat, server.sync_src_server);
        let counts =
            [stat.upload_count, stat.set_meta_count, stat.delete_count, stat.download_count, stat.get_meta_count];
        let counts: String = counts.iter().map(|count| format!("{},{},", count.total, count.success)).collect();
        let until = server.sync_until_timestamp;
        let text = format!(
            "group1, {},7,{source},{until},{counts}{},{},0,{port},0,{},4.0.7",
            server.ip_addr, stat.last_source_update, stat.last_sync_update, server.join_time
        );
        text.split(',').take(columns).collect::<Vec<_>>().join(",") + "\n"
    };
    fs::write(data.join("storage_servers.dat"), servers.iter().map(line).collect::<String>()).unwrap();
    let paths = if columns > 20 { ",2,256" } else { "" };
    fs::write(data.join("storage_groups.dat"), format!("group1,{port}{paths}\n")).unwrap();
}

#[test]
fn directories_of_long_gone_versions_are_taken_over() {
    for columns in [17, 18, 20, 22] {
        let mut golden = GoldenCluster::lay_out("plain", |builder| builder);
        age_tracker(&golden, columns);
        age_storage(&golden, "s1", false);
        age_storage(&golden, "s2", true);
        let uploads = |bytes: &[u8]| StorageStatFile::decode(bytes).unwrap().stat.upload_count.success;
        let before = uploads(&golden.state("s1")["storage_stat.dat"]);
        goes_on(&mut golden);

        let name = |host: &str| golden.place.text(&format!("sync/10.78.2.{host}_23000.mark"));
        mark_went_on(&golden, "s1", &name("12"), &name("12"));
        mark_went_on(&golden, "s2", &name("11"), &name("11"));
        let (s1, s2, t1) = (golden.state("s1"), golden.state("s2"), golden.state("t1"));
        assert_eq!(uploads(&s1["storage_stat.dat"]), before + 1);
        assert_eq!(s1["storage_stat.dat"].iter().filter(|&&byte| byte == b'\n').count(), 43);
        let flag = DataInitFlag::decode(&s2[".data_init_flag"]).unwrap();
        let storage = &golden.cluster.storages[1].plan;
        assert_eq!(flag.last_ip_addr, storage.addr.ip().to_string());
        assert_eq!(flag.last_server_port, storage.addr.port());
        assert_eq!(flag.store_path_marks[&1].as_str(), old_mark("10.78.2.12", 1), "a mark is never changed");
        let flag = DataInitFlag::decode(&s1[".data_init_flag"]).unwrap();
        assert_eq!(flag.store_path_marks.len(), 2, "paths without a mark get one");
        assert!(!t1.contains_key("storage_groups.dat") && !t1.contains_key("storage_servers.dat"));
        let servers = TrackerServers::decode(&t1["storage_servers_new.dat"]).unwrap().storages;
        assert_eq!((servers.len(), servers[1].sync_src_server.to_string()), (2, servers[0].ip_addr.to_string()));
        assert!(t1.contains_key("storage_groups_new.dat") && t1.contains_key("storage_changelog.dat"));
    }
}

/// Before 5.01 the list of free blocks had neither times nor operations.
#[test]
fn free_space_that_an_old_version_listed_is_used() {
    let mut golden = GoldenCluster::lay_out("trunk", trunk);
    let snapshot = golden.folders("s1").0.join("data/storage_trunk.dat");
    let lines = text(&snapshot);
    let old_form = |line: &str| line.split_once(" A ").map_or(line, |(_, block)| block).to_owned() + "\n";
    fs::write(&snapshot, lines.lines().map(old_form).collect::<String>()).unwrap();
    let free: Vec<String> = text(&snapshot).lines().skip(1).map(str::to_owned).collect();
    goes_on(&mut golden);
    let (before, after) = (golden.recorded_state("s1"), golden.state("s1"));
    let new = after["trunk/binlog"].strip_prefix(&before["trunk/binlog"][..]).unwrap();
    let new = String::from_utf8(new.to_vec()).unwrap();
    let (first, _) = new.split_once('\n').unwrap();
    let block = first.split_once(" D ").or_else(|| first.split_once(" A ")).unwrap().1;
    // A trunk server that has not heard everybody makes a file of its own.
    let is_of_a_new_file = block.split(' ').nth(3).unwrap().parse::<u32>().unwrap() > 64_000;
    assert!(free.iter().any(|known| known == block) || is_of_a_new_file, "{first}; free were {free:?}");
}

/// Before 1.12 there was one store path, and names in the log did not say which.
#[test]
fn records_without_a_store_path_are_sent() {
    let mut cluster = Cluster::builder().group("group1", 2).start();
    let name = stored(&cluster, 0, b"first");
    wait_for("the first file", || is_stored(&cluster, 1, &name, b"first").then_some(()));
    cluster.stop_all();
    let base = cluster.storages[0].plan.base_path.join("data");
    let content = b"of old times";
    let id: FileId = format!("group1/{name}").parse().unwrap();
    let old = NewName {
        store_path_index: 0,
        high: 0,
        low: 1,
        source: id.logic_name().unwrap().fields().unwrap().source,
        created: 1_300_000_000,
        size: content.len() as u64,
        crc32: crc32fast::hash(content),
        kind: NewKind::Regular,
        random: 7,
        ext: FormattedExt::new(&"txt".parse().unwrap(), 7),
    };
    let old = old.build().to_string();
    let true_name = old.strip_prefix("M00/").unwrap();
    let file = cluster.storages[0].plan.store_paths[0].join("data").join(true_name);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, content).unwrap();
    let log = base.join("sync/binlog.000");
    let records = format!("{}1300000000 C {true_name}\n", text(&log));
    fs::write(&log, records).unwrap();

    cluster.start_all();
    cluster.wait_until_active();
    wait_for("the old file", || is_stored(&cluster, 1, &old, content).then_some(()));
    assert!(is_stored(&cluster, 1, true_name, content), "asked for by its old name");
    let peer_log = cluster.storages[1].plan.base_path.join("data/sync/binlog.000");
    let record = format!("1300000000 c {true_name}\n");
    wait_for("its record", || text(&peer_log).ends_with(&record).then_some(()));
}
