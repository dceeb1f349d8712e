//! Thousands of HTTP clients that do not read. Alone in its process: what is measured is the memory of all of it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::http_support::{Site, bytes};
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
