//! Framed connections, accept loop, limits, time-outs, calls and pools.
//!
//! Never: what a command means, what is on a disk, or an allocation sized by a number that a peer sent.
//!
//! * [`listen`], [`accept`]: coming in; [`server`]: a tracker's side of a connection; [`connection`], [`buffer`]: a
//!   storage's;
//! * [`call`], [`pipeline`], [`pool`], [`resolve`], [`backoff`]: going out;
//! * [`socket`], [`nofile`], [`rate_limit`], [`permits`]: what both need.

pub mod accept;
pub mod backoff;
pub mod buffer;
pub mod call;
pub mod connection;
pub mod error;
pub mod listen;
pub mod nofile;
pub mod permits;
pub mod pipeline;
pub mod pool;
pub mod rate_limit;
pub mod resolve;
pub mod server;
pub mod socket;
mod timed;

pub use accept::{ConnectionPermit, Gate, GateOptions, serve};
pub use backoff::Backoff;
pub use call::{Answer, AnswerHead, CallOptions, Caller};
pub use error::NetError;
pub use listen::{AddressFamily, ListenError, listen, listen_addrs};
pub use permits::{Permit, Permits};
pub use pipeline::{Answers, Pipeline, PipelineAnswer};
pub use pool::{Pool, PoolOptions, Pooled};
pub use server::{Request, ServerConn, ServerLimits};
