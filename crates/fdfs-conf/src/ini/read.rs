//! The reader: files to lines, lines to items.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use fdfs_proto::Status;

use super::directive::Directive;
use super::function::Function;
use super::{FILE_BYTES_MAX, INCLUDE_DEPTH_MAX, INCLUDES_MAX, Ini, Item, LINES_MAX, NAME_MAX, VALUE_MAX, cut};
use crate::env::Env;
use crate::location::resolve;
use crate::{ConfError, Finding, Loader, Place, Severity};

/// A line with its number in its file; repeated ones own their text.
pub(super) struct Line<'t> {
    pub(super) number: u32,
    pub(super) text: Cow<'t, str>,
}

/// What encloses a block of lines: a directive must not stand in one of its own kind.
#[derive(Clone, Copy, Default)]
pub(super) struct Inside {
    pub(super) condition: bool,
    pub(super) repetition: bool,
}

/// The state of reading one configuration.
pub(super) struct Reader<'a> {
    top_path: &'a str,
    loader: &'a dyn Loader,
    pub(super) env: &'a Env,
    ini: Ini,
    section: String,
    /// The variables of `#@set`.
    pub(super) variables: BTreeMap<String, String>,
    /// The function that waits for the next item, with its place.
    pub(super) function: Option<(Function, Place)>,
    /// The files being read, outermost first: an include of one of them would never end.
    open_files: Vec<String>,
    included_count: usize,
    line_count: usize,
    /// Bytes that `#@for` has made so far.
    pub(super) expanded_bytes: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(top_path: &'a str, loader: &'a dyn Loader, env: &'a Env) -> Self {
        Self {
            top_path,
            loader,
            env,
            ini: Ini::default(),
            section: String::new(),
            variables: BTreeMap::new(),
            function: None,
            open_files: Vec::new(),
            included_count: 0,
            line_count: 0,
            expanded_bytes: 0,
        }
    }

    pub(super) fn read_all(mut self) -> Result<Ini, ConfError> {
        let path = self.top_path.strip_prefix("file://").unwrap_or(self.top_path);
        self.file(path, &Place::whole(path))?;
        self.drop_function("the end of the file");
        Ok(self.ini)
    }

    /// Reads one file; `at` is the line that asked for it.
    fn file(&mut self, location: &str, at: &Place) -> Result<(), ConfError> {
        let bytes = self.loader.load(location).map_err(|e| ConfError::Load {
            at: at.clone(),
            location: location.to_owned(),
            what: e.what,
            status: e.status,
        })?;
        let file: Arc<str> = Arc::from(location);
        if bytes.len() > FILE_BYTES_MAX {
            return Err(ConfError::TooLarge { at: Place::new(&file, 0), what: "bytes", max: FILE_BYTES_MAX });
        }
        let text = self.text_of(&file, &bytes);
        let lines: Vec<Line<'_>> = text
            .split('\n')
            .zip(1..)
            .map(|(text, number)| Line { number, text: Cow::Borrowed(text.trim_matches([' ', '\t', '\r'])) })
            .collect();
        self.open_files.push(location.to_owned());
        self.section.clear();
        self.block(&file, &lines, Inside::default())?;
        self.open_files.pop();
        // Source: configuration, 1.3: after an include the current section is the global one.
        self.section.clear();
        Ok(())
    }

    /// The text of a file; bytes that are not UTF-8 are replaced, with a warning at the first of them.
    fn text_of<'t>(&mut self, file: &Arc<str>, bytes: &'t [u8]) -> Cow<'t, str> {
        if let Err(e) = std::str::from_utf8(bytes) {
            let line = 1 + bytes[..e.valid_up_to()].iter().filter(|&&b| b == b'\n').count();
            let at = Place::new(file, u32::try_from(line).unwrap_or(u32::MAX));
            self.warn(&at, "", "bytes that are not UTF-8 are replaced");
        }
        String::from_utf8_lossy(bytes)
    }

    /// Reads lines of one file, or the part of it that a directive chose.
    pub(super) fn block(&mut self, file: &Arc<str>, lines: &[Line<'_>], inside: Inside) -> Result<(), ConfError> {
        let mut next = 0;
        while let Some(line) = lines.get(next) {
            next += 1;
            let at = Place::new(file, line.number);
            self.line_count += 1;
            if self.line_count > LINES_MAX {
                return Err(ConfError::TooLarge { at, what: "lines", max: LINES_MAX });
            }
            let text = line.text.as_ref();
            if !text.starts_with('#') {
                self.plain_line(text, at);
            } else if let Some(name) = include_of(text) {
                self.include(name, &at)?;
            } else if let Some(directive) = Directive::parse(text, &at)? {
                next = self.directive(directive, file, lines, next, at, inside)?;
            }
        }
        Ok(())
    }

    fn include(&mut self, name: &str, at: &Place) -> Result<(), ConfError> {
        let refuse = |what: String, status: Status| {
            Err(ConfError::Directive { at: at.clone(), directive: "#include", what, status })
        };
        if name.is_empty() {
            return refuse("a file name is missing".to_owned(), Status::EINVAL);
        }
        let location = resolve(self.top_path, name);
        if self.open_files.contains(&location) {
            return refuse(format!("{location} includes itself"), Status::ELOOP);
        }
        if self.open_files.len() >= INCLUDE_DEPTH_MAX {
            return refuse(format!("files include files more than {INCLUDE_DEPTH_MAX} deep"), Status::ELOOP);
        }
        self.included_count += 1;
        if self.included_count > INCLUDES_MAX {
            return Err(ConfError::TooLarge { at: at.clone(), what: "included files", max: INCLUDES_MAX });
        }
        self.file(&location, at)
    }

    /// A line that is neither a comment nor a directive.
    fn plain_line(&mut self, text: &str, at: Place) {
        if text.is_empty() {
            return;
        }
        if let Some(section) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            self.drop_function("a section");
            self.section = section.trim_matches([' ', '\t']).to_owned();
            return;
        }
        let Some((name, value)) = text.split_once('=') else {
            self.note(&at, "", format!("a line without '=' is ignored: {}", cut(text, NAME_MAX)));
            return;
        };
        let (name, value) = (name.trim_matches([' ', '\t']), value.trim_matches([' ', '\t']));
        let value = match self.function.take() {
            Some((function, _)) => Cow::Owned(self.call(function, value, &at)),
            None => Cow::Borrowed(value),
        };
        if name.len() > NAME_MAX {
            self.warn(&at, cut(name, NAME_MAX), format!("the name is cut to {NAME_MAX} bytes"));
        }
        if value.len() > VALUE_MAX {
            self.warn(&at, cut(name, NAME_MAX), format!("the value is cut to {VALUE_MAX} bytes"));
        }
        let (name, value) = (cut(name, NAME_MAX).to_owned(), cut(&value, VALUE_MAX).to_owned());
        self.ini.items.push(Item { section: self.section.clone(), name, value, at });
    }

    /// Forgets a function that found no item below it.
    pub(super) fn drop_function(&mut self, found: &str) {
        if let Some((_, at)) = self.function.take() {
            self.warn(&at, "", format!("#@function is ignored: {found} follows instead of a key"));
        }
    }

    pub(super) fn warn(&mut self, at: &Place, key: &str, what: impl Into<String>) {
        self.ini.findings.push(Finding::new(at, key, Severity::Warning, what, ""));
    }

    fn note(&mut self, at: &Place, key: &str, what: impl Into<String>) {
        self.ini.findings.push(Finding::new(at, key, Severity::Note, what, ""));
    }
}

/// The file name of an `#include` line; the word in any case, directly behind the `#`.
fn include_of(text: &str) -> Option<&str> {
    const WORD: &str = "#include";
    let word = text.get(..WORD.len())?;
    let rest = &text[WORD.len()..];
    let ends = rest.is_empty() || rest.starts_with([' ', '\t']);
    (word.eq_ignore_ascii_case(WORD) && ends).then(|| rest.trim_matches([' ', '\t']))
}
