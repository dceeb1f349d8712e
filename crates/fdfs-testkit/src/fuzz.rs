//! One function for each decoder of bytes from peers, disks and people.
//!
//! A function must return whatever the bytes are: it fails by panicking, which it also does when something that was
//! read, written and read again is not the same. The programs in `fuzz/` run one function each under libFuzzer; the test
//! `tests/fuzz.rs` runs all of them over [`mutate::Mutator`]'s inputs.

pub mod bodies;
pub mod conf;
pub mod disk;
pub mod http;
pub mod mutate;
pub mod names;

use fdfs_proto::{HEADER_LEN, Header};

/// A name, which is also that of the program in `fuzz/fuzz_targets`, and what takes any bytes.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: &[Target] = &[
    ("header", header),
    ("body", bodies::selected),
    ("metadata", bodies::metadata),
    ("file_id", names::file_id),
    ("logic_name", names::logic_name),
    ("tracker_conf", conf::tracker),
    ("storage_conf", conf::storage),
    ("client_conf", conf::client),
    ("http_conf", conf::http),
    ("mod_fastdfs_conf", conf::mod_fastdfs),
    ("conf_of_any_kind", conf::of_any_kind),
    ("storage_ids", conf::storage_ids),
    ("mime_types", conf::mime_types),
    ("http_request", http::request),
    ("http_form", http::form),
    ("binlog_line", disk::binlog_line),
    ("trunk_line", disk::trunk_line),
    ("changelog_line", disk::changelog_line),
    ("state_file", disk::selected),
    ("store_path_mark", disk::store_path_mark),
];

/// Runs one target by its name.
///
/// # Panics
/// When there is no such target, or as the target does.
pub fn run(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|(known, _)| *known == name);
    let Some((_, target)) = target else { unreachable!("no fuzz target is called {name}") };
    target(bytes);
}

/// Takes the first byte as the number of a row of `table` and gives the rest to it.
fn select(table: &[Target], bytes: &[u8]) {
    if let Some((&first, rest)) = bytes.split_first() {
        let (_, target) = table[usize::from(first) % table.len()];
        target(rest);
    }
}

fn header(bytes: &[u8]) {
    if let Some(bytes) = bytes.first_chunk::<HEADER_LEN>() {
        assert_eq!(Header::from_bytes(*bytes).to_bytes(), *bytes, "a header has no bytes that mean nothing");
    }
}
