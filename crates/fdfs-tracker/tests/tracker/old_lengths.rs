//! Old dialects: which lengths of a body the reference V6.16.1 takes and which it refuses, the 16-byte addresses of versions
//! before 6.11 above all, and how wide the addresses of answers are. The statuses were seen with the reference.

use fdfs_conf::ResponseIpAddrSize;
use fdfs_proto::Command as C;

use crate::support::{Client, Site};

const IP: &str = "127.0.0.1";

/// Texts and numbers, one behind the other.
#[derive(Default)]
struct Body(Vec<u8>);

impl Body {
    fn text(mut self, text: &str, width: usize) -> Self {
        let end = self.0.len() + width;
        self.0.extend_from_slice(text.as_bytes());
        self.0.resize(end, 0);
        self
    }

    fn numbers(mut self, numbers: &[i64]) -> Self {
        numbers.iter().for_each(|number| self.0.extend_from_slice(&number.to_be_bytes()));
        self
    }

    fn port(mut self) -> Self {
        self.0.extend_from_slice(&23000_u32.to_be_bytes());
        self
    }

    fn byte(mut self, byte: u8) -> Self {
        self.0.push(byte);
        self
    }
}

fn group() -> Body {
    Body::default().text("group1", 16)
}

/// A join (81) with the tracker's address in a field of `width` bytes.
fn join(site: &Site, width: usize) -> Vec<u8> {
    let numbers = [23000, 1, 256, 10, 1_795_000_000, 1_795_000_000];
    let body = Body::default().text("group1", 17).numbers(&numbers).text("6.10.0", 8).byte(1).byte(0xFF);
    let body = body.text("", 16).text(IP, width).numbers(&[1]);
    [body.0, format!("{}\n", site.addr()).into_bytes()].concat()
}

/// A status of another storage (76), of `width` bytes for the address.
fn brief(width: usize) -> Vec<u8> {
    group().byte(2).port().text("10.0.0.9", 16).text("10.0.0.9", width).0
}

#[test]
fn requests_with_16_byte_addresses_are_refused_as_in_the_reference() {
    let site = Site::start();
    let _one = site.active("group1", "127.0.0.11", 5000);
    let moved = |width| group().text("10.0.0.9", width).text(IP, width).0;
    let rows = [
        (C::StorageJoin, join(&site, 16), 22),
        (C::StorageJoin, join(&site, 46), 0),
        (C::StorageReportStatus, brief(16), 22),
        (C::StorageReportStatus, brief(46), 0),
        (C::StorageReportIpChanged, moved(16), 22),
        (C::StorageReportIpChanged, moved(46), 17),
    ];
    for (command, body, status) in rows {
        let (answered, _) = site.client().ask_bytes(command, &body);
        assert_eq!(answered.0, status, "{} of {} bytes", command.label(), body.len());
    }
    site.assert_quiet();
}

/// Bodies that are a part of the longest one.
#[test]
fn shorter_forms_that_older_versions_sent_are_taken_or_refused_as_in_the_reference() {
    let site = Site::start();
    let mut one = site.active("group1", "127.0.0.11", 5000);
    let whole = group().text("127.0.0.11", 16).0;
    let addr = group().text("127.0.0.11:23000", 16).0;
    let cut = |bytes: &[u8], len: usize| bytes[..len].to_vec();
    let alone = [
        (C::StorageFetchStorageIds, vec![0; 4], 22),
        (C::StorageFetchStorageIds, vec![0; 5], 95),
        (C::StorageGetMyIp, cut(&whole, 20), 22),
        (C::StorageGetMyIp, Body::default().text("group1", 17).port().0, 0),
        (C::StorageGetGroupName, vec![0; 4], 95),
        (C::StorageGetGroupName, Body::default().text("127.0.0.11", 10).port().0, 95),
        (C::StorageChangelogReq, vec![], 22),
        (C::StorageChangelogReq, cut(&whole, 16), 22),
        (C::StorageChangelogReq, whole.clone(), 0),
        (C::StorageParameterReq, vec![], 0),
        (C::StorageParameterReq, vec![0], 22),
        (C::StorageSyncSrcReq, cut(&whole, 16), 22),
        (C::StorageSyncSrcReq, whole.clone(), 0),
        (C::StorageGetServerId, cut(&addr, 26), 22),
        (C::StorageGetServerId, addr.clone(), 0),
        (C::StorageGetStatus, cut(&addr, 26), 22),
        (C::StorageGetStatus, addr, 0),
        (C::ServerListStorage, cut(&whole, 16), 0),
        (C::ServerListStorage, cut(&whole, 26), 0),
        (C::ServerListStorage, whole, 22),
    ];
    for (command, body, status) in alone {
        let (answered, _) = site.client().ask_bytes(command, &body);
        assert_eq!(answered.0, status, "{} of {} bytes", command.label(), body.len());
    }
    let joined = [
        (C::StorageBeat, vec![], 0),
        (C::StorageBeat, vec![0; 347], 22),
        (C::StorageBeat, vec![0; 348], 0),
        (C::StorageChangelogReq, vec![], 0),
        (C::StorageChangelogReq, vec![0; 32], 22),
        (C::StorageReplicaChg, vec![0; 37], 22),
        (C::StorageReplicaChg, vec![0; 67], 0),
        (C::StorageSyncReport, vec![0; 20], 0),
        (C::StorageSyncReport, vec![0; 21], 22),
    ];
    for (command, body, status) in joined {
        let (answered, _) = one.client.ask_bytes(command, &body);
        assert_eq!(answered.0, status, "{} of {} bytes, joined", command.label(), body.len());
    }
    site.assert_quiet();
}

/// Lengths of the answers: for one server, for all (two of them), for a file, for all that have it, lists.
fn answer_lengths(client: &mut Client) -> [usize; 8] {
    let file = [group().0, b"M00/00/00/wKgBDWKLp8GAXxk4AAAACw1KEYU319.txt".to_vec()].concat();
    let group = group().0;
    let requests = [
        (C::QueryStoreWithoutGroupOne, vec![]),
        (C::QueryStoreWithGroupOne, group.clone()),
        (C::QueryStoreWithoutGroupAll, vec![]),
        (C::QueryStoreWithGroupAll, group.clone()),
        (C::QueryFetchOne, file.clone()),
        (C::QueryUpdate, file.clone()),
        (C::QueryFetchAll, file),
        (C::ServerListStorage, group),
    ];
    requests.map(|(command, body)| {
        let (status, answer) = client.ask_bytes(command, &body);
        assert_eq!(status.0, 0, "{}", command.label());
        answer.len()
    })
}

#[test]
fn addresses_of_answers_are_as_wide_as_is_configured() {
    let narrow = [40, 40, 17 + 2 * 23, 17 + 2 * 23, 39, 39, 16 + 2 * 23, 2 * 487];
    let wide = [70, 70, 17 + 2 * 53, 17 + 2 * 53, 69, 69, 16 + 2 * 53, 2 * 517];
    let rows = [(ResponseIpAddrSize::Auto, narrow), (ResponseIpAddrSize::V4, narrow), (ResponseIpAddrSize::V6, wide)];
    for (size, lengths) in rows {
        let site = Site::start_with(|conf| conf.response_ip_addr_size = size);
        let _one = site.active("group1", "127.0.0.11", 5000);
        let _other = site.active("group1", "127.0.0.12", 5000);
        assert_eq!(answer_lengths(&mut site.client()), lengths, "{size:?}");
        // What storages are told they shall use themselves.
        let (_, text) = site.client().ask_bytes(C::StorageParameterReq, &[]);
        let told = if lengths == wide { "response_ip_addr_size=46\n" } else { "response_ip_addr_size=16\n" };
        assert!(String::from_utf8(text).unwrap().contains(told), "{size:?}");
        site.assert_quiet();
    }
}
