//! Where something stands: a file and a line.

use std::fmt;
use std::sync::Arc;

/// A file and a line in it, counted from 1. Line 0 speaks of the whole file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file, as it was named to the loader.
    pub file: Arc<str>,
    /// The line, counted from 1; 0 for the whole file.
    pub line: u32,
}

impl Place {
    /// A line of a file.
    #[must_use]
    pub fn new(file: &Arc<str>, line: u32) -> Self {
        Self { file: Arc::clone(file), line }
    }

    /// A whole file.
    #[must_use]
    pub fn whole(file: &str) -> Self {
        Self { file: Arc::from(file), line: 0 }
    }
}

/// `tracker.conf:12`, or only the file for line 0.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&self.file),
            line => write!(f, "{}:{line}", self.file),
        }
    }
}
