//! A request, however it came in.

use std::net::IpAddr;

use super::fields::Fields;

/// The methods that mean something here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Read.
    Get,
    /// Read without the body.
    Head,
    /// Ask what is allowed.
    Options,
    /// Upload.
    Post,
    /// Upload, too: the body is the file.
    Put,
    /// Delete.
    Delete,
    /// Anything else.
    Other,
}

impl Method {
    /// A method by its name; case counts.
    #[must_use]
    pub fn from_name(name: &[u8]) -> Self {
        match name {
            b"GET" => Self::Get,
            b"HEAD" => Self::Head,
            b"OPTIONS" => Self::Options,
            b"POST" => Self::Post,
            b"PUT" => Self::Put,
            b"DELETE" => Self::Delete,
            _ => Self::Other,
        }
    }
}

/// A request, however it came in.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// The method.
    pub method: Method,
    /// Path and query, as sent, beginning with `/`.
    pub target: &'a [u8],
    /// The header fields.
    pub fields: Fields<'a>,
    /// Whether it came over TLS.
    pub is_secure: bool,
    /// The port it came in on.
    pub local_port: u16,
    /// Who asks.
    pub peer: IpAddr,
    /// The time, unix microseconds.
    pub now_us: u64,
}

impl Request<'_> {
    /// The time, unix seconds.
    #[must_use]
    pub const fn now(&self) -> i64 {
        (self.now_us / 1_000_000) as i64
    }
}
