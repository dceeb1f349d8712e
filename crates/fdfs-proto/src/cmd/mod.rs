//! One file per command body: layout, units, limits, encode and decode.

pub mod storage;
pub mod tracker;
