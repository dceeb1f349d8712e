//! Files over HTTP: in a storage, in a tracker, or as a gateway of its own.
//!
//! Never: an address that a client named, a head that can be read in two ways, or a request without a time-out.
//!
//! * [`pure`]: from a request to an answer, without a socket, a file or a clock;
//! * [`handle`]: the steps in between that ask the [`site`]; [`write`]: uploads and deletes;
//! * [`h1`]: plain sockets with `sendfile`; [`server`], [`stats`]: what connections share and what is counted;
//! * [`tls`]: HTTPS with HTTP/2;
//! * [`configure`], [`start`], [`gateway`]: from a file to a port; [`admin`]: health and metrics;
//! * [`access_log`], [`histogram`]: what is told of requests afterwards;
//! * [`mod@json`], [`forwarded`]: small things that several need.

pub mod access_log;
pub mod admin;
pub mod configure;
pub mod forwarded;
pub mod gateway;
pub mod h1;
pub mod handle;
pub mod histogram;
pub mod incoming;
pub mod json;
pub mod multipart;
pub mod pure;
pub mod server;
pub mod site;
pub mod source;
pub mod start;
pub mod stats;
pub mod tls;
pub mod upload;
pub mod write;

pub use pure::settings::Settings;
pub use server::Server;
pub use site::Site;
