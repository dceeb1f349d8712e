//! W-19: `kill -9` of a storage in the middle of the recovery of its store path, again and again. In the end every file is
//! back, and at no moment is there half a one under a final name.

use std::fs;
use std::path::{Path, PathBuf};

use fdfs_proto::file_id::LogicName;
use fdfs_testkit::{Cluster, DaemonCluster, RawConn, wait_for};

const FILE_COUNT: usize = 500;
const KILL_COUNT: usize = 3;

fn content(number: usize) -> Vec<u8> {
    let len = if number.is_multiple_of(10) { 300_000 + number } else { 2000 + number * 13 };
    (0..len).map(|i| (i * 31 + number * 7 + i / 253) as u8).collect()
}

/// All files with final names below a `data` directory.
fn final_files(data: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![data.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            match name {
                name if name.starts_with('.') => {}
                _ if path.is_dir() => folders.push(path),
                _ => found.push(path),
            }
        }
    }
    found
}

/// Every file is what its name promises; gives how many there are.
fn check_whole(data: &Path) -> usize {
    let files = final_files(data);
    for file in &files {
        let true_name = file.strip_prefix(data).unwrap().to_str().unwrap();
        let fields = format!("M00/{true_name}").parse::<LogicName>().unwrap().fields().unwrap();
        let bytes = fs::read(file).unwrap();
        assert_eq!(bytes.len() as u64, fields.size_word.size(), "{true_name} is not whole");
        assert_eq!(crc32fast::hash(&bytes), fields.crc32, "{true_name} is not what was uploaded");
    }
    files.len()
}

#[test]
fn w19_a_recovery_goes_on_after_each_kill() {
    let layout = Cluster::builder().group("group1", 2).lay_out();
    let mut cluster = DaemonCluster::start(Path::new(env!("CARGO_BIN_EXE_fdfs")), layout);
    let [there, lost] = [0, 1].map(|index| cluster.layout.storages[index].store_paths[0].join("data"));
    let mut conn = RawConn::connect(cluster.layout.storages[0].addr);
    for number in 0..FILE_COUNT {
        let content = content(number);
        let head = [&[0][..], &(content.len() as i64).to_be_bytes(), b"bin\0\0\0"].concat();
        assert_eq!(conn.ask(11, &[head, content].concat()).status(), Some(0));
    }
    assert_eq!(final_files(&there).len(), FILE_COUNT);

    cluster.kill_storage(1);
    fs::remove_dir_all(&lost).unwrap();
    fs::create_dir(&lost).unwrap();
    let flag = lost.join(".recovery.flag");
    fs::write(&flag, b"").unwrap();
    let mut before = 0;
    for _ in 0..KILL_COUNT {
        cluster.start_storage(1);
        wait_for("some files to be back", || {
            (!flag.exists() || final_files(&lost).len() >= before + FILE_COUNT / 10).then_some(())
        });
        cluster.kill_storage(1);
        before = check_whole(&lost);
    }
    cluster.start_storage(1);
    wait_for("the end of the recovery", || (!flag.exists()).then_some(()));
    wait_for("all files to be back", || (final_files(&lost).len() == FILE_COUNT).then_some(()));
    check_whole(&lost);
    for file in final_files(&there) {
        let copy = lost.join(file.strip_prefix(&there).unwrap());
        assert_eq!(fs::read(&copy).unwrap(), fs::read(&file).unwrap(), "{}", copy.display());
    }
}
