//! Every fuzz target, some thousand inputs each: random ones, and recorded ones that were changed.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may panic as tests do")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use fdfs_testkit::fuzz::bodies::{OTHER_BODIES, WIRE_BODIES};
use fdfs_testkit::fuzz::disk::STATE_FILES;
use fdfs_testkit::fuzz::mutate::Mutator;
use fdfs_testkit::fuzz::{self, TARGETS, Target};

/// Inputs of one target.
const INPUT_COUNT: usize = 4000;
/// Inputs of one row of a target's table.
const ROW_INPUT_COUNT: usize = 1500;

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn files_below(dir: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() { files_below(&path, found) } else { found.push(path) }
    }
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap()).collect()
}

/// Whole messages of all recorded exchanges, requests and answers.
fn recorded_messages() -> Vec<Vec<u8>> {
    let mut files = Vec::new();
    files_below(&workspace().join("crates/fdfs-proto/tests/golden"), &mut files);
    let mut messages = BTreeSet::new();
    for file in files.iter().filter(|file| file.extension().is_some_and(|ext| ext == "jsonl")) {
        for line in fs::read_to_string(file).unwrap().lines() {
            let row: serde_json::Value = serde_json::from_str(line).unwrap();
            messages.extend(["request_hex", "response_hex"].iter().filter_map(|key| row[*key].as_str()).map(unhex));
        }
    }
    assert!(messages.len() > 500, "only {} recorded messages", messages.len());
    messages.into_iter().collect()
}

fn recorded_bodies() -> Vec<Vec<u8>> {
    recorded_messages().iter().filter_map(|message| message.get(10..)).map(<[u8]>::to_vec).collect()
}

/// Small files of recorded directories, whole and line by line.
fn recorded_files() -> Vec<Vec<u8>> {
    let mut files = Vec::new();
    files_below(&workspace().join("crates/fdfs-proto/tests/golden/disk"), &mut files);
    let files: Vec<_> =
        files.iter().map(|file| fs::read(file).unwrap()).filter(|bytes| bytes.len() < 16 << 10).collect();
    assert!(!files.is_empty());
    let lines = files.iter().flat_map(|bytes| bytes.split(|&b| b == b'\n').take(40)).map(<[u8]>::to_vec);
    let learnt =
        b"group_name=group1\nmy_addrs=10.0.0.1\nmy_id=100001\nstorage_id=100001 group1 10.0.0.1\nstore_path=0\n";
    files.iter().cloned().chain(lines.collect::<BTreeSet<_>>()).chain([learnt.to_vec()]).collect()
}

fn confs() -> Vec<Vec<u8>> {
    let mut files = Vec::new();
    files_below(&workspace().join("conf"), &mut files);
    let whole: Vec<_> = files.iter().map(|file| fs::read(file).unwrap()).collect();
    // Without comments more of the changes hit something.
    let terse = whole.iter().map(|bytes| {
        let lines = bytes.split(|&b| b == b'\n').filter(|line| !line.is_empty() && !line.starts_with(b"#"));
        lines.collect::<Vec<_>>().join(&b'\n')
    });
    let dialect: [&[u8]; 6] = [
        b"#include other.conf\n#include fuzzed.conf\n#@if %{LOCAL_IP} in [127.0.0.1]\na = 1\n#@else\na = 2\n#@endif\n",
        b"#@function SHELL_EXEC\na = 1\n#@function REPLACE_VARS\nbase_path = %{x}\n#@set x = 3\n",
        b"[access-log]\nenabled = true\n[]\n[a\nport=1\nport = 0x10\nport = 99999999999999999999\n",
        b"100001 group1 10.0.0.1:23000 rw=both\n100002 group1 [fe80::1,10.0.0.2]:23000\n",
        b"text/html html htm\nimage/jpeg jpg jpeg\n",
        b"tracker_server = 10.0.0.1,192.168.1.1:22122\ngroup_name = group1\nbase_path = /tmp\nstore_path0 = /tmp\n",
    ];
    terse.chain(dialect.map(<[u8]>::to_vec)).collect()
}

fn ids() -> Vec<Vec<u8>> {
    let rows = fs::read_to_string(workspace().join("crates/fdfs-proto/tests/golden/file_id.tsv")).unwrap();
    let words: BTreeSet<_> = rows.split(['\t', '\n']).filter(|word| word.contains('/')).collect();
    assert!(words.len() > 50, "only {} recorded names", words.len());
    let names = words.iter().filter_map(|word| word.split_once('/')).map(|(_, name)| name);
    words.iter().copied().chain(names).map(|word| word.as_bytes().to_vec()).collect()
}

/// Every recorded request, and tricks of those who would smuggle one.
fn http_requests() -> Vec<Vec<u8>> {
    let mut files = Vec::new();
    files_below(&workspace().join("crates/fdfs-http/tests/golden"), &mut files);
    let mut requests = BTreeSet::new();
    for file in files {
        for record in fs::read_to_string(file).unwrap().split("=== ") {
            let lines: Vec<_> = record.lines().filter_map(|line| line.strip_prefix("> ")).collect();
            requests.insert(format!("{}\r\n\r\n", lines.join("\r\n")).into_bytes());
        }
    }
    assert!(requests.len() > 150, "only {} recorded requests", requests.len());
    let tricks = [
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n",
        "GET http://a/%2e%2e/b HTTP/1.1\r\nHost: a\r\nRange: bytes=0-0,-1,5-\r\n folded\r\n\r\n",
        "GET /a  HTTP/1.0\r\nConnection: keep-alive\r\nIf-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT\r\n\r\n",
    ];
    requests.into_iter().chain(tricks.map(|text| text.as_bytes().to_vec())).collect()
}

/// Forms as browsers send them, behind the byte that says in what pieces they come.
fn http_forms() -> Vec<Vec<u8>> {
    let field = "--B\r\nContent-Disposition: form-data; name=\"ext\"\r\n\r\njpg\r\n";
    let file = "--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a\\\"b.jpg\"\r\nContent-Type: image/jpeg\r\n\r\n\
                bytes\r\n--C\r\n-\r\n\r\n--B--\r\n";
    let texts =
        [format!("{field}{file}"), format!("preamble\r\n{file}epilogue"), file.to_owned(), format!("{field}--B--")];
    texts.iter().flat_map(|text| [0, 6, 200].map(|len| [&[len], text.as_bytes()].concat())).collect()
}

fn run(target: &Target, corpus: &[Vec<u8>], count: usize) {
    let (name, target) = target;
    let seed = name.bytes().fold(0, |seed: u64, byte| seed.wrapping_mul(31).wrapping_add(byte.into()));
    let mut mutator = Mutator::new(corpus, seed);
    for i in 0..count {
        let input = mutator.input();
        let result = std::panic::catch_unwind(|| target(&input));
        let shown = String::from_utf8_lossy(&input);
        assert!(result.is_ok(), "{name}: input {i} of seed {seed}: {input:02x?}\n{shown}");
    }
}

#[test]
fn every_target_takes_anything() {
    let (messages, bodies, files, confs, ids) =
        (recorded_messages(), recorded_bodies(), recorded_files(), confs(), ids());
    let (requests, forms) = (http_requests(), http_forms());
    for target in TARGETS {
        let corpus = match target.0 {
            "header" => &messages,
            "body" | "metadata" => &bodies,
            "file_id" | "logic_name" => &ids,
            "binlog_line" | "trunk_line" | "changelog_line" | "state_file" | "store_path_mark" => &files,
            "http_request" => &requests,
            "http_form" => &forms,
            _ => &confs,
        };
        // A configuration is checked against some hundred keys; six targets read the same dialect.
        let is_conf = target.0.contains("conf");
        run(target, corpus, if is_conf { INPUT_COUNT / 5 } else { INPUT_COUNT });
    }
}

#[test]
fn every_body_takes_anything() {
    let bodies = recorded_bodies();
    for target in WIRE_BODIES.iter().chain(OTHER_BODIES) {
        run(target, &bodies, ROW_INPUT_COUNT);
    }
}

#[test]
fn every_state_file_takes_anything() {
    let files = recorded_files();
    for target in STATE_FILES {
        run(target, &files, ROW_INPUT_COUNT);
    }
}

#[test]
fn every_target_has_its_program() {
    let mut programs = Vec::new();
    files_below(&workspace().join("fuzz/fuzz_targets"), &mut programs);
    let programs: BTreeSet<_> =
        programs.iter().map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    assert_eq!(programs, TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect());
    let manifest = fs::read_to_string(workspace().join("fuzz/Cargo.toml")).unwrap();
    for name in &programs {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "fuzz/Cargo.toml lacks {name}");
        let program = fs::read_to_string(workspace().join(format!("fuzz/fuzz_targets/{name}.rs"))).unwrap();
        assert!(program.contains(&format!("\"{name}\"")), "{name} runs another target");
    }
}

/// What the sources of all crates implement `of` for.
fn implementors(of: &str) -> BTreeSet<String> {
    let mut sources = Vec::new();
    files_below(&workspace().join("crates"), &mut sources);
    let texts = sources.iter().filter(|path| path.extension().is_some_and(|ext| ext == "rs")).map(fs::read_to_string);
    let start = format!("impl {of} for ");
    let names = texts.flat_map(|text| {
        let text = text.unwrap();
        let names = text.lines().filter_map(|line| line.strip_prefix(&start)?.strip_suffix(" {"));
        names.map(str::to_owned).collect::<Vec<_>>()
    });
    names.filter(|name| name != "()").collect()
}

/// A body or a state file that is added must get its row.
#[test]
fn every_body_and_every_state_file_has_its_row() {
    for (of, rows) in [("Wire", WIRE_BODIES), ("StateFile", STATE_FILES)] {
        let rows: BTreeSet<String> = rows.iter().map(|(name, _)| (*name).to_owned()).collect();
        let names = implementors(of);
        assert!(names.len() > 10, "only {names:?} implement {of}");
        let without: Vec<_> = names.difference(&rows).collect();
        assert!(without.is_empty(), "{of}: {without:?} have no row");
    }
}

#[test]
#[should_panic = "no fuzz target is called nonsense"]
fn an_unknown_target_is_an_error_of_the_caller() {
    fuzz::run("nonsense", b"");
}
