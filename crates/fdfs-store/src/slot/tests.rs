//! Slots on real disks and on those that fail at every call.

use std::path::Path;
use std::sync::Arc;

use fdfs_proto::file_id::{BlockType, FormattedExt, LogicName, NewKind, NewName, Source, TrunkPart};

use super::*;
use crate::error::StoreError;
use crate::fs::Fs;
use crate::sim_fs::{Fault, SimFs};
use crate::store_path::StorePath;

const TRUNK_FILE_BYTES: u64 = 4096;
const CONTENT: &[u8] = &[0xA5; 300];

/// The name of a file with this content in the slot at `offset`.
fn name_at(offset: u32, content: &[u8], random: u32) -> LogicName {
    let alloc_size = (HEADER_LEN as u32 + content.len() as u32).next_multiple_of(256);
    let name = NewName {
        store_path_index: 0,
        high: 1,
        low: 2,
        source: Source::Id(100_001),
        created: 1_795_166_208,
        size: content.len() as u64,
        crc32: crc32fast::hash(content),
        kind: NewKind::Trunk(TrunkPart { id: 1, offset, alloc_size }),
        random,
        ext: FormattedExt::new(&"txt".parse().unwrap(), random),
    };
    LogicName::parse(&name.build()).unwrap()
}

fn open(fs: &SimFs) -> Arc<StorePath<SimFs>> {
    let path = StorePath::open(fs.clone(), 0, Path::new("/p0"), false, 4).unwrap().path;
    path.make_subdirs().unwrap();
    Arc::new(path)
}

fn disk() -> SimFs {
    let fs = SimFs::new(Fault::None);
    let path = open(&fs);
    fs.sync_all(path.data()).unwrap();
    fs
}

fn place<F: Fs>(path: &StorePath<F>, name: &LogicName, content: &[u8]) -> Result<(), StoreError> {
    path.place_in_slot(name, BlockType::Regular, content, TRUNK_FILE_BYTES)
}

fn read<F: Fs>(path: &StorePath<F>, name: &LogicName) -> Option<Vec<u8>> {
    let file = match path.open_content(name) {
        Err(e) if e.is_not_found() => return None,
        other => other.unwrap(),
    };
    let mut content = vec![0; file.len_bytes as usize];
    assert_eq!(file.file.read_full_at(&mut content, file.offset).unwrap(), content.len());
    assert!(file.is_intact().unwrap());
    Some(content)
}

use crate::fs::FsFile;

#[test]
fn a_file_in_a_slot_is_read_by_its_name_and_by_no_other() {
    let path = open(&disk());
    let name = name_at(256, CONTENT, 1);
    assert_eq!(path.slot_state(&Slot::of(&name).unwrap(), &name).unwrap(), SlotState::Free);
    place(&path, &name, CONTENT).unwrap();
    assert_eq!(read(&path, &name).unwrap(), CONTENT);
    assert_eq!(path.content_info(&name).unwrap().len_bytes, 300);
    assert_eq!(path.content_info(&name).unwrap().modified_unix_secs, 1_795_166_208);
    assert!(path.is_slot_content_right(&name).unwrap());
    for other in [name_at(0, CONTENT, 1), name_at(256, &CONTENT[1..], 1), name_at(1024, CONTENT, 1)] {
        assert_eq!(read(&path, &other), None);
        assert!(path.content_info(&other).unwrap_err().is_not_found());
        assert!(path.remove_from_slot(&other).unwrap().is_none());
    }
    let empty = name_at(768, b"", 2);
    place(&path, &empty, b"").unwrap();
    assert_eq!(read(&path, &empty).unwrap(), b"");
}

#[test]
fn a_plain_file_of_a_name_in_a_slot_is_found_when_the_slot_holds_another() {
    let path = open(&disk());
    let name = name_at(256, CONTENT, 1);
    path.place_whole(name.true_name(), b"a slave").unwrap();
    assert_eq!(read(&path, &name).unwrap(), b"a slave");
    place(&path, &name, CONTENT).unwrap();
    assert_eq!(read(&path, &name).unwrap(), CONTENT);
}

#[test]
fn an_occupied_slot_is_refused_and_stays_as_it_is() {
    let path = open(&disk());
    let (first, second) = (name_at(256, CONTENT, 1), name_at(256, b"other", 2));
    place(&path, &first, CONTENT).unwrap();
    let refused = |result: Result<(), StoreError>, expected: SlotError| match result.unwrap_err() {
        StoreError::Slot { error, .. } => assert_eq!(error, expected),
        other => panic!("{other}"),
    };
    refused(place(&path, &second, b"other"), SlotError::Occupied);
    // In the middle of a file there is no header, but bytes that are somebody's.
    refused(place(&path, &name_at(512, b"other", 2), b"other"), SlotError::Occupied);
    let slot = Slot::of(&second).unwrap();
    refused(SlotWriter::begin(path.clone(), slot, TRUNK_FILE_BYTES).map(|_| ()), SlotError::Occupied);
    let end = TRUNK_FILE_BYTES;
    refused(place(&path, &name_at(4096, b"x", 1), b"x"), SlotError::OutsideOfFile { end: end + 256, file_size: end });
    refused(place(&path, &name_at(0, b"x", 1), b"xy"), SlotError::OtherLength { len: 2, told: 1 });
    assert_eq!(read(&path, &first).unwrap(), CONTENT);
}

#[test]
fn pieces_make_a_file_only_with_its_header_and_what_is_dropped_leaves_zeros() {
    let path = open(&disk());
    let name = name_at(0, CONTENT, 1);
    let slot = Slot::of(&name).unwrap();
    let write = || {
        let mut writer = SlotWriter::begin(path.clone(), slot, TRUNK_FILE_BYTES).unwrap();
        CONTENT.chunks(64).for_each(|piece| writer.write(piece, 100).unwrap());
        assert_eq!((writer.len_bytes(), writer.crc32()), (300, crc32fast::hash(CONTENT)));
        assert_eq!(read(&path, &name), None);
        writer
    };
    drop(write());
    write().finish(&name).unwrap();
    assert_eq!(read(&path, &name).unwrap(), CONTENT);
    let mut too_long = SlotWriter::begin(path.clone(), Slot { offset: 1024, ..slot }, TRUNK_FILE_BYTES).unwrap();
    assert!(too_long.write(&[1; 600], 0).is_err());
    assert!(too_long.finish(&name_at(1024, b"", 1)).is_err(), "its slot is smaller");

    // Whoever comes into the slot meanwhile keeps it.
    let (late, other) = (name_at(2048, CONTENT, 5), name_at(2048, b"other", 6));
    for is_finished in [true, false] {
        let writer = SlotWriter::begin(path.clone(), Slot::of(&late).unwrap(), TRUNK_FILE_BYTES).unwrap();
        place(&path, &other, b"other").unwrap();
        if is_finished {
            assert!(writer.finish(&late).is_err());
        } else {
            drop(writer);
        }
        assert_eq!(read(&path, &other).unwrap(), b"other");
        let removed = path.remove_from_slot(&other).unwrap().unwrap();
        assert!(path.clear_slot(&removed).unwrap());
    }
}

#[test]
fn a_deleted_file_leaves_zeros_and_nothing_of_another_file() {
    let path = open(&disk());
    let name = name_at(256, CONTENT, 1);
    place(&path, &name, CONTENT).unwrap();
    let reader = path.open_content(&name).unwrap();
    let removed = path.remove_from_slot(&name).unwrap().unwrap();
    assert_eq!(read(&path, &name), None);
    assert!(!reader.is_intact().unwrap(), "who reads it is told");
    assert!(path.clear_slot(&removed).unwrap());
    assert!(path.remove_from_slot(&name).unwrap().is_none());
    place(&path, &name_at(512, b"other", 2), b"other").unwrap();

    // Somebody else's file in the space of a removed one: all of it stays.
    let large = name_at(1024, CONTENT, 3);
    let small = name_at(1024 + 256, b"newer", 4);
    place(&path, &large, CONTENT).unwrap();
    let removed = path.remove_from_slot(&large).unwrap().unwrap();
    let file = path.trunk_file(removed.slot.file).unwrap().file;
    file.write_all_at(&[0; 256], 1024 + 256).unwrap();
    place(&path, &small, b"newer").unwrap();
    assert!(!path.clear_slot(&removed).unwrap());
    assert_eq!(read(&path, &small).unwrap(), b"newer");
}

#[test]
fn a_file_that_is_removed_at_one_stroke_leaves_zeros_and_nothing_of_another_file() {
    let path = open(&disk());
    let is_zero = |path: &StorePath<SimFs>, slot: &Slot| {
        let mut bytes = vec![1; slot.alloc_size as usize];
        let file = path.trunk_file(slot.file).unwrap().file;
        assert_eq!(file.read_full_at(&mut bytes, slot.offset.into()).unwrap(), bytes.len());
        bytes.iter().all(|&byte| byte == 0)
    };
    let (many, more) = (vec![7; 2000], vec![8; 40_000]);
    let target = b"M00/01/02/Ck4CC2sAEBGILXy_AAAA6RSSpAMAAAAAQAAAwAAAAIA798.jpg";
    for (offset, content, is_link) in
        [(0, CONTENT, false), (1024, &many, false), (512, target, true), (8192, &more, false)]
    {
        let kind = if is_link { BlockType::Link } else { BlockType::Regular };
        let name = name_at(offset, content, 1);
        assert!(path.remove_and_clear(&name).unwrap().is_none());
        path.place_in_slot(&name, kind, content, 1 << 16).unwrap();
        let reader = path.open_content(&name).unwrap();
        assert!(path.remove_and_clear(&name_at(offset, &content[1..], 1)).unwrap().is_none(), "another file's name");
        let (slot, cleared) = path.remove_and_clear(&name).unwrap().unwrap();
        assert!(matches!(cleared, Cleared::Yes) && is_zero(&path, &slot));
        assert!(!reader.is_intact().unwrap());
    }
    let large = name_at(1024, CONTENT, 3);
    let small = name_at(1024 + 256, b"newer", 4);
    place(&path, &large, CONTENT).unwrap();
    let file = path.trunk_file(Slot::of(&large).unwrap().file).unwrap().file;
    file.write_all_at(&[0; 256], 1024 + 256).unwrap();
    place(&path, &small, b"newer").unwrap();
    assert!(matches!(path.remove_and_clear(&large).unwrap(), Some((_, Cleared::HeldOther))));
    assert_eq!((read(&path, &large), read(&path, &small)), (None, Some(b"newer".to_vec())));
}

#[test]
fn links_in_slots_tell_their_target() {
    let path = open(&disk());
    let target = b"M00/01/02/Ck4CC2sAEBGILXy_AAAA6RSSpAMAAAAAQAAAwAAAAIA798.jpg";
    let mut link = name_at(256, target, 1);
    link = LogicName::parse(&link.text()).unwrap();
    path.place_in_slot(&link, BlockType::Link, target, TRUNK_FILE_BYTES).unwrap();
    let file = path.open_content(&link).unwrap();
    assert!(file.is_link() && file.is_in_slot());
    assert_eq!(file.link_target().unwrap().as_str().as_bytes(), target);
    let removed = path.remove_from_slot(&link).unwrap().unwrap();
    assert!(file.link_target().is_err());
    assert!(path.clear_slot(&removed).unwrap());
}

/// What a step did, as far as its result tells.
fn step(path: &Arc<StorePath<SimFs>>, which: usize, name: &LogicName) -> Result<(), StoreError> {
    match which {
        0 => place(path, name, CONTENT),
        1 => {
            let mut writer = SlotWriter::begin(path.clone(), Slot::of(name).unwrap(), TRUNK_FILE_BYTES)?;
            for piece in CONTENT.chunks(100) {
                writer.write(piece, 0)?;
            }
            writer.finish(name)
        }
        3 => {
            assert!(path.remove_and_clear(name)?.is_some());
            Ok(())
        }
        _ => {
            let removed = path.remove_from_slot(name)?;
            // What a record would make durable in between.
            path.fs().sync_all(path.data()).map_err(|source| StoreError::Disk {
                action: "sync",
                path: Path::new("/").into(),
                source,
            })?;
            assert!(path.clear_slot(&removed.unwrap())?);
            Ok(())
        }
    }
}

#[test]
fn a_fault_at_any_call_leaves_the_file_whole_or_none_and_its_neighbours_untouched() {
    let neighbours = [name_at(256, b"before", 1), name_at(1024, b"behind", 2)];
    let name = name_at(512, CONTENT, 3);
    for which in 0..4 {
        for n in 1.. {
            let mut calls = 0;
            for fault in
                [Fault::FailsAt(n, 5), Fault::FailsAt(n, 28), Fault::WritesShortAt(n), Fault::StopsAfter(n - 1)]
            {
                let fs = disk();
                let path = open(&fs);
                if which != 0 {
                    for (neighbour, content) in neighbours.iter().zip([b"before", b"behind"]) {
                        place(&path, neighbour, content).unwrap();
                    }
                }
                if which >= 2 {
                    place(&path, &name, CONTENT).unwrap();
                }
                fs.sync_all(path.data()).unwrap();
                fs.set_fault(fault);
                let result = step(&path, which, &name);
                calls = calls.max(fs.calls());
                let mut seen = vec![open(&fs.after_crash())];
                if !matches!(fault, Fault::StopsAfter(_)) {
                    seen.push(path.clone());
                }
                for path in seen {
                    if which == 3 && result.is_ok() {
                        assert_eq!(read(&path, &name), None, "{fault:?}");
                    }
                    match read(&path, &name) {
                        // A process that stops in the middle of the one write leaves a name that nobody was told.
                        Some(_) if which == 0 && result.is_err() => {}
                        Some(content) => assert!(content == CONTENT, "{which} {fault:?}"),
                        None => assert!(which >= 2 || result.is_err(), "{which} {fault:?}"),
                    }
                    if which != 0 {
                        assert_eq!(read(&path, &neighbours[0]).unwrap(), b"before");
                        assert_eq!(read(&path, &neighbours[1]).unwrap(), b"behind");
                    }
                }
                // After a power cut a file that was deleted, but not durably, may be there; then as a whole.
                for seed in 0..8 {
                    let path = open(&fs.after_power_cut(Some(seed)));
                    if which == 2
                        && let Some(content) = read(&path, &name)
                    {
                        assert!(content == CONTENT, "{fault:?} seed {seed}");
                    }
                }
            }
            if n > calls {
                break;
            }
        }
    }
}
