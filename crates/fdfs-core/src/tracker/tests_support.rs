//! Clusters for tests, made through the same events as real ones.

use fdfs_proto::shared::StorageStatus;
use fdfs_proto::{GroupName, IpText, StorageId, VersionText};

use crate::tracker::{Addrs, Cluster, ConnId, IdEntry, IdTable, Join, JoinPeer, Now, PathSpace, Settings, TrackerAddr};

/// A storage for [`cluster_of`]: its id and how much space is free on its only path.
#[derive(Clone, Copy)]
pub(crate) struct Member {
    id: &'static str,
    free_mb: u64,
}

pub(crate) fn active(id: &'static str, free_mb: u64) -> Member {
    Member { id, free_mb }
}

pub(crate) fn ip(text: &str) -> IpText {
    text.parse().unwrap()
}

pub(crate) fn id(text: &str) -> StorageId {
    text.parse().unwrap()
}

pub(crate) fn name(text: &str) -> GroupName {
    text.parse().unwrap()
}

pub(crate) fn now(unix_secs: i64) -> Now {
    Now { unix_secs, mono_ms: u64::try_from(unix_secs).unwrap() * 1000 }
}

/// A join of a storage at 10.0.0.x-like addresses to the tracker 10.0.0.100:22122.
pub(crate) fn join(group: &str) -> Join {
    Join {
        group: name(group),
        port: 23000,
        path_count: 1,
        subdir_count: 256,
        upload_priority: 10,
        join_time: 1,
        up_time: 1,
        version: VersionText::EMPTY,
        init_flag: true,
        own_status: -1,
        id: StorageId::EMPTY,
        dialled_ip: ip("10.0.0.100"),
        trackers: vec![TrackerAddr { addrs: Addrs::one(ip("10.0.0.100")), port: 22122 }],
    }
}

pub(crate) fn peer(conn: u64, from: &str) -> JoinPeer {
    JoinPeer { conn: ConnId(conn), ip: ip(from), local_ip: ip("10.0.0.100") }
}

/// A cluster of ACTIVE storages. Ids that are numbers make a cluster with storage ids, at 10.1.0.<number>.
pub(crate) fn cluster_of(mut settings: Settings, groups: &[(&str, &[Member])]) -> Cluster {
    let address = |member: &Member| match member.id.parse::<u32>() {
        Ok(number) => format!("10.1.0.{number}"),
        Err(_) => member.id.to_owned(),
    };
    if groups.iter().flat_map(|(_, members)| *members).any(|member| member.id.parse::<u32>().is_ok()) {
        let entry = |group: &str, member: &Member| IdEntry {
            id: id(member.id),
            group: name(group),
            addrs: Addrs::one(ip(&address(member))),
            port: None,
            rw: fdfs_proto::shared::RwMode::Both,
        };
        let entries = groups.iter().flat_map(|(group, members)| members.iter().map(|member| entry(group, member)));
        settings.ids = Some(IdTable::new(entries.collect()).unwrap());
    }
    let mut cluster = Cluster::new(settings, 22122);
    let mut conn = 0;
    for (group, members) in groups {
        for member in *members {
            conn += 1;
            let _ = cluster.join(now(1), &peer(conn, &address(member)), &join(group)).unwrap();
            let _ = cluster.sync_notify(ConnId(conn), None).unwrap();
            let paths = [PathSpace { total_mb: 10_000, free_mb: member.free_mb }];
            let _ = cluster.disk_usage(now(1), ConnId(conn), &paths).unwrap();
        }
    }
    assert!(cluster.groups().iter().all(|g| g.storages().iter().all(|s| s.status() == StorageStatus::Active)));
    cluster
}
