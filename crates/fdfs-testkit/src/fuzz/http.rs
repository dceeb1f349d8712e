//! Requests of HTTP clients: heads, targets, and the small languages in their fields.

use fdfs_http::h1::head::{Framing, Head, end_of};
use fdfs_http::pure::range::{RANGES_MAX, Wanted, wanted};
use fdfs_http::pure::target::{Target, UrlForm};
use fdfs_http::pure::{date, disposition};

/// The head of a request, and everything that is read in it.
pub(super) fn request(bytes: &[u8]) {
    let Some(end) = end_of(bytes, 0) else { return };
    let Ok(head) = Head::parse(&bytes[..end]) else { return };
    assert!(head.target.starts_with(b"/"), "a target is a path");
    let both = head.fields.first("content-length").is_some() && head.fields.first("transfer-encoding").is_some();
    assert!(!both, "a body has one length");
    if head.framing == Framing::Chunked {
        assert!(head.is_11, "chunks are of 1.1");
    }
    if let Some(value) = head.fields.first("range")
        && let Wanted::Parts(parts) = wanted(value, 1000, true)
    {
        assert!((1..=RANGES_MAX).contains(&parts.len()));
        assert!(parts.iter().all(|part| part.first <= part.last && part.last < 1000), "parts are in the file");
    }
    if let Some(time) = head.fields.text("if-modified-since").and_then(date::parse) {
        assert_eq!(date::parse(&date::format(time)), Some(time.max(0)), "a date is written as it is read");
    }
    let Ok(target) = Target::parse(head.target) else { return };
    assert!(!target.path.split(|&b| b == b'/').any(|part| part == b".."), "a path does not climb");
    if let Ok(id) = target.file(&UrlForm::WithGroup) {
        assert!(id.logic_name().is_ok(), "a file's name was checked");
    }
    if let Some(name) = target.query.get("filename") {
        assert!(!disposition::attachment(name).chars().any(char::is_control), "a name ends no line");
    }
}
