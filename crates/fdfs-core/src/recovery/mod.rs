//! A store path that lost its files: what a peer lists of it, how the work is shared out, how long it takes.

mod list;
mod progress;

pub use list::{Found, Share, Shares, entry, is_listed};
pub use progress::eta_secs;
