//! A storage comes back under another address, with and without storage ids: it goes on as the one that it was, and
//! nothing is copied again.

use std::net::SocketAddr;

use fdfs_client::{FileId, UploadOptions};
use fdfs_proto::shared::StorageStatus;
use fdfs_testkit::{Cluster, wait_for};

/// The host that a storage moves to.
const NEW_HOST: u8 = 200;

/// Gives a storage that does not run another address; the one that it had.
fn move_away(cluster: &mut Cluster, index: usize) -> SocketAddr {
    let old = cluster.storages[index].addr();
    let new = SocketAddr::from((cluster.loopback.ip(NEW_HOST), old.port()));
    let storage = &mut cluster.storages[index];
    (storage.plan.addr, storage.plan.real_addr) = (new, new);
    storage.set("bind_addr", new.ip());
    old
}

fn upload(cluster: &Cluster, index: usize, content: &[u8]) -> FileId {
    let options = UploadOptions::new().storage(cluster.storages[index].addr());
    cluster.block_on(cluster.client().upload(content, &options)).unwrap()
}

fn has(cluster: &Cluster, index: usize, id: &FileId) -> bool {
    let name = id.logic_name().unwrap();
    let path = &cluster.storages[index].plan.store_paths[usize::from(name.store_path_index())];
    path.join("data").join(name.true_name()).exists()
}

fn wait_for_copies(cluster: &Cluster, ids: &[FileId]) {
    for index in 0..cluster.storages.len() {
        for id in ids {
            wait_for(&format!("{id} on storage {index}"), || has(cluster, index, id).then_some(()));
        }
    }
}

/// Bytes that came in from other storages, ever.
fn synced_in(cluster: &Cluster, index: usize) -> i64 {
    let storage = cluster.storages[index].inside();
    storage.stats.snapshot(storage.gate.counts()).sync_in_bytes.total
}

/// The first storage got the six bytes that it missed, and the second one nothing. They count a moment after the file is
/// there.
fn assert_only_the_missed_came(cluster: &Cluster, before: [i64; 2]) {
    wait_for("what was missed to be counted", || (synced_in(cluster, 0) > before[0]).then_some(()));
    assert_eq!([0, 1].map(|index| synced_in(cluster, index)), [before[0] + 6, before[1]]);
}

/// Whether its peer has confirmed all that the storage has to tell. What is not confirmed at a stop is sent again later.
fn is_confirmed(cluster: &Cluster, index: usize) -> bool {
    let peers = cluster.storages[index].inside().sync_status();
    peers.len() == 1 && peers.iter().all(|peer| peer.bytes_behind == 0 && peer.in_flight == 0)
}

/// Files that both have, and one that the first storage misses, which is stopped then; what had come in until then.
fn until_the_first_stops(cluster: &mut Cluster) -> (Vec<FileId>, [i64; 2]) {
    let mut ids: Vec<_> = (0..10).map(|n| upload(cluster, n % 2, &[b'a' + n as u8; 1000])).collect();
    wait_for_copies(cluster, &ids);
    let before = [5_000; 2];
    for (index, bytes) in before.into_iter().enumerate() {
        wait_for("copies to be counted", || (synced_in(cluster, index) == bytes).then_some(()));
        wait_for("copies to be confirmed", || is_confirmed(cluster, index).then_some(()));
    }
    cluster.storages[0].stop();
    ids.push(upload(cluster, 1, b"missed"));
    (ids, before)
}

fn marks(cluster: &Cluster, index: usize) -> Vec<String> {
    let dir = cluster.storages[index].plan.base_path.join("data/sync");
    let names = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut marks: Vec<_> = names.filter(|name| name.ends_with(".mark")).collect();
    marks.sort();
    marks
}

#[test]
fn without_ids_a_new_address_is_told_to_the_trackers_and_nothing_is_copied_again() {
    let mut cluster = Cluster::builder().trackers(2).group("group1", 2).start();
    cluster.expect_lost_trackers();
    let (ids, before) = until_the_first_stops(&mut cluster);
    // One of the trackers is away and hears of it later.
    cluster.trackers[1].stop();
    let old = move_away(&mut cluster, 0);
    cluster.storages[0].start();
    cluster.wait_until_active();
    let records = cluster.block_on(cluster.client().storages("group1".parse().unwrap(), None)).unwrap();
    let old_record = records.iter().find(|record| record.ip.as_str() == old.ip().to_string()).unwrap();
    assert_eq!((records.len(), old_record.status), (3, StorageStatus::IpChanged));
    wait_for_copies(&cluster, &ids);
    assert_only_the_missed_came(&cluster, before);
    let later = [upload(&cluster, 0, b"from the new address"), upload(&cluster, 1, b"to the new address")];
    wait_for_copies(&cluster, &later);
    for id in ids.iter().chain(&later) {
        wait_for("a file to be served", || cluster.block_on(cluster.client().download(id)).ok());
    }
    let (old_ip, new_ip) = (old.ip().to_string(), cluster.storages[0].addr().ip().to_string());
    let kept = marks(&cluster, 1);
    assert!(kept.iter().any(|mark| mark.starts_with(&new_ip)) && !kept.iter().any(|mark| mark.starts_with(&old_ip)));

    cluster.trackers[1].start();
    cluster.trackers[0].stop();
    let status = |ip: &str| {
        let records = cluster.block_on(cluster.client().storages("group1".parse().unwrap(), None)).ok()?;
        records.iter().find(|record| record.ip.as_str() == ip).map(|record| record.status)
    };
    wait_for("the other tracker to know it", || {
        (status(&new_ip) == Some(StorageStatus::Active) && status(&old_ip) == Some(StorageStatus::IpChanged))
            .then_some(())
    });
    // The next start has nothing to tell.
    cluster.trackers[0].start();
    cluster.storages[0].log.clear();
    cluster.storages[0].restart();
    cluster.wait_until_active();
    assert!(!cluster.storages[0].log.contains(&old_ip));
}

#[test]
fn with_ids_a_new_address_changes_nothing_but_the_address() {
    let mut cluster = Cluster::builder().group("group1", 2).storage_ids(&[]).start();
    cluster.expect_lost_trackers();
    let (ids, before) = until_the_first_stops(&mut cluster);
    let old = move_away(&mut cluster, 0);
    let ids_path = cluster.scratch().join("storage_ids.conf");
    let text = std::fs::read_to_string(&ids_path).unwrap();
    std::fs::write(&ids_path, text.replace(&old.to_string(), &cluster.storages[0].addr().to_string())).unwrap();
    cluster.trackers[0].restart();
    let kept = marks(&cluster, 1);
    cluster.storages[0].start();
    cluster.wait_until_active();
    wait_for_copies(&cluster, &ids);
    assert_eq!(marks(&cluster, 1), kept);
    assert_only_the_missed_came(&cluster, before);
    for id in &ids {
        wait_for("a file to be served", || cluster.block_on(cluster.client().download(id)).ok());
    }
    let records = cluster.block_on(cluster.client().storages("group1".parse().unwrap(), None)).unwrap();
    assert_eq!(records.len(), 2);
}

/// A storage behind NAT: the list has another address than the tracker sees.
#[test]
fn a_trusted_id_counts_whatever_address_it_comes_from() {
    for trusts in [true, false] {
        let mut cluster = Cluster::builder()
            .group("group1", 1)
            .storage_ids(&[])
            .tracker_key("trust_storage_server_id", trusts)
            .build();
        let id = cluster.storages[0].plan.id.unwrap();
        cluster.storages[0].set("server_id", id);
        move_away(&mut cluster, 0);
        cluster.trackers[0].start();
        if !trusts {
            cluster.expect_problem("is this storage in its storage_ids.conf");
            cluster.expect_problem("cannot join group");
        }
        cluster.storages[0].start();
        let status = || {
            let records = cluster.block_on(cluster.client().storages("group1".parse().unwrap(), None)).ok()?;
            records.first().map(|record| (record.id.to_string(), record.status))
        };
        if trusts {
            let active = Some((id.to_string(), StorageStatus::Active));
            wait_for("the storage to be ACTIVE", || (status() == active).then_some(()));
        } else {
            let refused = "is this storage in its storage_ids.conf";
            wait_for("it to be refused", || cluster.storages[0].log.contains(refused).then_some(()));
            assert_eq!(status(), None);
        }
    }
}

/// Several storages of one host: the same address, other ports (W-40). And what the modes of 6.13 say.
#[test]
fn storages_of_one_host_and_their_modes_are_told_apart_by_ids() {
    let mut cluster = Cluster::builder().group("group1", 2).storage_ids(&[]).build();
    let host = cluster.storages[0].addr().ip();
    let old = cluster.storages[1].addr();
    let new = SocketAddr::new(host, fdfs_testkit::loopback::free_port(&[cluster.loopback.ip(11)]));
    let storage = &mut cluster.storages[1];
    (storage.plan.addr, storage.plan.real_addr) = (new, new);
    storage.set("bind_addr", host);
    storage.set("port", new.port());
    let ids_path = cluster.scratch().join("storage_ids.conf");
    let text = std::fs::read_to_string(&ids_path).unwrap();
    std::fs::write(&ids_path, text.replace(&old.to_string(), &format!("{new} rw=read"))).unwrap();
    cluster.trackers[0].start();
    let records = |cluster: &Cluster| {
        let records = cluster.block_on(cluster.client().storages("group1".parse().unwrap(), None)).unwrap_or_default();
        records.iter().map(|record| (record.id.to_string(), record.status)).collect::<Vec<_>>()
    };
    for (index, expected) in [(0, &["100001"][..]), (1, &["100001", "100002"])] {
        cluster.storages[index].start();
        let expected: Vec<_> = expected.iter().map(|id| ((*id).to_owned(), StorageStatus::Active)).collect();
        wait_for("both to be ACTIVE", || (records(&cluster) == expected).then_some(()));
    }
    let options = UploadOptions::new();
    for n in 0..4_u8 {
        // Only the first one may be written to; the other one gets its copy and serves it.
        let id = cluster.block_on(cluster.client().upload(&[n; 10], &options)).unwrap();
        assert_eq!(id.logic_name().unwrap().fields().unwrap().source.to_string(), "100001");
        wait_for_copies(&cluster, &[id]);
    }
}
