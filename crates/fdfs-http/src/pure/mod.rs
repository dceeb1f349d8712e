//! From a request to an answer, without a socket, a file or a clock.

pub mod access;
pub mod answer;
pub mod conditional;
pub mod cors;
pub mod date;
pub mod digits;
pub mod disposition;
pub mod field_lines;
pub mod fields;
pub mod file;
pub mod flv;
pub mod page;
pub mod query;
pub mod range;
pub mod request;
pub mod settings;
pub mod target;
pub mod token;
