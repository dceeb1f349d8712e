//! How wide addresses are that storages tell and understand: 16 bytes as before 6.11, or 46.

use fdfs_client::InfoFlags;
use fdfs_testkit::{Cluster, RawReply, wait_for};

use crate::support::{id, is_stored, stored};

#[test]
fn storages_tell_addresses_as_wide_as_their_trackers_say() {
    for (size, len) in [("auto", 40), ("IPv4", 40), ("IPv6", 70)] {
        let cluster = Cluster::builder().group("group1", 2).tracker_key("response_ip_addr_size", size).start();
        let name = stored(&cluster, 0, b"hello");
        wait_for("the replica", || is_stored(&cluster, 1, &name, b"hello").then_some(()));
        for storage in [0, 1] {
            let reply = cluster.to_storage(storage).ask(22, &id("group1", name.as_bytes()));
            let RawReply::Whole { status: 0, body } = reply else { panic!("{size}: {reply:?}") };
            assert_eq!(body.len(), len, "{size}");
            let source = cluster.storages[0].addr().ip().to_string();
            assert_eq!(&body[24..24 + source.len()], source.as_bytes(), "{size}");
            assert!(body[24 + source.len()..].iter().all(|&byte| byte == 0), "{size}");
        }
        let file = format!("group1/{name}").parse().unwrap();
        let info = cluster.block_on(cluster.client().file_info_from_server(&file, InfoFlags::default())).unwrap();
        assert_eq!((info.size_bytes, info.from_server), (5, true), "{size}");
    }
}
