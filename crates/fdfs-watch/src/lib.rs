//! How a cluster is doing, seen from outside: a live picture, the last hour, and what is wrong in words.
//!
//! Never: a change of anything, or an output: the dashboard of `fdfs-http`, `fdfs top` and `fdfs doctor` print.
//!
//! * [`picture`]: what trackers and storages tell now; [`lag`]: how far the copies of each storage are at its peers;
//! * [`samples`]: rates and times to answer over the last hour, bounded; pure;
//! * [`watch`]: keeps both up to date for whoever shows them; [`json`], [`value`]: the same as one object;
//! * [`gather`], [`snapshot`], [`findings`]: the doctor: asks everybody, and says what is wrong and what to do about it.

pub mod findings;
pub mod gather;
pub mod json;
pub mod lag;
pub mod picture;
pub mod samples;
pub mod snapshot;
pub mod value;
pub mod watch;

pub use picture::Picture;
pub use samples::Samples;
pub use watch::Watch;
