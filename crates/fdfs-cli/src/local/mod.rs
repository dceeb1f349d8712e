//! What lies in the store paths of a storage on this machine: `fdfs ls` and `fdfs verify`. The storage may run meanwhile.
//! The wire has no command for it: only the disk knows all files.

mod found;
pub(crate) mod ls;
mod store;
pub(crate) mod verify;
