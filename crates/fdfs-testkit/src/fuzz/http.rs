//! Requests of HTTP clients: heads, targets, and the small languages in their fields.

use std::io;

use fdfs_http::h1::head::{Framing, Head, end_of};
use fdfs_http::incoming::Incoming;
use fdfs_http::multipart::Form;
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
    if let Ok((id, _)) = target.file(&UrlForm::WithGroup) {
        assert!(id.logic_name().is_ok(), "a file's name was checked");
    }
    if let Some(name) = target.query.get("filename") {
        assert!(!disposition::attachment(name).chars().any(char::is_control), "a name ends no line");
    }
}

/// A body that comes in pieces.
struct Pieces<'a> {
    bytes: &'a [u8],
    len: usize,
}

impl Incoming for Pieces<'_> {
    fn bytes_left(&self) -> Option<u64> {
        None
    }

    async fn next_piece(&mut self) -> io::Result<Vec<u8>> {
        let (piece, rest) = self.bytes.split_at(self.len.min(self.bytes.len()));
        self.bytes = rest;
        Ok(piece.to_vec())
    }
}

/// A form with the boundary `B` that comes in pieces, whose length is the first byte: what its files and fields hold is
/// never more than what came.
pub(super) fn form(bytes: &[u8]) {
    let Some((&first, bytes)) = bytes.split_first() else { return };
    let mut incoming = Pieces { bytes, len: usize::from(first) + 1 };
    // Nothing here waits, so it is ready at once.
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let Ok(runtime) = runtime else { unreachable!("a runtime without drivers needs nothing") };
    let held = runtime.block_on(async {
        let mut form = Form::new(&mut incoming, "B");
        let mut held = 0;
        while let Ok(Some(part)) = form.next_part().await {
            if part.filename.is_none() {
                let Ok(value) = form.value().await else { break };
                // What is no UTF-8 becomes up to three bytes each.
                held += value.len() / 3;
                continue;
            }
            loop {
                match form.next_bytes().await {
                    Ok(piece) if piece.is_empty() => break,
                    Ok(piece) => held += piece.len(),
                    Err(_) => return held,
                }
            }
        }
        held
    });
    assert!(held <= bytes.len(), "{held} bytes in a form of {}", bytes.len());
}
