//! The ini dialect of FastDFS: lines, sections, includes and the `#@` directives.
//!
//! | line                | meaning                                                                       |
//! |---------------------|-------------------------------------------------------------------------------|
//! | `name = value`      | up to the first `=`, both sides trimmed; no quoting, no comment behind it     |
//! | `[section]`         | starts or continues a section; `[]` is the global part                        |
//! | `# text`            | a comment; `;` starts none                                                    |
//! | `#include FILE`     | the file's lines, then the global part                                        |
//! | `#@...`             | a directive, see `directive.rs`                                               |
//! | anything else       | ignored                                                                       |
//!
//! Source: configuration, 1.

mod condition;
mod directive;
mod function;
mod read;

use crate::env::Env;
use crate::{ConfError, Finding, Loader, Place};

/// The longest name, in bytes; longer ones are cut.
pub const NAME_MAX: usize = 63;
/// The longest value, in bytes; longer ones are cut.
pub const VALUE_MAX: usize = 255;
/// The largest configuration file, in bytes.
pub const FILE_BYTES_MAX: usize = 4 << 20;
/// How deep files may include files.
pub const INCLUDE_DEPTH_MAX: usize = 16;
/// How many files may be included in all.
pub const INCLUDES_MAX: usize = 256;
/// How many lines there may be, repetitions by `#@for` and includes counted each time.
pub const LINES_MAX: usize = 100_000;
/// How many bytes `#@for` may make.
pub const EXPANDED_BYTES_MAX: usize = 8 << 20;
/// How often `#@for` may go round.
pub const FOR_ROUNDS_MAX: usize = 65_536;
/// How many items the list of `#@if` may have.
pub const IF_ITEMS_MAX: usize = 32;

/// One `name = value` with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The section; empty for the global part.
    pub section: String,
    /// The name, at most [`NAME_MAX`] bytes.
    pub name: String,
    /// The value, at most [`VALUE_MAX`] bytes; may be empty.
    pub value: String,
    /// Where it stands.
    pub at: Place,
}

/// A configuration as a list of items, includes and directives carried out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ini {
    /// The items, in the order of the text.
    pub items: Vec<Item>,
    /// What the reader has to say about the text.
    pub findings: Vec<Finding>,
}

impl Ini {
    /// Reads a file and what it includes.
    ///
    /// # Errors
    /// [`ConfError::Load`] for a file that the loader does not deliver, [`ConfError::Directive`] for a directive that
    /// cannot be carried out, [`ConfError::TooLarge`].
    pub fn read(top_path: &str, loader: &dyn Loader, env: &Env) -> Result<Self, ConfError> {
        read::Reader::new(top_path, loader, env).read_all()
    }

    /// All items of a name, in the order of the text: the lists (`tracker_server`, ...).
    pub fn all<'a>(&'a self, section: &'a str, name: &'a str) -> impl DoubleEndedIterator<Item = &'a Item> {
        self.items.iter().filter(move |item| item.section == section && item.name == name)
    }

    /// The last item of a name: it is the one that counts where there can be only one.
    #[must_use]
    pub fn last(&self, section: &str, name: &str) -> Option<&Item> {
        self.items.iter().rev().find(|item| item.section == section && item.name == name)
    }
}

/// The first `max` bytes of a text, cut between characters.
pub(crate) fn cut(text: &str, max: usize) -> &str {
    let mut end = text.len().min(max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests;
