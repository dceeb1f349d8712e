//! What a reader of a configuration file has to say about it without refusing it.

use std::fmt;
use std::sync::Arc;

use crate::{ConfError, Place};

/// How much a [`Finding`] matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The program will not start with it. Only in the report of a check: parsers return a [`ConfError`] instead.
    Error,
    /// Something is ignored or replaced, and the reference says so in its log, or should.
    Warning,
    /// Something is read otherwise than it was probably meant, and the reference is silent about it.
    Note,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        })
    }
}

/// One remark about one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The file.
    pub file: Arc<str>,
    /// The line, counted from 1; 0 for the whole file.
    pub line: u32,
    /// The key; empty when it is not about a key.
    pub key: String,
    /// How much it matters.
    pub severity: Severity,
    /// What is wrong, and what happens.
    pub what: String,
    /// What is allowed; empty when there is nothing to say.
    pub allowed: String,
}

impl Finding {
    /// A remark about a line.
    #[must_use]
    pub fn new(at: &Place, key: &str, severity: Severity, what: impl Into<String>, allowed: impl Into<String>) -> Self {
        Self {
            file: Arc::clone(&at.file),
            line: at.line,
            key: key.to_owned(),
            severity,
            what: what.into(),
            allowed: allowed.into(),
        }
    }

    /// The same as an error of a report.
    #[must_use]
    pub fn from_error(error: &ConfError) -> Self {
        let at = error.place();
        Self::new(&at, error.key(), Severity::Error, error.what(), error.allowed())
    }

    /// The place.
    #[must_use]
    pub fn place(&self) -> Place {
        Place::new(&self.file, self.line)
    }
}

/// `tracker.conf:12: warning: store_server: 7 is not allowed, 0 is used (allowed: 0, 1, 2)`.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: ", self.place(), self.severity)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.what)?;
        if !self.allowed.is_empty() {
            write!(f, " (allowed: {})", self.allowed)?;
        }
        Ok(())
    }
}

/// A configuration that can be used, and the remarks about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed<T> {
    /// The configuration.
    pub conf: T,
    /// Warnings and notes, in the order in which the keys were read.
    pub findings: Vec<Finding>,
}
