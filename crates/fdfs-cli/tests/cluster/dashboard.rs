//! The dashboard on the admin port: `fdfs dev` shows it. How it looks is tried in a browser by `.ci/dashboard`.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use fdfs_testkit::wait_for;
use serde_json::Value;

use crate::{Dev, fdfs, text};

/// The answer to a request: head and body.
fn ask(addr: &str, request: &str) -> (String, String) {
    let mut stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(format!("{request} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

#[test]
fn the_dashboard_shows_the_cluster_and_changes_nothing() {
    let mut dev = Dev::start();
    let banner = dev.banner();
    let url =
        banner.iter().find_map(|line| line.strip_prefix("dashboard http://")).unwrap_or_else(|| panic!("{banner:?}"));
    let addr = url.trim_end_matches('/');
    for path in ["/", "/dashboard", "/dashboard?from=somewhere"] {
        let (head, body) = ask(addr, &format!("GET {path}"));
        assert!(
            head.starts_with("HTTP/1.1 200") && head.contains("Content-Security-Policy: default-src 'none'"),
            "{head}"
        );
        assert!(body.starts_with("<!doctype html>") && body.trim_end().ends_with("</html>"));
    }
    let (head, body) = ask(addr, "HEAD /");
    assert!(head.starts_with("HTTP/1.1 200") && body.is_empty(), "{head}");
    for method in ["POST", "PUT", "DELETE"] {
        assert!(ask(addr, &format!("{method} /dashboard.json")).0.starts_with("HTTP/1.1 405"));
    }
    for _ in 0..3 {
        let output = fdfs(&["upload", "--tracker", &dev.tracker, dev.conf().to_str().unwrap()]);
        assert!(output.status.success(), "{output:?}");
    }
    wait_for("the dashboard to know storages, their replication and what the doctor found", || {
        let (head, body) = ask(addr, "GET /dashboard.json");
        assert!(head.contains("Content-Type: application/json"), "{head}");
        let all: Value = serde_json::from_str(&body).unwrap();
        let storages = all["groups"][0]["storages"].as_array()?.clone();
        let two = storages.len() == 2 && storages.iter().all(|s| s["status"] == "ACTIVE" && s["answer_ms"].is_number());
        let lag = all["lag"].as_array()?;
        let replication = lag.len() == 2 && lag.iter().all(|row| row["peers"][0]["records"] == 0);
        let points = all["series"]["t"].as_array()?.len();
        (two && replication && points > 0 && all["findings"].is_array() && all["error"].is_null()).then_some(())
    });
}

#[test]
fn top_prints_one_screen_and_wants_a_terminal_for_more() {
    let dev = Dev::start();
    let output = fdfs(&["top", "--once", "--tracker", &dev.tracker]);
    let shown = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(shown.starts_with("fdfs  1 group, 2 of 2 storages ACTIVE, 1 tracker\n"), "{shown}");
    assert!(
        shown.contains("group1: ") && shown.lines().filter(|line| line.contains(" ACTIVE ")).count() == 2,
        "{shown}"
    );
    let output = fdfs(&["top", "--tracker", &dev.tracker]);
    assert_eq!(output.status.code(), Some(25), "ENOTTY");
    assert!(text(&output.stderr).contains("fdfs top --once"), "{}", text(&output.stderr));
}
