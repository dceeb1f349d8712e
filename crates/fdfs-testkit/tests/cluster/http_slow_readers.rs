//! Thousands of HTTP clients that do not read. Alone in its process: what is measured is the memory of all of it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::http_support::{Site, bytes, gateway};
use fdfs_client::UploadOptions;
use fdfs_testkit::http::HttpConn;

fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

/// Thousands of readers that read nothing: memory stays bounded, and others are served as ever.
#[test]
fn slow_readers_cost_little_and_harm_nobody() {
    let site = Site::start(&[("group1", 1)], "");
    // Both ends of each are in this process; the system may allow fewer.
    let allowed = if fdfs_net::nofile::raise_nofile(12_000).is_ok() { 5000 } else { 1000 };
    let slow: usize = allowed;
    let client = site.cluster.client();
    let large = site.cluster.block_on(client.upload(&bytes(8 << 20), &UploadOptions::new())).unwrap();
    let small = site.cluster.block_on(client.upload(&bytes(4096), &UploadOptions::new())).unwrap();
    let before = resident_bytes();
    let request = format!("GET /{large} HTTP/1.1\r\nHost: x\r\n\r\n");
    let mut readers = Vec::new();
    for _ in 0..slow {
        let mut conn = TcpStream::connect(site.storage(0)).unwrap();
        conn.write_all(request.as_bytes()).unwrap();
        readers.push(conn);
    }
    fdfs_testkit::wait::wait_for("all to be served", || {
        (site.cluster.storages[0].server().http_connections() as usize >= slow).then_some(())
    });
    let mut conn = HttpConn::connect(site.storage(0));
    let mut slowest = Duration::ZERO;
    for _ in 0..200 {
        let begun = Instant::now();
        assert_eq!(conn.ask("GET", &format!("/{small}"), &[], b"").body.len(), 4096);
        slowest = slowest.max(begun.elapsed());
    }
    let grown = resident_bytes().saturating_sub(before);
    println!("{slow} slow readers: {} KB each, slowest of 200 others {slowest:?}", grown / slow / 1024);
    assert!(grown < slow * (12 << 10) + (32 << 20), "{grown} bytes for {slow} readers");
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    // The server is alive to them all: the first one reads on.
    let mut first = vec![0; 100_000];
    readers[0].read_exact(&mut first).unwrap();
    assert!(first.starts_with(b"HTTP/1.1 200 OK\r\n"));
}

/// A storage gives out so many connections: readers that take nothing must not hold them, and get their file all the same.
#[test]
fn a_gateway_holds_no_storage_for_readers_that_take_nothing() {
    const READERS: usize = 8;
    let site = Site::start(&[("group1", 1)], "");
    let gate = gateway(site.cluster.tracker_addr(), "");
    let content = bytes(24 << 20);
    let id = site.cluster.block_on(site.cluster.client().upload(&content, &UploadOptions::new())).unwrap();
    let storage = site.cluster.storages[0].inside();
    let open = || storage.gate.counts().current;
    let before = open();
    let request = format!("GET /{id} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let mut readers: Vec<TcpStream> = (0..READERS).map(|_| TcpStream::connect(gate.addr().unwrap()).unwrap()).collect();
    for reader in &mut readers {
        reader.write_all(request.as_bytes()).unwrap();
    }
    for reader in &mut readers {
        let mut start = [0; 15];
        reader.read_exact(&mut start).unwrap();
        assert_eq!(&start, b"HTTP/1.1 200 OK");
    }
    fdfs_testkit::wait::wait_for("the storage to have its connections back", || (open() <= before).then_some(()));
    // All of it comes, whatever of it was on its way when it was left alone.
    for reader in &mut readers {
        let mut answer = Vec::new();
        reader.read_to_end(&mut answer).unwrap();
        assert!(answer.ends_with(&content), "{} bytes", answer.len());
    }
    gate.stop();
}
