//! Configuration files: the ini dialect with the keys of each file, and the two files that have lines of their own.

use fdfs_conf::{Env, FileKind, LoadError, MimeTypes, StorageIds, check};

/// Where a file seems to lie. Includes find nothing but the file itself, which is a loop.
const PATH: &str = "/etc/fdfs/fuzzed.conf";

pub(super) fn tracker(bytes: &[u8]) {
    ini(Some(FileKind::Tracker), bytes);
}

pub(super) fn storage(bytes: &[u8]) {
    ini(Some(FileKind::Storage), bytes);
}

pub(super) fn client(bytes: &[u8]) {
    ini(Some(FileKind::Client), bytes);
}

pub(super) fn http(bytes: &[u8]) {
    ini(Some(FileKind::Http), bytes);
}

pub(super) fn mod_fastdfs(bytes: &[u8]) {
    ini(Some(FileKind::ModFastdfs), bytes);
}

/// A file whose keys tell which one it is.
pub(super) fn of_any_kind(bytes: &[u8]) {
    ini(None, bytes);
}

/// storage_ids.conf, whose lines a tracker also sends over the wire.
pub(super) fn storage_ids(bytes: &[u8]) {
    let (parsed, errors) = StorageIds::review(PATH, bytes);
    assert_eq!(errors.is_empty(), StorageIds::parse(PATH, bytes).is_ok(), "both ways find the same errors");
    for finding in &parsed.findings {
        assert!(!finding.to_string().is_empty(), "a finding says something");
    }
}

pub(super) fn mime_types(bytes: &[u8]) {
    if let Ok(types) = MimeTypes::parse(PATH, bytes) {
        assert!(types.len() <= bytes.len(), "every type has an extension of its own");
    }
}

fn ini(kind: Option<FileKind>, bytes: &[u8]) {
    let loader = |location: &str| match location {
        PATH => Ok(bytes.to_vec()),
        _ => Err(LoadError::not_found()),
    };
    let report = check(kind, PATH, &loader, &Env::default());
    assert_eq!(report.has_errors(), report.errno != 0, "errors and the errno agree:\n{report}");
}
