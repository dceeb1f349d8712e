//! The reader against files of every kind.

use super::*;
use crate::binlog_compress;

fn place(file: u32, offset: u64) -> BinlogPosition {
    BinlogPosition { file, offset }
}

fn reader(dir: &Path, at: BinlogPosition) -> BinlogReader {
    BinlogReader::new(open_sync_dir(RealFs, dir).unwrap(), at)
}

/// Everything up to `end`, lines as text, gaps as `!why`.
fn all<F: Fs>(reader: &mut BinlogReader<F>, end: BinlogPosition) -> Vec<String> {
    let mut found = Vec::new();
    loop {
        match reader.next(end).unwrap() {
            Some(Step::Line(line)) => found.push(String::from_utf8_lossy(line.text).into_owned()),
            Some(Step::Gap(gap)) => found.push(format!("!{}", gap.why)),
            None => return found,
        }
    }
}

#[test]
fn lines_come_with_their_places_and_not_before_they_are_committed() {
    let temp = tempfile::tempdir().unwrap();
    std::fs::write(temp.path().join("binlog.000"), b"one\ntwo\nthree\n").unwrap();
    let mut reader = reader(temp.path(), place(0, 0));
    assert_eq!(all(&mut reader, place(0, 4)), ["one"]);
    assert_eq!(reader.next(place(0, 4)).unwrap(), None);
    let Some(Step::Line(line)) = reader.next(place(0, 8)).unwrap() else { panic!("a line") };
    assert_eq!((line.at, line.next, line.text), (place(0, 4), place(0, 8), &b"two"[..]));
    reader.rest();
    assert_eq!(all(&mut reader, place(0, 14)), ["three"]);
    std::fs::write(temp.path().join("binlog.000"), b"one\ntwo\nthree\nfour\n").unwrap();
    std::fs::write(temp.path().join("binlog.001"), b"five\n").unwrap();
    assert_eq!(all(&mut reader, place(1, 5)), ["four", "five"]);
    assert_eq!(reader.position(), place(1, 5));
}

#[test]
fn a_mark_inside_a_line_counts_as_its_beginning() {
    let temp = tempfile::tempdir().unwrap();
    std::fs::write(temp.path().join("binlog.000"), b"one\ntwo\nthree\n").unwrap();
    for (offset, first) in [(0, "one"), (2, "one"), (4, "two"), (7, "two"), (8, "three"), (13, "three")] {
        assert_eq!(all(&mut reader(temp.path(), place(0, offset)), place(0, 14))[0], first, "at {offset}");
    }
    assert_eq!(all(&mut reader(temp.path(), place(0, 14)), place(0, 14)), [""; 0]);
    assert_eq!(all(&mut reader(temp.path(), place(0, 999)), place(1, 0)), [""; 0], "behind the end of an old file");
}

#[test]
fn compressed_files_read_like_plain_ones_from_every_place() {
    let temp = tempfile::tempdir().unwrap();
    let lines: Vec<String> = (0..20_000).map(|n| format!("{n} C M00/00/00/some-file-name-{n}")).collect();
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    std::fs::write(temp.path().join("binlog.000"), &text).unwrap();
    std::fs::write(temp.path().join("binlog.001"), b"last\n").unwrap();
    let end = place(1, 5);
    let plain = all(&mut reader(temp.path(), place(0, 0)), end);
    let dir = open_sync_dir(RealFs, temp.path()).unwrap();
    binlog_compress::compress_file(&dir, 0, 1_000_000).unwrap();
    assert!(!temp.path().join("binlog.000").exists());
    assert_eq!(all(&mut reader(temp.path(), place(0, 0)), end), plain);
    for offset in [1, 5, 300_000, text.len() as u64 - 1] {
        let rest = all(&mut reader(temp.path(), place(0, offset)), end);
        let skipped = text[..usize::try_from(offset).unwrap()].matches('\n').count();
        assert_eq!(rest, plain[skipped..], "from {offset}");
    }
}

#[test]
fn what_cannot_be_read_is_told_and_passed_over() {
    let temp = tempfile::tempdir().unwrap();
    std::fs::write(temp.path().join("binlog.000"), b"one\nhalf").unwrap();
    std::fs::write(temp.path().join("binlog.001.gz"), b"no gzip at all").unwrap();
    std::fs::write(temp.path().join("binlog.004"), b"four\n").unwrap();
    let found = all(&mut reader(temp.path(), place(0, 0)), place(4, 5));
    assert_eq!(found[..2], ["one", "half"]);
    assert!(found[2].starts_with("!binlog.001.gz cannot be unpacked"), "{found:?}");
    assert_eq!(found[3..], ["!binlog.002 is missing", "four"]);
    // The file that is being written must be there.
    assert!(reader(temp.path(), place(5, 0)).next(place(5, 1)).is_err());
}

#[test]
fn a_cut_compressed_file_gives_what_it_has() {
    let temp = tempfile::tempdir().unwrap();
    let text: String = (0..50_000).map(|n| format!("{} line\n", n * 7919)).collect();
    std::fs::write(temp.path().join("binlog.000"), &text).unwrap();
    std::fs::write(temp.path().join("binlog.001"), b"last\n").unwrap();
    let dir = open_sync_dir(RealFs, temp.path()).unwrap();
    binlog_compress::compress_file(&dir, 0, 1_000_000).unwrap();
    let packed = std::fs::read(temp.path().join("binlog.000.gz")).unwrap();
    std::fs::write(temp.path().join("binlog.000.gz"), &packed[..packed.len() / 2]).unwrap();
    let found = all(&mut reader(temp.path(), place(0, 0)), place(1, 5));
    assert_eq!(found[..3], ["0 line", "7919 line", "15838 line"]);
    assert!(found[found.len() - 2].starts_with("!binlog.000.gz cannot be unpacked"), "{:?}", found.last());
    assert_eq!(found.last().unwrap(), "last");
}

#[test]
fn lines_without_end_are_given_in_parts() {
    let temp = tempfile::tempdir().unwrap();
    let mut bytes = vec![b'x'; BUFFER_BYTES + 10];
    bytes.extend_from_slice(b"\ngood\n");
    std::fs::write(temp.path().join("binlog.000"), &bytes).unwrap();
    let found = all(&mut reader(temp.path(), place(0, 0)), place(0, bytes.len() as u64));
    assert_eq!((found.len(), found[2].as_str()), (3, "good"));
}
