//! Where a new file goes on a storage: its store path and its sub directories.
//!
//! Both choices are made on every upload, so they change a small state in place and allocate nothing. The facts (free
//! space, which paths are read-only) come in from outside. Source: behaviour, 4.4 and 4.5.

mod store_path;
mod subdir;

pub use store_path::{PathFacts, PathRule, PlacementError, Reserve, StorePathChooser};
pub use subdir::{Subdir, SubdirCursor, hashed_subdir};
