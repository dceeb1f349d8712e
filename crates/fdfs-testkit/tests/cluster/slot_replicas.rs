//! What other storages send of files in slots of trunk files, on the wire: 16, 17, 18 and 19 with such names.

use fdfs_proto::file_id::{FormattedExt, NewKind, NewName, Source, TrunkPart};
use fdfs_testkit::raw::{packet, packet_with, padded16};
use fdfs_testkit::{Cluster, RawReply};

use crate::support::{ENOENT, download, id};

const EPERM: u8 = 1;
const EEXIST: u8 = 17;
const CREATED: u32 = 1_795_166_208;
const TRUNK_FILE_BYTES: usize = 4 << 20;

fn cluster() -> Cluster {
    Cluster::builder()
        .group("group1", 1)
        .tracker_key("use_trunk_file", true)
        .tracker_key("trunk_file_size", "4MB")
        .tracker_key("slot_max_size", "256KB")
        .start()
}

fn content(len: usize, seed: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 7 + i / 251 + seed) as u8 | 1).collect()
}

/// The name of a file of this length and CRC32 in the slot at `offset` of trunk file 7.
fn name_of(offset: usize, len: usize, crc32: u32) -> String {
    let alloc_size = (24 + len).next_multiple_of(256) as u32;
    let new = NewName {
        store_path_index: 0,
        high: 1,
        low: 2,
        source: Source::Id(100_001),
        created: CREATED,
        size: len as u64,
        crc32,
        kind: NewKind::Trunk(TrunkPart { id: 7, offset: offset as u32, alloc_size }),
        random: crc32,
        ext: FormattedExt::new(&"txt".parse().unwrap(), 1),
    };
    new.build().to_string()
}

fn name_at(offset: usize, content: &[u8]) -> String {
    name_of(offset, content.len(), crc32fast::hash(content))
}

/// 16 or 18.
fn send_file(cluster: &Cluster, command: u8, name: &str, content: &[u8]) -> u8 {
    let mut body = (name.len() as u64).to_be_bytes().to_vec();
    body.extend_from_slice(&(content.len() as u64).to_be_bytes());
    body.extend_from_slice(&CREATED.to_be_bytes());
    body.extend_from_slice(&padded16("group1"));
    body.extend_from_slice(name.as_bytes());
    body.extend_from_slice(content);
    cluster.to_storage(0).send(&packet(command, &body)).reply().status().unwrap()
}

fn send_delete(cluster: &Cluster, name: &str) -> u8 {
    let body = [&CREATED.to_be_bytes()[..], &id("group1", name.as_bytes())].concat();
    cluster.to_storage(0).ask(17, &body).status().unwrap()
}

fn get(cluster: &Cluster, name: &str) -> Option<Vec<u8>> {
    match cluster.to_storage(0).send(&download(0, 0, "group1", name.as_bytes())).reply() {
        RawReply::Whole { status: 0, body } => Some(body),
        RawReply::Whole { status: ENOENT, .. } => None,
        other => panic!("{name}: {other:?}"),
    }
}

fn trunk_file(cluster: &Cluster) -> Vec<u8> {
    std::fs::read(cluster.storages[0].plan.store_paths[0].join("data/01/02/000007")).unwrap()
}

fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|&byte| byte == 0)
}

fn log(cluster: &Cluster) -> String {
    std::fs::read_to_string(cluster.storages[0].plan.base_path.join("data/sync/binlog.000")).unwrap()
}

#[test]
fn files_go_into_their_slots_once_and_leave_zeros() {
    let cluster = cluster();
    // Empty, in one buffer, in pieces, updated.
    let files = [(0, 0, 16), (256, 300, 16), (4096, 200_000, 16), (400_000, 3000, 18)];
    for (offset, len, command) in files {
        let bytes = content(len, len);
        let name = name_at(offset, &bytes);
        assert_eq!(send_file(&cluster, command, &name, &bytes), 0, "{name}");
        assert_eq!(get(&cluster, &name).as_deref(), Some(&bytes[..]), "{name}");
        assert_eq!(send_file(&cluster, 16, &name, &bytes), EEXIST, "{name}");
        assert_eq!(send_file(&cluster, 18, &name, &bytes), 0, "{name}");
        assert_eq!(log(&cluster).lines().filter(|line| line.ends_with(&name)).count(), 3, "a record for each");
        let whole = trunk_file(&cluster);
        assert_eq!(whole.len(), TRUNK_FILE_BYTES);
        assert_eq!(whole[offset + 24..][..len], bytes);
    }
    for (offset, len, _) in files {
        let name = name_at(offset, &content(len, len));
        assert_eq!(send_delete(&cluster, &name), 0);
        assert_eq!(send_delete(&cluster, &name), ENOENT);
        assert_eq!(get(&cluster, &name), None);
        assert!(log(&cluster).contains(&format!("{CREATED} d {name}\n")));
        // A deleted file never comes back, whoever sends it late.
        assert_eq!(send_file(&cluster, 16, &name, &content(len, len)), EEXIST);
        assert_eq!(get(&cluster, &name), None);
    }
    assert!(is_zero(&trunk_file(&cluster)));
}

#[test]
fn w21_two_files_of_one_slot_are_both_kept() {
    let cluster = cluster();
    for (n, len) in [500, 100_000].into_iter().enumerate() {
        let (first, second) = (content(len, 1), content(len - 100, 2));
        let offset = 1 << (12 + 8 * n);
        let (first_name, second_name) = (name_at(offset, &first), name_at(offset, &second));
        assert_eq!(send_file(&cluster, 16, &first_name, &first), 0);
        assert_eq!(send_file(&cluster, 16, &second_name, &second), 0);
        assert_eq!(send_file(&cluster, 16, &second_name, &second), EEXIST);
        // One that overlaps it: its header would stand in the middle of the first.
        let third = content(100, 3);
        let third_name = name_at(offset + 256, &third);
        assert_eq!(send_file(&cluster, 16, &third_name, &third), 0);
        for (name, bytes) in [(&first_name, &first), (&second_name, &second), (&third_name, &third)] {
            assert_eq!(get(&cluster, name).as_ref(), Some(bytes), "{name}");
        }
        for (name, others) in [(&first_name, vec![&second_name, &third_name]), (&second_name, vec![&third_name])] {
            assert_eq!(send_delete(&cluster, name), 0);
            assert_eq!(get(&cluster, name), None);
            assert!(others.into_iter().all(|name| get(&cluster, name).is_some()));
        }
        assert_eq!(send_delete(&cluster, &third_name), 0);
        assert!(is_zero(&trunk_file(&cluster)));
    }
}

/// A sender that was killed sends again what its mark does not tell of; meanwhile the slot may have become free.
#[test]
fn a_file_that_found_its_slot_taken_stays_a_plain_one_and_is_deleted_as_a_whole() {
    let cluster = cluster();
    for len in [500, 150_000] {
        let (first, second) = (content(len, 1), content(len - 100, 2));
        let (first_name, second_name) = (name_at(4096, &first), name_at(4096, &second));
        assert_eq!(send_file(&cluster, 16, &first_name, &first), 0);
        assert_eq!(send_file(&cluster, 16, &second_name, &second), 0);
        assert_eq!(send_delete(&cluster, &first_name), 0);
        assert_eq!(send_file(&cluster, 16, &second_name, &second), EEXIST);
        assert_eq!(send_file(&cluster, 18, &second_name, &second), 0);
        assert_eq!(get(&cluster, &second_name).as_ref(), Some(&second));
        assert!(is_zero(&trunk_file(&cluster)), "it is in one place only");
        assert_eq!(send_delete(&cluster, &second_name), 0);
        assert_eq!(get(&cluster, &second_name), None);
    }
}

#[test]
fn other_content_than_a_name_tells_never_gets_into_a_slot() {
    let cluster = cluster();
    cluster.expect_problem("what came in is not what the name tells");
    for len in [300, 150_000] {
        let bytes = content(len, 1);
        let name = name_of(0, len, 1);
        send_file(&cluster, 16, &name, &bytes);
        // What was cut off in the middle, too.
        let other = name_at(400_000, &bytes);
        let mut body = (other.len() as u64).to_be_bytes().to_vec();
        body.extend_from_slice(&(len as u64).to_be_bytes());
        body.extend_from_slice(&CREATED.to_be_bytes());
        body.extend_from_slice(&padded16("group1"));
        body.extend_from_slice(other.as_bytes());
        let announced = (body.len() + len) as i64;
        body.extend_from_slice(&bytes[..len - 10]);
        let mut conn = cluster.to_storage(0);
        conn.send(&packet_with(16, 0, announced, &body));
        conn.end_sending();
        assert!(matches!(conn.reply(), RawReply::Closed(_) | RawReply::Reset(_)));
        assert_eq!(get(&cluster, &other), None);
        if cluster.storages[0].plan.store_paths[0].join("data/01/02/000007").exists() {
            assert!(is_zero(&trunk_file(&cluster)));
        }
    }
}

#[test]
fn links_in_slots_come_in_as_such() {
    let cluster = cluster();
    let bytes = content(700, 1);
    let target = name_at(0, &bytes);
    assert_eq!(send_file(&cluster, 16, &target, &bytes), 0);
    let link = name_of(2048, target.len(), 12_345);
    let mut body = (link.len() as u64).to_be_bytes().to_vec();
    body.extend_from_slice(&(target.len() as u64).to_be_bytes());
    body.extend_from_slice(&CREATED.to_be_bytes());
    body.extend_from_slice(&padded16("group1"));
    body.extend_from_slice(link.as_bytes());
    body.extend_from_slice(target.as_bytes());
    for _ in 0..2 {
        assert_eq!(cluster.to_storage(0).ask(19, &body).status(), Some(0));
        assert_eq!(get(&cluster, &link).as_ref(), Some(&bytes));
    }
    assert!(log(&cluster).contains(&format!("{CREATED} l {link} {target}\n")));
    assert_eq!(trunk_file(&cluster)[2048], b'L');
    assert_eq!(send_delete(&cluster, &link), 0);
    assert_eq!(get(&cluster, &link), None);
    assert_eq!(get(&cluster, &target).as_ref(), Some(&bytes));
}

#[test]
fn trunk_files_are_not_deleted_or_replaced_as_a_whole() {
    let cluster = cluster();
    let bytes = content(300, 1);
    let name = name_at(0, &bytes);
    assert_eq!(send_file(&cluster, 16, &name, &bytes), 0);
    let whole = "M00/01/02/000007";
    assert_eq!(get(&cluster, whole).map(|bytes| bytes.len()), Some(TRUNK_FILE_BYTES));
    assert_eq!(send_delete(&cluster, whole), EPERM);
    assert_eq!(cluster.to_storage(0).ask(12, &id("group1", whole.as_bytes())).status(), Some(EPERM));
    for command in [16, 18] {
        assert_eq!(send_file(&cluster, command, whole, &bytes), EPERM);
    }
    assert_eq!(get(&cluster, &name).as_ref(), Some(&bytes));
}
