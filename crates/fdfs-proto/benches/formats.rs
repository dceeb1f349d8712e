//! What every request makes or reads: header, file id, binlog record.
//!
//! `cargo bench -p fdfs-proto`; with a word behind it only the benches whose names hold the word.

#![allow(missing_docs, reason = "criterion's macros make public functions")]

use std::hint::black_box;
use std::net::Ipv4Addr;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use fdfs_proto::disk::binlog_record::{BinlogRecord, Op, Origin, binlog_lines};
use fdfs_proto::file_id::{FileId, FormattedExt, LogicName, NewKind, NewName, Source};
use fdfs_proto::{Command, FileName, Header, Wire};

/// A name that the reference gave.
const NAME: &str = "M00/00/00/Ck4BC2sAEACAOnlIAAAACw1KEYU319.txt";
/// Records of a batch of the binlog.
const BATCH_COUNT: usize = 64;

fn quick() -> Criterion {
    Criterion::default().warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1))
}

fn name() -> FileName {
    NAME.parse().expect("a file name")
}

fn record() -> BinlogRecord {
    BinlogRecord { timestamp: 1_795_162_112, origin: Origin::Source, name: name(), op: Op::Create }
}

fn header(c: &mut Criterion) {
    c.bench_function("header/encode", |b| b.iter(|| Header::request(Command::UploadFile, black_box(4111)).to_bytes()));
    let bytes = Header::request(Command::UploadFile, 4111).to_bytes();
    c.bench_function("header/decode", |b| b.iter(|| Header::from_bytes(black_box(bytes))));
}

fn file_id(c: &mut Criterion) {
    let new = NewName {
        store_path_index: 0,
        high: 0x1F,
        low: 0xA0,
        source: Source::Ip(Ipv4Addr::new(10, 78, 1, 11)),
        created: 1_795_162_112,
        size: 4096,
        crc32: 0x0d4a_1185,
        kind: NewKind::Regular,
        random: 0x3A_7948,
        ext: FormattedExt::new(&"txt".parse().expect("an extension"), 319),
    };
    c.bench_function("file id/make a name", |b| b.iter(|| black_box(&new).build()));
    let name = name();
    c.bench_function("file id/check a name", |b| b.iter(|| LogicName::parse(black_box(&name))));
    c.bench_function("file id/check a name and read its fields", |b| {
        b.iter(|| LogicName::parse(black_box(&name)).map(|name| name.fields()));
    });
    let id = FileId { group: "group1".parse().expect("a group name"), name };
    let body = id.to_bytes();
    c.bench_function("file id/body of a request", |b| b.iter(|| FileId::from_bytes(black_box(&body))));
}

fn binlog_record(c: &mut Criterion) {
    let record = record();
    let mut line = Vec::with_capacity(256);
    c.bench_function("binlog record/encode", |b| {
        b.iter(|| {
            line.clear();
            black_box(&record).encode(&mut line)
        });
    });
    record.encode(&mut line).expect("a record that can be read again");
    let text = line.strip_suffix(b"\n").expect("a whole line");
    c.bench_function("binlog record/parse", |b| b.iter(|| BinlogRecord::parse(black_box(text))));

    let lines = line.repeat(BATCH_COUNT);
    let mut group = c.benchmark_group("binlog record");
    group.throughput(Throughput::Bytes(lines.len() as u64));
    group.bench_function("parse 64 lines", |b| {
        b.iter(|| binlog_lines(black_box(&lines)).filter(|line| line.record.is_ok()).count());
    });
    group.finish();
}

criterion_group! { name = benches; config = quick(); targets = header, file_id, binlog_record }
criterion_main!(benches);
