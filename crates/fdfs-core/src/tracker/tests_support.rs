//! Clusters for tests, made through the same events as real ones.

use fdfs_proto::shared::StorageStatus;
use fdfs_proto::{GroupName, IpText, Status, StorageId, VersionText};

use crate::tracker::{
    Addrs, Cluster, ClusterError, ConnId, HostPort, IdEntry, IdTable, Join, JoinPeer, Now, PathSpace, Reserved,
    Settings, TrackerAddr,
};

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

/// Two groups: `a` with a trunk server, `b` full with an OFFLINE storage.
pub(crate) fn a_and_b(use_trunk_file: bool) -> Cluster {
    let settings = Settings { use_trunk_file, reserved: Reserved::Mb(1000), ..Settings::default() };
    let groups: [(&str, &[_]); 2] =
        [("a", &[active("10.0.0.2", 5000), active("10.0.0.1", 4000)]), ("b", &[active("10.0.0.9", 1000)])];
    let mut cluster = cluster_of(settings, &groups);
    let _ = cluster.set_trunk_server(&name("a"), Some(id("10.0.0.1"))).unwrap();
    let _ = cluster.disconnect(ConnId(3));
    cluster
}

/// A path that is half full.
pub(crate) const HALF: PathSpace = PathSpace { total_mb: 10_000, free_mb: 5_000 };

/// The tracker of these clusters becomes the leader.
pub(crate) fn leads(cluster: &mut Cluster) {
    cluster.set_leader(Some(HostPort { ip: ip("10.0.0.100"), port: 22122 }));
}

pub(crate) fn status_of(cluster: &Cluster, group: &str, storage: &str) -> StorageStatus {
    cluster.group(&name(group)).unwrap().storage(&id(storage)).unwrap().status()
}

/// A group `g` of two.
pub(crate) fn two_of(settings: Settings) -> Cluster {
    cluster_of(settings, &[("g", &[active("10.0.0.1", 5_000), active("10.0.0.2", 5_000)])])
}

/// The status of a refusal.
pub(crate) fn refused<T: std::fmt::Debug>(result: Result<T, ClusterError>) -> Status {
    result.unwrap_err().status()
}
