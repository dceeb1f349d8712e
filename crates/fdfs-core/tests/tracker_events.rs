//! Random events on a tracker: whatever storages, clients and administrators send, its views agree with its members.

// Helpers of a test unwrap as the test itself may.
#![allow(clippy::unwrap_used)]

use fdfs_core::tracker::{
    Addrs, Cluster, ConnId, Effect, FileFacts, HostPort, IdEntry, IdTable, Join, JoinPeer, Loss, Now, Outcome,
    PathSpace, Reserved, Settings, Source, StoreLookup, StorePath, StoreServer, Stored, SyncSource, TrackerAddr,
};
use fdfs_proto::limits::STORAGES_PER_GROUP;
use fdfs_proto::shared::{RwMode, StorageBrief, StorageStat, StorageStatus};
use fdfs_proto::{GroupName, IpText, StorageId, VersionText};
use proptest::prelude::*;

const PORT: u16 = 22122;

#[derive(Debug, Clone)]
enum Step {
    Join { conn: u64, host: u8, group: u8, port: u16, paths: u8, init: bool, own_status: i8 },
    Beat { conn: u64, with_stat: bool },
    DiskUsage { conn: u64, free_mb: Vec<u64> },
    SyncReport { conn: u64, times: Vec<(u8, u32)> },
    DestRequest { conn: u64 },
    Notify { conn: u64, source: Option<u8> },
    SourceRequest { group: u8, host: u8 },
    ChangeStatus { conn: u64, status: StorageStatus },
    Report { group: u8, host: u8, status: StorageStatus },
    ReplicaChange { conn: u64, host: u8, status: StorageStatus },
    IpChanged { group: u8, old: u8, new: u8 },
    DeleteStorage { group: u8, host: u8 },
    DeleteGroup { group: u8 },
    Disconnect { conn: u64 },
    Tick { later_ms: u64 },
    Lead { lead: bool },
    TrunkServer { group: u8, host: Option<u8> },
    TrunkReport { conn: u64, value: u32 },
    Changelog { conn: u64 },
    Store { group: Option<u8>, all: bool },
    Fetch { group: u8, host: u8, normal: bool, created: i64 },
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let (conn, host, group) = (0..8u64, 1..6u8, 0..3u8);
    let status = prop::sample::select(StorageStatus::ALL.to_vec());
    let own_status = prop_oneof![Just(-1i8), 0..10i8, Just(99)];
    let join = (conn.clone(), host.clone(), group.clone(), 23000..23002u16, 0..4u8, any::<bool>(), own_status);
    prop_oneof![
        6 => join.prop_map(|(conn, host, group, port, paths, init, own_status)| {
            Step::Join { conn, host, group, port, paths, init, own_status }
        }),
        6 => (conn.clone(), any::<bool>()).prop_map(|(conn, with_stat)| Step::Beat { conn, with_stat }),
        6 => (conn.clone(), prop::collection::vec(0..300u64, 0..4))
            .prop_map(|(conn, free_mb)| Step::DiskUsage { conn, free_mb }),
        2 => (conn.clone(), prop::collection::vec((host.clone(), 0..900u32), 0..4))
            .prop_map(|(conn, times)| Step::SyncReport { conn, times }),
        2 => conn.clone().prop_map(|conn| Step::DestRequest { conn }),
        3 => (conn.clone(), prop::option::of(host.clone())).prop_map(|(conn, source)| Step::Notify { conn, source }),
        1 => (group.clone(), host.clone()).prop_map(|(group, host)| Step::SourceRequest { group, host }),
        1 => (conn.clone(), status.clone()).prop_map(|(conn, status)| Step::ChangeStatus { conn, status }),
        2 => (group.clone(), host.clone(), status.clone())
            .prop_map(|(group, host, status)| Step::Report { group, host, status }),
        1 => (conn.clone(), host.clone(), status)
            .prop_map(|(conn, host, status)| Step::ReplicaChange { conn, host, status }),
        1 => (group.clone(), host.clone(), host.clone())
            .prop_map(|(group, old, new)| Step::IpChanged { group, old, new }),
        2 => (group.clone(), host.clone()).prop_map(|(group, host)| Step::DeleteStorage { group, host }),
        1 => group.clone().prop_map(|group| Step::DeleteGroup { group }),
        3 => conn.clone().prop_map(|conn| Step::Disconnect { conn }),
        2 => (0..300_000u64).prop_map(|later_ms| Step::Tick { later_ms }),
        1 => any::<bool>().prop_map(|lead| Step::Lead { lead }),
        1 => (group.clone(), prop::option::of(host.clone()))
            .prop_map(|(group, host)| Step::TrunkServer { group, host }),
        1 => (conn.clone(), any::<u32>()).prop_map(|(conn, value)| Step::TrunkReport { conn, value }),
        1 => conn.prop_map(|conn| Step::Changelog { conn }),
        3 => (prop::option::of(group.clone()), any::<bool>()).prop_map(|(group, all)| Step::Store { group, all }),
        3 => (group, host, any::<bool>(), 0..2_000i64)
            .prop_map(|(group, host, normal, created)| Step::Fetch { group, host, normal, created }),
        1 => Just(Step::Restart),
    ]
}

fn settings() -> impl Strategy<Value = Settings> {
    let lookup = prop_oneof![
        Just(StoreLookup::RoundRobin),
        Just(StoreLookup::LoadBalance),
        Just(StoreLookup::Group(group_name(1)))
    ];
    let server =
        prop_oneof![Just(StoreServer::RoundRobin), Just(StoreServer::FirstById), Just(StoreServer::LowestPriority)];
    let path = prop_oneof![Just(StorePath::RoundRobin), Just(StorePath::MostFree)];
    let reserved = prop_oneof![(0..200u64).prop_map(Reserved::Mb), (0.01..0.9f64).prop_map(Reserved::Ratio)];
    (lookup, server, path, reserved, any::<bool>(), any::<bool>()).prop_map(
        |(store_lookup, store_server, store_path, reserved, use_trunk_file, with_ids)| Settings {
            store_lookup,
            store_server,
            store_path,
            reserved,
            use_trunk_file,
            ids: with_ids.then(id_table),
            ..Settings::default()
        },
    )
}

fn group_name(group: u8) -> GroupName {
    format!("group{group}").parse().unwrap()
}

fn address(host: u8) -> IpText {
    format!("10.0.0.{host}").parse().unwrap()
}

/// Every host is known in one group only, with every right in turn.
fn id_table() -> IdTable {
    let rights = [RwMode::Both, RwMode::Read, RwMode::Write, RwMode::None, RwMode::Both];
    let entry = |(host, rw): (u8, RwMode)| IdEntry {
        id: host.to_string().parse().unwrap(),
        group: group_name(host % 2),
        addrs: Addrs::one(address(host)),
        port: None,
        rw,
    };
    IdTable::new((1..6).zip(rights).map(entry).collect()).unwrap()
}

fn id_of(cluster: &Cluster, host: u8) -> StorageId {
    let text = if cluster.settings().ids.is_some() { host.to_string() } else { format!("10.0.0.{host}") };
    text.parse().unwrap()
}

fn effects_of<T, E>(result: Result<Outcome<T>, E>) -> Vec<Effect> {
    result.map_or_else(|_| Vec::new(), |outcome| outcome.effects)
}

fn join_of(group: u8, port: u16, paths: u8, init: bool, own_status: i8) -> Join {
    Join {
        group: group_name(group),
        port: i64::from(port),
        path_count: i64::from(paths),
        subdir_count: 256,
        upload_priority: i64::from(paths),
        join_time: 1,
        up_time: 1,
        version: VersionText::EMPTY,
        init_flag: init,
        own_status,
        id: StorageId::EMPTY,
        dialled_ip: address(100),
        trackers: vec![TrackerAddr { addrs: Addrs::one(address(100)), port: PORT }],
    }
}

fn stored(cluster: &Cluster) -> Stored {
    Stored {
        groups: cluster.group_rows(),
        servers: cluster.server_rows(),
        timestamps: cluster.timestamp_rows(),
        changelog: cluster.changelog().text().to_owned(),
        last_check_time: 0,
    }
}

/// Applies a step; what it asks the shell to do.
fn apply(cluster: &mut Cluster, now: &mut Now, step: &Step) -> Vec<Effect> {
    let asker = address(200);
    let brief = |cluster: &Cluster, host, status| StorageBrief {
        status,
        port: 23000,
        id: id_of(cluster, host),
        ip: address(host),
    };
    match step.clone() {
        Step::Join { conn, host, group, port, paths, init, own_status } => {
            let peer = JoinPeer { conn: ConnId(conn), ip: address(host), local_ip: address(100) };
            effects_of(cluster.join(*now, &peer, &join_of(group, port, paths, init, own_status)))
        }
        Step::Beat { conn, with_stat } => {
            let stat = StorageStat::default();
            effects_of(cluster.beat(*now, ConnId(conn), with_stat.then_some(&stat)))
        }
        Step::DiskUsage { conn, free_mb } => {
            let paths: Vec<_> = free_mb.iter().map(|&free_mb| PathSpace { total_mb: 300, free_mb }).collect();
            effects_of(cluster.disk_usage(*now, ConnId(conn), &paths))
        }
        Step::SyncReport { conn, times } => {
            let times: Vec<_> = times.iter().map(|&(host, time)| (id_of(cluster, host), time)).collect();
            effects_of(cluster.sync_report(*now, ConnId(conn), &times))
        }
        Step::DestRequest { conn } => effects_of(cluster.sync_dest_request(*now, ConnId(conn))),
        Step::Notify { conn, source } => {
            let source = source.map(|host| SyncSource { id: id_of(cluster, host), until: now.unix_secs });
            cluster.sync_notify(ConnId(conn), source).unwrap_or_default()
        }
        Step::SourceRequest { group, host } => {
            let id = id_of(cluster, host);
            effects_of(cluster.sync_source_request(&group_name(group), &id, &asker))
        }
        Step::ChangeStatus { conn, status } => cluster.change_status(ConnId(conn), status).unwrap_or_default(),
        Step::Report { group, host, status } => {
            let brief = brief(cluster, host, status);
            cluster.report_status(*now, &group_name(group), &brief).unwrap_or_default()
        }
        Step::ReplicaChange { conn, host, status } => {
            let brief = brief(cluster, host, status);
            cluster.replica_change(*now, ConnId(conn), &[brief]).unwrap_or_default()
        }
        Step::IpChanged { group, old, new } => {
            let (group, new) = (group_name(group), address(new));
            cluster.report_ip_changed(*now, &new, &group, &address(old), &new).unwrap_or_default()
        }
        Step::DeleteStorage { group, host } => {
            let id = id_of(cluster, host);
            cluster.delete_storage(*now, &group_name(group), &id).unwrap_or_default()
        }
        Step::DeleteGroup { group } => cluster.delete_group(&group_name(group)).unwrap_or_default(),
        Step::Disconnect { conn } => cluster.disconnect(ConnId(conn)),
        Step::Tick { later_ms } => {
            now.mono_ms += later_ms;
            now.unix_secs += 1;
            cluster.tick(*now)
        }
        Step::Lead { lead } => {
            cluster.set_leader(lead.then_some(HostPort { ip: address(100), port: PORT }));
            Vec::new()
        }
        Step::TrunkServer { group, host } => {
            let id = host.map(|host| id_of(cluster, host));
            cluster.set_trunk_server(&group_name(group), id).unwrap_or_default()
        }
        Step::TrunkReport { conn, value } => {
            let _ = cluster.report_trunk_free(ConnId(conn), u64::from(value));
            cluster.report_trunk_file_id(ConnId(conn), value).unwrap_or_default()
        }
        Step::Changelog { conn } => effects_of(cluster.read_changelog_joined(ConnId(conn))),
        Step::Store { group, all } => {
            let group = group.map(group_name);
            if all {
                if let Ok(found) = cluster.query_store_all(group.as_ref(), &asker) {
                    assert!(!found.storages.is_empty());
                    check_store(cluster, &found.group, &found.storages[0].id, found.path_index);
                }
            } else if let Ok(found) = cluster.query_store_one(group.as_ref(), &asker) {
                check_store(cluster, &found.group, &found.storage.id, found.path_index);
            }
            Vec::new()
        }
        Step::Fetch { group, host, normal, created } => {
            let group = group_name(group);
            let source = if cluster.settings().ids.is_some() {
                Source::Id(u32::from(host))
            } else {
                Source::Ip(std::net::Ipv4Addr::new(10, 0, 0, host))
            };
            let file = FileFacts { normal, source: Some(source), created };
            let one = cluster.query_fetch_one(*now, &group, &file, &asker);
            let all = cluster.query_fetch_all(*now, &group, &file, &asker);
            assert_eq!(one.is_ok(), all.is_ok(), "{one:?} {all:?}");
            for found in one.iter().chain(all.iter().flatten()) {
                let storage = cluster.group(&group).unwrap().storage(&found.id).unwrap();
                assert!(storage.is_readable(), "{storage:?}");
            }
            if let Ok(found) = cluster.query_update(*now, &group, &file, &asker) {
                assert!(cluster.group(&group).unwrap().storage(&found.id).unwrap().is_writable());
            }
            Vec::new()
        }
        Step::Restart => {
            let (again, losses) = Cluster::restore(cluster.settings().clone(), PORT, *now, stored(cluster));
            for loss in losses {
                // A source may have been deleted after it was told to a storage, a trunk server may lack rights.
                assert!(matches!(loss, Loss::SyncSource { .. } | Loss::TrunkServer { .. }), "{loss:?}");
            }
            *cluster = again;
            Vec::new()
        }
    }
}

fn check_store(cluster: &Cluster, group: &GroupName, id: &StorageId, path_index: u8) {
    let group = cluster.group(group).unwrap();
    assert!(group.storage(id).unwrap().is_writable());
    assert!(usize::from(path_index) < group.path_count());
}

/// What holds between any two events.
fn check(cluster: &Cluster) {
    let names: Vec<_> = cluster.groups().iter().map(|group| *group.name()).collect();
    assert!(names.is_sorted_by(|a, b| a < b), "{names:?}");
    for group in cluster.groups() {
        let ids: Vec<_> = group.sorted().map(|storage| *storage.id()).collect();
        assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
        assert_eq!(ids.len(), group.storages().len());
        assert!(ids.len() <= STORAGES_PER_GROUP);
        let readable: Vec<_> = group.readable().map(|storage| *storage.id()).collect();
        let writable: Vec<_> = group.writable().map(|storage| *storage.id()).collect();
        let active = |may: fn(RwMode) -> bool| -> Vec<_> {
            let may_now = group.sorted().filter(|s| s.status() == StorageStatus::Active && may(s.rw()));
            may_now.map(|storage| *storage.id()).collect()
        };
        assert_eq!(readable, active(RwMode::can_read));
        assert_eq!(writable, active(RwMode::can_write));
        for storage in group.storages() {
            if let Some(conn) = storage.connection() {
                assert_eq!(cluster.joined_as(conn), Some((*group.name(), *storage.id())), "its own connection");
            }
        }
        if let Some(id) = group.trunk_server() {
            assert!(group.storage(id).is_some(), "a trunk server is a member");
        }
    }
    // The matrix of sync times is square, and its rows are those of the servers file.
    let servers = cluster.server_rows();
    let rows = cluster.timestamp_rows();
    assert_eq!(servers.len(), rows.len());
    for (server, row) in servers.iter().zip(&rows) {
        assert_eq!(server.group, row.group);
        assert_eq!(row.times.len(), servers.iter().filter(|other| other.group == row.group).count());
    }
    // Lists show what there is.
    for info in cluster.list_groups() {
        let group = cluster.group(&info.name).unwrap();
        assert_eq!(info.storage_count, group.storages().len());
        assert_eq!((info.readable_count, info.writable_count), (group.readable().count(), group.writable().count()));
    }
}

/// What the shell would find in the files that the effects of a step leave behind.
fn check_saved(before: &Stored, after: &Stored, effects: &[Effect], step: &Step) {
    let ids = |stored: &Stored| {
        let id = |row: &fdfs_core::tracker::TimestampRow| (row.group, row.source);
        stored.timestamps.iter().map(id).collect::<Vec<_>>()
    };
    if ids(before) != ids(after) {
        assert!(effects.contains(&Effect::SaveServers), "the set of storages changed: {step:?}");
        assert!(effects.contains(&Effect::SaveTimestamps), "the set of storages changed: {step:?}");
    }
    if before.groups != after.groups {
        assert!(effects.contains(&Effect::SaveGroups), "a group changed: {step:?}");
    }
    let appended: String = effects
        .iter()
        .filter_map(|effect| if let Effect::AppendChangelog(text) = effect { Some(text.as_str()) } else { None })
        .collect();
    assert_eq!(after.changelog, before.changelog.clone() + &appended, "{step:?}");
    for (index, effect) in effects.iter().enumerate() {
        let saves = matches!(effect, Effect::SaveGroups | Effect::SaveServers | Effect::SaveTimestamps);
        assert!(!saves || !effects[index + 1..].contains(effect), "{effect:?} twice: {step:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn views_agree_with_members_after_any_events(
        settings in settings(),
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let mut cluster = Cluster::new(settings, PORT);
        let mut now = Now { unix_secs: 1000, mono_ms: 1000 };
        for step in &steps {
            let before = stored(&cluster);
            let chg_count: Vec<_> = cluster.groups().iter().map(|group| (*group.name(), group.chg_count())).collect();
            let effects = apply(&mut cluster, &mut now, step);
            check(&cluster);
            if matches!(step, Step::Restart) {
                continue;
            }
            check_saved(&before, &stored(&cluster), &effects, step);
            for (name, count) in chg_count {
                if let Some(group) = cluster.group(&name) {
                    prop_assert!(group.chg_count() >= count);
                }
            }
        }
    }
}
