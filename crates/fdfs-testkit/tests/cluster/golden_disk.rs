//! Directories that the reference V6.16.1 left behind are opened by a storage of ours: every file of their manifests reads
//! right, plain, in a trunk file or through a link, and what was deleted is not there.

use fdfs_client::InfoFlags;
use fdfs_testkit::golden_disk::{GoldenDisk, list};
use fdfs_testkit::{Cluster, RawReply};
use serde_json::Value;

use crate::support::{ENOENT, download};

fn check(set: &str) {
    let set = GoldenDisk::read(set);
    for (node, group, store_path_count) in set.storages() {
        let builder = Cluster::builder().group(&group, 1).store_paths(store_path_count);
        let mut cluster = builder.tracker_key("use_trunk_file", true).build();
        let plan = &cluster.storages[0].plan;
        set.restore(&node, &plan.base_path, &plan.store_paths);
        cluster.start_all();
        cluster.wait_until_active();
        for file in list(set.manifest(), "files").iter().chain(list(set.manifest(), "link_files")) {
            check_file(&cluster, &node, file);
        }
        for id in list(set.manifest(), "deleted_ids").iter().chain(list(set.manifest(), "renamed_away_ids")) {
            let Some(name) = id.as_str().unwrap().strip_prefix(&format!("{group}/")) else { continue };
            let reply = cluster.to_storage(0).send(&download(0, 0, &group, name.as_bytes())).reply();
            assert_eq!(reply.status(), Some(ENOENT), "{node}: {id}");
        }
    }
}

fn is_on(node: &str, file: &Value) -> bool {
    let copies = list(file, "copies").iter().any(|copy| copy["node"] == node);
    copies || list(file, "present_on").iter().any(|name| name == node)
}

fn check_file(cluster: &Cluster, node: &str, file: &Value) {
    if !is_on(node, file) {
        return;
    }
    let id = file["id"].as_str().unwrap();
    let (group, name) = id.split_once('/').unwrap();
    let reply = cluster.to_storage(0).send(&download(0, 0, group, name.as_bytes())).reply();
    let RawReply::Whole { status: 0, body } = reply else { panic!("{node}: {id}: {reply:?}") };
    assert_eq!(body.len() as u64, file["size"].as_u64().unwrap(), "{node}: {id}");
    assert_eq!(format!("{:08x}", crc32fast::hash(&body)), file["crc32"].as_str().unwrap(), "{node}: {id}");
    let id = id.parse().unwrap();
    let client = cluster.client();
    let info = cluster.block_on(client.file_info_from_server(&id, InfoFlags::default())).unwrap();
    assert_eq!(info.size_bytes, file["size"].as_u64().unwrap(), "{node}: {id}");
    let recorded = &file["query_file_info"];
    if !recorded.is_null() {
        assert_eq!(info.created_unix_secs, recorded["timestamp"].as_i64().unwrap(), "{node}: {id}");
        assert_eq!(format!("{:08x}", info.crc32.unwrap()), recorded["crc32"].as_str().unwrap(), "{node}: {id}");
    }
    if let Some(pairs) = file["meta"].as_array() {
        let metadata = cluster.block_on(client.metadata(&id)).unwrap();
        let got: Vec<_> = metadata.texts().map(|(name, value)| serde_json::json!([name, value])).collect();
        assert_eq!(got, *pairs, "{node}: {id}");
    }
}

#[test]
fn trunk_files_of_the_reference_are_read() {
    check("trunk");
}

#[test]
fn files_named_with_storage_ids_are_read() {
    check("ids");
}

#[test]
fn links_of_the_reference_are_followed() {
    check("links");
}

#[test]
fn plain_files_of_the_reference_are_read() {
    check("plain");
}
