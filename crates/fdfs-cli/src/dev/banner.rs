//! What is said about a development cluster that runs.

use std::fmt::Write as _;
use std::path::Path;

use super::cluster::Cluster;
use super::place::Place;

/// What runs where, and three commands to try.
#[must_use]
pub(crate) fn text(place: &Place, cluster: &Cluster) -> String {
    let tracker = cluster.tracker_addr();
    let mut out = String::new();
    let mut line = |text: &str| {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{text}");
    };
    line(&format!("tracker   {tracker}"));
    for storage in cluster.storages() {
        line(&format!("storage   {}  files below {}", storage.addr(), shown(&storage.dir.join("data"))));
    }
    line(&format!("HTTP      http://{}/FILE_ID", cluster.http));
    line(&format!("dashboard http://{}/", cluster.dashboard));
    let fate = if place.is_temporary() {
        ", removed at the end"
    } else if place.is_old {
        ", with the files of earlier runs"
    } else {
        ""
    };
    line(&format!("data      {}{fate}; each server has its log in logs/\n", shown(&place.root)));
    let conf = shown(&place.root.join("client.conf"));
    line("Try in another terminal:");
    line(&format!("  fdfs upload README.md --tracker {tracker}"));
    line(&format!("  fdfs download FILE_ID /tmp/copy --tracker {tracker}"));
    line(&format!("  fdfs monitor --tracker {tracker}"));
    line(&format!("(classic programs take {conf})\n"));
    line("Ctrl-C ends the cluster.");
    out
}

/// A path as short as it can be typed from here.
fn shown(path: &Path) -> String {
    let here = std::env::current_dir().and_then(std::fs::canonicalize);
    match here.ok().and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned)) {
        Some(short) if !short.as_os_str().is_empty() => short.display().to_string(),
        _ => path.display().to_string(),
    }
}
