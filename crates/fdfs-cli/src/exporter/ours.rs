//! Metrics that the reference does not have: what storages of ours say of themselves and of their peers.
//!
//! They stand behind those of the reference, under names that begin with `fdfs_`, and only for storages that answer.

use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use fdfs_proto::cmd::tracker::{GroupRecord, StorageRecord};
use fdfs_proto::ours::{SelfReport, SyncStatus};

use crate::monitor::self_report;
use crate::sync::ask;

/// A storage that does not know our questions, which each of them makes write into its log, is asked again after this.
const ASKED_AGAIN_AFTER: Duration = Duration::from_secs(3600);

/// What one storage says.
pub(super) struct Said {
    group: String,
    storage: String,
    report: Option<SelfReport>,
    sync: Option<SyncStatus>,
}

/// Storages that do not know our questions.
#[derive(Debug, Default)]
pub(super) struct Strangers {
    since: Mutex<BTreeMap<SocketAddr, Instant>>,
}

impl Strangers {
    fn contains(&self, addr: SocketAddr) -> bool {
        let since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        since.get(&addr).is_some_and(|since| since.elapsed() < ASKED_AGAIN_AFTER)
    }

    fn add(&self, addr: SocketAddr) {
        self.since.lock().unwrap_or_else(PoisonError::into_inner).insert(addr, Instant::now());
    }
}

/// Asks all storages that may know the questions.
pub(super) async fn ask_all(groups: &[(GroupRecord, Vec<StorageRecord>)], strangers: &Strangers) -> Vec<Said> {
    let addr_of = |storage: &StorageRecord| {
        storage.ip.as_str().parse::<IpAddr>().ok().map(|ip| SocketAddr::new(ip, storage.port))
    };
    let mut all = Vec::new();
    for (group, storages) in groups {
        let known = |storage: &&StorageRecord| addr_of(storage).is_some_and(|addr| !strangers.contains(addr));
        let storages: Vec<StorageRecord> = storages.iter().filter(known).copied().collect();
        let reports = self_report::ask_all(&storages).await;
        let syncs = ask::ask_all(&storages).await;
        for ((storage, report), sync) in storages.iter().zip(reports).zip(syncs) {
            if let (Err(why), Some(addr)) = (&sync, addr_of(storage))
                && why == ask::NO_FDFS
            {
                strangers.add(addr);
            }
            let (group, storage) = (group.group.to_string(), storage.id.to_string());
            all.push(Said { group, storage, report, sync: sync.ok() });
        }
    }
    all
}

/// All of them.
pub(super) fn text(said: &[Said]) -> String {
    let mut out = Samples::default();
    for said in said {
        let labels = format!("group=\"{}\",storage_id=\"{}\"", said.group, said.storage);
        if let Some(report) = &said.report {
            put_report(&mut out, &labels, report);
        }
        if let Some(sync) = &said.sync {
            put_sync(&mut out, &labels, sync);
        }
    }
    out.text()
}

fn put_report(out: &mut Samples, labels: &str, report: &SelfReport) {
    let mut put = |key: &str, name: &'static str, help: &'static str, labels: &str| {
        // A storage that is older than the question does not answer it.
        if let Some(value) = report.get(key).and_then(|value| value.parse::<u64>().ok()) {
            out.put(name, help, labels, value);
        }
    };
    put("quarantined", "storage_quarantined", "Records that nobody can use, or that a peer refused for good", labels);
    put("in_doubt", "storage_in_doubt", "Files that a peer changed and that are not here as they should be", labels);
    let broken = "Store paths that take no writes until a restart";
    put("store_paths_out_of_service", "storage_paths_out_of_service", broken, labels);
    for index in 0..=u8::MAX {
        let prefix = format!("store_path{index}_recovery");
        let Some(stage) = report.get(&prefix) else { continue };
        let labels = format!("{labels},store_path=\"{index}\"");
        let running = u8::from(stage != "done");
        out.put("storage_recovery_running", "Whether the store path is being refilled", &labels, running);
        let mut put = |key: &str, name: &'static str, help: &'static str| {
            if let Some(value) = report.get(&format!("{prefix}_{key}")).and_then(|value| value.parse::<u64>().ok()) {
                out.put(name, help, &labels, value);
            }
        };
        put("percent", "storage_recovery_percent", "How far the refilling is");
        put("eta_secs", "storage_recovery_eta_seconds", "Seconds that the refilling still takes");
        put("files", "storage_recovery_files", "Files that came in");
        put("missing", "storage_recovery_missing", "Files that no peer has any more");
        put("failed", "storage_recovery_failed", "Files that no peer could give");
    }
}

fn put_sync(out: &mut Samples, labels: &str, sync: &SyncStatus) {
    for peer in &sync.peers {
        let labels = format!("{labels},peer=\"{}\"", peer.id);
        out.put(
            "sync_records_behind",
            "Records that the peer has not confirmed, estimated",
            &labels,
            peer.records_behind,
        );
        out.put("sync_seconds_behind", "Age of the oldest record that is not confirmed", &labels, peer.secs_behind);
        out.put("sync_set_aside", "Records that the peer did not take, to be tried again", &labels, peer.set_aside);
        let is_well = u8::from(peer.error.is_none());
        out.put("sync_is_well", "Whether nothing is wrong with the replication to the peer", &labels, is_well);
    }
}

/// Samples by metric, as the format wants them: each metric is announced once.
#[derive(Default)]
struct Samples(BTreeMap<&'static str, (&'static str, String)>);

impl Samples {
    fn put(&mut self, name: &'static str, help: &'static str, labels: &str, value: impl Display) {
        let (_, samples) = self.0.entry(name).or_insert_with(|| (help, String::new()));
        // A string takes everything.
        let _ = writeln!(samples, "fdfs_{name}{{{labels}}} {value}");
    }

    fn text(&self) -> String {
        let one = |(name, (help, samples)): (&&str, &(&str, String))| {
            format!("# HELP fdfs_{name} {help}\n# TYPE fdfs_{name} gauge\n{samples}")
        };
        self.0.iter().map(one).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fdfs_proto::ours::PeerStatus;

    #[test]
    fn what_storages_say_becomes_metrics_each_announced_once() {
        let mut report = SelfReport::default();
        for (key, value) in [
            ("quarantined", "3"),
            ("in_doubt", "1"),
            ("store_paths_out_of_service", "0"),
            ("store_path1_recovery", "restoring"),
            ("store_path1_recovery_percent", "57"),
            ("store_path1_recovery_files", "1200"),
        ] {
            report.push(key, value);
        }
        let peer = PeerStatus { id: "10.0.0.2".into(), records_behind: 7, set_aside: 2, ..PeerStatus::default() };
        let sync = SyncStatus { quarantined: 3, peers: vec![peer] };
        let said = |storage: &str, report, sync| Said { group: "group1".into(), storage: storage.into(), report, sync };
        let text = text(&[said("10.0.0.1", Some(report.clone()), Some(sync)), said("10.0.0.2", Some(report), None)]);
        for line in [
            "fdfs_storage_quarantined{group=\"group1\",storage_id=\"10.0.0.1\"} 3",
            "fdfs_storage_recovery_running{group=\"group1\",storage_id=\"10.0.0.2\",store_path=\"1\"} 1",
            "fdfs_storage_recovery_percent{group=\"group1\",storage_id=\"10.0.0.1\",store_path=\"1\"} 57",
            "fdfs_sync_records_behind{group=\"group1\",storage_id=\"10.0.0.1\",peer=\"10.0.0.2\"} 7",
            "fdfs_sync_is_well{group=\"group1\",storage_id=\"10.0.0.1\",peer=\"10.0.0.2\"} 1",
        ] {
            assert!(text.lines().any(|other| other == line), "{line} in\n{text}");
        }
        assert_eq!(text.matches("# TYPE fdfs_storage_quarantined gauge\n").count(), 1);
        assert_eq!(text.matches("\nfdfs_storage_quarantined{").count(), 2);
    }

    #[test]
    fn strangers_are_left_alone_for_a_while() {
        let (strangers, addr) = (Strangers::default(), "10.0.0.9:23000".parse().unwrap());
        assert!(!strangers.contains(addr));
        strangers.add(addr);
        assert!(strangers.contains(addr));
    }
}
