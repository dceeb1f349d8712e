//! Clusters of programs from two folders: this fdfs and another one, or the reference.
//!
//! Never: a word about how a program works inside; what both can do is asked of both.
//!
//! * [`programs`]: the folders, and the combinations that a scenario runs with;
//! * [`network`]: loopback for ours alone, namespaces on a bridge where a program may refuse loopback;
//! * [`server`]: one process, which another program can take over; [`lab`]: all of them;
//! * [`work`]: what a client does, and what must be there afterwards; [`tools`]: the same with classic programs;
//! * [`tree`]: a folder byte for byte, before and after;
//! * [`results`]: one row of the table for each scenario.

pub mod lab;
pub mod network;
pub mod programs;
pub mod results;
pub mod server;
pub mod tools;
pub mod tree;
pub mod work;

pub use lab::Lab;
pub use programs::{Program, Programs};
pub use results::{When, run};
pub use work::Work;
