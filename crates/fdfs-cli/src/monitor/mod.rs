//! `fdfs monitor` and `fdfs_monitor`: what the trackers know of groups and storages.

pub(crate) mod admin;
pub(crate) mod classic;
pub(crate) mod json;
pub(crate) mod modern;
pub(crate) mod text;
