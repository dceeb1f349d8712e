//! The book in `docs/`: every number and message has its entry in troubleshooting.md or log-lines.md, and links lead
//! somewhere.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may panic")]

mod sources;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use fdfs_proto::Status;

use crate::sources::{Source, sources};

/// The shortest piece of a message that one would look for, in characters.
const PIECE_MIN: usize = 9;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The pieces of a message between what differs from case to case.
fn pieces(message: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut depth = 0;
    for c in message.chars() {
        match c {
            '{' => depth += 1,
            '}' => {
                depth = (depth - 1).max(0);
                pieces.push(String::new());
            }
            c if depth == 0 => pieces.last_mut().unwrap().push(c),
            _ => {}
        }
    }
    pieces
}

/// The pages with entries.
const PAGES: [&str; 2] = ["docs/troubleshooting.md", "docs/log-lines.md"];

/// The most messages that one entry may stand for: one that fits more says nothing of any.
const MESSAGES_MAX: usize = 5;

/// A message with `{}` for what differs, or nothing if it has no words of its own: it says what another one says, which has
/// its own entry.
fn flat(message: &str) -> Option<String> {
    let pieces = pieces(message);
    pieces.iter().any(|piece| piece.trim().len() >= PIECE_MIN).then(|| pieces.join("{}"))
}

/// A text of the first column: words of a message, and `...` for what differs before, between and behind them.
#[derive(Debug)]
struct Entry {
    begins_with_other: bool,
    words: Vec<String>,
}

impl Entry {
    fn new(text: &str) -> Self {
        let words = text.split("...").map(str::trim).filter(|words| !words.is_empty()).map(str::to_owned).collect();
        Self { begins_with_other: text.starts_with("..."), words }
    }

    /// Those of all pages.
    fn all() -> Vec<Self> {
        PAGES.iter().flat_map(|page| Self::of_page(&read(page))).collect()
    }

    fn of_page(page: &str) -> Vec<Self> {
        let rows = page.lines().filter(|line| line.starts_with("| `"));
        let cells = rows.map(|row| row[2..].split(" | ").next().unwrap());
        cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).map(Self::new).collect()
    }

    /// Whether it has too few words to say anything.
    fn is_short(&self) -> bool {
        self.words.iter().map(String::len).sum::<usize>() < PIECE_MIN
    }

    /// Whether it says what a message says: all its words, in their order, and what differs where it has `...`.
    fn is_of(&self, message: &str) -> bool {
        let mut rest = message;
        !self.is_short()
            && self.words.iter().enumerate().all(|(index, word)| {
                if index > 0 || self.begins_with_other {
                    let Some(at) = rest.find("{}") else { return false };
                    rest = &rest[at + 2..];
                }
                find_word(rest, word).is_some_and(|at| {
                    rest = &rest[at + word.len()..];
                    true
                })
            })
    }
}

/// Where a text has these words, whole.
fn find_word(text: &str, word: &str) -> Option<usize> {
    let cuts = |before: Option<char>, after: Option<char>| {
        before.is_some_and(char::is_alphanumeric) && after.is_some_and(char::is_alphanumeric)
    };
    text.match_indices(word).map(|(at, _)| at).find(|&at| {
        let (before, after) = (&text[..at], &text[at + word.len()..]);
        !cuts(before.chars().next_back(), word.chars().next()) && !cuts(word.chars().next_back(), after.chars().next())
    })
}

/// Whatever a log, an answer or a command can say, with the file that says it.
fn messages() -> Vec<(String, String)> {
    let mut all = Vec::new();
    for source in sources() {
        let mut found = source.first_of(&["warn!(", "error!("]);
        found.extend(source.first_of(&["#[error("]));
        for of in ["ClusterError", "IdTableError", "Loss", "PlacementError", "SpaceError"] {
            found.extend(source.all_of(&[&format!("impl fmt::Display for {of} {{")]));
        }
        let in_crate = |name: &str| source.path.starts_with(&format!("crates/{name}/"));
        if in_crate("fdfs-cli") {
            found.extend(source.first_of(&["bail!(", "anyhow!(", "ensure!(", "context(", "with_context(", "failure("]));
            found.extend(source.first_of(&["eprintln!("]));
            found.extend(source.all_of(&["impl fmt::Display for Cause {", "impl fmt::Display for Wrong {"]));
        }
        if in_crate("fdfs-http") {
            found.extend(source.first_of(&["failure("]));
        }
        found.extend(source.first_of(&["io::Error::new(", "io::Error::other("]));
        found.extend(source.fields(&["what: ", "why: ", "reason: "]));
        // In these two a literal there is the name of a field, which stands before a reason.
        if !in_crate("fdfs-proto") && !in_crate("fdfs-core") {
            found.extend(source.first_of(&["Err(", "map_err(", "ok_or(", "ok_or_else("]));
        }
        if in_crate("fdfs-conf") {
            found.extend(source.first_of(&[".warn(", ".note("]));
        }
        // A usage has several lines, progress goes on, and one word is a key's name.
        found.retain(|text| !text.contains('\n') && !text.ends_with(" ...") && text.contains(' '));
        all.extend(found.into_iter().map(|message| (source.path.clone(), message)));
    }
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
fn every_message_has_an_entry() {
    let entries = Entry::all();
    let (mut missing, mut count) = (BTreeSet::new(), 0);
    for (path, message) in messages() {
        let Some(flat) = flat(&message) else { continue };
        count += 1;
        if !entries.iter().any(|entry| entry.is_of(&flat)) {
            missing.insert(format!("{path}: {message:?}"));
        }
    }
    assert!(count > 500, "{count}");
    let missing: Vec<_> = missing.into_iter().collect();
    assert!(missing.is_empty(), "no entry in docs/log-lines.md or troubleshooting.md:\n{}", missing.join("\n"));
}

#[test]
fn every_entry_is_of_one_message_or_few() {
    let entries = Entry::all();
    let flat: BTreeSet<String> = messages().iter().filter_map(|(_, message)| flat(message)).collect();
    for entry in entries {
        let of: Vec<_> = flat.iter().filter(|message| entry.is_of(message)).collect();
        assert!(of.len() <= MESSAGES_MAX, "{entry:?} is too vague: {of:#?}");
    }
}

#[test]
fn no_page_has_an_entry_twice() {
    for page in PAGES {
        let mut entries = Entry::of_page(&read(page));
        entries.sort_by(|a, b| a.words.cmp(&b.words));
        for pair in entries.windows(2).filter(|pair| !pair[0].is_short()) {
            assert!(pair[0].words != pair[1].words, "{page} has {:?} twice", pair[0]);
        }
    }
}

#[test]
fn every_entry_is_of_a_message_that_there_is() {
    let entries = Entry::all();
    let all: BTreeSet<String> =
        sources().iter().flat_map(Source::literals).map(|text| pieces(&text).join("{}")).collect();
    for entry in entries.iter().filter(|entry| !entry.is_short()) {
        assert!(all.iter().any(|message| entry.is_of(message)), "nobody says {entry:?} any more");
    }
}

#[test]
fn an_entry_is_of_a_message_with_its_words_in_their_order() {
    let message = "storage {} cannot be reached: {}";
    for (entry, is_of) in [
        ("storage ... cannot be reached", true),
        ("... cannot be reached: ...", true),
        ("cannot be reached", true),
        ("cannot be reach", false),
        ("... storage ... cannot be reached", false),
        ("storage ... be ... reached", false),
        ("reached ... storage", false),
        ("storage", false),
    ] {
        assert_eq!(Entry::new(entry).is_of(message), is_of, "{entry}");
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
            let code = rest.split('"').nth(1).filter(|_| word.chars().all(char::is_alphabetic))?.to_owned();
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
fn every_finding_of_a_takeover_check_has_an_entry() {
    let book = read("docs/troubleshooting.md");
    let checks = sources().into_iter().filter(|source| source.path.contains("/takeover/"));
    let codes: BTreeSet<String> = checks.flat_map(|source| source.first_of(&["report.say("])).collect();
    assert!(codes.len() > 12, "{codes:?}");
    let missing: Vec<_> = codes.iter().filter(|code| !book.contains(&format!("`{code}`"))).collect();
    assert!(missing.is_empty(), "docs/troubleshooting.md has no entry for {missing:?}");
}

#[test]
fn every_exit_code_that_is_written_down_has_an_entry() {
    let book = read("docs/troubleshooting.md");
    let mut texts = vec![read("docs/tools.md")];
    texts.extend(sources().into_iter().filter(|source| source.path.starts_with("crates/fdfs-cli/")).map(|s| s.text));
    let mut codes = BTreeSet::new();
    for text in &texts {
        // Up to the end of the sentence, and statuses that have no name in the protocol.
        let sentences = text.match_indices("xit code").map(|(at, _)| text[at..].split(['.', '"', '(']).next().unwrap());
        let statuses = text.match_indices("Status(").map(|(at, _)| text[at + 7..].split(')').next().unwrap());
        let words = sentences.chain(statuses).flat_map(|text| text.split([' ', ',', ':', '\n']));
        codes.extend(words.filter_map(|word| word.parse::<u8>().ok()));
    }
    assert!([0, 1, 2, 3, 5, 25].iter().all(|code| codes.contains(code)), "{codes:?}");
    for code in codes {
        let row = format!("\n| {code} | `");
        assert!(book.contains(&row), "docs/troubleshooting.md has no line for exit code {code}");
    }
}

/// The link to a heading, as GitHub makes it.
fn anchor_of(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
    text.chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_')).collect()
}

#[test]
fn links_of_the_book_lead_somewhere() {
    let mut count = 0;
    let pages = fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let pages = pages.filter(|path| path.extension().is_some_and(|ext| ext == "md"));
    for page in pages.chain([root().join("README.md")]) {
        let text = fs::read_to_string(&page).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.contains("://") {
                continue;
            }
            count += 1;
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() { page.clone() } else { page.parent().unwrap().join(path) };
            assert!(target.exists(), "{} links to {link}", page.display());
            if !anchor.is_empty() {
                let there = fs::read_to_string(&target).unwrap();
                let headings = there.lines().filter_map(|line| line.strip_prefix('#'));
                let is_there = headings.map(anchor_of).any(|of_heading| of_heading == anchor);
                assert!(is_there, "{} links to {link}, which has no such heading", page.display());
            }
        }
    }
    assert!(count > 40, "{count}");
    let index = read("docs/README.md");
    for entry in fs::read_dir(root().join("docs")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(name == "README.md" || index.contains(&format!("({name}")), "docs/README.md does not name {name}");
    }
}
