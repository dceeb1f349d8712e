//! Files in slots of trunk files: uploaded, read, deleted, described, found again after restarts.

use std::collections::BTreeMap;
use std::ops::Range;

use fdfs_client::{InfoFlags, MetaMode, Metadata, UploadOptions};
use fdfs_proto::cmd::storage::{CreateLink, Signature, TrunkInfo};
use fdfs_proto::file_id::{BlockType, FormattedExt, LogicName, NewKind, NewName, Source};
use fdfs_proto::{Status, Wire};
use fdfs_testkit::raw::packet;
use fdfs_testkit::{Cluster, RawReply, wait_for};

use crate::support::{EINVAL, ENOENT, download, id, stored, trunk_group};

/// Characters of the name of a file in a slot, and of one on its own.
const IN_SLOT_LEN: usize = 60;
const PLAIN_LEN: usize = 44;
const SLOT_MAX: usize = 256 << 10;
const EEXIST: u8 = 17;
const CREATED: u32 = 1_795_166_208;

fn start(storages: usize) -> Cluster {
    let cluster = trunk_group(storages).start();
    (0..storages).for_each(|index| cluster.wait_for_slots(index));
    cluster
}

fn content(len: usize, seed: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 7 + i / 251 + seed) as u8 | 1).collect()
}

fn get(cluster: &Cluster, index: usize, name: &str) -> RawReply {
    cluster.to_storage(index).send(&download(0, 0, "group1", name.as_bytes())).reply()
}

fn assert_is(cluster: &Cluster, index: usize, name: &str, content: &[u8]) {
    match get(cluster, index, name) {
        RawReply::Whole { status: 0, body } => assert!(body == content, "{name}: other bytes"),
        other => panic!("{name}: {other:?}"),
    }
}

fn delete(cluster: &Cluster, index: usize, name: &str) -> u8 {
    cluster.to_storage(index).ask(12, &id("group1", name.as_bytes())).status().unwrap()
}

fn block(name: &str) -> TrunkInfo {
    TrunkInfo::of(&name.parse::<LogicName>().unwrap()).unwrap()
}

/// The name of a file in a leased slot.
fn named(block: &TrunkInfo, content: &[u8]) -> LogicName {
    let name = NewName {
        store_path_index: block.store_path_index,
        high: block.high,
        low: block.low,
        source: Source::Ip([10, 9, 9, 9].into()),
        created: CREATED,
        size: content.len() as u64,
        crc32: crc32fast::hash(content),
        kind: NewKind::Trunk(block.part),
        random: 7,
        ext: FormattedExt::new(&"txt".parse().unwrap(), 7),
    };
    name.build().as_str().parse().unwrap()
}

fn bytes_of(name: &str) -> ((u8, u32), Range<u32>) {
    let block = block(name);
    ((block.store_path_index, block.part.id), block.part.offset..block.part.offset + block.part.alloc_size)
}

#[test]
fn small_files_go_into_slots_up_to_the_limit_and_others_do_not() {
    let cluster = start(1);
    let client = cluster.client();
    // One buffer, several pieces, exactly the largest, one too many.
    for (len, name_len) in [
        (0, IN_SLOT_LEN),
        (1, IN_SLOT_LEN),
        (232, IN_SLOT_LEN),
        (233, IN_SLOT_LEN),
        (100_000, IN_SLOT_LEN),
        (SLOT_MAX - 24, IN_SLOT_LEN),
        (SLOT_MAX - 23, PLAIN_LEN),
    ] {
        let bytes = content(len, len);
        let name = stored(&cluster, 0, &bytes);
        assert_eq!(name.len(), name_len, "{len} bytes: {name}");
        if len > 0 {
            assert_is(&cluster, 0, &name, &bytes);
        }
        let file = format!("group1/{name}").parse().unwrap();
        let info = cluster.block_on(client.file_info_from_server(&file, InfoFlags::default())).unwrap();
        assert_eq!((info.size_bytes, info.crc32), (len as u64, Some(crc32fast::hash(&bytes))), "{name}");
        cluster.block_on(async {
            let metadata = Metadata::default().with("width", "160");
            client.set_metadata(&file, &metadata, MetaMode::Overwrite).await.unwrap();
            assert_eq!(client.metadata(&file).await.unwrap(), metadata);
        });
        assert_eq!(delete(&cluster, 0, &name), 0);
        assert_eq!(delete(&cluster, 0, &name), ENOENT);
        assert_eq!(get(&cluster, 0, &name).status(), Some(ENOENT));
        assert!(cluster.block_on(client.metadata(&file)).unwrap_err().is_not_found());
    }
    // Ranges, and what lies behind the end of a file: the slack of its slot is not to be had.
    let bytes = content(1000, 3);
    let name = stored(&cluster, 0, &bytes);
    for (offset, len, expected) in [(0, 10, 0..10), (990, 100, 990..1000), (999, 0, 999..1000)] {
        let reply = cluster.to_storage(0).send(&download(offset, len, "group1", name.as_bytes())).reply();
        assert_eq!(reply, RawReply::Whole { status: 0, body: bytes[expected].to_vec() });
    }
    let behind = cluster.to_storage(0).send(&download(1000, 0, "group1", name.as_bytes())).reply();
    assert_eq!(behind.status(), Some(EINVAL));
    let plan = &cluster.storages[0].plan;
    let trunk_file = plan.store_paths[0].join("data").join(&name[4..10]).join("000001");
    assert_eq!(std::fs::metadata(trunk_file).unwrap().len(), 4 << 20);
}

#[test]
fn slots_of_deleted_files_are_used_again_and_no_two_files_share_bytes() {
    let cluster = start(1);
    let mut live: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut freed = Vec::new();
    let mut random = fastrand::Rng::with_seed(5);
    let mut run = |live: &mut BTreeMap<String, Vec<u8>>, freed: &mut Vec<_>, steps| {
        for step in 0..steps {
            if live.len() > 40 || (step % 3 == 0 && !live.is_empty()) {
                let name = live.keys().nth(random.usize(..live.len())).unwrap().clone();
                live.remove(&name);
                assert_eq!(delete(&cluster, 0, &name), 0);
                assert_eq!(get(&cluster, 0, &name).status(), Some(ENOENT));
                freed.push(bytes_of(&name));
            } else {
                let bytes = content(random.usize(1..60_000), step);
                let name = stored(&cluster, 0, &bytes);
                assert_eq!(name.len(), IN_SLOT_LEN);
                assert_eq!(live.keys().find(|other| share(&bytes_of(other), &bytes_of(&name))), None, "{name}");
                live.insert(name, bytes);
            }
        }
    };
    run(&mut live, &mut freed, 600);
    let highest = |live: &BTreeMap<String, Vec<u8>>| live.keys().map(|name| block(name).part.id).max();
    let before = highest(&live).into_iter().chain(freed.iter().map(|((_, id), _)| *id)).max();
    for name in std::mem::take(&mut live).into_keys() {
        assert_eq!(delete(&cluster, 0, &name), 0);
    }
    let last = stored(&cluster, 0, &content(1000, 0));
    assert_eq!(delete(&cluster, 0, &last), 0);
    // The blocks of deleted files rest for a while. When the last one is given out again, all may be: then there is room
    // for many more files, and no new trunk file is needed.
    wait_for("the last freed slot to be used again", || {
        let bytes = content(1000, 1);
        let name = stored(&cluster, 0, &bytes);
        let is_reused = share(&bytes_of(&last), &bytes_of(&name));
        live.insert(name, bytes);
        is_reused.then_some(())
    });
    run(&mut live, &mut freed, 200);
    assert!(highest(&live) <= before, "freed slots are not used again: {:?}, {before:?}", highest(&live));
    live.iter().for_each(|(name, bytes)| assert_is(&cluster, 0, name, bytes));
}

/// Whether two pieces of trunk files have bytes in common.
fn share(one: &((u8, u32), Range<u32>), other: &((u8, u32), Range<u32>)) -> bool {
    one.0 == other.0 && one.1.start < other.1.end && other.1.start < one.1.end
}

#[test]
fn w20_without_a_trunk_server_small_files_go_on_their_own() {
    let mut cluster = start(2);
    cluster.expect_lost_trackers();
    cluster.expect_problem("small files go on their own");
    cluster.expect_problem("trunk server");
    let before = stored(&cluster, 1, b"before");
    cluster.storages[0].stop();
    // No upload fails, whatever the second storage knows of the first one.
    let names: Vec<_> = (0..20).map(|n| (stored(&cluster, 1, &content(100, n)), content(100, n))).collect();
    for (name, bytes) in &names {
        assert_is(&cluster, 1, name, bytes);
    }
    assert_eq!(names[0].0.len(), PLAIN_LEN);
    assert_is(&cluster, 1, &before, b"before");
}

#[test]
fn files_in_slots_are_there_after_a_restart() {
    let mut cluster = start(1);
    let files: Vec<_> =
        (0..50).map(|n| content(n * 397 + 1, n)).map(|bytes| (stored(&cluster, 0, &bytes), bytes)).collect();
    let (gone, kept) = files.split_at(20);
    gone.iter().for_each(|(name, _)| assert_eq!(delete(&cluster, 0, name), 0));
    cluster.restart_all();
    cluster.wait_for_slots(0);
    kept.iter().for_each(|(name, bytes)| assert_is(&cluster, 0, name, bytes));
    gone.iter().for_each(|(name, _)| assert_eq!(get(&cluster, 0, name).status(), Some(ENOENT)));
    let again = stored(&cluster, 0, &content(5000, 1));
    assert_is(&cluster, 0, &again, &content(5000, 1));
    kept.iter().for_each(|(name, bytes)| assert_is(&cluster, 0, name, bytes));
}

#[test]
fn a_trunk_file_can_be_downloaded_as_a_whole_and_is_never_deleted() {
    let cluster = start(1);
    let name = stored(&cluster, 0, b"in a slot");
    let trunk_file = format!("{}{:06}", &name[..10], block(&name).part.id);
    let RawReply::Whole { status: 0, body } = get(&cluster, 0, &trunk_file) else { panic!("no trunk file") };
    assert_eq!(body.len(), 4 << 20);
    let offset = block(&name).part.offset as usize;
    assert_eq!(&body[offset + 24..][..9], b"in a slot");
    assert_ne!(delete(&cluster, 0, &trunk_file), 0);
    assert_is(&cluster, 0, &name, b"in a slot");
}

#[test]
fn a_slave_of_a_file_in_a_slot_lies_beside_it_even_with_a_name_like_a_slot() {
    let cluster = start(1);
    let name = stored(&cluster, 0, b"master");
    // A prefix of 4 and no extension: 60 characters, as if it were in a slot itself.
    for (prefix, ext) in [("_150x150", "jpg"), ("_abc", "")] {
        let mut body = (name.len() as u64).to_be_bytes().to_vec();
        body.extend_from_slice(&5u64.to_be_bytes());
        body.extend_from_slice(prefix.as_bytes());
        body.resize(32, 0);
        body.extend_from_slice(ext.as_bytes());
        body.resize(38, 0);
        body.extend_from_slice(name.as_bytes());
        body.extend_from_slice(b"slave");
        let answer = cluster.to_storage(0).send(&packet(21, &body)).reply().ok();
        let slave = String::from_utf8(answer[16..].to_vec()).unwrap();
        assert_is(&cluster, 0, &slave, b"slave");
        assert_is(&cluster, 0, &name, b"master");
        assert_eq!(delete(&cluster, 0, &slave), 0);
        assert_eq!(get(&cluster, 0, &slave).status(), Some(ENOENT));
    }
    // Files in slots do not grow.
    let mut append = (name.len() as u64).to_be_bytes().to_vec();
    append.extend_from_slice(&1u64.to_be_bytes());
    append.extend_from_slice(name.as_bytes());
    append.push(b'x');
    assert_eq!(cluster.to_storage(0).ask(24, &append).status(), Some(ENOENT));
}

#[test]
fn both_storages_have_every_file_in_the_same_slot() {
    let cluster = start(2);
    let files: Vec<_> = (0..40)
        .map(|n| (n % 2, content(n * 5000 + 1, n)))
        .map(|(index, bytes)| (index, stored(&cluster, index, &bytes), bytes))
        .collect();
    for (index, name, bytes) in &files {
        wait_for("the other storage to have it", || {
            (get(&cluster, 1 - index, name) == RawReply::Whole { status: 0, body: bytes.clone() }).then_some(())
        });
    }
    let options = UploadOptions::new().ext("txt".parse().unwrap());
    let file = cluster.block_on(cluster.client().upload(b"by the client", &options)).unwrap();
    assert_eq!(file.to_string().len(), "group1/".len() + IN_SLOT_LEN);
    for (index, name, _) in &files[..20] {
        assert_eq!(delete(&cluster, *index, name), 0);
        wait_for("the other storage to have deleted it", || {
            (get(&cluster, 1 - index, name).status() == Some(ENOENT)).then_some(())
        });
    }
    for (_, name, bytes) in &files[20..] {
        assert_is(&cluster, 0, name, bytes);
        assert_is(&cluster, 1, name, bytes);
    }
    let trunk_file = |index: usize| {
        let name = &files[0].1;
        let data = cluster.storages[index].plan.store_paths[0].join("data");
        std::fs::read(data.join(&name[4..10]).join("000001")).unwrap()
    };
    wait_for("the trunk files to be the same", || (trunk_file(0) == trunk_file(1)).then_some(()));
}

/// `CREATE_LINK` (20). The reference makes an entry in a trunk file that leads to the source, or, with a master, a
/// symbolic link to a plain file that is not there.
#[test]
fn a_link_to_a_file_in_a_slot_is_a_copy_and_outlives_it_everywhere() {
    let cluster = start(2);
    let bytes = content(3000, 5);
    let (source, master) = (stored(&cluster, 0, &bytes), stored(&cluster, 0, b"master"));
    let link = |master: &str, prefix: &str| {
        let request = CreateLink {
            group: "group1".parse().unwrap(),
            prefix: prefix.parse().unwrap(),
            ext: "jpg".parse().unwrap(),
            master: master.parse().unwrap_or_default(),
            source: source.parse().unwrap(),
            signature: Signature::new(b"signature").unwrap(),
        };
        let answer = cluster.to_storage(0).ask(20, &request.to_bytes());
        match answer.status() {
            Some(0) => Ok(String::from_utf8(answer.ok()[16..].to_vec()).unwrap()),
            other => Err(other.unwrap()),
        }
    };
    let (new, slave) = (link("", "").unwrap(), link(&master, "_link").unwrap());
    assert_eq!(new.len(), PLAIN_LEN);
    let told = new.parse::<LogicName>().unwrap().fields().unwrap();
    assert_eq!((told.size_word.size(), told.crc32), (3000, crc32fast::hash(&bytes)), "a file as any other");
    assert!(slave.starts_with(master.strip_suffix(".txt").unwrap()) && slave.ends_with("_link.jpg"), "{slave}");
    assert_eq!(link(&master, "_link"), Err(EEXIST));
    assert_eq!(delete(&cluster, 0, &source), 0);
    assert_eq!(link("", ""), Err(ENOENT));
    for name in [&new, &slave] {
        for index in 0..2 {
            wait_for("the link to be here", || {
                (get(&cluster, index, name) == RawReply::Whole { status: 0, body: bytes.clone() }).then_some(())
            });
        }
        assert_eq!(delete(&cluster, 0, name), 0);
        wait_for("the link to be gone", || (get(&cluster, 1, name).status() == Some(ENOENT)).then_some(()));
    }
    assert_is(&cluster, 0, &master, b"master");
}

/// What a process leaves that is killed between two steps of an upload.
#[test]
fn an_upload_that_was_cut_off_by_a_crash_leaves_no_slot_behind() {
    let mut cluster = start(1);
    let keep = stored(&cluster, 0, b"an acknowledged file");
    let note = |cluster: &Cluster, name: &LogicName| {
        let write_path = &cluster.storages[0].inside().write_path;
        // It goes to the disk with the log of the slots, and is not struck out.
        let _noted = write_path.note_upload(name, CREATED).unwrap();
        write_path.changes.save_all().unwrap();
    };
    let begun = |cluster: &Cluster, content: &'static [u8], is_confirmed: bool| {
        let storage = cluster.storages[0].inside();
        cluster.block_on(async {
            let lease = storage.trunk.lease(0, 24 + content.len() as u32).await.unwrap();
            let name = named(&lease.block, content);
            let slot = &storage.write_path.slots[0];
            storage.write_path.fill_slot(slot, &name, BlockType::Regular, content, 4 << 20).await.unwrap();
            note(cluster, &name);
            if is_confirmed {
                storage.trunk.confirm(lease, Status::OK).await.unwrap();
            }
            name
        })
    };
    note(&cluster, &keep.parse().unwrap());
    let confirmed = begun(&cluster, b"confirmed, and not recorded", true);
    let unconfirmed = begun(&cluster, b"not even confirmed", false);
    // As if it was killed: what an orderly stop does to the files is undone.
    let data = cluster.storages[0].plan.base_path.join("data");
    let files =
        [".fdfs_running", ".fdfs_changing"].map(|name| (data.join(name), std::fs::read(data.join(name)).unwrap()));
    cluster.storages[0].stop();
    files.iter().for_each(|(path, bytes)| std::fs::write(path, bytes).unwrap());
    cluster.storages[0].start();
    // Nobody has got the slots before they are looked at.
    assert_is(&cluster, 0, &keep, b"an acknowledged file");
    for name in [&confirmed, &unconfirmed] {
        assert_eq!(get(&cluster, 0, name.as_str()).status(), Some(ENOENT), "{name}");
        let at = block(name.as_str()).part;
        let path = cluster.storages[0].plan.store_paths[0].join("data").join(&name.as_str()[4..10]);
        let bytes = std::fs::read(path.join(format!("{:06}", at.id))).unwrap();
        assert!(bytes[at.offset as usize..][..at.alloc_size as usize].iter().all(|&byte| byte == 0), "{name}");
    }
    // What is free now is given out, once.
    let mut leased = Vec::new();
    wait_for("the slots to be given out again", || {
        let storage = cluster.storages[0].inside();
        let lease = cluster.block_on(storage.trunk.lease(0, 100)).ok()?;
        assert!(!leased.contains(&lease.block), "{:?} is given out twice", lease.block);
        leased.push(lease.block);
        [&confirmed, &unconfirmed].iter().all(|name| leased.contains(&block(name.as_str()))).then_some(())
    });
    assert!(!leased.contains(&block(&keep)));
    assert_eq!(std::fs::read(data.join(".fdfs_changing")).unwrap(), b"");
}

/// A storage that lags behind has the file still whose block was freed elsewhere and is given out again.
#[test]
fn w21_a_block_that_was_found_occupied_is_free_when_its_file_is_gone() {
    let mut cluster = start(1);
    let bytes = content(5000, 1);
    let name = stored(&cluster, 0, &bytes);
    let log_path = cluster.storages[0].plan.base_path.join("data/trunk/binlog");
    let lines = || std::fs::read_to_string(&log_path).unwrap();
    let TrunkInfo { store_path_index, high, low, part } = block(&name);
    let place = format!(" {store_path_index} {high} {low} {} {} ", part.id, part.offset);
    // Deleted, as far as the trunk server knows.
    cluster.storages[0].stop();
    std::fs::write(&log_path, format!("{}{CREATED} A{place}{}\n", lines(), part.alloc_size)).unwrap();
    cluster.storages[0].start();
    cluster.wait_for_slots(0);
    let other = content(5000, 2);
    let second = stored(&cluster, 0, &other);
    assert!(second.len() == IN_SLOT_LEN && !share(&bytes_of(&second), &bytes_of(&name)), "{second} and {name}");
    // What begins there, however long it is.
    let ops = || lines().lines().filter(|line| line.contains(&place)).map(op_of).collect::<String>();
    assert!(ops().ends_with("AD"), "it was found occupied, and taken: {}", ops());
    // Now the deletion comes in.
    let body = [&CREATED.to_be_bytes()[..], &id("group1", name.as_bytes())].concat();
    assert_eq!(cluster.to_storage(0).ask(17, &body).status(), Some(0));
    wait_for("the block to be given back", || ops().ends_with("ADA").then_some(()));
    assert_is(&cluster, 0, &second, &other);
    assert_eq!(cluster.to_storage(0).ask(17, &body).status(), Some(ENOENT));
    assert!(ops().ends_with("ADA"), "and only once: {}", ops());
}

fn op_of(line: &str) -> &str {
    line.split(' ').nth(1).unwrap()
}
