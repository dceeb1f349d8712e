//! A whole recorded cluster, its trackers too, in the hands of servers of ours.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::Cluster;
use crate::golden_disk::{GoldenDisk, list};
use crate::golden_place::Place;
use crate::layout::LayoutBuilder;

/// The ports of the recorded storages: `group1` has the first one.
const RECORDED_PORTS: [u16; 2] = [23000, 23100];

/// A recorded cluster whose directories lie in the folders of a cluster of ours. Nothing runs yet.
#[derive(Debug)]
pub struct GoldenCluster {
    /// The recording.
    pub set: GoldenDisk,
    /// The cluster.
    pub cluster: Cluster,
    /// Where its servers are now.
    pub place: Place,
}

impl GoldenCluster {
    /// Lays out a set; `settings` adds to what the recording tells.
    ///
    /// # Panics
    /// There is no such set.
    #[must_use]
    pub fn lay_out(name: &str, settings: impl FnOnce(LayoutBuilder) -> LayoutBuilder) -> Self {
        let set = GoldenDisk::read(name);
        let golden = Self::empty(set, settings);
        for node in golden.nodes() {
            golden.lay(&golden.set, &node);
        }
        golden
    }

    /// A cluster of the recorded shape, with empty folders.
    ///
    /// # Panics
    /// As [`GoldenCluster::lay_out`].
    #[must_use]
    pub fn empty(set: GoldenDisk, settings: impl FnOnce(LayoutBuilder) -> LayoutBuilder) -> Self {
        let storages = set.storages();
        let nodes = set.manifest()["nodes"].as_object().unwrap();
        let trackers = nodes.values().filter(|node| node["role"] == "tracker").count().max(1);
        let mut builder = Cluster::builder().short_addresses().trackers(trackers);
        builder = builder.store_paths(storages[0].2.max(1)).storage_key("subdir_count_per_path", subdir_count(nodes));
        let mut groups = BTreeMap::<String, usize>::new();
        storages.iter().for_each(|(_, group, _)| *groups.entry(group.clone()).or_default() += 1);
        for (group, count) in groups {
            builder = builder.group(&group, count);
        }
        if nodes.values().any(|node| !node["id"].is_null()) {
            builder = builder.storage_ids(&[]);
        }
        let cluster = settings(builder).build();
        let mut new_ports: Vec<_> = cluster.storages.iter().map(|storage| storage.plan.addr.port()).collect();
        new_ports.dedup();
        let ports: Vec<_> = RECORDED_PORTS.into_iter().zip(new_ports).collect();
        let place = Place::new(cluster.loopback.ip(1), &ports);
        Self { set, cluster, place }
    }

    /// Lays the tree of a server of a set into its folders.
    ///
    /// # Panics
    /// They cannot be written to.
    pub fn lay(&self, set: &GoldenDisk, node: &str) {
        let (base, store_paths) = self.folders(node);
        for data in store_paths.iter().map(|path| path.join("data")) {
            // The first and the last sub directory are looked for; others are made when they are needed.
            for pair in ["00/00", "FF/FF", "03/03"] {
                fs::create_dir_all(data.join(pair)).unwrap();
            }
        }
        set.lay(node, &base, &store_paths, &self.place);
    }

    /// The names of the recorded servers that are in this cluster.
    #[must_use]
    pub fn nodes(&self) -> Vec<String> {
        let nodes = self.set.manifest()["nodes"].as_object().unwrap();
        nodes.keys().cloned().collect()
    }

    /// `base_path` and store paths of a server: `t1`, `s1`, ...
    ///
    /// # Panics
    /// There is no such server.
    #[must_use]
    pub fn folders(&self, node: &str) -> (PathBuf, Vec<PathBuf>) {
        let index = index_of(node);
        if node.starts_with('t') {
            return (self.cluster.trackers[index].plan.base_path.clone(), Vec::new());
        }
        let plan = &self.cluster.storages[index].plan;
        (plan.base_path.clone(), plan.store_paths.clone())
    }

    /// The state files of a server as they were recorded, by their place below `base_path/data`, in the words of the new
    /// place.
    #[must_use]
    pub fn recorded_state(&self, node: &str) -> BTreeMap<String, Vec<u8>> {
        let prefix = format!("{node}/base/data/");
        let of = |entry: &Value| {
            let path = entry["path"].as_str()?;
            let name = path.strip_prefix(&prefix)?.to_owned();
            let content = self.place.content(&path[node.len() + 1..], self.set.bytes_of(entry));
            Some((self.place.text(&name), content))
        };
        self.set.entries().iter().filter(|entry| entry["type"] == "file").filter_map(of).collect()
    }

    /// The state files of a server as they are now.
    ///
    /// # Panics
    /// They cannot be read.
    #[must_use]
    pub fn state(&self, node: &str) -> BTreeMap<String, Vec<u8>> {
        let mut found = BTreeMap::new();
        let data = self.folders(node).0.join("data");
        walk(&data, &data, &mut found);
        found
    }

    /// The recorded files of users and links to them, with their ids in the new place.
    #[must_use]
    pub fn files(&self) -> Vec<Value> {
        let manifest = self.set.manifest();
        let both = list(manifest, "files").iter().chain(list(manifest, "link_files"));
        both.map(|file| {
            let mut file = file.clone();
            file["id"] = self.place.text(file["id"].as_str().unwrap()).into();
            file
        })
        .collect()
    }

    /// The number of a storage in the cluster.
    #[must_use]
    pub fn storage_of(&self, node: &str) -> usize {
        index_of(node)
    }
}

/// `s1` is the first one.
fn index_of(node: &str) -> usize {
    node[1..].parse::<usize>().unwrap() - 1
}

fn subdir_count(nodes: &serde_json::Map<String, Value>) -> u64 {
    nodes.values().find_map(|node| node["subdir_count_per_path"].as_u64()).unwrap_or(256)
}

fn walk(dir: &Path, root: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, root, found);
        } else {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            found.insert(name, fs::read(&path).unwrap());
        }
    }
}
