//! docs/protocol.md is what the code says today.

#![allow(clippy::panic, reason = "a test may panic")]

#[path = "../examples/protocol_md/book.rs"]
mod book;

#[test]
fn the_page_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/protocol.md");
    let there = std::fs::read_to_string(path).unwrap_or_default();
    let hint = "run: cargo run -p fdfs-testkit --example protocol_md > docs/protocol.md";
    assert!(there == book::text(), "{path} is not what the code says; {hint}");
}

#[test]
fn every_layout_of_the_code_is_on_the_page() {
    let text = book::text();
    let tables = text.lines().filter(|line| line.starts_with("| offset")).count();
    assert!(tables > 91, "{tables}");
    assert!(!text.contains("crate::") && !text.contains("Source:"), "words for readers of the code");
}
