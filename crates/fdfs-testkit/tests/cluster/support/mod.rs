//! What several test files need.

#![allow(dead_code, reason = "each test file uses its part")]

use std::path::{Path, PathBuf};

use fdfs_testkit::layout::LayoutBuilder;
use fdfs_testkit::raw::{packet, padded16};
use fdfs_testkit::{Cluster, RawReply, wait_for};

/// EINVAL, after which a storage closes.
pub(crate) const EINVAL: u8 = 22;
/// ENOENT, after which it does not.
pub(crate) const ENOENT: u8 = 2;
/// ENOSPC.
pub(crate) const ENOSPC: u8 = 28;

/// The head of an upload (11): store path, size, extension.
pub(crate) fn upload_head(store_path_index: u8, size: i64, ext: &str) -> Vec<u8> {
    let mut head = vec![store_path_index];
    head.extend_from_slice(&size.to_be_bytes());
    let mut field = [0; 6];
    field[..ext.len()].copy_from_slice(ext.as_bytes());
    head.extend_from_slice(&field);
    head
}

/// An upload of these bytes to store path 0.
pub(crate) fn upload(content: &[u8]) -> Vec<u8> {
    packet(11, &[upload_head(0, content.len() as i64, "txt"), content.to_vec()].concat())
}

/// Uploads to a storage, past the tracker; the name without the group.
pub(crate) fn stored(cluster: &Cluster, storage: usize, content: &[u8]) -> String {
    let body = cluster.to_storage(storage).send(&upload(content)).reply().ok();
    String::from_utf8(body[16..].to_vec()).unwrap()
}

/// Waits until a storage has nothing more for any of its peers.
pub(crate) fn wait_until_sent(cluster: &Cluster, index: usize, peer_count: usize) {
    let storage = cluster.storages[index].inside();
    wait_for(&format!("storage {index} to have sent everything"), || {
        let status = storage.sync_status();
        let is_done = |peer: &fdfs_storage::sync::status::PeerSync| peer.bytes_behind == 0 && peer.in_flight == 0;
        (status.len() == peer_count && status.iter().all(is_done)).then_some(())
    });
}

/// Group and name, as many commands have them.
pub(crate) fn id(group: &str, name: &[u8]) -> Vec<u8> {
    [&padded16(group)[..], name].concat()
}

/// A download (14).
pub(crate) fn download(offset: i64, len: i64, group: &str, name: &[u8]) -> Vec<u8> {
    packet(14, &[&offset.to_be_bytes()[..], &len.to_be_bytes(), &id(group, name)].concat())
}

/// Whether a file of a group is there, byte for byte.
pub(crate) fn is_stored_in(cluster: &Cluster, storage: usize, group: &str, name: &str, content: &[u8]) -> bool {
    let reply = cluster.to_storage(storage).send(&download(0, 0, group, name.as_bytes())).reply();
    reply == RawReply::Whole { status: 0, body: content.to_vec() }
}

/// Whether a file of `group1` is there, byte for byte.
pub(crate) fn is_stored(cluster: &Cluster, storage: usize, name: &str, content: &[u8]) -> bool {
    is_stored_in(cluster, storage, "group1", name, content)
}

/// All files below a folder.
pub(crate) fn files_below(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files_below(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// Files of users below a storage's store paths: not the mark of the path, nor the note that its sub directories are made.
pub(crate) fn user_files(cluster: &Cluster, storage: usize) -> Vec<PathBuf> {
    let paths = &cluster.storages[storage].plan.store_paths;
    let files = paths.iter().flat_map(|path| files_below(&path.join("data")));
    let is_ours = |file: &PathBuf| [".fastdfs_vars", ".fdfs_making_subdirs"].iter().any(|name| file.ends_with(name));
    files.filter(|file| !is_ours(file)).collect()
}

/// A group whose small files go into trunk files of 4 MB.
pub(crate) fn trunk_group(storages: usize) -> LayoutBuilder {
    Cluster::builder()
        .group("group1", storages)
        .tracker_key("use_trunk_file", true)
        .tracker_key("slot_min_size", 256)
        .tracker_key("slot_max_size", "256KB")
        .tracker_key("trunk_alloc_alignment_size", 256)
        .tracker_key("trunk_file_size", "4MB")
        .tracker_key("trunk_free_space_merge", true)
        .tracker_key("trunk_compress_binlog_interval", 0)
        .tracker_key("check_active_interval", 2)
}
