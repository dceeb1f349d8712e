//! Files out of a cluster and into one: `fdfs export` and `fdfs import`.
//!
//! * [`journal`]: what is done, one JSON object a line; it makes both commands resumable, and is the map of ids;
//! * [`item`]: what is copied; [`list`]: where the list of it comes from;
//! * [`fetch`]: one file to the disk, verified; [`store`]: one file into the cluster, verified;
//! * [`parts`]: what a killed run left behind;
//! * [`crew`]: many at a time, with a bar, tries and an end to failures.

mod crew;
pub(crate) mod export;
mod fetch;
pub(crate) mod import;
mod item;
mod journal;
mod list;
mod parts;
mod store;
