//! What lies in the store paths of a storage on this machine: `fdfs ls`, `fdfs find` and `fdfs verify`. The storage may run
//! meanwhile.
//! The wire has no command for it: only the disk knows all files.

mod content;
mod filter;
pub(crate) mod find;
mod found;
pub(crate) mod ls;
mod peers;
mod print;
mod scrub;
mod slots;
mod store;
pub(crate) mod verify;

pub(crate) use slots::bounds as log_bounds;
