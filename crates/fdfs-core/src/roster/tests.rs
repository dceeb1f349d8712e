use super::*;

fn brief(host: u8, status: StorageStatus) -> StorageBrief {
    let ip: IpText = format!("10.0.0.{host}").parse().unwrap();
    StorageBrief { status, port: 23000, id: ip.as_str().parse().unwrap(), ip }
}

fn roster() -> Roster {
    let own: IpText = "10.0.0.1".parse().unwrap();
    Roster::new(Me { id: own.as_str().parse().unwrap(), addrs: vec![own] })
}

fn statuses(roster: &Roster) -> Vec<StorageStatus> {
    roster.peers().map(|peer| peer.status).collect()
}

#[test]
fn the_leaders_list_is_taken_and_says_what_changed() {
    let mut roster = roster();
    let news = roster.on_list(0, &[brief(1, Active), brief(2, Active), brief(3, WaitSync)]);
    assert_eq!(news, ListNews { has_changed: true, ..ListNews::default() });
    assert_eq!((statuses(&roster), roster.own_status()), (vec![Active, WaitSync], Some(Active)));
    let same = roster.on_list(0, &[brief(1, Active), brief(2, Active), brief(3, WaitSync)]);
    assert_eq!(same, ListNews::default());
    assert!(roster.on_list(0, &[brief(1, Offline), brief(2, Active), brief(3, WaitSync)]).has_changed);
    assert_eq!(roster.own_status(), Some(Offline));
}

/// Every status that was known x every status that is told: the told one counts; these are told back.
#[test]
fn what_was_known_better_is_told_back() {
    let told_back = |mine, told| {
        let mut roster = roster();
        roster.on_list(0, &[brief(2, mine)]);
        let news = roster.on_list(0, &[brief(2, told)]);
        assert_eq!(statuses(&roster), [told]);
        assert_eq!(news.has_changed, mine != told);
        assert!(news.tell_back.iter().all(|back| back.status == mine));
        !news.tell_back.is_empty()
    };
    let rows = [
        // Columns: INIT WAIT_SYNC SYNCING IP_CHANGED DELETED OFFLINE ONLINE ACTIVE RECOVERY NONE.
        (Init, ".........."),
        (WaitSync, ".....b...."),
        (Syncing, ".....b...."),
        (IpChanged, ".....b...."),
        (Deleted, ".....b...."),
        (Offline, ".........."),
        (Online, ".bb......."),
        (Active, ".bb......."),
        (Recovery, ".....b...."),
        (None, ".........."),
    ];
    for (mine, row) in rows {
        let marks: String =
            StorageStatus::ALL.iter().map(|&told| if told_back(mine, told) { 'b' } else { '.' }).collect();
        assert_eq!(marks, row, "known as {mine}");
    }
}

#[test]
fn peers_that_the_leader_lost_are_kept_offline_and_told_back() {
    let mut roster = roster();
    roster.on_list(0, &[brief(2, Active), brief(3, Syncing), brief(4, Deleted)]);
    let news = roster.on_list(0, &[brief(1, Online)]);
    assert_eq!(news.tell_back, [brief(2, Active), brief(3, Syncing)], "a deleted one is forgotten");
    assert_eq!(statuses(&roster), [Offline, Syncing]);
}

#[test]
fn peers_that_go_for_good_are_named_once() {
    let mut roster = roster();
    roster.on_list(0, &[brief(2, Active), brief(3, Active)]);
    let list = [brief(2, Deleted), brief(3, IpChanged)];
    assert_eq!(roster.on_list(0, &list).gone, [brief(2, Deleted).id, brief(3, IpChanged).id]);
    assert_eq!(roster.on_list(0, &list), ListNews::default());
}

#[test]
fn a_tracker_that_disagrees_with_the_leader_is_told() {
    for (leader, other, told) in [
        (Syncing, Active, Some(Syncing)),
        (Active, WaitSync, Some(Active)),
        (Offline, Syncing, Some(Offline)),
        (Deleted, Active, Some(Deleted)),
        (Active, Offline, Option::None),
        (Online, Active, Option::None),
        (WaitSync, WaitSync, Option::None),
        (Init, Active, Option::None),
    ] {
        let mut roster = roster();
        roster.on_leader(0, true);
        roster.on_own_status(0, leader);
        roster.on_own_status(1, other);
        assert_eq!(roster.own_status_to_tell(1), told, "{leader} at the leader, {other} at the other");
        assert_eq!(roster.own_status_to_tell(0), Option::None, "the leader is right");
        roster.on_lost(0);
        assert_eq!(roster.own_status_to_tell(1), Option::None, "nobody leads");
    }
}

#[test]
fn storage_ids_tell_storages_of_one_address_apart() {
    let mut roster = Roster::new(Me { id: "100001".parse().unwrap(), addrs: Vec::new() });
    let of = |id: &str, port| StorageBrief { id: id.parse().unwrap(), port, ..brief(1, Active) };
    roster.on_list(0, &[of("100001", 23000), of("100002", 23001)]);
    assert_eq!(roster.peers().map(|peer| peer.port).collect::<Vec<_>>(), [23001]);
}

#[test]
fn a_list_of_any_length_is_bounded() {
    let mut roster = roster();
    let list: Vec<StorageBrief> = (2..=255).map(|host| brief(host, Active)).collect();
    roster.on_list(0, &list);
    assert_eq!(roster.peers().count(), STORAGES_PER_GROUP);
    assert!(roster.on_list(0, &[]).tell_back.len() <= STORAGES_PER_GROUP);
    assert_eq!(roster.peers().count(), STORAGES_PER_GROUP);
}

#[test]
fn w12_of_two_leaders_the_first_counts_until_it_stands_down() {
    let mut roster = roster();
    roster.on_leader(1, true);
    roster.on_leader(0, true);
    roster.on_leader(1, true);
    assert_eq!((roster.leader(), roster.leaders()), (Some(1), &[1, 0][..]));
    roster.on_leader(1, false);
    assert_eq!(roster.leader(), Some(0));
    roster.on_leader(1, true);
    roster.on_lost(0);
    assert_eq!(roster.leaders(), [1]);
}
