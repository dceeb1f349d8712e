//! What every upload does on the disk: CRC32, a small file, a line of the binlog; without any flush.
//!
//! `cargo bench -p fdfs-store`; in the temporary directory, so `TMPDIR=/dev/shm` leaves the disk out of it.

#![allow(missing_docs, reason = "criterion's macros make public functions")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use fdfs_store::{Binlog, RealFs, StorePath};

/// A line as uploads write it.
const LINE: &[u8] = b"1795162112 C M00/00/00/Ck4BC2sAEACAOnlIAAAACw1KEYU319.txt\n";
/// Lines that a busy storage writes at once.
const BATCH_COUNT: usize = 64;
/// A new file of the log begins before the temporary directory is full.
const ROTATE_BYTES: u64 = 64 << 20;
/// Sub directories of the store path, in each of both levels.
const SUBDIR_COUNT: u16 = 4;

fn quick() -> Criterion {
    Criterion::default().warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1))
}

fn crc32(c: &mut Criterion) {
    let mut group = c.benchmark_group("crc32");
    for (name, len) in [("4 KB", 4 << 10), ("64 KB", 64 << 10), ("1 MB", 1 << 20)] {
        let content: Vec<u8> = (0..len).map(|at: u32| at.wrapping_mul(0x9E37_79B1).to_le_bytes()[3]).collect();
        group.throughput(Throughput::Bytes(u64::from(len)));
        group.bench_with_input(BenchmarkId::from_parameter(name), &content, |b, content| {
            b.iter(|| crc32fast::hash(black_box(content)));
        });
    }
    group.finish();
}

fn binlog(c: &mut Criterion) {
    let mut group = c.benchmark_group("binlog append");
    for (name, count) in [("1 record", 1), ("64 records", BATCH_COUNT)] {
        let temp = tempfile::tempdir().expect("a temporary directory");
        let (mut binlog, _) = Binlog::open(RealFs, temp.path(), ROTATE_BYTES, 0).expect("a new binlog");
        let lines = LINE.repeat(count);
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(name, |b| {
            b.iter(|| {
                binlog.append(black_box(&lines)).expect("room for a line");
                if binlog.len_bytes() >= ROTATE_BYTES {
                    // The file that is full goes: a bench must not fill the disk.
                    let full = temp.path().join(format!("binlog.{:03}", binlog.file_index()));
                    binlog.rotate_if_full().expect("room for a file");
                    std::fs::remove_file(full).expect("the file that was full");
                }
            });
        });
    }
    group.finish();
}

fn small_file(c: &mut Criterion) {
    let temp = tempfile::tempdir().expect("a temporary directory");
    let path = StorePath::open(RealFs, 0, temp.path(), false, SUBDIR_COUNT).expect("a new store path").path;
    path.make_subdirs().expect("room for sub directories");
    let content = vec![0x5A; 4 << 10];
    let mut file_index = 0u64;
    // The file of the turn before goes between two measurements.
    let mut last: Option<String> = None;
    c.bench_function("place a whole file of 4 KB", |b| {
        b.iter_batched(
            || {
                if let Some(name) = last.take() {
                    std::fs::remove_file(path.data_path().join(name)).expect("the file before");
                }
                file_index += 1;
                let name = format!("00/01/file{file_index}.bin");
                last = Some(name.clone());
                name
            },
            |name| path.place_whole(&name, black_box(&content)).expect("room for a file"),
            BatchSize::PerIteration,
        );
    });
}

criterion_group! { name = benches; config = quick(); targets = crc32, binlog, small_file }
criterion_main!(benches);
