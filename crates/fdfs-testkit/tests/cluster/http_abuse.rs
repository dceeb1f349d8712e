//! HTTP clients that are slow, greedy or out for harm: none of them hurts the others.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::http_support::{Site, bytes};
use fdfs_client::UploadOptions;
use fdfs_testkit::http::{HttpConn, get};

/// Heads that two programs could read in two ways, and worse. Each is answered with 4xx or 5xx and closed, or just closed.
const TRICKS: &[&[u8]] = &[
    b"GET / HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\nHost: x\n\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\n folded: y\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length : 3\r\n\r\nabc",
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
    b"GET / HTTP/3.0\r\nHost: x\r\n\r\n",
    b"GET /\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"\0\0\0\0\0\0\0\0\x0b\0",
    b"GET /%00 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
];

#[test]
fn tricks_are_refused_and_the_connection_ends() {
    let site = Site::start(&[("group1", 1)], "");
    let id = site.cluster.block_on(site.cluster.client().upload(b"x", &UploadOptions::new())).unwrap();
    for trick in TRICKS {
        let shown = String::from_utf8_lossy(trick);
        let mut conn = HttpConn::connect(site.storage(0));
        // What hides behind a trick must not be answered.
        let hidden = format!("GET /{id} HTTP/1.1\r\nHost: x\r\n\r\n");
        conn.send(&[trick, hidden.as_bytes()].concat());
        let answer = conn.rest().unwrap_or_else(|| panic!("{shown:?} keeps the connection open"));
        let text = String::from_utf8_lossy(&answer);
        assert_eq!(text.matches("HTTP/1.1 ").count(), 1, "{shown:?}: {text}");
        assert!(text.starts_with("HTTP/1.1 4") || text.starts_with("HTTP/1.1 5"), "{shown:?}: {text}");
    }
    let long = format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}", "y".repeat(20_000));
    let mut conn = HttpConn::connect(site.storage(0));
    conn.send(long.as_bytes());
    assert_eq!(conn.answer(false).unwrap().status, 431);
    assert_eq!(get(site.storage(0), &format!("/{id}"), &[]).text(), "x");
}

#[test]
fn requests_that_come_together_are_answered_in_their_order() {
    let site = Site::start(&[("group1", 1)], "");
    let client = site.cluster.client();
    let ids: Vec<_> =
        (0..20u8).map(|n| site.cluster.block_on(client.upload(&[n; 40], &UploadOptions::new())).unwrap()).collect();
    let mut conn = HttpConn::connect(site.storage(0));
    let all: String = ids.iter().map(|id| format!("GET /{id} HTTP/1.1\r\nHost: x\r\n\r\n")).collect();
    // Byte by byte at first, then the rest at once.
    for byte in &all.as_bytes()[..100] {
        conn.send(&[*byte]);
    }
    conn.send(&all.as_bytes()[100..]);
    for n in 0..20u8 {
        assert_eq!(conn.answer(false).unwrap().body, [n; 40]);
    }
}

#[test]
fn clients_that_take_too_long_are_let_go() {
    let more = "http.head_timeout = 1\nhttp.idle_timeout = 1\nhttp.stall_timeout = 1\n";
    let site = Site::start(&[("group1", 1)], more);
    let id = site.cluster.block_on(site.cluster.client().upload(&bytes(32 << 20), &UploadOptions::new())).unwrap();
    for begin in
        ["", "GET", "GET / HTTP/1.1\r\nHost: x\r\n", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx"]
    {
        let mut conn = HttpConn::connect(site.storage(0));
        conn.send(begin.as_bytes());
        assert!(conn.rest().is_some(), "{begin:?} holds a connection");
    }
    // One byte now and then does not make a head last longer.
    let mut conn = TcpStream::connect(site.storage(0)).unwrap();
    let begun = Instant::now();
    let is_let_go = loop {
        if conn.write_all(b"G").is_err() {
            break true;
        }
        conn.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        match conn.read(&mut [0]) {
            Ok(_) => break true,
            Err(e) if e.kind() == std::io::ErrorKind::ConnectionReset => break true,
            Err(_) if begun.elapsed() > Duration::from_secs(15) => break false,
            Err(_) => {}
        }
    };
    assert!(is_let_go);
    // Whoever asks and does not read gets the end of the connection.
    let mut conn = HttpConn::connect(site.storage(0));
    conn.send(format!("GET /{id} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes());
    let open = || site.cluster.storages[0].server().http_connections();
    fdfs_testkit::wait::wait_for("the answer to begin", || (open() > 0).then_some(()));
    fdfs_testkit::wait::wait_for("the server to give up", || (open() == 0).then_some(()));
    assert!(conn.rest().is_some_and(|bytes| bytes.len() < 32 << 20));
}

/// Clients that promise more than they send, some of them after a last word, some without; and those that ask for too much.
#[test]
fn uploads_that_stop_in_the_middle_leave_nothing_behind() {
    let more = "http.write_token = tok\nhttp.stall_timeout = 1\nhttp.upload_max_bytes = 10000000\n";
    let site = Site::start(&[("group1", 1)], more);
    let head = "POST /upload HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer tok\r\n";
    let form = "Content-Type: multipart/form-data; boundary=b\r\n";
    let mut conns = Vec::new();
    for framing in ["Content-Length: 5000000\r\n", "Transfer-Encoding: chunked\r\n"] {
        for (kind, sent) in [("", 0), ("", 10), ("", 3_000_000), (form, 10)] {
            for ends in [true, false] {
                let mut conn = HttpConn::connect(site.storage(0));
                conn.send(format!("{head}{kind}{framing}\r\n").as_bytes());
                if framing.starts_with('T') {
                    conn.send(b"ffffff\r\n");
                }
                conn.send(&bytes(sent));
                if ends {
                    conn.end();
                }
                conns.push((framing, kind, sent, ends, conn));
            }
        }
    }
    for (framing, kind, sent, ends, mut conn) in conns {
        assert!(conn.rest().is_some(), "{framing} {kind} {sent} {ends} holds a connection");
    }
    let open = || site.cluster.storages[0].server().http_connections();
    fdfs_testkit::wait::wait_for("all connections to end", || (open() == 0).then_some(()));
    for (rest, status) in [
        ("Content-Length: 99999999999\r\n\r\nabc", 413),
        ("Transfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n", 400),
        ("Content-Type: multipart/form-data\r\nContent-Length: 70000\r\n\r\n--b\r\n", 400),
        ("Content-Length: 1000000\r\nX: y\r\n\r\n", 401),
    ] {
        let head = if status == 401 { &head.replace("tok", "other") } else { head };
        let mut conn = HttpConn::connect(site.storage(0));
        conn.send(format!("{head}{rest}").as_bytes());
        // They hear it before they have sent all that they promised.
        assert_eq!(conn.answer(false).unwrap().status, status, "{rest:?}");
    }
}

#[test]
fn a_stop_lets_answers_end() {
    let mut site = Site::start(&[("group1", 1)], "");
    let content = bytes(8 << 20);
    let id = site.cluster.block_on(site.cluster.client().upload(&content, &UploadOptions::new())).unwrap();
    let mut conn = HttpConn::connect(site.storage(0));
    conn.send(format!("GET /{id} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes());
    // It has begun; an idle connection is there as well.
    fdfs_testkit::wait::wait_for("the request to be in work", || {
        (site.cluster.storages[0].server().http_busy() > 0).then_some(())
    });
    let idle = HttpConn::connect(site.storage(0));
    std::thread::scope(|scope| {
        let storage = &mut site.cluster.storages[0];
        let stop = scope.spawn(move || storage.stop());
        let answer = conn.answer(false).unwrap();
        assert!(answer.body == content);
        stop.join().unwrap();
    });
    drop(idle);
}
