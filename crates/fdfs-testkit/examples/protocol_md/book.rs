//! docs/protocol.md, generated from the commands and from what the code says of each layout.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use fdfs_proto::command::Direction;
use fdfs_proto::{Command, HEADER_LEN};

const INTRODUCTION: &str = "\
# The protocol and the formats

All that fdfs says on the wire, the names of files, and the records of its logs, in our own words; free to use for any client or
server. It is the protocol of FastDFS V6.16.1; what only servers of fdfs say begins at number 240, and nobody needs it. State
files, which are lines of `key=value`, are left out. This page is generated from the code that reads and writes these bytes
(`cargo run -p fdfs-testkit --example protocol_md > docs/protocol.md`).

## A conversation

* A connection carries one request after the other. Whoever has connected sends a header and a body; the other side answers
  with a header and a body. A request may be sent before the answer to the one before has come; answers come in order.
* Numbers are big-endian. Texts of fixed width are filled with NUL bytes; the last byte of an address is always NUL.
* The status of an answer is 0, or an errno of Linux ([troubleshooting](troubleshooting.md)); then its body is empty, as a rule.
* Servers of fdfs answer a body that is too short, too long or malformed with 22 (EINVAL), and close the connection.
* Ports: trackers 22122, storages 23000.
* `QUIT` (82) ends a connection without an answer; `ACTIVE_TEST` (111) is answered with an empty body.
";

/// The rooms of the code, in the order of the chapters.
const CHAPTERS: [(&str, &str); 7] = [
    ("The header", "header.rs"),
    ("What a client and storages say to trackers", "cmd/tracker"),
    ("What a client and storages say to storages", "cmd/storage"),
    ("Parts of several bodies", "shared"),
    ("What only servers of fdfs say", "ours"),
    ("Names of files", "file_id"),
    ("Files on the disk", "disk"),
];

/// The whole page.
pub(crate) fn text() -> String {
    let mut text = INTRODUCTION.to_owned();
    commands(&mut text);
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fdfs-proto/src");
    for (title, room) in CHAPTERS {
        let _ = write!(text, "\n## {title}\n");
        for file in files(&src.join(room)) {
            // Without a file the page is not what it was, and the test says so.
            let code = fs::read_to_string(&file).unwrap_or_default();
            layouts(&code).iter().for_each(|(name, layout)| put(name, layout, &mut text));
        }
    }
    text
}

fn commands(text: &mut String) {
    let _ = write!(text, "\n## Commands\n\nEvery body has a header of {HEADER_LEN} bytes in front.\n\n");
    text.push_str("| number | name | who to whom |\n|-------:|---|---|\n");
    for command in Command::ALL {
        let who = match command.direction() {
            Direction::ClientToTracker => "client to tracker",
            Direction::ClientToStorage => "client to storage",
            Direction::StorageToTracker => "storage to tracker",
            Direction::StorageToStorage => "storage to storage",
            Direction::StorageToTrunkServer => "storage to trunk server",
            Direction::TrunkServerToStorage => "trunk server to storage",
            Direction::TrackerToStorage => "tracker to storage",
            Direction::TrackerToTracker => "tracker to tracker",
            Direction::Any => "any",
            Direction::Answer => "an answer",
        };
        let _ = writeln!(text, "| {} | `{}` | {who} |", command.number(), command.label());
    }
}

/// The files of a room, sorted; with a module before its parts.
fn files(room: &Path) -> Vec<PathBuf> {
    if room.is_file() {
        return vec![room.to_owned()];
    }
    let beside = room.with_extension("rs");
    let mut files: Vec<_> = fs::read_dir(room).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|ext| ext == "rs"));
    files.sort();
    beside.is_file().then_some(beside).into_iter().chain(files).collect()
}

/// The name of each thing that has a table of its bytes or lines, and what the code says of it.
fn layouts(code: &str) -> Vec<(String, Vec<String>)> {
    let (mut found, mut doc) = (Vec::new(), Vec::new());
    for line in code.lines().map(str::trim_start) {
        if let Some(said) = line.strip_prefix("///") {
            doc.push(said.strip_prefix(' ').unwrap_or(said).to_owned());
        } else if !line.starts_with("#[") {
            let has_table = doc.iter().any(|line: &String| line.starts_with('|') || line.starts_with("```text"));
            let item = line.strip_prefix("pub ").filter(|_| has_table);
            if let Some(name) = item.and_then(|item| item.split([' ', ':', '<', '(', ';', '{']).nth(1)) {
                found.push((name.to_owned(), std::mem::take(&mut doc)));
            }
            doc.clear();
        }
    }
    found
}

/// The first sentence is the heading; where it comes from and what goes wrong is for those who read the code.
fn put(name: &str, layout: &[String], text: &mut String) {
    let end = layout.iter().position(|line| line.is_empty()).unwrap_or(layout.len());
    let first = plain(&layout[..end].join(" "));
    let (heading, rest) = first.split_once(". ").unwrap_or((first.trim_end_matches('.'), ""));
    let _ = write!(text, "\n### `{name}`: {}\n\n", heading.trim_end_matches('.'));
    if !rest.is_empty() {
        let _ = write!(text, "{rest}\n\n");
    }
    let mut is_source = false;
    let mut last_is_empty = true;
    for line in layout.iter().skip(end + 1).take_while(|line| !line.starts_with("# ")) {
        is_source = line.starts_with("Source:") || (is_source && !line.is_empty());
        if is_source || (line.is_empty() && last_is_empty) {
            continue;
        }
        last_is_empty = line.is_empty();
        text.push_str(plain(line).trim_end());
        text.push('\n');
    }
    let len = text.trim_end().len();
    text.truncate(len);
    text.push('\n');
}

/// Without links into the code: what is in brackets stays, without backquotes of its own if it has some.
fn plain(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some((before, link)) = rest.split_once('[') {
        out.push_str(before);
        let Some((shown, behind)) = link.split_once(']') else {
            out.push('[');
            rest = link;
            continue;
        };
        let target = behind.strip_prefix('(').and_then(|target| target.split_once(')'));
        match target {
            Some((path, behind)) if path.contains("::") => (out, rest) = (out + shown, behind),
            _ if shown.starts_with('`') => (out, rest) = (out + shown, behind),
            // Brackets of a text.
            _ => (out, rest) = (out + "[" + shown + "]", behind),
        }
    }
    out + rest
}
