//! The book in `docs/`: every number and message has its entry in troubleshooting.md, and links lead somewhere.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may panic")]

use std::fs;
use std::path::{Path, PathBuf};

use fdfs_proto::Status;

/// The shortest piece of a message that one would look for, in characters.
const PIECE_MIN: usize = 9;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The first string literal of a Rust text, with continued lines put together.
fn literal(text: &str) -> Option<String> {
    let (mut out, mut chars) = (String::new(), text[text.find('"')? + 1..].chars().peekable());
    loop {
        match chars.next()? {
            '"' => return Some(out),
            '\\' => match chars.next()? {
                '\n' => while chars.next_if(|c| c.is_whitespace()).is_some() {},
                c => out.push(c),
            },
            c => out.push(c),
        }
    }
}

/// The pieces of a message between what differs from case to case.
fn pieces(message: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut depth = 0;
    for c in message.chars() {
        match c {
            '{' => depth += 1,
            '}' => {
                depth -= 1;
                pieces.push(String::new());
            }
            c if depth == 0 => pieces.last_mut().unwrap().push(c),
            _ => {}
        }
    }
    pieces
}

/// Whether an entry, with `...` for what differs, says what a message says: all its words, in their order.
fn is_entry_of(entry: &str, message: &str) -> bool {
    let words: Vec<&str> = entry.split("...").map(str::trim).filter(|word| !word.is_empty()).collect();
    let mut rest = message;
    words.iter().map(|word| word.len()).sum::<usize>() >= PIECE_MIN
        && words.iter().all(|word| {
            rest.find(word).is_some_and(|at| {
                rest = &rest[at + word.len()..];
                true
            })
        })
}

/// The messages of an enum of errors.
fn messages(path: &str) -> Vec<String> {
    let text = read(path);
    let all: Vec<String> = text
        .split("#[error(")
        .skip(1)
        .filter_map(|rest| {
            let transparent = rest.starts_with("transparent");
            (!transparent).then(|| literal(rest)).flatten()
        })
        .collect();
    assert!(all.len() > 3, "{path}: {all:?}");
    all
}

#[test]
fn every_status_has_an_entry() {
    let book = read("docs/troubleshooting.md");
    let mut count = 0;
    for number in 0..=u8::MAX {
        let Some(name) = Status(number).name() else { continue };
        count += 1;
        let row = format!("| {number} | `{name}` | ");
        assert!(book.contains(&row), "docs/troubleshooting.md has no line that begins with {row}");
    }
    assert!(count > 30, "{count}");
}

#[test]
fn every_error_of_the_client_and_of_a_start_has_an_entry() {
    let book = read("docs/troubleshooting.md");
    for path in ["crates/fdfs-client/src/error.rs", "crates/fdfs-storage/src/start/error.rs"] {
        for message in messages(path) {
            let pieces = pieces(&message);
            if pieces.iter().all(|piece| piece.trim().len() < PIECE_MIN) {
                // It says what another one says, which has its own entry.
                continue;
            }
            let flat = pieces.join("{}");
            let mut entries = book.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
            assert!(entries.any(|entry| is_entry_of(entry, &flat)), "docs/troubleshooting.md: {message:?} of {path}");
        }
    }
}

#[test]
fn every_finding_of_the_doctor_has_an_entry() {
    let book = read("docs/troubleshooting.md");
    let rules = read("crates/fdfs-watch/src/findings.rs");
    let codes: Vec<String> = rules
        .split("Severity::")
        .skip(1)
        .filter_map(|rest| {
            let (word, rest) = rest.split_once(',')?;
            let code = literal(rest).filter(|_| word.chars().all(char::is_alphabetic))?;
            let is_code = code.chars().all(|c| c.is_ascii_lowercase() || c == '-');
            is_code.then_some(code)
        })
        .collect();
    assert!(codes.len() > 20, "{codes:?}");
    for code in codes {
        assert!(book.contains(&format!("`{code}`")), "docs/troubleshooting.md has no entry for {code}");
    }
}

#[test]
fn links_of_the_book_lead_somewhere() {
    let mut count = 0;
    let pages = fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let pages = pages.filter(|path| path.extension().is_some_and(|ext| ext == "md"));
    for page in pages.chain([root().join("README.md")]) {
        let text = fs::read_to_string(&page).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let path = link.split('#').next().unwrap();
            if path.is_empty() || path.contains("://") {
                continue;
            }
            count += 1;
            assert!(page.parent().unwrap().join(path).exists(), "{} links to {link}", page.display());
        }
    }
    assert!(count > 40, "{count}");
    let index = read("docs/README.md");
    for entry in fs::read_dir(root().join("docs")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(name == "README.md" || index.contains(&format!("({name}")), "docs/README.md does not name {name}");
    }
}
