//! What HTTP servers tell: health and metrics on the admin port, the log of requests, the counters of a storage.

use std::collections::BTreeSet;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;

use crate::http_support::{ADMIN_PORT, Site, bytes, gateway, gateway_conf, logged_gateway};
use fdfs_client::UploadOptions;
use fdfs_log::CapturedLog;
use fdfs_testkit::http::{HttpConn, get};
use fdfs_testkit::wait::wait_for;

const DOCS: &str = include_str!("../../../../docs/http.md");

/// The metrics of ours that a text of Prometheus describes.
fn described(text: &str) -> BTreeSet<String> {
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    types.map(|line| line.split(' ').next().unwrap().to_owned()).filter(|name| name.starts_with("fdfs_")).collect()
}

/// The metrics that docs/http.md describes.
fn documented() -> BTreeSet<String> {
    let rows = DOCS.lines().filter(|line| line.starts_with("| `fdfs_"));
    let names = rows.flat_map(|row| row.split('|').nth(1).unwrap().split('`').skip(1).step_by(2));
    names.map(|name| name.split('{').next().unwrap().to_owned()).collect()
}

fn value(text: &str, sample: &str) -> f64 {
    let line = text.lines().find(|line| line.strip_prefix(sample).is_some_and(|rest| rest.starts_with(' ')));
    line.unwrap_or_else(|| panic!("{sample} in {text}")).rsplit(' ').next().unwrap().parse().unwrap()
}

#[test]
fn a_storage_tells_health_and_metrics_and_each_is_documented() {
    let site = Site::start(&[("group1", 2)], "http.admin_addr = {ip}:9899\n");
    let (cluster, client, admin) = (&site.cluster, site.cluster.client(), site.admin(0));
    let options = UploadOptions::new().storage(cluster.storages[0].addr());
    let id = cluster.block_on(client.upload(&bytes(5000), &options)).unwrap();
    for target in [format!("/{id}"), "/group1/M00/00/00/none".to_owned()] {
        let _ = get(site.storage(0), &target, &[]);
    }
    let health = get(admin, "/healthz", &[]);
    assert_eq!((health.status, health.text().as_str()), (200, "ok\n"));
    assert_eq!(get(admin, "/readyz?x=y", &[]).status, 200);
    let answer = get(admin, "/metrics", &[]);
    assert_eq!(answer.field("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let text = answer.text();
    for (sample, least) in [
        ("fdfs_http_requests_total{class=\"2xx\"}", 1.0),
        ("fdfs_http_requests_total{class=\"4xx\"}", 1.0),
        ("fdfs_http_request_duration_seconds_count", 2.0),
        ("fdfs_http_sent_bytes_total", 5000.0),
        ("fdfs_storage_operations_total{op=\"upload\",result=\"ok\"}", 1.0),
        // The one over HTTP.
        ("fdfs_storage_operations_total{op=\"download\",result=\"ok\"}", 1.0),
        ("fdfs_storage_bytes_total{op=\"download\"}", 5000.0),
        ("fdfs_storage_request_duration_seconds_count{op=\"upload\"}", 1.0),
        ("fdfs_storage_request_duration_seconds_bucket{op=\"upload\",le=\"+Inf\"}", 1.0),
        ("fdfs_commit_duration_seconds_count", 1.0),
    ] {
        assert!(value(&text, sample) >= least, "{sample}: {}", value(&text, sample));
    }
    let unknown: Vec<_> = described(&text).difference(&documented()).cloned().collect();
    assert!(unknown.is_empty(), "not in docs/http.md: {unknown:?}");
    // What only clusters that flush have is documented, too, and nothing else.
    let absent: Vec<_> = documented().difference(&described(&text)).cloned().collect();
    assert!(absent.iter().all(|name| name == "fdfs_commit_flushes_total"), "only in docs/http.md: {absent:?}");
    for (method, target, status) in [("GET", "/", 200), ("GET", "/metricsx", 404), ("POST", "/metrics", 405)] {
        assert_eq!(HttpConn::connect(admin).ask(method, target, &[], b"").status, status, "{method} {target}");
    }
    let head = HttpConn::connect(admin).ask("HEAD", "/healthz", &[], b"");
    assert_eq!((head.status, head.field("content-length"), head.body.len()), (200, Some("3"), 0));
    // Who says nothing holds up nobody; who says nonsense is told so.
    let silent = TcpStream::connect(admin).unwrap();
    assert_eq!(get(admin, "/healthz", &[]).status, 200);
    let mut conn = HttpConn::connect(admin);
    conn.send(b"GET /healthz HTTP/1.1\r\n\r\n");
    assert_eq!(conn.answer(false).unwrap().status, 400);
    drop(silent);
    // The tracker hears of the download with the next beat: monitors and the exporter show it.
    wait_for("the tracker to hear of it", || {
        cluster.record(&cluster.storages[0]).filter(|record| record.stat.download_count.success >= 1).map(drop)
    });
}

#[test]
fn a_gateway_is_ready_while_a_tracker_answers() {
    let mut site = Site::start(&[("group1", 1)], "");
    let ip = site.cluster.loopback.ip(202);
    let admin = SocketAddr::from((ip, ADMIN_PORT));
    let log = CapturedLog::new();
    let more = format!("http.admin_addr = {admin}\nconnect_timeout = 1\nhttp.write_token = let me in\n");
    let server = logged_gateway(site.cluster.tracker_addr(), &more, &log);
    assert_eq!(get(admin, "/readyz", &[]).text(), "ready\n");
    let text = get(admin, "/metrics", &[]).text();
    assert_eq!(value(&text, "fdfs_http_requests_total{class=\"2xx\"}"), 0.0);
    for name in ["fastdfs_group_total_mb{", "fastdfs_storage_upload_total{", "fastdfs_tracker_is_leader{"] {
        assert!(text.lines().any(|line| line.starts_with(name)), "{name} in {text}");
    }
    site.cluster.expect_lost_trackers();
    site.cluster.trackers[0].stop();
    let unready = get(admin, "/readyz", &[]);
    assert_eq!(unready.status, 503, "{}", unready.text());
    // It lives, and tells what it knows itself.
    assert_eq!(get(admin, "/healthz", &[]).status, 200);
    assert!(get(admin, "/metrics", &[]).text().contains("fdfs_http_connections 0"));
    // What clients are not told stands in its log, whichever thread served them.
    let refused =
        HttpConn::connect(server.addr().unwrap()).ask("POST", "/upload", &["Authorization: Bearer let me in"], b"x");
    assert_eq!(refused.status, 502, "{}", refused.text());
    let problems = log.problems();
    for begin in ["WARNING - http: ", "WARNING - metrics of the cluster: "] {
        assert!(problems.iter().any(|line| line.starts_with(begin)), "{begin}: {problems:?}");
    }
    server.stop();
}

/// All lines of a log, whatever file they are in by now: old files have a time behind the name, and come first.
fn lines_below(dir: &Path) -> Vec<String> {
    let files = std::fs::read_dir(dir).into_iter().flatten().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.collect();
    files.sort_by_key(|file| (file.extension().is_some_and(|ext| ext == "log"), file.clone()));
    let texts = files.into_iter().map(|file| std::fs::read_to_string(file).unwrap_or_default());
    texts.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()).collect()
}

/// What stands between the brackets of a line and is a time.
fn without_time(line: &str) -> String {
    let (before, rest) = line.split_once('[').unwrap();
    let (time, after) = rest.split_once(']').unwrap();
    assert!(time.len() == 26 && time.as_bytes()[2] == b'/' && time.as_bytes()[20] == b' ', "{time}");
    format!("{before}{after}")
}

#[test]
fn requests_are_logged_as_web_servers_log_them() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("web/access.log");
    let more = format!("http.access_log = {}\nhttp.trusted_proxies = 127.0.0.1\n", log.display());
    let site = Site::start(&[("group1", 1)], &more);
    let addr = site.storage(0);
    let id = site.cluster.block_on(site.cluster.client().upload(&bytes(40_000), &UploadOptions::new())).unwrap();
    let mut conn = HttpConn::connect(addr);
    let lines = ["User-Agent: a \"quoted\" one", "Referer: http://here/"];
    assert_eq!(conn.ask("GET", &format!("/{id}?x=%22"), &lines, b"").status, 200);
    assert_eq!(conn.ask("HEAD", &format!("/{id}"), &[], b"").status, 200);
    assert_eq!(conn.ask("GET", &format!("/{id}"), &["Range: bytes=5-14"], b"").status, 206);
    assert_eq!(conn.ask("BREW", "/pot", &[], b"").status, 405);
    let mut conn = HttpConn::connect(addr);
    conn.send(b"\x16\x03nonsense\r\n\r\n");
    assert_eq!(conn.answer(false).unwrap().status, 400);
    // The signal HUP writes what is there, and begins a new file.
    site.cluster.storages[0].server().hang_up();
    let client = TcpStream::connect(addr).unwrap().local_addr().unwrap().ip();
    let logged = wait_for("the lines", || Some(lines_below(log.parent().unwrap())).filter(|lines| lines.len() >= 5));
    // A line is written behind its answer: those of two connections may come in either order.
    let (malformed, logged): (Vec<_>, Vec<_>) =
        logged.iter().map(|line| without_time(line)).partition(|line| line.contains("\"-\" 400"));
    assert_eq!(malformed, [format!("{client} - -  \"-\" 400 {} \"-\" \"-\"", page_len(400))]);
    assert_eq!(
        logged,
        [
            format!("{client} - -  \"GET /{id}?x=%22 HTTP/1.1\" 200 40000 \"http://here/\" \"a \\x22quoted\\x22 one\""),
            format!("{client} - -  \"HEAD /{id} HTTP/1.1\" 200 0 \"-\" \"-\""),
            format!("{client} - -  \"GET /{id} HTTP/1.1\" 206 10 \"-\" \"-\""),
            format!("{client} - -  \"BREW /pot HTTP/1.1\" 405 {} \"-\" \"-\"", page_len(405)),
        ]
    );
    assert_eq!(std::fs::read_dir(log.parent().unwrap()).unwrap().count(), 2, "a file before HUP and one behind it");
}

#[test]
fn a_tracker_begins_a_new_file_of_its_requests_at_hup() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::start(&[("group1", 1)], "");
    let id = site.cluster.block_on(site.cluster.client().upload(b"sent on", &UploadOptions::new())).unwrap();
    let conf = dir.path().join("http.conf");
    std::fs::write(&conf, format!("http.access_log = {}\n", dir.path().join("web/access.log").display())).unwrap();
    site.cluster.expect_lost_trackers();
    site.cluster.trackers[0].set("http.config", conf.display());
    site.cluster.trackers[0].restart();
    site.cluster.wait_until_active();
    for count in 1..=2 {
        assert_eq!(get(site.tracker(), &format!("/{id}"), &[]).status, 302);
        site.cluster.trackers[0].server().hang_up();
        let web = dir.path().join("web");
        let lines = wait_for("the line", || Some(lines_below(&web)).filter(|lines| lines.len() == count));
        assert!(lines.iter().all(|line| line.contains(&format!("\"GET /{id} HTTP/1.1\" 302 0 "))), "{lines:?}");
        assert!(std::fs::read_dir(&web).unwrap().count() >= 2, "a file before HUP and one behind it");
    }
}

fn page_len(status: u16) -> usize {
    fdfs_http::pure::page::of(status).len()
}

#[test]
fn requests_of_a_gateway_are_logged_as_json_with_the_client_that_a_listed_proxy_names() {
    let site = Site::start(&[("group1", 1)], "");
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("access.json");
    let more = format!(
        "http.access_log = {}\nhttp.access_log_format = json\nhttp.trusted_proxies = 127.0.0.1\n",
        log.display()
    );
    let server = gateway(site.cluster.tracker_addr(), &more);
    let id = site.cluster.block_on(site.cluster.client().upload(&bytes(70_000), &UploadOptions::new())).unwrap();
    let target = format!("/{id}");
    let lines = ["X-Forwarded-For: 10.9.8.7", "User-Agent: \u{e4}\"\\"];
    assert_eq!(get(server.addr().unwrap(), &target, &lines).status, 200);
    server.hang_up();
    server.stop();
    let line = lines_below(dir.path()).pop().unwrap();
    let json: serde_json::Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
    for (name, value) in [("client", "10.9.8.7"), ("method", "GET"), ("target", &target), ("agent", "\u{e4}\"\\")] {
        assert_eq!(json[name], value, "{line}");
    }
    assert_eq!((&json["status"], &json["bytes"], &json["whole"]), (&200.into(), &70_000.into(), &true.into()));
    assert!(json["referer"].is_null() && json["us"].as_u64().is_some_and(|us| us > 0), "{line}");
    assert!(json["time"].as_str().is_some_and(|time| time.len() == 25 && time.contains('T')), "{line}");
}

/// What HUP does: trackers, and who may read, are taken over while requests are served.
#[test]
fn gateways_and_storages_take_in_what_has_changed() {
    let site = Site::start(&[("group1", 1)], "");
    let (cluster, addr) = (&site.cluster, site.storage(0));
    let id = cluster.block_on(cluster.client().upload(b"x", &UploadOptions::new())).unwrap();
    let url = format!("/{id}");
    let key = "http.signing_key = 0123456789abcdef\nhttp.access = /group1 signed\n";

    let gate = gateway(SocketAddr::from((cluster.loopback.ip(203), 1)), "connect_timeout = 1\n");
    let of_gate = gate.addr().unwrap();
    assert_eq!(get(of_gate, &url, &[]).status, 502);
    let reload = |more: &str| {
        let (configured, conf) = gateway_conf(cluster.tracker_addr(), more);
        gate.reload(configured, &conf).unwrap();
    };
    reload("");
    assert_eq!(get(of_gate, &url, &[]).text(), "x");
    reload(key);
    assert_eq!(get(of_gate, &url, &[]).status, 403);
    gate.stop();

    let storage = &cluster.storages[0];
    assert_eq!(get(addr, &url, &[]).text(), "x");
    let conf = storage.conf();
    std::fs::write(conf.http.config.as_deref().unwrap(), key).unwrap();
    storage.server().reload(&conf);
    assert_eq!(get(addr, &url, &[]).status, 403);
    // A file that nothing could be served with changes nothing.
    std::fs::write(conf.http.config.as_deref().unwrap(), "http.access = /group1 signed\n").unwrap();
    cluster.expect_problem("files are served as before");
    storage.server().reload(&conf);
    assert_eq!(get(addr, &url, &[]).status, 403);
}
