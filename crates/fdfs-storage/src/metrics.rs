//! What a storage tells on its admin port. Each metric is described in docs/http.md.

use std::fmt::{Display, Write as _};
use std::sync::Arc;

use fdfs_client::Client;
use fdfs_http::Server;
use fdfs_http::admin::Admin;
use fdfs_proto::shared::{Counter, StorageStatus};

use crate::http::StorageSite;
use crate::storage::Storage;
use crate::sync::status::PeerSync;

/// What a storage tells on its admin port.
#[derive(Debug)]
pub struct StorageAdmin {
    /// The storage.
    pub storage: Arc<Storage>,
    /// Its HTTP side.
    pub server: Arc<Server<StorageSite>>,
}

impl Admin for StorageAdmin {
    async fn readiness(&self) -> Result<(), String> {
        let status = self.storage.link.read(|roster| roster.highest_own_status());
        match status {
            Some(StorageStatus::Active) => Ok(()),
            Some(other) => Err(format!("{other}, not ACTIVE")),
            None => Err("no tracker has said what it thinks of this storage".to_owned()),
        }
    }

    async fn metrics(&self) -> String {
        let mut out = self.server.stats.text(self.server.connection_count());
        of_storage(&self.storage, &mut out);
        out
    }

    fn watched(&self) -> (Client, bool) {
        (self.server.site.cluster.client.clone(), false)
    }
}

/// A metric of each peer: name, help, value.
type PerPeer = (&'static str, &'static str, fn(&PeerSync) -> u64);

struct Family<'o> {
    out: &'o mut String,
    name: &'static str,
}

impl<'o> Family<'o> {
    fn new(out: &'o mut String, name: &'static str, kind: &str, help: &str) -> Self {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
        Self { out, name }
    }

    fn put(&mut self, labels: &str, value: impl Display) {
        let (open, close) = if labels.is_empty() { ("", "") } else { ("{", "}") };
        let _ = writeln!(self.out, "{}{open}{labels}{close} {value}", self.name);
    }
}

fn of_storage(storage: &Storage, out: &mut String) {
    let stat = storage.stats.snapshot(storage.gate.counts());
    let operations = [
        ("upload", stat.upload_count),
        ("append", stat.append_count),
        ("modify", stat.modify_count),
        ("truncate", stat.truncate_count),
        ("delete", stat.delete_count),
        ("download", stat.download_count),
        ("set_metadata", stat.set_meta_count),
        ("get_metadata", stat.get_meta_count),
        ("create_link", stat.create_link_count),
    ];
    let mut family = Family::new(out, "fdfs_storage_operations_total", "counter", "Requests by what they wanted");
    for (op, Counter { total, success }) in operations {
        family.put(&format!("op=\"{op}\",result=\"ok\""), success);
        family.put(&format!("op=\"{op}\",result=\"failed\""), total - success);
    }
    let bytes = [
        ("upload", stat.upload_bytes),
        ("append", stat.append_bytes),
        ("modify", stat.modify_bytes),
        ("download", stat.download_bytes),
        ("sync_in", stat.sync_in_bytes),
        ("sync_out", stat.sync_out_bytes),
    ];
    let mut family = Family::new(out, "fdfs_storage_bytes_total", "counter", "Bytes of content by what moved them");
    for (op, counter) in bytes {
        family.put(&format!("op=\"{op}\""), counter.success);
    }
    Family::new(out, "fdfs_storage_connections", "gauge", "Connections to the data port")
        .put("", stat.connections.current);
    Family::new(out, "fdfs_storage_busy", "gauge", "Requests in work on the data port").put("", storage.busy_count());
    let name = "fdfs_storage_request_duration_seconds";
    let family = Family::new(out, name, "histogram", "From a request's header to its result");
    for (op, histogram) in storage.durations.all() {
        histogram.put(family.out, name, &format!("op=\"{op}\","));
    }
    let name = "fdfs_commit_duration_seconds";
    let family = Family::new(out, name, "histogram", "From a change that is placed to its record that is safe");
    storage.write_path.commit.took.put(family.out, name, "");
    let mut family = Family::new(out, "fdfs_storage_permits_free", "gauge", "Disk permits that nobody holds");
    for (index, slot) in storage.write_path.slots.iter().enumerate() {
        let (readers, writers) = slot.permits.free();
        family.put(&format!("path=\"{index}\",kind=\"read\""), readers);
        if let Some(writers) = writers {
            family.put(&format!("path=\"{index}\",kind=\"write\""), writers);
        }
    }
    let mut family =
        Family::new(out, "fdfs_storage_path_broken", "gauge", "1: nothing more is written to a store path");
    for (index, slot) in storage.write_path.slots.iter().enumerate() {
        family.put(&format!("path=\"{index}\""), u8::from(slot.path.broken().is_some()));
    }
    if let Some(flusher) = storage.write_path.slots.first().and_then(|slot| slot.flusher.as_ref()) {
        let (asked, made) = flusher.counts();
        let mut family = Family::new(out, "fdfs_commit_flushes_total", "counter", "Flushes of the first store path");
        family.put("what=\"asked\"", asked);
        family.put("what=\"made\"", made);
    }
    let quarantined = storage.sync.quarantine_count();
    Family::new(out, "fdfs_sync_quarantined", "gauge", "Binlog records that nobody can use").put("", quarantined);
    let peers = storage.sync_status();
    let per_peer: [PerPeer; 5] = [
        ("fdfs_sync_behind_bytes", "Bytes of the binlog that a peer has not confirmed", |peer| peer.bytes_behind),
        ("fdfs_sync_behind_records", "Records that a peer has not confirmed", |peer| peer.records_behind),
        ("fdfs_sync_behind_seconds", "Age of the oldest record that a peer has not confirmed", |peer| peer.secs_behind),
        ("fdfs_sync_in_flight", "Records on their way to a peer", |peer| peer.in_flight as u64),
        ("fdfs_sync_set_aside", "Records that a peer did not take, to be tried again", |peer| peer.set_aside as u64),
    ];
    for (name, help, value) in per_peer {
        let mut family = Family::new(out, name, "gauge", help);
        for peer in &peers {
            family.put(&format!("peer=\"{}\"", peer.id), value(peer));
        }
    }
}
