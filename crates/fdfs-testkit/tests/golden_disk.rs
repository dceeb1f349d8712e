//! Directories that the reference V6.16.1 left behind are opened by a storage of ours: every file of their manifests reads
//! right, plain, in a trunk file or through a link, and what was deleted is not there.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may panic as tests do")]

use std::fs;
use std::io::Read;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use fdfs_client::InfoFlags;
use fdfs_testkit::{Cluster, RawReply};
use serde_json::Value;

mod support;
use support::{ENOENT, download};

/// Where the recorded storages had everything.
const RECORDED_ROOT: &str = "/srv/";

/// A recorded set.
struct Set {
    dir: PathBuf,
    manifest: Value,
}

/// What clusters of tests have for `subdir_count_per_path`.
const SUBDIR_COUNT: usize = 4;

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

impl Set {
    fn read(name: &str) -> Self {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/disk").join(name);
        let manifest = serde_json::from_slice(&fs::read(dir.join("manifest.json")).unwrap()).unwrap();
        Self { dir, manifest }
    }

    /// The storages, with their group and how many store paths they have.
    fn storages(&self) -> Vec<(String, String, usize)> {
        let nodes = self.manifest["nodes"].as_object().unwrap().iter();
        let storages = nodes.filter(|(_, node)| node["role"] == "storage");
        storages
            .map(|(name, node)| {
                let group = node["group"].as_str().unwrap().to_owned();
                (name.clone(), group, list(node, "store_paths").len())
            })
            .collect()
    }

    /// The bytes of an entry; a file that two storages have is kept once, and trunk files are compressed.
    fn bytes_of(&self, entry: &Value) -> Vec<u8> {
        let same = |other: &&Value| other["sha256"] == entry["sha256"] && self.stored(other).exists();
        let kept = list(&self.manifest, "entries").iter().find(same).unwrap_or_else(|| panic!("{entry}"));
        let bytes = fs::read(self.stored(kept)).unwrap();
        if kept["stored_as"].is_null() {
            return bytes;
        }
        let mut unpacked = Vec::new();
        flate2::read::GzDecoder::new(&bytes[..]).read_to_end(&mut unpacked).unwrap();
        unpacked
    }

    fn stored(&self, entry: &Value) -> PathBuf {
        let name = entry["stored_as"].as_str().or(entry["path"].as_str()).unwrap();
        self.dir.join("tree").join(name)
    }

    /// Lays the tree of a storage into the folders of one of ours.
    fn restore(&self, node: &str, cluster: &Cluster) {
        let plan = &cluster.storages[0].plan;
        // The recording has left out empty directories; a store path without them counts as lost.
        for data in plan.store_paths.iter().map(|path| path.join("data")) {
            for pair in 0..SUBDIR_COUNT * SUBDIR_COUNT {
                fs::create_dir_all(data.join(format!("{:02X}/{:02X}", pair / SUBDIR_COUNT, pair % SUBDIR_COUNT)))
                    .unwrap();
            }
        }
        let place = |path: &str| -> Option<PathBuf> {
            let (top, rest) = path.split_once('/')?;
            let top = match top.strip_prefix('p') {
                Some(index) => plan.store_paths.get(index.parse::<usize>().ok()?)?.clone(),
                None => plan.base_path.clone(),
            };
            Some(top.join(rest))
        };
        for entry in list(&self.manifest, "entries") {
            let Some(path) = entry["path"].as_str().unwrap().strip_prefix(&format!("{node}/")) else { continue };
            let Some(to) = place(path).filter(|_| !path.contains("/logs/")) else { continue };
            match entry["type"].as_str().unwrap() {
                "file" => {
                    fs::create_dir_all(to.parent().unwrap()).unwrap();
                    fs::write(&to, self.bytes_of(entry)).unwrap();
                    if to.ends_with(".data_init_flag") {
                        forget_source(&to);
                    }
                    let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(entry["mtime"].as_u64().unwrap());
                    fs::File::open(&to).unwrap().set_modified(modified).unwrap();
                }
                "symlink" => {
                    fs::create_dir_all(to.parent().unwrap()).unwrap();
                    let target = entry["target"].as_str().unwrap().strip_prefix(RECORDED_ROOT).unwrap();
                    symlink(place(target).unwrap(), &to).unwrap();
                }
                _ => fs::create_dir_all(&to).unwrap(),
            }
        }
    }
}

/// The storage whose files this one once got is not in our cluster.
fn forget_source(init_flag: &Path) {
    let text = fs::read_to_string(init_flag).unwrap();
    let line =
        |line: &str| if line.starts_with("sync_src_server=") { "sync_src_server=" } else { line }.to_owned() + "\n";
    fs::write(init_flag, text.lines().map(line).collect::<String>()).unwrap();
}

fn check(set: &str) {
    let set = Set::read(set);
    for (node, group, store_path_count) in set.storages() {
        let builder = Cluster::builder().group(&group, 1).store_paths(store_path_count);
        let mut cluster = builder.tracker_key("use_trunk_file", true).build();
        set.restore(&node, &cluster);
        cluster.start_all();
        cluster.wait_until_active();
        for file in list(&set.manifest, "files").iter().chain(list(&set.manifest, "link_files")) {
            check_file(&cluster, &node, file);
        }
        for id in list(&set.manifest, "deleted_ids").iter().chain(list(&set.manifest, "renamed_away_ids")) {
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
