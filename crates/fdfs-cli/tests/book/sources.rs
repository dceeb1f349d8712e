//! The messages in the sources of all crates: string literals of certain calls, read without a compiler.

use std::fs;
use std::path::{Path, PathBuf};

use crate::root;

/// A source file, without its tests.
pub(crate) struct Source {
    /// Below the workspace, with slashes.
    pub(crate) path: String,
    /// Up to the module of tests.
    pub(crate) text: String,
}

/// Every file below a crate's `src`, without tests, and without the crate of tests.
pub(crate) fn sources() -> Vec<Source> {
    let mut files = Vec::new();
    for entry in fs::read_dir(root().join("crates")).unwrap() {
        let folder = entry.unwrap().path();
        if !folder.ends_with("fdfs-testkit") {
            add_files(&folder.join("src"), &mut files);
        }
    }
    // The disk that tests break.
    files.retain(|path| !path.ends_with("fdfs-store/src/sim_fs.rs"));
    files.sort();
    let read = |path: &PathBuf| Source {
        path: path.strip_prefix(root()).unwrap().display().to_string(),
        text: without_tests(&fs::read_to_string(path).unwrap()).to_owned(),
    };
    files.iter().map(read).collect()
}

fn add_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            if name != "tests" {
                add_files(&path, files);
            }
        } else if name.ends_with(".rs") && name != "tests.rs" && !name.ends_with("_tests.rs") {
            files.push(path);
        }
    }
}

/// What stands before the module of tests, which is a file's last.
fn without_tests(text: &str) -> &str {
    let mut from = 0;
    while let Some(at) = text[from..].find("\n#[cfg(test)]\n") {
        let (begin, rest) = (from + at, &text[from + at + 14..]);
        let item = rest.lines().find(|line| !line.starts_with("#["));
        if item.is_some_and(|line| line.starts_with("mod ") && line.ends_with('{')) {
            return &text[..begin];
        }
        from = begin + 1;
    }
    text
}

impl Source {
    /// The first literal that is not empty in the brackets behind each of these openings, as `warn!(`.
    pub(crate) fn first_of(&self, openings: &[&str]) -> Vec<String> {
        self.blocks(openings).filter_map(|block| literals(block).into_iter().find(|text| !text.is_empty())).collect()
    }

    /// The literals that are the values of these fields, as `what: "..."` and `what: format!("...")`.
    pub(crate) fn fields(&self, openings: &[&str]) -> Vec<String> {
        let values = self.blocks(openings).filter(|value| value.starts_with('"') || value.starts_with("format!("));
        values.filter_map(|value| literals(value.trim_start_matches("format!(")).into_iter().next()).collect()
    }

    /// All literals in the brackets behind each of these openings.
    pub(crate) fn all_of(&self, openings: &[&str]) -> Vec<String> {
        self.blocks(openings).flat_map(literals).collect()
    }

    /// All literals.
    pub(crate) fn literals(&self) -> Vec<String> {
        literals(&self.text)
    }

    /// What stands behind each opening up to its closing bracket, and beyond: [`literals`] ends there.
    fn blocks<'a>(&'a self, openings: &'a [&str]) -> impl Iterator<Item = &'a str> {
        let text = &self.text;
        openings.iter().flat_map(move |opening| {
            text.match_indices(opening).filter_map(move |(at, _)| {
                let is_word =
                    opening.starts_with('.') || !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
                is_word.then(|| &text[at + opening.len()..])
            })
        })
    }
}

/// The string literals of a text up to the bracket that closes what was open before it, or its end. Lines that go on are
/// put together.
fn literals(text: &str) -> Vec<String> {
    let (mut found, mut depth, mut chars) = (Vec::new(), 0_i32, text.chars().peekable());
    let mut before = ' ';
    while let Some(c) = chars.next() {
        match c {
            '"' => found.push(string(&mut chars)),
            // r"..." has no escapes, and no messages either.
            '#' if before == 'r' && chars.peek() == Some(&'"') => {
                chars.next();
                while chars.next().is_some_and(|c| c != '"') {}
            }
            '\'' => {
                // A character, or a lifetime.
                let mut ahead = chars.clone();
                let is_char = match ahead.next() {
                    Some('\\') => true,
                    Some(_) => ahead.next() == Some('\''),
                    None => false,
                };
                if is_char {
                    let escaped = chars.next() == Some('\\');
                    if escaped {
                        chars.next();
                    }
                    while chars.next().is_some_and(|c| c != '\'') {}
                }
            }
            '/' if chars.peek() == Some(&'/') => while chars.next_if(|&c| c != '\n').is_some() {},
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => {
                depth -= 1;
                if depth < 0 {
                    return found;
                }
            }
            _ => {}
        }
        before = c;
    }
    found
}

/// The rest of a string literal.
fn string(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> String {
    let mut out = String::new();
    loop {
        match chars.next() {
            None | Some('"') => return out,
            Some('\\') => match chars.next() {
                Some('\n') => while chars.next_if(|c| c.is_whitespace()).is_some() {},
                Some('n') => out.push('\n'),
                Some(c) => out.push(c),
                None => return out,
            },
            Some(c) => out.push(c),
        }
    }
}

#[test]
fn literals_are_read_as_the_compiler_reads_them() {
    let text = r##"a('"', "one \
        \"two\"", [b')', '\''], f::<'a>("three") // "not this"
        , r#"nor this"#) + c("four")"##;
    assert_eq!(literals(&text[2..]), ["one \"two\"", "three"]);
    assert_eq!(literals(text), ["one \"two\"", "three", "four"]);
    assert_eq!(
        without_tests("a\n#[cfg(test)]\nuse b;\n#[cfg(test)]\n#[allow(x)]\nmod tests {"),
        "a\n#[cfg(test)]\nuse b;"
    );
}
