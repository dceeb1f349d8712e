//! The life of storages, event by event.

use fdfs_proto::shared::{RwMode, StorageBrief, StorageStat, StorageStatus};
use fdfs_proto::{IpText, Status};

use super::tests_support::{
    HALF, active, cluster_of, id, ip, join, leads, name, now, peer, refused, status_of, two_of,
};
use super::{Addrs, Cluster, ClusterError, ConnId, Effect, IdEntry, IdTable, IdType, Settings, SyncSource};

/// The recorded life of a storage of its own group, with the statuses that the reference answered.
#[test]
fn a_life_goes_as_recorded() {
    let mut cluster = Cluster::new(Settings::default(), 22122);
    let (conn, from) = (ConnId(1), peer(1, "10.0.0.7"));
    let mut old = join("empty");
    (old.init_flag, old.own_status) = (false, -1);
    assert_eq!(refused(cluster.join(now(1), &from, &old)), Status::EFAULT);
    assert!(cluster.list_groups().is_empty(), "a refused join leaves no group behind");

    let joined = cluster.join(now(1), &from, &join("g")).unwrap();
    assert_eq!((joined.answer.status, joined.answer.sync_source), (StorageStatus::Init, None));
    assert!(joined.effects.contains(&Effect::SaveGroups) && joined.effects.contains(&Effect::SaveServers));
    assert!(joined.effects.contains(&Effect::TrackersChanged));
    leads(&mut cluster);
    assert_eq!(cluster.sync_dest_request(now(2), conn).unwrap().answer, None);
    assert_eq!(status_of(&cluster, "g", "10.0.0.7"), StorageStatus::Online);
    let _ = cluster.sync_notify(conn, None).unwrap();
    assert_eq!(cluster.sync_dest_query(conn), Ok(None));

    let news = cluster.beat(now(3), conn, None).unwrap().answer;
    assert_eq!(news.leader.unwrap().ip, ip("10.0.0.100"));
    assert_eq!(news.trunk_server, None, "no trunk server was ever chosen");
    assert_eq!(news.storages.unwrap()[0].status, StorageStatus::Active);
    let stat = StorageStat { last_heart_beat_time: 77, last_synced_timestamp: 78, ..StorageStat::default() };
    let news = cluster.beat(now(4), conn, Some(&stat)).unwrap().answer;
    assert_eq!(news, super::BeatAnswer::default());
    let shown = cluster.list_storages(&name("g"), None, &ip("10.0.0.9")).unwrap();
    assert_eq!((shown[0].stat.last_heart_beat_time, shown[0].stat.last_synced_timestamp), (4, 0));

    let _ = cluster.disk_usage(now(4), conn, &[HALF]).unwrap();
    assert_eq!(refused(cluster.disk_usage(now(4), conn, &[HALF, HALF])), Status::EINVAL);
    let group = cluster.list_group(&name("g")).unwrap();
    assert_eq!((group.total_mb, group.free_mb, group.readable_count, group.writable_count), (10_000, 5_000, 1, 1));
    assert_eq!((group.storage_port, group.path_count, group.current_trunk_file_id), (23000, 1, -1));
    assert!(cluster.sync_report(now(4), conn, &[(id("10.0.0.7"), 9)]).is_ok());
    assert_eq!(cluster.change_status(conn, StorageStatus::Active), Ok(vec![]));
    assert_eq!(cluster.trunk_file_id(conn), Ok(0));
    assert_eq!(refused(cluster.report_trunk_file_id(conn, 5)), Status::EINVAL);
    assert_eq!(refused(cluster.report_trunk_free(conn, 5)), Status::EINVAL);
    assert_eq!(cluster.query_store_one(Some(&name("g")), &ip("10.0.0.9")).unwrap().path_index, 0);

    let again = cluster.join(now(5), &from, &join("g")).unwrap();
    assert_eq!(again.answer.status, StorageStatus::Active);
    assert_eq!(cluster.beat(now(5), conn, None).unwrap().answer, super::BeatAnswer::default());
    assert_eq!(refused(cluster.delete_storage(now(5), &name("g"), &id("10.0.0.7"))), Status::EBUSY);

    let _ = cluster.disconnect(conn);
    assert_eq!(status_of(&cluster, "g", "10.0.0.7"), StorageStatus::Offline);
    assert_eq!(refused(cluster.query_store_one(Some(&name("g")), &ip("10.0.0.9"))), Status::ENOENT);
    let brief = StorageBrief { status: StorageStatus::Syncing, port: 0, id: id("10.0.0.7"), ip: ip("10.0.0.7") };
    assert_eq!(cluster.report_status(now(6), &name("g"), &brief), Ok(vec![]), "SYNCING is less than OFFLINE");
    assert_eq!(refused(cluster.report_status(now(6), &name("nosuch"), &brief)), Status::ENOENT);
    let _ = cluster.delete_storage(now(1_795_166_320), &name("g"), &id("10.0.0.7")).unwrap();
    assert_eq!(refused(cluster.delete_storage(now(7), &name("g"), &id("10.0.0.7"))), Status::EALREADY);
    assert_eq!(refused(cluster.delete_storage(now(7), &name("g"), &id("10.9.9.9"))), Status::ENOENT);
    let shown = cluster.list_storages(&name("g"), None, &ip("10.0.0.9")).unwrap();
    assert_eq!((shown[0].status, shown[0].path_count, shown[0].port), (StorageStatus::Deleted, 0, 23000));
    assert_eq!((shown[0].join_time, shown[0].up_time, shown[0].stat), (1, 0, StorageStat::default()));
    let lines = cluster.read_changelog(&name("g"), &id("10.0.0.7")).unwrap().answer;
    assert_eq!(lines, "1795166320 g 10.0.0.7 4 \n");
    assert_eq!(cluster.read_changelog(&name("g"), &id("10.0.0.7")).unwrap().answer, "");
    assert_eq!(refused(cluster.delete_group(&name("g"))), Status::EBUSY, "deleted storages count");
    assert!(cluster.drop_group(&name("g")).is_ok(), "W-29: but not for our own command");
}

#[test]
fn a_join_is_checked_in_order() {
    let from = peer(9, "10.0.0.3");
    for (why, change, expected) in [
        ("no tracker", (|j| j.trackers.clear()) as fn(&mut super::Join), Status::EINVAL),
        ("17 trackers", |j| j.trackers = vec![j.trackers[0]; 17], Status::EINVAL),
        ("no group", |j| j.group = fdfs_proto::GroupName::EMPTY, Status::EINVAL),
        ("port 0", |j| j.port = 0, Status::EINVAL),
        ("port 65536", |j| j.port = 65_536, Status::EINVAL),
        ("no path", |j| j.path_count = 0, Status::EINVAL),
        ("257 paths", |j| j.path_count = 257, Status::EINVAL),
        ("257 sub directories", |j| j.subdir_count = 257, Status::EINVAL),
        ("another port", |j| j.port = 23001, Status::EINVAL),
        ("other sub directories", |j| j.subdir_count = 16, Status::EINVAL),
        ("deleted elsewhere", |j| (j.init_flag, j.own_status) = (false, 4), Status::EFAULT),
        ("nothing wrong", |_| (), Status::OK),
    ] {
        let mut cluster = two_of(Settings::default());
        let mut wrong = join("g");
        change(&mut wrong);
        let result = cluster.join(now(1), &from, &wrong);
        let status = result.as_ref().map_or_else(ClusterError::status, |_| Status::OK);
        assert_eq!(status, expected, "{why}");
        assert_eq!(cluster.group(&name("g")).unwrap().storages().len(), 2 + usize::from(result.is_ok()), "{why}");
        assert_eq!(cluster.joined_as(ConnId(9)).is_some(), result.is_ok(), "{why}");
    }
}

#[test]
fn with_ids_the_file_decides_who_may_join_and_what_for() {
    let entry = |text: &str, group: &str, address: &str, rw| IdEntry {
        id: id(text),
        group: name(group),
        addrs: Addrs::new(ip(address), Some(ip("88.0.0.1")).filter(|_| text == "100001")),
        port: None,
        rw,
    };
    let ids = IdTable::new(vec![
        entry("100001", "g", "10.0.0.1", RwMode::Both),
        entry("100002", "g", "10.0.0.2", RwMode::Read),
        entry("100003", "h", "10.0.0.3", RwMode::Both),
    ]);
    let settings = Settings { ids: Some(ids.unwrap()), ..Settings::default() };
    let mut cluster = Cluster::new(settings.clone(), 22122);
    let with_id = |text: &str| {
        let mut join = join("g");
        join.id = id(text);
        join
    };
    // A trusted id may come from any address; an unknown one, or one of another group, may not come at all.
    let answer = cluster.join(now(1), &peer(1, "172.16.0.9"), &with_id("100001")).unwrap().answer;
    assert_eq!(answer.id, id("100001"));
    assert_eq!(refused(cluster.join(now(1), &peer(2, "10.0.0.1"), &with_id("100009"))), Status::ENOENT);
    assert_eq!(refused(cluster.join(now(1), &peer(2, "10.0.0.3"), &with_id("100003"))), Status::EINVAL);
    // Without an id the address decides.
    let answer = cluster.join(now(1), &peer(2, "10.0.0.2"), &join("g")).unwrap().answer;
    assert_eq!(answer.id, id("100002"));
    assert_eq!(refused(cluster.join(now(1), &peer(3, "10.0.0.3"), &join("g"))), Status::ENOENT);

    for conn in [1, 2] {
        let _ = cluster.sync_notify(ConnId(conn), None).unwrap();
        let _ = cluster.disk_usage(now(1), ConnId(conn), &[HALF]).unwrap();
    }
    let group = cluster.group(&name("g")).unwrap();
    assert_eq!((group.readable().count(), group.writable().count()), (2, 1));
    let told = |cluster: &mut Cluster, asker| cluster.query_store_one(None, &ip(asker)).unwrap().storage.ip;
    assert_eq!(told(&mut cluster, "10.9.9.9"), ip("10.0.0.1"));
    assert_eq!(told(&mut cluster, "9.9.9.9"), ip("88.0.0.1"));

    let distrust = Settings { trust_storage_server_id: false, ..settings };
    let mut cluster = Cluster::new(distrust, 22122);
    assert_eq!(refused(cluster.join(now(1), &peer(1, "172.16.0.9"), &with_id("100001"))), Status::ENOENT);
}

#[test]
fn a_group_moves_to_other_values_when_its_last_member_has_them() {
    let mut cluster = two_of(Settings::default());
    let mut moved = join("g");
    (moved.port, moved.path_count, moved.subdir_count) = (24000, 2, 16);
    for conn in [1, 2] {
        let _ = cluster.disconnect(ConnId(conn));
    }
    assert_eq!(refused(cluster.join(now(2), &peer(3, "10.0.0.1"), &moved)), Status::EINVAL);
    let joined = cluster.join(now(2), &peer(4, "10.0.0.2"), &moved).unwrap();
    assert!(joined.effects.contains(&Effect::SaveGroups));
    let _ = cluster.join(now(3), &peer(5, "10.0.0.1"), &moved).unwrap();
    let group = cluster.list_group(&name("g")).unwrap();
    assert_eq!((group.storage_port, group.path_count, group.subdir_count), (24000, 2, 16));
}

#[test]
fn ids_in_file_names_allow_different_ports() {
    let entry = |text: &str, port| IdEntry {
        id: id(text),
        group: name("g"),
        addrs: Addrs::one(ip("10.0.0.1")),
        port: Some(port),
        rw: RwMode::Both,
    };
    let ids = IdTable::new(vec![entry("1", 23000), entry("2", 23001)]).unwrap();
    let settings = Settings { ids: Some(ids), id_type_in_filename: IdType::Id, ..Settings::default() };
    let mut cluster = Cluster::new(settings, 22122);
    let mut second = join("g");
    second.port = 23001;
    let _ = cluster.join(now(1), &peer(1, "10.0.0.1"), &join("g")).unwrap();
    assert_eq!(cluster.list_group(&name("g")).unwrap().storage_port, 23000);
    let _ = cluster.join(now(1), &peer(2, "10.0.0.1"), &second).unwrap();
    assert_eq!(cluster.list_group(&name("g")).unwrap().storage_port, -1);
}

#[test]
fn a_new_member_is_filled_by_a_writable_one() {
    let mut cluster = two_of(Settings::default());
    let _ = cluster.join(now(9), &peer(3, "10.0.0.3"), &join("g")).unwrap();
    let answer = cluster.sync_dest_request(now(9), ConnId(3)).unwrap();
    let source = SyncSource { id: id("10.0.0.1"), until: 9 };
    assert_eq!(answer.answer, Some(source));
    assert!(answer.effects.contains(&Effect::SaveServers));
    assert_eq!(status_of(&cluster, "g", "10.0.0.3"), StorageStatus::WaitSync);
    let _ = cluster.beat(now(10), ConnId(3), None).unwrap();
    assert_eq!(status_of(&cluster, "g", "10.0.0.3"), StorageStatus::WaitSync, "beats do not move it");
    let asked = cluster.sync_source_request(&name("g"), &id("10.0.0.3"), &ip("10.0.0.1")).unwrap();
    assert_eq!(asked.answer, Some(source));
    for (reported, becomes) in [
        (StorageStatus::Syncing, StorageStatus::Syncing),
        (StorageStatus::WaitSync, StorageStatus::Syncing),
        (StorageStatus::Offline, StorageStatus::Offline),
    ] {
        let brief = StorageBrief { status: reported, port: 0, id: id("10.0.0.3"), ip: ip("10.0.0.3") };
        let _ = cluster.report_status(now(11), &name("g"), &brief).unwrap();
        assert_eq!(status_of(&cluster, "g", "10.0.0.3"), becomes);
    }
    let _ = cluster.beat(now(12), ConnId(3), None).unwrap();
    assert_eq!(status_of(&cluster, "g", "10.0.0.3"), StorageStatus::Active);
}

#[test]
fn a_source_that_cannot_copy_is_forgotten() {
    let mut cluster = two_of(Settings::default());
    let _ = cluster.join(now(9), &peer(3, "10.0.0.3"), &join("g")).unwrap();
    let _ = cluster.sync_dest_request(now(9), ConnId(3)).unwrap();
    let _ = cluster.change_status(ConnId(1), StorageStatus::WaitSync).unwrap();
    let asked = cluster.sync_source_request(&name("g"), &id("10.0.0.3"), &ip("10.0.0.1")).unwrap();
    assert_eq!(
        (asked.answer, asked.effects),
        (None, vec![Effect::SaveServers, Effect::GroupChanged { group: name("g") }])
    );
    assert_eq!(cluster.sync_dest_query(ConnId(3)), Ok(None));
    for dest in ["10.0.0.9", "10.0.0.4"] {
        let _ = cluster.join(now(9), &peer(4, "10.0.0.4"), &join("g")).unwrap();
        assert_eq!(
            refused(cluster.sync_source_request(&name("g"), &id(dest), &ip("10.0.0.1"))),
            Status::ENOENT,
            "{dest}"
        );
    }
}

#[test]
fn sync_times_come_from_active_peers_only() {
    use super::StoreServer::{FirstById, RoundRobin};
    for (store_server, expected) in [(RoundRobin, [50, 50, 70]), (FirstById, [80, 80, 80])] {
        let storages = [active("10.0.0.1", 5), active("10.0.0.2", 5), active("10.0.0.3", 5)];
        let mut cluster = cluster_of(Settings { store_server, ..Settings::default() }, &[("g", &storages)]);
        let synced = |cluster: &Cluster| cluster.group(&name("g")).unwrap().storages()[0].last_synced();
        let _ = cluster.sync_report(
            now(5),
            ConnId(1),
            &[(id("10.0.0.1"), 99), (id("10.0.0.2"), 80), (id("10.0.0.3"), 50), (id("10.0.0.9"), 1)],
        );
        assert_eq!(synced(&cluster), expected[0]);
        let _ = cluster.sync_report(now(5), ConnId(1), &[(id("10.0.0.2"), 0)]);
        assert_eq!(synced(&cluster), expected[1], "{store_server:?}: a time of 0 says nothing");
        let _ = cluster.disconnect(ConnId(3));
        let _ = cluster.sync_report(now(5), ConnId(1), &[(id("10.0.0.2"), 70), (id("10.0.0.3"), 60)]);
        assert_eq!(synced(&cluster), expected[2], "{store_server:?}: a source that is gone is left out");
    }
}

#[test]
fn a_connection_that_joins_as_another_storage_leaves_the_first() {
    let mut cluster = two_of(Settings::default());
    let _ = cluster.join(now(5), &peer(1, "10.0.0.5"), &join("h")).unwrap();
    assert_eq!(status_of(&cluster, "g", "10.0.0.1"), StorageStatus::Offline);
    assert_eq!(cluster.joined_as(ConnId(1)), Some((name("h"), id("10.0.0.5"))));
}

#[test]
fn followers_tell_nothing_and_merge_what_storages_report() {
    let mut cluster = two_of(Settings::default());
    assert_eq!(cluster.beat(now(2), ConnId(1), None).unwrap().answer, super::BeatAnswer::default());
    let _ = cluster.disconnect(ConnId(2));
    let brief = |status, text: &str| StorageBrief { status, port: 23000, id: id(text), ip: ip(text) };
    let news = [
        brief(StorageStatus::Deleted, "10.0.0.2"),
        brief(StorageStatus::WaitSync, "10.0.0.3"),
        brief(StorageStatus::Active, "10.0.0.4"),
        brief(StorageStatus::None, "10.0.0.1"),
    ];
    leads(&mut cluster);
    assert_eq!(cluster.replica_change(now(3), ConnId(1), &news), Ok(vec![]), "the leader knows better");
    cluster.set_leader(None);
    let _ = cluster.replica_change(now(3), ConnId(1), &news).unwrap();
    let group = cluster.group(&name("g")).unwrap();
    let statuses: Vec<_> = group.sorted().map(super::Storage::status).collect();
    assert_eq!(statuses, [StorageStatus::Active, StorageStatus::Deleted, StorageStatus::WaitSync]);
    assert_eq!(refused(cluster.replica_change(now(3), ConnId(1), &[])), Status::EINVAL);
}

#[test]
fn a_changed_address_takes_its_data_along() {
    let mut cluster = two_of(Settings::default());
    let _ = cluster.join(now(9), &peer(3, "10.0.0.3"), &join("g")).unwrap();
    let _ = cluster.sync_dest_request(now(9), ConnId(3)).unwrap();
    let _ = cluster.sync_report(now(5), ConnId(2), &[(id("10.0.0.1"), 7)]).unwrap();
    let change = |cluster: &mut Cluster, old: &str, new: &str, from: &str| {
        let result: Result<_, ClusterError> =
            cluster.report_ip_changed(now(20), &ip(from), &name("g"), &ip(old), &ip(new));
        result.map_or_else(|error| error.status(), |_| Status::OK)
    };
    let (old, new) = ("10.0.0.1", "10.0.0.8");
    assert_eq!(change(&mut cluster, old, new, "10.0.0.7"), Status::EINVAL, "not the peer's address");
    assert_eq!(change(&mut cluster, old, new, new), Status::EBUSY, "still alive");
    let _ = cluster.disconnect(ConnId(1));
    assert_eq!(change(&mut cluster, old, "10.0.0.2", "10.0.0.2"), Status::EEXIST);
    assert_eq!(change(&mut cluster, "10.0.0.77", new, new), Status::ENOENT);
    assert_eq!(change(&mut cluster, old, new, new), Status::OK);
    assert_eq!(change(&mut cluster, old, new, new), Status::EALREADY);
    assert_eq!(status_of(&cluster, "g", old), StorageStatus::IpChanged);
    assert_eq!(status_of(&cluster, "g", new), StorageStatus::Offline);
    assert_eq!(cluster.changelog().text(), "20 g 10.0.0.1 3 10.0.0.8\n");
    assert_eq!(cluster.sync_dest_query(ConnId(3)).unwrap().unwrap().id, id(new), "it is still the source");
    let row = cluster.timestamp_rows().into_iter().find(|row| row.source == id(new)).unwrap();
    assert_eq!(row.times, [0, 7, 0], "and its sync times are kept");
    assert_eq!(cluster.server_rows().len(), 3);
    let _ = cluster.join(now(21), &peer(8, new), &join("g")).unwrap();
    assert_eq!(status_of(&cluster, "g", new), StorageStatus::Online);
}

#[test]
fn a_changed_address_takes_the_place_of_a_deleted_storage() {
    let mut cluster = two_of(Settings::default());
    for conn in [1, 2] {
        let _ = cluster.disconnect(ConnId(conn));
    }
    let _ = cluster.delete_storage(now(5), &name("g"), &id("10.0.0.1")).unwrap();
    let new: IpText = ip("10.0.0.1");
    let _ = cluster.report_ip_changed(now(6), &new, &name("g"), &ip("10.0.0.2"), &new).unwrap();
    assert_eq!(status_of(&cluster, "g", "10.0.0.1"), StorageStatus::Offline);
    assert_eq!(status_of(&cluster, "g", "10.0.0.2"), StorageStatus::IpChanged);
}

#[test]
fn statistics_and_sync_times_are_saved_now_and_then() {
    let mut cluster = two_of(Settings::default());
    let stat = StorageStat::default();
    let saved: Vec<_> = (1..=2000)
        .filter(|_| cluster.beat(now(1), ConnId(1), Some(&stat)).unwrap().effects == [Effect::SaveServers])
        .collect();
    assert_eq!(saved, [1000, 2000]);
    let saved: Vec<_> = (1..=1000)
        .filter(|_| {
            cluster.sync_report(now(5), ConnId(1), &[(id("10.0.0.2"), 5)]).unwrap().effects == [Effect::SaveTimestamps]
        })
        .collect();
    assert_eq!(saved, [1000]);
}
