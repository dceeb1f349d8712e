//! Directories that the reference V6.16.1 left behind, to be opened by servers of ours.

use std::fs;
use std::io::Read;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::golden_place::Place;

/// Where the recorded storages had everything.
const RECORDED_ROOT: &str = "/srv/";

/// A recorded set of directories.
#[derive(Debug)]
pub struct GoldenDisk {
    dir: PathBuf,
    manifest: Value,
}

/// What clusters of tests, and the recorded storages, have for `subdir_count_per_path`.
const SUBDIR_COUNT: usize = 4;

/// The list of that name, or nothing.
#[must_use]
pub fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

impl GoldenDisk {
    /// Reads what is told of a set, `plain`, `trunk`, `ids` or `links`.
    ///
    /// # Panics
    /// There is no such set.
    #[must_use]
    pub fn read(name: &str) -> Self {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/disk").join(name);
        let manifest = serde_json::from_slice(&fs::read(dir.join("manifest.json")).unwrap()).unwrap();
        Self { dir, manifest }
    }

    /// What the recording tells.
    #[must_use]
    pub const fn manifest(&self) -> &Value {
        &self.manifest
    }

    /// The storages, with their group and how many store paths they have.
    #[must_use]
    pub fn storages(&self) -> Vec<(String, String, usize)> {
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
    ///
    /// # Panics
    /// It is not among the stored files.
    #[must_use]
    pub fn bytes_of(&self, entry: &Value) -> Vec<u8> {
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

    /// Every entry of the recording.
    #[must_use]
    pub fn entries(&self) -> &[Value] {
        list(&self.manifest, "entries")
    }

    /// Lays the tree of a server into folders of this test; a storage has four sub directories and no peers.
    ///
    /// # Panics
    /// They cannot be written to.
    pub fn restore(&self, node: &str, base_path: &Path, store_paths: &[PathBuf]) {
        // The recording has left out empty directories; a store path without them counts as lost.
        for data in store_paths.iter().map(|path| path.join("data")) {
            for pair in 0..SUBDIR_COUNT * SUBDIR_COUNT {
                fs::create_dir_all(data.join(format!("{:02X}/{:02X}", pair / SUBDIR_COUNT, pair % SUBDIR_COUNT)))
                    .unwrap();
            }
        }
        self.lay(node, base_path, store_paths, &Place::default());
        let flag = base_path.join("data/.data_init_flag");
        if flag.exists() {
            forget_source(&flag);
        }
    }

    /// Lays the tree of a server into folders of this test, for a server that is in another place now.
    ///
    /// # Panics
    /// They cannot be written to.
    pub fn lay(&self, node: &str, base_path: &Path, store_paths: &[PathBuf], place: &Place) {
        let folder = |path: &str| -> Option<PathBuf> {
            let (top, rest) = path.split_once('/')?;
            let top = match top.strip_prefix('p') {
                Some(index) => store_paths.get(index.parse::<usize>().ok()?)?.clone(),
                None => base_path.to_owned(),
            };
            Some(top.join(place.text(rest)))
        };
        for entry in self.entries() {
            let Some(path) = entry["path"].as_str().unwrap().strip_prefix(&format!("{node}/")) else { continue };
            let Some(to) = folder(path).filter(|_| !path.contains("/logs/")) else { continue };
            match entry["type"].as_str().unwrap() {
                "file" => {
                    fs::create_dir_all(to.parent().unwrap()).unwrap();
                    fs::write(&to, place.content(path, self.bytes_of(entry))).unwrap();
                    let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(entry["mtime"].as_u64().unwrap());
                    fs::File::open(&to).unwrap().set_modified(modified).unwrap();
                }
                "symlink" => {
                    fs::create_dir_all(to.parent().unwrap()).unwrap();
                    let target = entry["target"].as_str().unwrap().strip_prefix(RECORDED_ROOT).unwrap();
                    symlink(folder(target).unwrap(), &to).unwrap();
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
