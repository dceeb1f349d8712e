//! What both servers do with the keys they have in common: listen, admit, resolve, log.
//!
//! Never: anything that only a tracker or only a storage does.

pub mod gate;
pub mod listeners;
pub mod loader;
pub mod logs;

pub use gate::{GATE_FILES, gate, raise_file_limit};
pub use listeners::{BindError, Listeners, listeners, resolve, resolve_from};
pub use loader::FileLoader;
pub use logs::rotation;
