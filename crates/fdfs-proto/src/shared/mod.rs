//! Structures that several commands carry.

pub mod addr_size;
pub mod brief;
pub mod rw_mode;
pub mod stat;
pub mod storage_status;

pub use addr_size::AddrSize;
pub use brief::StorageBrief;
pub use rw_mode::RwMode;
pub use stat::{ConnectionCounts, Counter, StorageStat};
pub use storage_status::StorageStatus;
