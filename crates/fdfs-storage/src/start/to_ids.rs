//! Storage ids were switched on since the last run: who copied the old files is known by its address here, and has an id
//! now. (Marks follow when their peers are known, see `sync/kept.rs`.) Source: disk formats, A.2.

use fdfs_proto::cmd::tracker::StorageIdLine;
use fdfs_proto::disk::data_init_flag::DataInitFlag;

use crate::identity::Identity;

/// Gives the source its id.
///
/// Differs from C: one that is not in the list stays as it is, and is asked about as one that was deleted; the reference
/// forgets it, so that a storage that waits for its files would serve without them.
pub(super) fn name_source_by_id(flag: &mut DataInitFlag, identity: &Identity, ids: &[StorageIdLine], own_port: u16) {
    let source = flag.sync_src_server;
    if identity.id.is_none() || source.is_empty() || ids.iter().any(|line| line.id == source) {
        return;
    }
    let has_its_address = |line: &&StorageIdLine| {
        line.group == identity.group && line.addrs.iter().any(|ip| ip.as_str() == source.as_str())
    };
    // All storages of a group had one port before there were ids.
    let has_its_port = |line: &&StorageIdLine| line.port.is_none_or(|port| port == own_port);
    let line = ids.iter().filter(has_its_address).find(has_its_port);
    if let Some(line) = line {
        tracing::info!("{source}, which copied the old files to this storage, has the id {} now", line.id);
        flag.sync_src_server = line.id;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fdfs_proto::cmd::tracker::HostAddrs;
    use fdfs_proto::file_id::Source;

    fn source_after(source: &str, is_with_ids: bool) -> String {
        let lines = ["100001 group1 10.0.0.1:23001", "100002 group1 10.0.0.1:23000", "100003 group2 10.0.0.3"];
        let ids: Vec<_> = lines.map(|line| StorageIdLine::parse(line.as_bytes()).unwrap()).into();
        let identity = Identity {
            group: "group1".parse().unwrap(),
            addrs: HostAddrs::parse(b"10.0.0.2").unwrap(),
            id: is_with_ids.then(|| "100009".parse().unwrap()),
            source: Source::Id(100_009),
        };
        let mut flag = DataInitFlag { sync_src_server: source.parse().unwrap(), ..DataInitFlag::default() };
        name_source_by_id(&mut flag, &identity, &ids, 23000);
        flag.sync_src_server.to_string()
    }

    #[test]
    fn an_address_becomes_the_id_of_its_group_and_port() {
        assert_eq!(source_after("10.0.0.1", true), "100002");
        assert_eq!(source_after("10.0.0.1", false), "10.0.0.1");
        assert_eq!(source_after("100001", true), "100001");
        assert_eq!(source_after("10.0.0.3", true), "10.0.0.3", "of another group");
        assert_eq!(source_after("", true), "");
    }
}
