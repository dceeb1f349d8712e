//! Files in slots of trunk files over HTTP: a slot may be another's while a slow client still takes its content.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use fdfs_client::UploadOptions;
use fdfs_proto::shared::ConnectionCounts;
use fdfs_testkit::wait::wait_for;

use crate::http_support::{Site, bytes};
use crate::support::trunk_group;

/// As large as slots here can be, and small enough that sockets hold all of it.
const LEN: usize = 200 << 10;

/// What a client has not taken yet is on its way all the same: it must not become zeros with the slot.
#[test]
fn a_file_deleted_behind_its_last_check_arrives_as_it_was() {
    let site = Site::of(trunk_group(1), "");
    site.cluster.wait_for_slots(0);
    let (client, content) = (site.cluster.client(), bytes(LEN));
    let stats = &site.cluster.storages[0].inside().stats;
    let served = || stats.snapshot(ConnectionCounts::default()).download_count.total;
    for range in ["", "Range: bytes=0-99999,100000-204799\r\n"] {
        let id = site.cluster.block_on(client.upload(&content, &UploadOptions::new())).unwrap();
        assert!(id.logic_name().unwrap().trunk_part().is_some(), "{id} is in no slot");
        let before = served();
        let mut reader = TcpStream::connect(site.storage(0)).unwrap();
        let request = format!("GET /{id} HTTP/1.1\r\nHost: x\r\n{range}Connection: close\r\n\r\n");
        reader.write_all(request.as_bytes()).unwrap();
        wait_for("the answer to be on its way", || (served() > before).then_some(()));
        site.cluster.block_on(client.delete(&id)).unwrap();
        let mut answer = Vec::new();
        reader.read_to_end(&mut answer).unwrap();
        assert!(answer.len() > LEN, "{} bytes", answer.len());
        for (index, piece) in content.chunks(100_000).enumerate() {
            assert!(answer.windows(piece.len()).any(|have| have == piece), "{range}: piece {index} is something else");
        }
    }
}
