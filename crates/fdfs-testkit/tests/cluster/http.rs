//! Files over HTTP on real sockets: storages, trackers, gateways, and who would do them harm.

use std::net::{SocketAddr, TcpListener};

use crate::http_support::{Site, bytes, gateway};
use fdfs_client::{Metadata, SlaveOptions, UploadOptions};
use fdfs_proto::shared::StorageStatus;
use fdfs_testkit::http::{HttpConn, get};

#[test]
fn every_kind_of_file_is_served_whole_and_in_parts() {
    let site = Site::start(&[("group1", 1)], "");
    let (small, large) = (bytes(1000), bytes(3 << 20));
    let options = UploadOptions::new().ext("jpg".parse().unwrap());
    let (cluster, addr) = (&site.cluster, site.storage(0));
    let client = cluster.client();
    for content in [&small, &large, &Vec::new()] {
        let id = cluster.block_on(client.upload(content, &options)).unwrap();
        let url = format!("/{id}");
        let whole = get(addr, &url, &[]);
        assert!(whole.status == 200 && whole.body == *content, "{} of {}", whole.body.len(), content.len());
        assert_eq!(whole.field("content-type"), Some("image/jpeg"));
        let head = HttpConn::connect(addr).ask("HEAD", &url, &[], b"");
        assert_eq!((head.status, head.field("content-length")), (200, Some(content.len().to_string().as_str())));
        // What a cache has is enough.
        let tag = format!("If-None-Match: {}", whole.field("etag").unwrap());
        let known = get(addr, &url, &[&tag]);
        assert_eq!((known.status, known.body.len(), known.field("etag")), (304, 0, whole.field("etag")));
        assert!(whole.field("cache-control").unwrap().contains("immutable"));
        if content.is_empty() {
            assert_eq!(get(addr, &url, &["Range: bytes=0-0"]).status, 416);
            continue;
        }
        let part = get(addr, &url, &["Range: bytes=5-20004"]);
        let end = content.len().min(20005);
        assert!(part.status == 206 && part.body == content[5..end]);
        let parts = get(addr, &url, &["Range: bytes=0-0,-20"]);
        let boundary = parts.field("content-type").unwrap().split_once("boundary=").unwrap().1.to_owned();
        let mut expected = Vec::new();
        let size = content.len();
        for (from, to) in [(0, 0), (size - 20, size - 1)] {
            let head = format!(
                "\r\n--{boundary}\r\nContent-type: image/jpeg\r\nContent-range: bytes {from}-{to}/{size}\r\n\r\n"
            );
            expected.extend_from_slice(head.as_bytes());
            expected.extend_from_slice(&content[from..=to]);
        }
        expected.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        assert!(parts.status == 206 && parts.body == expected);
    }
    let master = cluster.block_on(client.upload(&large, &options)).unwrap();
    let slave_options = SlaveOptions::new().ext("png".parse().unwrap());
    let slave = cluster.block_on(client.upload_slave(&master, "_s".parse().unwrap(), &small, &slave_options)).unwrap();
    let answer = get(addr, &format!("/{slave}"), &[]);
    assert!(answer.body == small && answer.field("content-type") == Some("image/png"));
    assert_eq!(answer.field("cache-control"), Some("no-cache"));
}

#[test]
fn an_appender_file_changes_its_tag_with_its_content() {
    let site = Site::start(&[("group1", 1)], "");
    let (cluster, addr) = (&site.cluster, site.storage(0));
    let client = cluster.client();
    let id = cluster.block_on(client.upload(b"one", &UploadOptions::new().appender(true))).unwrap();
    let url = format!("/{id}");
    let first = get(addr, &url, &[]);
    let tag = first.field("etag").unwrap().to_owned();
    assert_eq!(get(addr, &url, &[&format!("If-None-Match: {tag}")]).status, 304);
    cluster.block_on(client.append(&id, b"two")).unwrap();
    let second = get(addr, &url, &[&format!("If-None-Match: {tag}"), "Range: bytes=1-", &format!("If-Range: {tag}")]);
    assert_eq!((second.status, second.text().as_str()), (200, "onetwo"));
    assert_eq!(get(addr, &url, &[&format!("If-Match: {tag}")]).status, 412);
}

/// W-16 and the module's proxy that knows one replica: whoever can have a file is asked before it counts as missing.
#[test]
fn a_file_that_is_not_here_is_fetched_from_whoever_has_it() {
    let site = Site::start(&[("group1", 2), ("group2", 1)], "");
    let cluster = &site.cluster;
    let client = cluster.client();
    let content = bytes(300_000);
    // Of another group.
    let options = UploadOptions::new().group("group2".parse().unwrap());
    let other = cluster.block_on(client.upload(&content, &options)).unwrap();
    for index in [0, 1] {
        let answer = get(site.storage(index), &format!("/{other}"), &["Range: bytes=1000-200999"]);
        assert!(answer.status == 206 && answer.body == content[1000..201_000], "{}", answer.status);
    }
    // Of this group, and lost by the storage that it came from.
    let options = UploadOptions::new().storage(cluster.storages[0].addr());
    let id = cluster.block_on(client.upload(&content, &options)).unwrap();
    let name = id.logic_name().unwrap();
    let path = |index: usize| cluster.storages[index].plan.store_paths[0].join("data").join(name.true_name());
    fdfs_testkit::wait::wait_for("the copy", || path(1).exists().then_some(()));
    std::fs::remove_file(path(0)).unwrap();
    for index in [0, 1, 2] {
        let answer = get(site.storage(index), &format!("/{id}"), &[]);
        assert!(answer.status == 200 && answer.body == content, "storage {index}: {}", answer.status);
    }
    // Nobody has it.
    std::fs::remove_file(path(1)).unwrap();
    for index in [0, 1, 2] {
        assert_eq!(get(site.storage(index), &format!("/{id}"), &[]).status, 404);
    }
    assert_eq!(get(site.storage(0), &format!("/nogroup/{name}"), &[]).status, 404);
}

/// The module contacts whatever address stands in an id.
#[test]
fn an_address_in_an_id_is_never_contacted() {
    let site = Site::start(&[("group1", 1)], "");
    let trap_ip = site.cluster.loopback.ip(201);
    let trap = TcpListener::bind((trap_ip, 8888)).unwrap();
    trap.set_nonblocking(true).unwrap();
    let fields = fdfs_proto::file_id::Fields {
        source: fdfs_proto::file_id::Source::Ip(trap_ip),
        created: 2_000_000_000,
        size_word: fdfs_proto::file_id::SizeWord::regular(10, 1),
        crc32: 7,
    };
    let chars = fields.to_chars();
    let name = format!("M00/00/00/{}123.txt", std::str::from_utf8(&chars).unwrap());
    for group in ["group1", "group2"] {
        assert_eq!(get(site.storage(0), &format!("/{group}/{name}"), &["Cookie: secret"]).status, 404);
    }
    let error = trap.accept().unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock, "nobody came");
}

/// The module: metadata by `-m`, 304 before existence, the crash by a long name.
#[test]
fn defects_of_the_module_are_none_here() {
    let site = Site::start(&[("group1", 1)], "");
    let (cluster, addr) = (&site.cluster, site.storage(0));
    let metadata = Metadata::new().with("filename", "Bild \u{e4}.jpg").with("width", "160");
    let options = UploadOptions::new().ext("jpg".parse().unwrap()).metadata(metadata);
    let id = cluster.block_on(cluster.client().upload(&bytes(2000), &options)).unwrap();
    assert_eq!(get(addr, &format!("/{id}-m"), &[]).status, 404);
    let json = get(addr, &format!("/{id}?meta=1"), &[]);
    assert_eq!(json.text(), "{\"filename\":\"Bild \u{e4}.jpg\",\"width\":\"160\"}\n");
    let named = get(addr, &format!("/{id}?download=1"), &[]);
    assert_eq!(
        named.field("content-disposition"),
        Some("attachment; filename=\"Bild \u{e4}.jpg\"; filename*=UTF-8''Bild%20%C3%A4.jpg")
    );
    let missing = id.to_string().replace(".jpg", ".png");
    let since = format!("If-Modified-Since: {}", named.field("last-modified").unwrap());
    assert_eq!(get(addr, &format!("/{missing}"), &[&since]).status, 404);
    assert_eq!(get(addr, &format!("/{id}"), &[&since]).status, 304);
    assert_eq!(get(addr, &format!("/M00/00/00/{}", "A".repeat(150)), &[]).status, 400);
    // Without a group in front it is this one.
    assert_eq!(get(addr, &format!("/{}", id.name), &[]).status, 200);
    let injected = get(addr, &format!("/{id}?filename=a%0d%0aX-Evil:%201"), &[]);
    assert_eq!((injected.status, injected.field("x-evil")), (200, None));
}

/// The module's redirects announce chunks that never come.
#[test]
fn a_tracker_sends_clients_to_a_storage_that_has_the_file() {
    let site = Site::start(&[("group1", 1), ("group2", 1)], "");
    let cluster = &site.cluster;
    let content = bytes(500);
    let options = UploadOptions::new().group("group2".parse().unwrap());
    let id = cluster.block_on(cluster.client().upload(&content, &options)).unwrap();
    let mut conn = HttpConn::connect(site.tracker());
    for _ in 0..2 {
        let answer = conn.ask("GET", &format!("/{id}?filename=a%20b"), &[], b"");
        assert_eq!((answer.status, answer.field("content-length")), (302, Some("0")));
        let location = answer.field("location").unwrap();
        let rest = location.strip_prefix("http://").unwrap();
        let (host, path) = rest.split_at(rest.find('/').unwrap());
        assert_eq!(
            (host.parse::<SocketAddr>().unwrap(), path),
            (site.storage(1), format!("/{id}?filename=a%20b").as_str())
        );
        assert!(get(host.parse().unwrap(), path, &[]).body == content);
    }
    assert_eq!(get(site.tracker(), &format!("/group3/{}", id.name), &[]).status, 404);
    assert_eq!(get(site.tracker(), "/", &[]).status, 400);
}

#[test]
fn a_gateway_serves_all_groups_and_takes_uploads_with_a_token() {
    let site = Site::start(&[("group1", 1), ("group2", 1)], "");
    let server = gateway(site.cluster.tracker_addr(), "http.write_token = let me in\nhttp.upload_max_bytes = 3MB\n");
    let addr = server.addr().unwrap();
    let auth = "Authorization: Bearer let me in";
    let ask = |method: &str, target: &str, lines: &[&str], body: &[u8]| {
        HttpConn::connect(addr).ask(method, target, lines, body)
    };
    let (small, large) = (bytes(700), bytes(2 << 20));
    let id_of = |text: &str| text.split('"').nth(3).unwrap().to_owned();
    for group in ["group1", "group2"] {
        let stored = ask("POST", &format!("/upload/{group}"), &[auth, "Content-Type: image/png"], &large);
        assert_eq!((stored.status, stored.field("content-type")), (201, Some("application/json")), "{}", stored.text());
        let id = id_of(&stored.text());
        assert!(id.starts_with(group) && id.ends_with(".png"), "{id}");
        let answer = get(addr, &format!("/{id}"), &[]);
        assert!(answer.status == 200 && answer.body == large && answer.field("content-type") == Some("image/png"));
        let part = get(addr, &format!("/{id}"), &["Range: bytes=100-199,-5"]);
        assert_eq!(part.status, 206);
        // It has no metadata, which is no reason to call it missing.
        assert_eq!(get(addr, &format!("/{id}?meta=1"), &[]).text(), "{}\n");
        let gone = ask("DELETE", &format!("/{id}"), &[auth], b"");
        assert_eq!(gone.text(), format!("{{\"deleted\":\"{id}\"}}\n"));
        assert_eq!(get(addr, &format!("/{id}"), &[]).status, 404);
        assert_eq!(get(addr, &format!("/{id}?meta=1"), &[]).status, 404);
        assert_eq!(ask("DELETE", &format!("/{id}"), &[auth], b"").status, 404);
    }
    let form = [
        b"--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"\xc3\xa4 b.txt\"\r\n\r\n",
        small.as_slice(),
        b"\r\n--B--\r\n",
    ]
    .concat();
    let stored = ask("POST", "/upload", &[auth, "Content-Type: multipart/form-data; boundary=B"], &form);
    let id = id_of(&stored.text());
    let answer = get(addr, &format!("/{id}?download=1"), &[]);
    assert!(answer.body == small && answer.field("content-disposition").unwrap().ends_with("%C3%A4%20b.txt"));
    let mut conn = HttpConn::connect(addr);
    conn.send(b"PUT /upload?ext=bin HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer let me in\r\nTransfer-Encoding: chunked\r\n\r\n");
    conn.send(b"5;x=y\r\nhello\r\n6\r\n world\r\n0\r\nTrailer: x\r\n\r\n");
    let stored = conn.answer(false).unwrap();
    assert_eq!(get(addr, &format!("/{}", id_of(&stored.text())), &[]).text(), "hello world");
    // The connection is still good for another.
    assert_eq!(conn.ask("POST", "/upload", &[auth], b"x").status, 201);
    for (method, target, lines, status) in [
        ("POST", "/upload", vec![], 401),
        ("POST", "/upload", vec!["Authorization: Bearer let me"], 401),
        ("DELETE", "/upload", vec![auth], 400),
        ("POST", "/other", vec![auth], 405),
        ("POST", "/upload?ext=toolong1", vec![auth], 400),
        ("POST", "/upload", vec![auth, "Content-Type: multipart/form-data; boundary=C"], 400),
    ] {
        let body: &[u8] = if method == "POST" { b"--B\r\nnonsense" } else { b"" };
        let answer = ask(method, target, &lines, body);
        assert!(
            answer.status == status || (target.contains("upload") && status == 400 && answer.status == 400),
            "{method} {target} {lines:?}: {}",
            answer.status
        );
    }
    let mut conn = HttpConn::connect(addr);
    conn.send(b"POST /upload HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer let me in\r\nContent-Length: 3145729\r\nExpect: 100-continue\r\n\r\n");
    assert_eq!(conn.answer(false).unwrap().status, 413, "before a byte of it was sent");
    server.stop();
    // Without the switch nobody can.
    let answer = HttpConn::connect(site.storage(0)).ask("POST", "/upload", &[auth], b"x");
    assert_eq!((answer.status, answer.field("allow")), (405, Some("GET, HEAD, OPTIONS")));
}

#[test]
fn readers_need_what_the_policy_says() {
    let more = "http.access = /group1/M00 signed\nhttp.signing_key = k:0123456789abcdef\nhttp.cors_origins = https://a.example\n";
    let site = Site::start(&[("group1", 1)], more);
    let (cluster, addr) = (&site.cluster, site.storage(0));
    let id = cluster.block_on(cluster.client().upload(b"secret", &UploadOptions::new())).unwrap();
    let url = format!("/{id}");
    assert_eq!(get(addr, &url, &[]).status, 403);
    let key = fdfs_http::pure::token::SigningKey::parse("k:0123456789abcdef").unwrap();
    let good = get(addr, &format!("{url}?{}", key.sign(&url, 4_000_000_000, None)), &["Origin: https://a.example"]);
    assert_eq!((good.status, good.text().as_str()), (200, "secret"));
    assert!(good.field("cache-control").unwrap().starts_with("private"));
    assert_eq!(good.field("access-control-allow-origin"), Some("https://a.example"));
    // The short form of the URL is the same file.
    let short = format!("/{}", id.name);
    assert_eq!(get(addr, &short, &[]).status, 403);
    assert_eq!(get(addr, &format!("{short}?{}", key.sign(&url, 4_000_000_000, None)), &[]).status, 200);
    assert_eq!(get(addr, &format!("{url}?{}", key.sign(&url, 1000, None)), &[]).status, 403);
    let asked = ["Origin: https://a.example", "Access-Control-Request-Method: GET"];
    let preflight = HttpConn::connect(addr).ask("OPTIONS", &url, &asked, b"");
    assert_eq!((preflight.status, preflight.field("access-control-allow-methods")), (204, Some("GET, HEAD")));
    let asked = ["Origin: https://b.example", "Access-Control-Request-Method: GET"];
    assert_eq!(HttpConn::connect(addr).ask("OPTIONS", &url, &asked, b"").status, 405);
}

/// The module: redirects that nobody can follow, always to the source, from which the file may be gone.
#[test]
fn in_redirect_mode_clients_are_sent_to_a_storage_that_has_the_file() {
    let site = Site::start(&[("group1", 2), ("group2", 1)], "response_mode = redirect\n");
    let cluster = &site.cluster;
    let content = bytes(3000);
    let client = cluster.client();
    let options = UploadOptions::new().storage(cluster.storages[0].addr());
    let id = cluster.block_on(client.upload(&content, &options)).unwrap();
    let other =
        cluster.block_on(client.upload(&content, &UploadOptions::new().group("group2".parse().unwrap()))).unwrap();
    let name = id.logic_name().unwrap();
    let path = |index: usize| cluster.storages[index].plan.store_paths[0].join("data").join(name.true_name());
    fdfs_testkit::wait::wait_for("the copy", || path(1).exists().then_some(()));
    std::fs::remove_file(path(0)).unwrap();
    for (at, id) in [(0, &id), (0, &other), (1, &other), (2, &id)] {
        let mut conn = HttpConn::connect(site.storage(at));
        // On a connection that stays: the answer has an end.
        for target in [format!("/{id}?filename=a%20b"), format!("/{id}")] {
            let answer = conn.ask("GET", &target, &["Range: bytes=0-9"], b"");
            if (at, answer.status) == (0, 206) {
                // As long as the trackers do not know that the second storage has it, it is fetched from there.
                assert!(answer.body == content[..10]);
                continue;
            }
            assert_eq!((answer.status, answer.field("content-length")), (302, Some("0")), "{at} {target}");
            let location = answer.field("location").unwrap().strip_prefix("http://").unwrap().to_owned();
            let (host, path) = location.split_at(location.find('/').unwrap());
            let mark = if target.contains('?') { "&redirect=1" } else { "?redirect=1" };
            assert_eq!(path, format!("{target}{mark}"));
            let host: SocketAddr = host.parse().unwrap();
            assert_ne!(host, site.storage(at));
            // The trackers may name the storage that has lost it: that one sends nobody on again.
            let status = if host == site.storage(0) { 404 } else { 206 };
            assert_eq!(get(host, path, &["Range: bytes=0-9"]).status, status);
        }
    }
    // Who was sent on once is sent no further.
    assert_eq!(get(site.storage(0), &format!("/{other}?redirect=1"), &[]).status, 400);
}

#[test]
fn files_in_slots_are_served_whole_and_in_parts() {
    let site = Site::of(crate::support::trunk_group(2), "");
    let (cluster, client) = (&site.cluster, site.cluster.client());
    let gate = gateway(cluster.tracker_addr(), "");
    (0..2).for_each(|index| cluster.wait_for_slots(index));
    for len in [300, 5000, 60_000, 200_000] {
        let content = bytes(len);
        let options = UploadOptions::new().ext("jpg".parse().unwrap());
        let id = cluster.block_on(client.upload(&content, &options)).unwrap();
        assert!(id.logic_name().unwrap().trunk_part().is_some(), "{id} is in no slot");
        let url = format!("/{id}");
        for addr in [site.storage(0), site.storage(1), gate.addr().unwrap()] {
            let whole = get(addr, &url, &[]);
            assert!(whole.status == 200 && whole.body == content, "{addr} {len}: {}", whole.status);
            assert!(whole.field("cache-control").unwrap().contains("immutable"));
            let head = HttpConn::connect(addr).ask("HEAD", &url, &[], b"");
            assert_eq!((head.status, head.field("content-length")), (200, Some(len.to_string().as_str())));
            for (range, from, to) in [("0-0", 0, 1), ("-100", len - 100, len), ("7-298", 7, 299)] {
                let part = get(addr, &url, &[&format!("Range: bytes={range}")]);
                assert!(part.status == 206 && part.body == content[from..to], "{addr} {len} {range}: {}", part.status);
            }
            let parts = get(addr, &url, &["Range: bytes=1-2,100-199"]);
            assert!(parts.status == 206 && parts.body.windows(100).any(|window| window == &content[100..200]));
            let tag = format!("If-None-Match: {}", whole.field("etag").unwrap());
            assert_eq!(get(addr, &url, &[&tag]).status, 304);
        }
        cluster.block_on(client.delete(&id)).unwrap();
        for addr in [site.storage(0), site.storage(1), gate.addr().unwrap()] {
            fdfs_testkit::wait::wait_for("the deletion to be everywhere", || {
                // An answer that is on its way when the deletion comes is broken off.
                let mut conn = HttpConn::connect(addr);
                conn.send(format!("GET {url} HTTP/1.1\r\nHost: test\r\n\r\n").as_bytes());
                conn.answer(false).filter(|answer| answer.status == 404)
            });
            // A state that a cache has is no longer there either.
            assert_eq!(get(addr, &url, &["If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT"]).status, 404);
        }
    }
    gate.stop();
}

#[test]
fn a_tracker_says_where_uploads_go() {
    let site = Site::start(&[("group1", 1)], "");
    for (method, target, body) in [("POST", "/upload", &b"x"[..]), ("PUT", "/upload", b"x"), ("DELETE", "/x", b"")] {
        let answer = HttpConn::connect(site.tracker()).ask(method, target, &[], body);
        assert_eq!((answer.status, answer.field("allow")), (405, Some("GET, HEAD, OPTIONS")), "{method}");
        assert!(answer.text().contains("gateway"), "{}", answer.text());
    }
}

/// What a gateway promises of a file because its id says so, a storage must have said before the answer begins.
#[test]
fn a_gateway_answers_for_no_file_that_is_not_there() {
    let site = Site::start(&[("group1", 2)], "");
    let (cluster, client) = (&site.cluster, site.cluster.client());
    let gate = gateway(cluster.tracker_addr(), "");
    let addr = gate.addr().unwrap();
    let options = UploadOptions::new().ext("jpg".parse().unwrap());
    let id = cluster.block_on(client.upload(&bytes(90_000), &options)).unwrap();
    let url = format!("/{id}");
    let whole = get(addr, &url, &[]);
    let tag = format!("If-None-Match: {}", whole.field("etag").unwrap());
    let empty = cluster.block_on(client.upload(b"", &options)).unwrap();
    assert_eq!(get(addr, &format!("/{empty}"), &[]).status, 200);
    let appender = cluster.block_on(client.upload(b"one", &options.appender(true))).unwrap();
    cluster.block_on(client.append(&appender, b"two")).unwrap();
    let slave_options = SlaveOptions::new().ext("png".parse().unwrap());
    let slave = cluster.block_on(client.upload_slave(&id, "_s".parse().unwrap(), b"small", &slave_options)).unwrap();
    assert_eq!(get(addr, &format!("/{appender}"), &["Range: bytes=2-4"]).text(), "etw");
    assert_eq!(get(addr, &format!("/{slave}"), &[]).text(), "small");
    for id in [&id, &empty, &appender, &slave] {
        cluster.block_on(client.delete(id)).unwrap();
    }
    // The same length and time, and nobody has it; a deletion may take a moment to be everywhere.
    for lines in [&[][..], &["Range: bytes=5-9"], &["Range: bytes=90000-"], &[&tag], &["If-None-Match: *"]] {
        fdfs_testkit::wait::wait_for("404", || (get(addr, &url, lines).status == 404).then_some(()));
    }
    assert_eq!(HttpConn::connect(addr).ask("HEAD", &url, &[], b"").status, 404);
    for id in [empty, appender, slave] {
        fdfs_testkit::wait::wait_for("404", || (get(addr, &format!("/{id}"), &[]).status == 404).then_some(()));
    }
    gate.stop();
}

/// A file whose storage is away for a while is not gone: caches and clients must not learn so.
#[test]
fn a_file_that_only_a_storage_has_which_is_away_is_not_called_missing() {
    let mut site = Site::start(&[("group1", 2)], "");
    site.cluster.expect_problem("127.");
    site.cluster.expect_lost_trackers();
    let gate = gateway(site.cluster.tracker_addr(), "http.write_token = let me in\n");
    let addr = gate.addr().unwrap();
    let auth = "Authorization: Bearer let me in";
    site.cluster.storages[1].stop();
    site.cluster.wait_for_status(&site.cluster.storages[1], StorageStatus::Offline);
    let id = site.cluster.block_on(site.cluster.client().upload(b"only here", &UploadOptions::new())).unwrap();
    let url = format!("/{id}");
    assert_eq!(get(addr, &url, &[]).text(), "only here");
    site.cluster.storages[0].stop();
    site.cluster.wait_for_status(&site.cluster.storages[0], StorageStatus::Offline);
    // Nobody is there at all.
    for (server, target, status) in
        [(addr, &*url, 502), (site.tracker(), &*url, 502), (addr, &*url.replace("group1", "group9"), 404)]
    {
        let answer = get(server, target, &[]);
        assert_eq!(answer.status, status, "{server} {target}");
        assert_eq!(HttpConn::connect(server).ask("HEAD", target, &[], b"").status, status, "{server} {target}");
    }
    for (method, target, status, what) in [
        ("POST", "/upload", 502, "no storage can do it"),
        ("POST", "/upload/group1", 502, "no storage can do it"),
        ("POST", "/upload/group9", 404, "no such group"),
        ("DELETE", &url, 502, "no storage can do it"),
        ("DELETE", &url.replace("group1", "group9"), 404, "no such group"),
        ("DELETE", "/nothing", 400, "no file's"),
        ("POST", "/other", 405, "/upload"),
    ] {
        let answer = HttpConn::connect(addr).ask(method, target, &[auth], if method == "POST" { b"x" } else { b"" });
        let text = answer.text();
        assert_eq!(
            (answer.status, answer.field("content-type")),
            (status, Some("application/json")),
            "{target} {text}"
        );
        assert!(text.contains(what), "{method} {target}: {text}");
    }
    // The other one is there again, and never had it.
    site.cluster.storages[1].start();
    site.cluster.wait_for_status(&site.cluster.storages[1], StorageStatus::Active);
    assert_eq!(get(addr, &url, &[]).status, 502);
    assert_eq!(get(site.storage(1), &url, &[]).status, 502);
    site.cluster.storages[0].start();
    site.cluster.wait_until_active();
    fdfs_testkit::wait::wait_for("the file", || (get(addr, &url, &[]).text() == "only here").then_some(()));
    gate.stop();
}
