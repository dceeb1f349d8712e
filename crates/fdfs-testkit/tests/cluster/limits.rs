//! Time-outs, connection limits, hosts that may not come.

use std::time::Duration;

use fdfs_testkit::raw::{packet, packet_with};
use fdfs_testkit::{After, Cluster, PATIENCE, RawConn, wait_for};

use crate::support::{ENOSPC, is_stored, stored, upload, upload_head, user_files};

/// A cluster with the shortest `network_timeout`.
fn impatient() -> Cluster {
    let keys = Cluster::builder().tracker_key("network_timeout", 1).storage_key("network_timeout", 1);
    keys.group("group1", 1).start()
}

#[test]
fn clients_that_stall_are_closed_after_network_timeout() {
    let cluster = impatient();
    let test = packet(111, b"");
    let mut conns = Vec::new();
    for (addr, command) in [(cluster.tracker_addr(), 90), (cluster.storages[0].addr(), 12)] {
        for sent in [b"".to_vec(), test[..4].to_vec(), packet_with(command, 0, 16, b"abcde")] {
            let mut conn = RawConn::connect(addr);
            conn.send(&sent);
            conns.push((conn, format!("{addr} after {} bytes", sent.len())));
            // Also behind a request that was complete.
            if !sent.is_empty() {
                let mut conn = RawConn::connect(addr);
                assert_eq!(conn.send(&test).reply().status(), Some(0));
                conn.send(&sent);
                conns.push((conn, format!("{addr} after a request and {} bytes", sent.len())));
            }
        }
    }
    for (mut conn, what) in conns {
        assert!(conn.is_closed_within(PATIENCE), "{what}");
    }
}

#[test]
fn new_15_a_connection_may_rest_between_two_requests() {
    let cluster = impatient();
    let mut conns = [cluster.to_tracker(), cluster.to_storage(0)];
    for conn in &mut conns {
        assert_eq!(conn.ask(111, b"").status(), Some(0));
    }
    assert!(!conns[0].is_closed_within(Duration::from_millis(2500)), "the tracker has closed it");
    for conn in &mut conns {
        assert_eq!(conn.after(), After::Open);
    }
}

#[test]
fn an_upload_that_stalls_is_given_up_and_leaves_nothing() {
    let cluster = impatient();
    let stalled = [(1000, 500), (600_000, 400_000)].map(|(announced, sent)| {
        let mut conn = cluster.to_storage(0);
        conn.send(&packet_with(11, 0, 15 + announced, &upload_head(0, announced, "bin"))).send(&vec![b'z'; sent]);
        conn
    });
    for mut conn in stalled {
        assert!(conn.is_closed_within(PATIENCE));
    }
    wait_for("nothing to be left", || user_files(&cluster, 0).is_empty().then_some(()));
}

#[test]
fn connections_beyond_max_connections_are_closed_and_the_others_served() {
    let cluster = Cluster::builder().storage_key("max_connections", 4).group("group1", 1).start();
    let mut served: Vec<RawConn> = (0..4).map(|_| cluster.to_storage(0)).collect();
    for conn in &mut served {
        assert_eq!(conn.ask(111, b"").status(), Some(0));
    }
    for _ in 0..3 {
        assert!(cluster.to_storage(0).is_closed_within(PATIENCE));
    }
    for conn in &mut served {
        assert_eq!(conn.after(), After::Open);
    }
    served.truncate(3);
    wait_for("a place to be free again", || (cluster.to_storage(0).ask(111, b"").status() == Some(0)).then_some(()));
    cluster.expect_problem("max_connections");
}

#[test]
fn a_tracker_keeps_max_connections_too() {
    // Storages of the cluster and the client of the test need some.
    let cluster = Cluster::builder().tracker_key("max_connections", 8).group("group1", 1).start();
    let mut conns: Vec<RawConn> = (0..8).map(|_| cluster.to_tracker()).collect();
    let closed = conns.iter_mut().filter_map(|conn| (conn.ask(111, b"").status() != Some(0)).then_some(())).count();
    assert!((1..8).contains(&closed), "{closed} of 8 were closed");
    drop(conns);
    wait_for("a place to be free again", || (cluster.to_tracker().ask(111, b"").status() == Some(0)).then_some(()));
    cluster.expect_problem("max_connections");
}

#[test]
fn hosts_that_are_not_allowed_are_closed_without_a_word() {
    let mut cluster = Cluster::builder().group("group1", 1).build();
    // Raw connections of this test come from 127.0.0.1.
    let own = format!("{}", cluster.loopback.ip(11));
    cluster.storages[0].set("allow_hosts", own);
    cluster.start_all();
    cluster.wait_until_active();
    assert!(cluster.to_storage(0).is_closed_within(PATIENCE));
    assert!(!matches!(cluster.to_storage(0).ask(111, b"").status(), Some(0)));
    cluster.storages[0].set("allow_hosts", "127.0.0.1");
    cluster.storages[0].restart();
    assert_eq!(cluster.to_storage(0).ask(111, b"").status(), Some(0));
    cluster.expect_problem("not in allow_hosts");
}

#[test]
fn a_full_disk_takes_no_upload_and_serves_what_it_has() {
    let mut cluster = Cluster::small();
    let name = stored(&cluster, 0, b"from better days");
    // What is free now is reserved from now on.
    cluster.trackers[0].set("reserved_storage_space", "1000TB");
    cluster.storages[0].stop();
    cluster.trackers[0].restart();
    cluster.storages[0].start();
    cluster.wait_until_active();
    let error = cluster.block_on(cluster.client().upload(b"more", &Default::default())).unwrap_err();
    assert_eq!(error.status().0, ENOSPC, "{error}");
    // Past the tracker as well; the connection stays in step whatever was not read (NEW 4).
    for size in [4, 200_000, 2_000_000] {
        let mut conn = cluster.to_storage(0);
        let reply = conn.send(&upload(&vec![b'x'; size])).reply();
        assert_eq!(reply.status(), Some(ENOSPC), "{size} bytes");
        assert_eq!(conn.after(), After::Open, "{size} bytes");
    }
    assert!(is_stored(&cluster, 0, &name, b"from better days"));
    assert_eq!(user_files(&cluster, 0).len(), 1);
    cluster.expect_problem("reserved");
}
