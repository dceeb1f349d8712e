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
    let fdfs = program();
    line(&format!("  {fdfs} upload README.md --tracker {tracker}"));
    line(&format!("  {fdfs} download FILE_ID /tmp/copy --tracker {tracker}"));
    line(&format!("  {fdfs} monitor --tracker {tracker}"));
    line(&format!("(classic programs take {conf})\n"));
    line("Ctrl-C ends the cluster.");
    out
}

/// What to type for this program: `fdfs` where that leads to it, else its path, as after `cargo run`.
fn program() -> String {
    let Ok(this) = std::env::current_exe().and_then(std::fs::canonicalize) else { return "fdfs".to_owned() };
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|dir| dir.join("fdfs")).find(|path| path.is_file());
    match found.and_then(|path| std::fs::canonicalize(path).ok()) {
        Some(found) if found == this => "fdfs".to_owned(),
        _ => shown(&this),
    }
}

/// A path as short as it can be typed from here.
fn shown(path: &Path) -> String {
    let here = std::env::current_dir().and_then(std::fs::canonicalize);
    match here.ok().and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned)) {
        Some(short) if !short.as_os_str().is_empty() => short.display().to_string(),
        _ => path.display().to_string(),
    }
}
