//! Requests that are wrong get a clear answer and harm nothing.

use fdfs_testkit::raw::{packet, packet_with, padded16};
use fdfs_testkit::{After, Cluster, PATIENCE, RawConn, RawReply, wait_for};

use crate::support::{EINVAL, ENOENT, download, id, is_stored, stored, upload, upload_head, user_files};

/// The storage answers EINVAL and closes, as the reference does.
fn refused_and_closed(conn: &mut RawConn, request: &[u8], what: &str) {
    assert_eq!(conn.send(request).reply(), RawReply::Whole { status: EINVAL, body: Vec::new() }, "{what}");
    assert_eq!(conn.after(), After::Closed, "{what}");
}

#[test]
fn commands_that_nobody_knows_are_refused_by_both_servers() {
    let cluster = Cluster::small();
    for command in [0, 1, 8, 10, 39, 57, 99, 100, 112, 200, 255] {
        let mut tracker = cluster.to_tracker();
        assert_eq!(tracker.ask(command, b"some body"), RawReply::Whole { status: EINVAL, body: Vec::new() });
        assert_eq!(tracker.after(), After::Open, "command {command}");
        refused_and_closed(&mut cluster.to_storage(0), &packet(command, b"some body"), &format!("command {command}"));
    }
    // What the one serves, the other does not.
    assert_eq!(cluster.to_tracker().ask(11, b"").status(), Some(EINVAL));
    assert_eq!(cluster.to_storage(0).ask(101, b"").status(), Some(EINVAL));
}

#[test]
fn new_2_lengths_that_cannot_be_are_not_answered() {
    let cluster = Cluster::small();
    for len in [-1, i64::MIN] {
        for addr in [cluster.tracker_addr(), cluster.storages[0].addr()] {
            let mut conn = RawConn::connect(addr);
            assert_eq!(conn.send(&packet_with(111, 0, len, b"")).reply(), RawReply::Closed(Vec::new()), "{len}");
        }
    }
    for len in [262_135, 1 << 31, 1 << 32, 0x1_FFFF_FFFF, i64::MAX] {
        let mut conn = cluster.to_tracker();
        assert_eq!(conn.send(&packet_with(111, 0, len, b"")).reply(), RawReply::Closed(Vec::new()), "{len}");
    }
    assert_eq!(cluster.to_tracker().ask(111, b"").status(), Some(0));
    assert_eq!(cluster.to_storage(0).ask(111, b"").status(), Some(0));
}

#[test]
fn new_1_commands_of_storages_on_a_connection_that_has_not_joined_are_refused() {
    let cluster = Cluster::small();
    for command in [59, 72, 73, 74, 79, 83, 84, 85, 87, 88, 89] {
        let mut conn = cluster.to_tracker();
        assert_eq!(conn.ask(command, &[0; 20]), RawReply::Whole { status: 13, body: Vec::new() }, "command {command}");
        assert_eq!(conn.after(), After::Open, "command {command}");
    }
}

#[test]
fn new_3_a_huge_length_for_a_command_without_content_is_refused() {
    let cluster = Cluster::small();
    let name = stored(&cluster, 0, b"still here");
    for command in [12, 13, 14, 15, 22, 111] {
        for len in [0x7FFF_0000, 1 << 40, i64::MAX] {
            let mut conn = cluster.to_storage(0);
            // As much as the buffer takes: the reference waits for so much before it judges.
            conn.send(&packet_with(command, 0, len, &vec![b'a'; 300_000]));
            let reply = conn.reply();
            let is_refused = matches!(&reply, RawReply::Whole { status: EINVAL, body } if body.is_empty());
            // The answer may get lost when the storage closes over what it did not read.
            assert!(is_refused || matches!(reply, RawReply::Reset(_)), "command {command}, length {len}: {reply:?}");
            assert_eq!(conn.after(), After::Closed, "command {command}, length {len}");
        }
    }
    assert!(is_stored(&cluster, 0, &name, b"still here"));
}

#[test]
fn new_4_an_early_error_leaves_the_connection_in_step() {
    let cluster = Cluster::small();
    let missing = b"M00/00/00/CkMBC2oBAAGAXXXXAAAAC1234567890001.txt";
    let missing = &missing[..44];
    let metadata = [&b"k\x02"[..], &vec![b'v'; 200_000]].concat();
    let body =
        [&44_i64.to_be_bytes()[..], &(metadata.len() as i64).to_be_bytes(), b"O", &id("group1", missing), &metadata]
            .concat();
    let mut conn = cluster.to_storage(0);
    for _ in 0..3 {
        assert_eq!(conn.ask(13, &body), RawReply::Whole { status: ENOENT, body: Vec::new() });
        assert_eq!(conn.after(), After::Open);
    }
    // EINVAL closes, but only behind the whole answer.
    let content = vec![b'x'; 600_000];
    let upload = packet(11, &[upload_head(9, 600_000, "txt"), content].concat());
    let mut conn = cluster.to_storage(0);
    let reply = conn.send(&upload).reply();
    assert_eq!(reply, RawReply::Whole { status: EINVAL, body: Vec::new() });
    assert_eq!(conn.after(), After::Closed);
}

#[test]
fn new_5_requests_in_one_segment_are_all_answered_in_order() {
    let cluster = Cluster::small();
    let test = packet(111, b"");
    for addr in [cluster.tracker_addr(), cluster.storages[0].addr()] {
        let mut conn = RawConn::connect(addr);
        conn.send(&test.repeat(20));
        for i in 0..20 {
            assert_eq!(conn.reply(), RawReply::Whole { status: 0, body: Vec::new() }, "answer {i} of {addr}");
        }
        assert_eq!(conn.after(), After::Open);
    }
    let mut conn = cluster.to_storage(0);
    conn.send(&[upload(b"first"), upload(b"the second"), test, download(0, 0, "group1", b"M00/nonsense")].concat());
    let names: Vec<String> = (0..2).map(|_| String::from_utf8(conn.reply().ok()[16..].to_vec()).unwrap()).collect();
    assert_eq!(conn.reply().status(), Some(0));
    assert_eq!(conn.reply().status(), Some(EINVAL));
    assert!(is_stored(&cluster, 0, &names[0], b"first"));
    assert!(is_stored(&cluster, 0, &names[1], b"the second"));
}

#[test]
fn names_that_lead_elsewhere_are_refused_and_open_nothing() {
    let cluster = Cluster::small();
    let name = stored(&cluster, 0, b"content");
    let tail = &name[10..];
    let secret = cluster.storages[0].plan.store_paths[0].join("secret");
    std::fs::write(&secret, b"secret").unwrap();
    let names = [
        "../secret".to_owned(),
        "M00/../secret00000".to_owned(),
        "M00/00/../../secret".to_owned(),
        "M00/00/00/../../../secret".to_owned(),
        "M00/00/00/..".to_owned(),
        "M00/00/00/.".to_owned(),
        format!("M00/00/00/x/{tail}"),
        format!("M00/00/00//{tail}"),
        format!("M00//00/{tail}"),
        format!("/etc/passwd/{tail}"),
        format!("M00/0a/00/{tail}"),
        format!("M00/00/{tail}"),
        format!("M77/00/00/{tail}"),
        format!("MGG/00/00/{tail}"),
        format!("m00/00/00/{tail}"),
        format!("{name}\0"),
        format!("{name}\0rubbish"),
        format!("M00/00/00/\0{tail}"),
        format!("{name}\n"),
        "M00/00/00/".to_owned(),
        String::new(),
        "x".repeat(200),
        "M00/00/00/".to_owned() + &"y".repeat(200),
    ];
    for name in &names {
        let name = name.as_bytes();
        let shown = name.escape_ascii().to_string();
        refused_and_closed(&mut cluster.to_storage(0), &download(0, 0, "group1", name), &format!("download {shown}"));
        for command in [12, 15, 22] {
            let request = packet(command, &id("group1", name));
            refused_and_closed(&mut cluster.to_storage(0), &request, &format!("command {command}, {shown}"));
        }
        let meta = [&(name.len() as i64).to_be_bytes()[..], &3_i64.to_be_bytes(), b"O", &id("group1", name), b"k\x02v"];
        refused_and_closed(&mut cluster.to_storage(0), &packet(13, &meta.concat()), &format!("metadata {shown}"));
    }
    assert_eq!(std::fs::read(&secret).unwrap(), b"secret");
    assert!(is_stored(&cluster, 0, &name, b"content"));
    assert_eq!(user_files(&cluster, 0).len(), 1, "no metadata file was made");
}

#[test]
fn names_of_nothing_and_base64_rubbish_are_not_found() {
    let cluster = Cluster::small();
    for tail in ["CkMBC2oBAAGAXXXXAAAAC123456.txt", "***************************000.txt", "short.txt", "...", "-m-m-m"]
    {
        let name = format!("M00/03/03/{tail}");
        for request in [download(0, 0, "group1", name.as_bytes()), packet(12, &id("group1", name.as_bytes()))] {
            let mut conn = cluster.to_storage(0);
            assert_eq!(conn.send(&request).reply().status(), Some(ENOENT), "{name}");
            assert_eq!(conn.after(), After::Open, "{name}");
        }
    }
}

#[test]
fn ids_of_another_group_are_refused_by_the_storage() {
    let cluster = Cluster::builder().group("group1", 1).group("group2", 1).start();
    let name = stored(&cluster, 0, b"mine");
    for group in ["group2", "nosuchgroup", "", "bad-name", "GROUP1"] {
        let name = name.as_bytes();
        refused_and_closed(&mut cluster.to_storage(0), &download(0, 0, group, name), group);
        refused_and_closed(&mut cluster.to_storage(0), &packet(12, &id(group, name)), group);
        refused_and_closed(&mut cluster.to_storage(0), &packet(22, &id(group, name)), group);
    }
    assert!(is_stored(&cluster, 0, &name, b"mine"));
    // The other group's storage has no such file.
    let reply = cluster.to_storage(1).send(&download(0, 0, "group2", name.as_bytes())).reply();
    assert_eq!(reply.status(), Some(ENOENT));
}

#[test]
fn offsets_and_lengths_past_the_end_are_refused() {
    let cluster = Cluster::small();
    let name = stored(&cluster, 0, b"0123456789");
    let bad = [(10, 0), (11, 1), (i64::MAX, 0), (i64::MAX, i64::MAX), (-1, 0), (0, -1), (i64::MIN, i64::MIN)];
    for (offset, len) in bad {
        let request = download(offset, len, "group1", name.as_bytes());
        refused_and_closed(&mut cluster.to_storage(0), &request, &format!("{offset}, {len}"));
    }
    let mut conn = cluster.to_storage(0);
    for (offset, len, expected) in [(9, i64::MAX, "9"), (3, 1_000_000, "3456789"), (0, 10, "0123456789"), (4, 2, "45")]
    {
        let body = conn.send(&download(offset, len, "group1", name.as_bytes())).reply().ok();
        assert_eq!(body, expected.as_bytes());
    }
}

#[test]
fn sizes_that_contradict_the_length_store_nothing() {
    let cluster = Cluster::small();
    for size in [0, 4, 6, -1, i64::MIN, i64::MAX, 1 << 40] {
        let request = packet(11, &[&upload_head(0, size, "txt")[..], b"hello"].concat());
        refused_and_closed(&mut cluster.to_storage(0), &request, &format!("size {size}"));
    }
    for ext in ["a/b", "a\0b", "\u{e9}t\u{e9}", "a b"] {
        let request = packet(11, &[&upload_head(0, 5, ext)[..], b"hello"].concat());
        let reply = cluster.to_storage(0).send(&request).reply();
        // What stands behind a NUL is no part of the text.
        let expected = if ext == "a\0b" { 0 } else { EINVAL };
        assert_eq!(reply.status(), Some(expected), "extension {ext:?}");
    }
    assert_eq!(user_files(&cluster, 0).len(), 1);
}

#[test]
fn an_upload_cut_off_in_the_middle_leaves_nothing() {
    let cluster = Cluster::small();
    // Into the buffer, and beyond it.
    for (announced, sent) in [(1000, 0), (1000, 999), (600_000, 0), (600_000, 400_000), (600_000, 599_999)] {
        let head = packet_with(11, 0, 15 + announced, &upload_head(0, announced, "bin"));
        let mut conn = cluster.to_storage(0);
        conn.send(&head).send(&vec![b'z'; sent]);
        drop(conn);
    }
    // A storage that serves the next one has not got stuck, and nothing stays of the others.
    let name = stored(&cluster, 0, b"whole");
    wait_for("only the whole file to be there", || (user_files(&cluster, 0).len() == 1).then_some(()));
    assert!(is_stored(&cluster, 0, &name, b"whole"));
    let record = cluster.record(&cluster.storages[0]).unwrap();
    assert!(record.stat.upload_count.success <= 1);
}

#[test]
fn w31_a_tracker_survives_every_command_with_every_short_body() {
    let cluster = Cluster::small();
    let group = padded16("group1");
    for command in 0..=u8::MAX {
        for body in [&b""[..], &[0], &[0xFF; 7], &group, &[0; 60], &[0xFF; 200]] {
            let mut conn = cluster.to_tracker();
            conn.send(&packet(command, body)).end_sending();
            let _ = conn.reply();
        }
    }
    assert_eq!(cluster.to_tracker().ask(111, b"").status(), Some(0));
}

#[test]
fn a_storage_survives_every_command_with_every_short_body() {
    let cluster = Cluster::small();
    let name = stored(&cluster, 0, b"still here");
    let group = padded16("group1");
    for command in 0..=u8::MAX {
        for body in [&b""[..], &[0], &[0xFF; 7], &group, &[0; 60], &[0xFF; 200]] {
            let mut conn = cluster.to_storage(0);
            conn.send(&packet(command, body)).end_sending();
            let _ = conn.reply();
        }
    }
    assert!(is_stored(&cluster, 0, &name, b"still here"));
}

#[test]
fn a_client_that_ends_its_side_still_gets_its_answer() {
    let cluster = Cluster::small();
    for addr in [cluster.tracker_addr(), cluster.storages[0].addr()] {
        let mut conn = RawConn::connect(addr);
        assert_eq!(conn.send(&packet(111, b"")).end_sending().reply().status(), Some(0));
        assert!(conn.is_closed_within(PATIENCE));
    }
}
