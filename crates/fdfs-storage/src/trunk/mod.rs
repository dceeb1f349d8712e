//! Space in trunk files: many small files in few large ones. One storage of the group, the trunk server, gives it out.
//!
//! * [`leases`]: what an upload asks for, wherever the trunk server is;
//! * [`error`]: why it gets none.

pub mod error;
pub mod leases;

pub use error::TrunkError;
pub use leases::{TrunkLease, TrunkSpace};
