//! HTTP/2 over TLS, in a storage: whole files and parts, many streams at once, uploads; peers that take nothing, and peers
//! that speak no HTTP/2; a new certificate without a restart.

use std::time::Duration;

use crate::http_support::tls::{ask, connect, http2, issue, keys};
use crate::http_support::{Site, bytes};
use fdfs_client::UploadOptions;
use fdfs_testkit::wait_for;
use hyper::{Method, Request};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const WINDOW: u32 = 1 << 20;

#[test]
fn files_are_read_and_written_over_http2() {
    let dir = tempfile::tempdir().unwrap();
    let roots = issue(dir.path(), "one.example");
    let site = Site::start(&[("group1", 1), ("group2", 1)], &(keys(dir.path()) + "http.write_token = let me in\n"));
    let (cluster, client) = (&site.cluster, site.cluster.client());
    let content = bytes(700_000);
    let options = |group: &str| UploadOptions::new().ext("jpg".parse().unwrap()).group(group.parse().unwrap());
    let here = cluster.block_on(client.upload(&content, &options("group1"))).unwrap();
    let there = cluster.block_on(client.upload(&content, &options("group2"))).unwrap();
    let addr = site.tls(0);
    cluster.block_on(async {
        let conn = http2(addr, &roots, WINDOW).await;
        for id in [&here, &there] {
            let url = format!("/{id}");
            let whole = ask(&conn, Method::GET, &url, &[], b"").await;
            assert!(whole.status == 200 && whole.body == content, "{} {}", whole.status, whole.body.len());
            assert_eq!((whole.field("content-type"), whole.field("content-length")), ("image/jpeg", "700000"));
            let part = ask(&conn, Method::GET, &url, &[("range", "bytes=100-99999")], b"").await;
            assert!(part.status == 206 && part.body == content[100..100_000]);
            assert_eq!(part.field("content-range"), "bytes 100-99999/700000");
            let parts = ask(&conn, Method::GET, &url, &[("range", "bytes=0-1,5-6")], b"").await;
            assert!(parts.status == 206 && parts.field("content-type").starts_with("multipart/byteranges"));
            assert_eq!(parts.body.len().to_string(), parts.field("content-length"));
            let head = ask(&conn, Method::HEAD, &url, &[], b"").await;
            assert_eq!((head.status, head.field("content-length"), head.body.len()), (200, "700000", 0));
            let known = ask(&conn, Method::GET, &url, &[("if-none-match", whole.field("etag"))], b"").await;
            assert_eq!((known.status, known.body.len()), (304, 0));
            let beyond = ask(&conn, Method::GET, &url, &[("range", "bytes=700000-")], b"").await;
            assert_eq!((beyond.status, beyond.field("content-range")), (416, "bytes */700000"));
            let missing = ask(&conn, Method::GET, &url.replace(".jpg", ".png"), &[], b"").await;
            assert_eq!(missing.status, 404);
        }
        let auth = ("authorization", "Bearer let me in");
        assert_eq!(ask(&conn, Method::POST, "/upload", &[], b"x").await.status, 401);
        // A stream whose body nobody wants is not reset at once: some clients take that for the answer. How much time
        // passes here is not for this test to say, so once is enough.
        let mut was_open = false;
        for _ in 0..20 {
            let mut begun = conn.clone().ready().await.unwrap();
            let request = Request::post("https://one.example/upload").header("content-length", 200_000);
            let (answer, mut stream) = begun.send_request(request.body(()).unwrap(), false).unwrap();
            assert_eq!(answer.await.unwrap().status().as_u16(), 401);
            // What the server said before this answer has come.
            assert_eq!(ask(&conn, Method::GET, "/", &[], b"").await.status, 400);
            was_open |= stream.send_data(bytes(1000).into(), false).is_ok();
            if was_open {
                break;
            }
        }
        assert!(was_open, "every stream was reset behind its answer");
        let large = bytes(3 << 20);
        let stored = ask(&conn, Method::POST, "/upload?ext=bin", &[auth], &large).await;
        assert_eq!(stored.status, 201);
        let url = stored.field("location").to_owned();
        assert!(ask(&conn, Method::GET, &url, &[], b"").await.body == large);
        assert_eq!(ask(&conn, Method::DELETE, &url, &[auth], b"").await.status, 200);
        assert_eq!(ask(&conn, Method::GET, &url, &[], b"").await.status, 404);
    });
    // What went out counts as downloads: three answers with the file, and the one that was deleted.
    let stat = cluster.storages[0].inside().stats.snapshot(Default::default());
    assert!(stat.download_count.success >= 4, "{:?}", stat.download_count);
}

#[test]
fn many_streams_share_a_connection_and_one_that_takes_nothing_holds_up_none() {
    let dir = tempfile::tempdir().unwrap();
    let roots = issue(dir.path(), "one.example");
    let site = Site::start(&[("group1", 1)], &keys(dir.path()));
    let (cluster, client) = (&site.cluster, site.cluster.client());
    let ids: Vec<_> = (0..80u8)
        .map(|n| cluster.block_on(client.upload(&vec![n; 1000 * usize::from(n) + 1], &UploadOptions::new())).unwrap())
        .collect();
    let content = bytes(4 << 20);
    let large = cluster.block_on(client.upload(&content, &UploadOptions::new())).unwrap();
    let addr = site.tls(0);
    cluster.block_on(async {
        let conn = http2(addr, &roots, 64 << 10).await;
        let request = Request::builder().uri(format!("https://one.example/{large}")).body(()).unwrap();
        let (answer, _) = conn.clone().ready().await.unwrap().send_request(request, true).unwrap();
        let answer = answer.await.unwrap();
        assert_eq!(answer.status(), 200);
        // Its window is full and stays so; eighty others come beside it.
        let mut tasks = Vec::new();
        for (n, id) in ids.iter().enumerate() {
            let (conn, url) = (conn.clone(), format!("/{id}"));
            tasks.push(tokio::spawn(async move {
                let answer = ask(&conn, Method::GET, &url, &[], b"").await;
                assert!(answer.status == 200 && answer.body == vec![n as u8; 1000 * n + 1], "file {n}");
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }
        // Now it takes all the same.
        let mut body = answer.into_body();
        let mut all = Vec::new();
        while let Some(piece) = body.data().await {
            let piece = piece.unwrap();
            body.flow_control().release_capacity(piece.len()).unwrap();
            all.extend_from_slice(&piece);
        }
        assert!(all == content);
    });
}

/// Frames that no peer may send. Each ends the connection, and nobody else notices.
#[test]
fn peers_that_break_the_rules_of_http2_are_let_go() {
    let frame = |kind: u8, flags: u8, stream: u32, payload: &[u8]| {
        let mut frame = (payload.len() as u32).to_be_bytes()[1..].to_vec();
        frame.extend_from_slice(&[kind, flags]);
        frame.extend_from_slice(&stream.to_be_bytes());
        frame.extend_from_slice(payload);
        frame
    };
    let hello = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), frame(4, 0, 0, b"")].concat();
    let mut resets = hello.clone();
    // GET / in the static table, then RST_STREAM at once: what was called a rapid reset.
    for stream in 0..3000u32 {
        resets.extend(frame(1, 5, 2 * stream + 1, b"\x82\x84\x87\x41\x01x"));
        resets.extend(frame(3, 0, 2 * stream + 1, &[0, 0, 0, 8]));
    }
    let tricks: Vec<(&str, Vec<u8>)> = vec![
        ("no preface", b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n".to_vec()),
        ("data on stream 0", [&hello[..], &frame(0, 0, 0, b"x")].concat()),
        ("a field list that is none", [&hello[..], &frame(1, 5, 1, b"\xff\xff\xff\xff\xff\xff")].concat()),
        ("a frame that is too long", [&hello[..], b"\xff\xff\xff\0\0\0\0\0\x01"].concat()),
        ("a window of nothing", [&hello[..], &frame(8, 0, 0, &[0; 4])].concat()),
        ("settings of an odd length", [&hello[..], &frame(4, 0, 0, b"x")].concat()),
        ("resets without end", resets),
        ("HTTP/1.1 on h2", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec()),
    ];
    let dir = tempfile::tempdir().unwrap();
    let roots = issue(dir.path(), "one.example");
    let site = Site::start(&[("group1", 1)], &(keys(dir.path()) + "http.head_timeout = 2\n"));
    let id = site.cluster.block_on(site.cluster.client().upload(b"x", &UploadOptions::new())).unwrap();
    let addr = site.tls(0);
    site.cluster.block_on(async {
        let good = http2(addr, &roots, WINDOW).await;
        for (what, bytes) in &tricks {
            let mut stream = connect(addr, &roots, "one.example", b"h2").await.unwrap();
            // The server may close before it has read everything.
            let _ = stream.write_all(bytes).await;
            let _ = stream.flush().await;
            let ends = async {
                let mut piece = vec![0; 4096];
                while matches!(stream.read(&mut piece).await, Ok(n) if n > 0) {}
            };
            let ended = tokio::time::timeout(Duration::from_secs(20), ends).await;
            assert!(ended.is_ok(), "{what}: the connection stays");
            assert_eq!(ask(&good, Method::GET, &format!("/{id}"), &[], b"").await.body, b"x", "{what}");
        }
    });
}

#[test]
fn a_new_certificate_is_shown_without_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let old = issue(dir.path(), "one.example");
    let site = Site::start(&[("group1", 1)], &keys(dir.path()));
    let id = site.cluster.block_on(site.cluster.client().upload(b"x", &UploadOptions::new())).unwrap();
    let (addr, url) = (site.tls(0), format!("/{id}"));
    let before = site.cluster.block_on(async {
        let before = http2(addr, &old, WINDOW).await;
        assert_eq!(ask(&before, Method::GET, &url, &[], b"").await.status, 200);
        before
    });
    // Between its two files it does not fit, which may be worth a warning.
    site.cluster.expect_problem("http.tls_");
    let new = issue(dir.path(), "one.example");
    wait_for("the new certificate", || site.cluster.block_on(connect(addr, &new, "one.example", b"h2")).ok());
    site.cluster.block_on(async {
        let after = http2(addr, &new, WINDOW).await;
        // Old connections go on as well.
        for conn in [&before, &after] {
            assert_eq!(ask(conn, Method::GET, &url, &[], b"").await.body, b"x");
        }
        assert!(connect(addr, &old, "one.example", b"h2").await.is_err());
    });
}

#[test]
fn a_stop_lets_answers_over_tls_end() {
    let dir = tempfile::tempdir().unwrap();
    let roots = issue(dir.path(), "one.example");
    let mut site = Site::start(&[("group1", 1)], &keys(dir.path()));
    let content = bytes(8 << 20);
    let id = site.cluster.block_on(site.cluster.client().upload(&content, &UploadOptions::new())).unwrap();
    let addr = site.tls(0);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let answer = runtime.block_on(async {
        let conn = http2(addr, &roots, 256 << 10).await;
        let request = Request::builder().uri(format!("https://one.example/{id}")).body(()).unwrap();
        let (answer, _) = conn.ready().await.unwrap().send_request(request, true).unwrap();
        answer.await.unwrap()
    });
    let storage = &mut site.cluster.storages[0];
    assert_eq!(storage.server().http_busy(), 1, "the answer is on its way");
    std::thread::scope(|scope| {
        let stop = scope.spawn(move || storage.stop());
        let mut all = Vec::new();
        runtime.block_on(async {
            let mut body = answer.into_body();
            while let Some(piece) = body.data().await {
                let piece = piece.unwrap();
                body.flow_control().release_capacity(piece.len()).unwrap();
                all.extend_from_slice(&piece);
            }
        });
        assert!(all == content);
        stop.join().unwrap();
    });
}
