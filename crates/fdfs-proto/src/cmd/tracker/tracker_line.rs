//! One tracker in the list that a joining storage sends.

use std::fmt;

use crate::WireError;
use crate::cmd::tracker::host_port::{HostAddrs, split_port};
use crate::limits::HOST_LINE_MAX;

/// A tracker as a storage has it in its configuration: `ip:port`, `ip,ip2:port` or `[ipv6]:port`, at most 100 bytes.
///
/// Source: wire specification, 1.5, 2.3.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrackerLine {
    /// Its addresses.
    pub addrs: HostAddrs,
    /// Its port, never 0.
    pub port: u16,
}

impl TrackerLine {
    /// Reads a line without its line feed.
    ///
    /// # Errors
    /// [`WireError::TooLong`] beyond 100 bytes, [`WireError::BadText`] for another form.
    pub fn parse(line: &[u8]) -> Result<Self, WireError> {
        const FIELD: &str = "tracker line";
        if line.len() >= HOST_LINE_MAX {
            return Err(WireError::TooLong { field: FIELD, len: line.len(), max: HOST_LINE_MAX - 1 });
        }
        let (host, port) = split_port(line).ok_or_else(|| WireError::bad_text(FIELD, line))?;
        Ok(Self { addrs: HostAddrs::parse(host)?, port })
    }
}

/// The line without its line feed.
impl fmt::Display for TrackerLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.addrs.fmt_bracketed(f)?;
        write!(f, ":{}", self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::tracker::check;
    use proptest::prelude::*;

    #[test]
    fn lines_of_every_form_read_and_write_back() {
        for line in ["10.78.1.1:22122", "10.78.1.1,192.168.0.1:22122", "[fe80::1]:22122", "[10.0.0.1,fe80::1]:22122"] {
            assert_eq!(TrackerLine::parse(line.as_bytes()).unwrap().to_string(), line);
        }
        for bad in ["", "10.78.1.1", "10.78.1.1,:22122", "fe80::1:22122", "10.78.1.1:22122\r", "a,b:1"] {
            assert!(TrackerLine::parse(bad.as_bytes()).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn any_line_round_trips(addrs in check::addrs(), port in 1..=u16::MAX) {
            let line = TrackerLine { addrs, port };
            prop_assert_eq!(TrackerLine::parse(line.to_string().as_bytes()), Ok(line));
        }
    }
}
