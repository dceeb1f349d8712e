//! The names that servers give to files.
