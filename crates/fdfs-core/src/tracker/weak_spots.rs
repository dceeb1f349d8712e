//! The weak spots of the reference, one test each. Source: behaviour, 7.

use fdfs_proto::Status;
use fdfs_proto::shared::{StorageBrief, StorageStatus};

use super::tests_support::{HALF, id, ip, join, leads, name, now, peer, refused, status_of, two_of};
use super::{Cause, Cluster, ClusterError, ConnId, Effect, Event, FileFacts, Now, PathSpace, Settings, SyncSource};

#[test]
fn w46_without_a_writable_member_a_new_one_must_wait() {
    let mut cluster = two_of(Settings::default());
    let _ = cluster.join(now(9), &peer(3, "10.0.0.3"), &join("g")).unwrap();
    for conn in [1, 2] {
        let _ = cluster.disconnect(ConnId(conn));
    }
    assert_eq!(refused(cluster.sync_dest_request(now(9), ConnId(3))), Status::ENOENT);
    assert_eq!(status_of(&cluster, "g", "10.0.0.3"), StorageStatus::Init);
}

#[test]
fn w47_a_member_whose_source_was_deleted_asks_for_another_one() {
    let mut cluster = two_of(Settings::default());
    let _ = cluster.join(now(9), &peer(3, "10.0.0.3"), &join("g")).unwrap();
    let source = cluster.sync_dest_request(now(9), ConnId(3)).unwrap().answer;
    let _ = cluster.disconnect(ConnId(1));
    let _ = cluster.delete_storage(now(10), &name("g"), &id("10.0.0.1")).unwrap();
    assert_eq!(cluster.sync_dest_query(ConnId(3)), Ok(None), "a deleted source is forgotten");
    assert_eq!(refused(cluster.sync_notify(ConnId(3), source)), Status::ENOENT);
    let again = cluster.sync_dest_request(now(11), ConnId(3)).unwrap().answer;
    assert_eq!(again, Some(SyncSource { id: id("10.0.0.2"), until: 11 }));
}

#[test]
fn w22_a_member_with_more_paths_than_its_group_stays_active() {
    let mut cluster = two_of(Settings::default());
    let mut more = join("g");
    more.path_count = 2;
    let _ = cluster.disconnect(ConnId(1));
    let joined = cluster.join(now(2), &peer(3, "10.0.0.1"), &more).unwrap();
    let is_warning = |effect: &Effect| matches!(effect, Effect::Log(Event::MorePathsThanGroup { .. }));
    assert!(joined.effects.iter().any(is_warning));
    let big = PathSpace { total_mb: 900_000, free_mb: 800_000 };
    let _ = cluster.disk_usage(now(2), ConnId(3), &[HALF, big]).unwrap();
    assert_eq!(status_of(&cluster, "g", "10.0.0.1"), StorageStatus::Active);
    let shown = cluster.list_storages(&name("g"), Some(&id("10.0.0.1")), &ip("10.0.0.9")).unwrap();
    assert_eq!((shown[0].total_mb, shown[0].path_count), (10_000, 2), "only the group's paths count");
    for _ in 0..4 {
        assert_eq!(cluster.query_store_one(None, &ip("10.0.0.9")).unwrap().path_index, 0);
    }
    assert!(cluster.disk_usage(now(2), ConnId(3), &[]).is_err());
    assert!(cluster.disk_usage(now(2), ConnId(3), &[HALF; 3]).is_err());

    let _ = cluster.disconnect(ConnId(2));
    let _ = cluster.join(now(3), &peer(4, "10.0.0.2"), &more).unwrap();
    assert_eq!(cluster.list_group(&name("g")).unwrap().path_count, 2, "the last member has them too");
    assert_eq!(refused(cluster.disk_usage(now(3), ConnId(4), &[HALF])), Status::EINVAL);
    let _ = cluster.disk_usage(now(3), ConnId(4), &[HALF, HALF]).unwrap();
}

#[test]
fn w24_a_storage_with_a_failed_path_keeps_serving_with_the_others() {
    let mut cluster = Cluster::new(Settings::default(), 22122);
    let mut two_paths = join("g");
    two_paths.path_count = 2;
    let _ = cluster.join(now(1), &peer(1, "10.0.0.1"), &two_paths).unwrap();
    let _ = cluster.sync_notify(ConnId(1), None).unwrap();
    let _ = cluster.disk_usage(now(1), ConnId(1), &[PathSpace::default(), HALF]).unwrap();
    for _ in 0..3 {
        assert_eq!(cluster.query_store_one(None, &ip("10.0.0.9")).unwrap().path_index, 1);
    }
}

#[test]
fn w29_a_deletion_is_saved_at_once() {
    let mut cluster = two_of(Settings::default());
    let _ = cluster.disconnect(ConnId(1));
    let effects = cluster.delete_storage(now(5), &name("g"), &id("10.0.0.1")).unwrap();
    assert_eq!(effects[0], Effect::AppendChangelog("5 g 10.0.0.1 4 \n".into()), "first of all the changelog");
    assert!(effects.contains(&Effect::SaveServers) && effects.contains(&Effect::SaveTimestamps));
    assert_eq!(cluster.server_rows().len(), 1);
    // Its peers hear of it, and it begins a new life when it comes back.
    leads(&mut cluster);
    let news = cluster.beat(now(6), ConnId(2), None).unwrap().answer;
    assert_eq!(news.storages.unwrap()[0].status, StorageStatus::Deleted);
    let joined = cluster.join(now(7), &peer(3, "10.0.0.1"), &join("g")).unwrap();
    assert_eq!(joined.answer.status, StorageStatus::Init);
    assert!(joined.effects.contains(&Effect::SaveServers) && joined.effects.contains(&Effect::SaveTimestamps));
    assert_eq!(cluster.group(&name("g")).unwrap().storages().len(), 2);
}

#[test]
fn w31_nothing_can_be_done_without_a_join() {
    let mut cluster = two_of(Settings::default());
    let stranger = ConnId(99);
    let source = Some(SyncSource { id: id("10.0.0.1"), until: 1 });
    for refused in [
        cluster.sync_notify(stranger, None).err(),
        cluster.sync_notify(stranger, source).err(),
        cluster.sync_dest_query(stranger).err(),
        cluster.sync_dest_request(now(1), stranger).err(),
        cluster.change_status(stranger, StorageStatus::Deleted).err(),
        cluster.beat(now(1), stranger, None).err(),
        cluster.disk_usage(now(1), stranger, &[HALF]).err(),
        cluster.sync_report(now(1), stranger, &[(id("10.0.0.1"), 5)]).err(),
        cluster.replica_change(now(1), stranger, &[StorageBrief::NONE]).err(),
        cluster.trunk_file_id(stranger).err(),
        cluster.report_trunk_file_id(stranger, 1).err(),
        cluster.report_trunk_free(stranger, 1).err(),
        cluster.read_changelog_joined(stranger).err(),
    ] {
        assert_eq!(refused.map(|error| error.status()), Some(Status::EACCES));
    }
    assert_eq!(cluster.disconnect(stranger), vec![]);
}

#[test]
fn w33_the_end_of_an_older_connection_changes_nothing() {
    let mut cluster = two_of(Settings::default());
    leads(&mut cluster);
    let _ = cluster.join(now(5), &peer(9, "10.0.0.1"), &join("g")).unwrap();
    assert_eq!(cluster.disconnect(ConnId(1)), vec![]);
    assert_eq!(status_of(&cluster, "g", "10.0.0.1"), StorageStatus::Active);
    let news = cluster.beat(now(5), ConnId(9), None).unwrap().answer;
    assert!(news.leader.is_some() && news.storages.is_some(), "the new connection is told everything");

    // The newest one ends: OFFLINE. A beat on an older one that still works brings the storage back.
    let _ = cluster.join(now(6), &peer(10, "10.0.0.1"), &join("g")).unwrap();
    assert!(!cluster.disconnect(ConnId(10)).is_empty());
    assert_eq!(status_of(&cluster, "g", "10.0.0.1"), StorageStatus::Offline);
    let _ = cluster.beat(now(7), ConnId(9), None).unwrap();
    assert_eq!(status_of(&cluster, "g", "10.0.0.1"), StorageStatus::Active);
    assert!(!cluster.disconnect(ConnId(9)).is_empty());
    assert_eq!(status_of(&cluster, "g", "10.0.0.1"), StorageStatus::Offline);
}

#[test]
fn w44_a_step_of_the_wall_clock_sets_nobody_offline() {
    let mut cluster = two_of(Settings::default()); // check_active_interval is 100 s
    let at = |unix_secs, mono_ms| Now { unix_secs, mono_ms };
    for conn in [1, 2] {
        let _ = cluster.beat(at(1000, 5_000), ConnId(conn), None).unwrap();
    }
    assert_eq!(cluster.tick(at(900_000, 6_000)), vec![], "a step forward");
    assert_eq!(cluster.tick(at(-900_000, 105_000)), vec![], "a step back, and exactly the interval");
    let _ = cluster.beat(at(1, 105_000), ConnId(2), None).unwrap();
    let effects = cluster.tick(at(1000, 105_001));
    let event = Event::StatusChanged {
        group: name("g"),
        id: id("10.0.0.1"),
        from: StorageStatus::Active,
        to: StorageStatus::Offline,
        cause: Cause::Silence,
    };
    assert_eq!(effects, [Effect::Log(event), Effect::GroupChanged { group: name("g") }]);
    // Its connection still lives: the next beat brings it back without a join.
    let _ = cluster.beat(at(1000, 105_002), ConnId(1), None).unwrap();
    assert_eq!(status_of(&cluster, "g", "10.0.0.1"), StorageStatus::Active);
}

#[test]
fn a_pause_of_the_tracker_itself_sets_nobody_offline() {
    let mut cluster = two_of(Settings::default()); // check_active_interval is 100 s
    let at = |mono_ms| Now { unix_secs: 1000, mono_ms };
    let _ = cluster.beat(at(5_000), ConnId(1), None).unwrap();
    let _ = cluster.beat(at(65_000), ConnId(2), None).unwrap();
    assert_eq!(cluster.tick(at(66_000)), vec![]);
    // What was said in these 500 s waits in the sockets.
    cluster.was_paused(at(567_000), 500_000);
    assert_eq!(cluster.tick(at(567_000)), vec![]);
    // The silence before the pause counts, and that behind it.
    assert_eq!(cluster.tick(at(605_000)), vec![]);
    assert_ne!(cluster.tick(at(605_001)), vec![]);
    assert_eq!(status_of(&cluster, "g", "10.0.0.1"), StorageStatus::Offline);
    assert_eq!(status_of(&cluster, "g", "10.0.0.2"), StorageStatus::Active);
}

#[test]
fn w43_after_a_restart_storages_serve_with_their_first_beat() {
    let cluster = two_of(Settings::default());
    let stored = super::Stored {
        groups: cluster.group_rows(),
        servers: cluster.server_rows(),
        timestamps: cluster.timestamp_rows(),
        ..super::Stored::default()
    };
    let (mut cluster, losses) = Cluster::restore(Settings::default(), 22122, now(50), stored);
    assert_eq!(losses, []);
    assert_eq!(refused(cluster.query_store_one(None, &ip("10.0.0.9"))), Status::ENOENT);
    let mut back = join("g");
    (back.init_flag, back.own_status) = (false, 7);
    let joined = cluster.join(now(51), &peer(1, "10.0.0.1"), &back).unwrap();
    assert_eq!(joined.answer.status, StorageStatus::Online);
    let _ = cluster.beat(now(51), ConnId(1), None).unwrap();
    let _ = cluster.disk_usage(now(51), ConnId(1), &[HALF]).unwrap();
    assert_eq!(cluster.query_store_one(None, &ip("10.0.0.9")).unwrap().storage.id, id("10.0.0.1"));
    assert!(cluster.query_fetch_one(now(51), &name("g"), &FileFacts::UNKNOWN, &ip("10.0.0.9")).is_ok());
}

#[test]
fn deleted_members_make_room_for_new_ones() {
    let mut cluster = Cluster::new(Settings::default(), 22122);
    let address = |n: u64| format!("10.0.1.{n}");
    for n in 1..=32 {
        let _ = cluster.join(now(1), &peer(n, &address(n)), &join("g")).unwrap();
    }
    let refused = cluster.join(now(1), &peer(33, &address(33)), &join("g")).unwrap_err();
    assert!(matches!(refused, ClusterError::Full { .. }), "{refused}");
    for n in [7, 9] {
        let _ = cluster.disconnect(ConnId(n));
        let _ = cluster.delete_storage(now(2), &name("g"), &id(&address(n))).unwrap();
    }
    let statuses = |cluster: &Cluster| {
        let storages = cluster.group(&name("g")).unwrap().storages();
        (storages.len(), storages.iter().filter(|storage| storage.status() == StorageStatus::Deleted).count())
    };
    assert_eq!(statuses(&cluster), (32, 2));
    let _ = cluster.join(now(3), &peer(33, &address(33)), &join("g")).unwrap();
    assert_eq!(statuses(&cluster), (32, 1), "the list is never longer than everybody can read");
    let _ = cluster.join(now(3), &peer(34, &address(34)), &join("g")).unwrap();
    assert_eq!(statuses(&cluster), (32, 0));
    assert!(cluster.join(now(3), &peer(35, &address(35)), &join("g")).is_err());
    // The first one that was forgotten is a new one when it comes back, and there is no room.
    assert!(cluster.join(now(4), &peer(36, &address(7)), &join("g")).is_err());
    assert!(cluster.beat(now(4), ConnId(12), None).is_ok(), "the others are who they were");
}
