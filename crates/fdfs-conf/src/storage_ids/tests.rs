use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> Result<Parsed<StorageIds>, ConfError> {
    StorageIds::parse("ids.conf", text.as_bytes())
}

fn ids(text: &str) -> StorageIds {
    parse(text).unwrap_or_else(|e| panic!("{text}: {e}")).conf
}

#[test]
fn lines_are_read_and_written_as_trackers_send_them() {
    for (line, sent) in [
        ("100001 group1 10.0.0.1", "100001 group1 10.0.0.1"),
        ("100001\tgroup1  10.0.0.1:23100 \r", "100001 group1 10.0.0.1:23100"),
        ("1 g 10.0.0.1,1.2.3.4:23000 RW=All", "1 g 10.0.0.1,1.2.3.4:23000"),
        ("1 g host.example rw=readonly", "1 g host.example rw=read"),
        ("1 g [2001:DB8::0:1]:23001 rw=WRITE", "1 g [2001:db8::1]:23001 rw=write"),
        ("1 g [10.0.0.1,fe80::1] rw=none", "1 g [10.0.0.1,fe80::1] rw=none"),
    ] {
        let ids = ids(&format!("# text\n\n{line}\n"));
        assert_eq!(ids.entries()[0].to_string(), sent, "{line}");
        assert_eq!(ids.entries()[0].line, 3);
    }
}

#[test]
fn bad_lines_are_refused_with_their_number() {
    for (line, errno) in [
        ("0 g 10.0.0.1", 22),
        ("01 g 10.0.0.1", 22),
        ("+1 g 10.0.0.1", 22),
        ("16777216 g 10.0.0.1", 22),
        ("x g 10.0.0.1", 22),
        ("1", 22),
        ("1 g", 22),
        ("1 seventeenletters1 10.0.0.1", 22),
        ("1 g 10.0.0.1 # text", 22),
        ("1 g 10.0.0.1 rw=maybe", 22),
        ("1 g 10.0.0.1 rw=read rw=read", 22),
        ("1 g 10.0.0.1,10.0.0.2", 22),
        ("1 g 10.0.0.1,1.2.3.4,fe80::1", 22),
        ("1 g ::1", 22),
        ("7 g 10.0.0.2", 17),
        ("1 g 10.0.0.7:23000", 17),
    ] {
        let error = parse(&format!("7 g 10.0.0.7\n{line}\n")).unwrap_err();
        assert_eq!((error.errno(), error.place().to_string()), (errno, "ids.conf:2".to_owned()), "{line}");
    }
    assert_eq!(parse("# nothing\n").unwrap_err().errno(), 2);
}

#[test]
fn all_bad_lines_are_reported() {
    let (parsed, errors) = StorageIds::review("ids.conf", b"x g h\n1 g h\n1 g i\n2 g-1 j\n");
    assert_eq!(errors.iter().map(|e| e.place().line).collect::<Vec<_>>(), [1, 3]);
    assert_eq!(parsed.findings.iter().map(|f| f.line).collect::<Vec<_>>(), [4]);
}

#[test]
fn look_ups() {
    let ids = ids("1 g1 10.0.0.1\n2 g1 10.0.0.1:23100\n3 g2 10.0.0.1:23200\n4 g2 [10.0.0.2,2001:db8::1]\n");
    let by_address = |group: &str, ip: &str, port: u16| ids.by_address(group, ip, port).map(|entry| entry.id);
    assert_eq!(ids.by_id(2).map(|entry| entry.port), Some(Some(23100)));
    assert_eq!(ids.by_id(9), None);
    assert_eq!(by_address("g1", "10.0.0.1", 23000), Some(1));
    assert_eq!(by_address("g1", "10.0.0.1", 23100), Some(2));
    assert_eq!(by_address("g2", "10.0.0.1", 23000), None);
    assert_eq!(by_address("g2", "2001:DB8::0:1", 23000), Some(4));
    // Without a written port every port fits: so it was before 6.16.
    assert_eq!(by_address("g2", "10.0.0.2", 24000), Some(4));
    assert_eq!(ids.by_ip_port("10.0.0.1", 23200).map(|entry| entry.group.as_str()), Some("g2"));
    assert!(ids.has_ipv6());
}

#[test]
fn host_names_are_resolved_by_the_shell() {
    let ids = ids("1 g a.example\n2 g b.example:1\n3 g 10.0.0.3\n");
    assert_eq!(ids.host_names().collect::<Vec<_>>(), ["a.example", "b.example"]);
    let one = |ip: &'static str| move |_: &str| ip.parse::<IpAddr>().ok();
    let (resolved, nameless) = ids.resolved(&one("10.0.0.9")).unwrap();
    assert_eq!(nameless, [""; 0]);
    assert_eq!(resolved.by_address("g", "10.0.0.9", 1).map(|entry| entry.id), Some(2));
    assert_eq!(resolved.host_names().count(), 0);
    assert_eq!(ids.resolved(&one("10.0.0.3")).unwrap_err().errno(), 17);
    let (resolved, nameless) = ids.resolved(&|_| None).unwrap();
    assert_eq!((resolved.len(), nameless), (1, vec!["a.example".to_owned(), "b.example".to_owned()]));
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
        let _ = StorageIds::parse("f", &bytes);
    }

    #[test]
    fn written_lines_read_back(id in 1..=0xFF_FFFF_u32, group in "[a-z0-9]{1,16}", last in 1..255_u8, port: Option<u16>,
                               v6: bool, mode in 0..4_u8) {
        let v6_addrs = vec![format!("10.0.0.{last}"), format!("2001:db8::{last:x}")];
        let addrs = if v6 { v6_addrs } else { vec![format!("h{last}.example")] };
        let rw = [RwMode::None, RwMode::Read, RwMode::Write, RwMode::Both][usize::from(mode)];
        let entry = StorageIdEntry { id, group, addrs, port: port.filter(|&p| p != 0), rw, line: 1 };
        let read = ids(&entry.to_string());
        prop_assert_eq!(read.entries(), &[entry]);
    }
}
