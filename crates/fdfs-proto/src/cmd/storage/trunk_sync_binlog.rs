//! Lines of the trunk binlog for a peer.

use crate::{Command, WireError};

/// `TRUNK_SYNC_BINLOG` (30), from the trunk server: lines of its binlog, which the receiver appends to its own as they
/// are. It borrows the body.
///
/// Source: wire specification, 2.6.8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrunkSyncBinlog<'a> {
    /// The lines, `time op path high low id offset size\n`; never empty.
    pub lines: &'a [u8],
}

impl<'a> TrunkSyncBinlog<'a> {
    /// The command.
    pub const COMMAND: Command = Command::TrunkSyncBinlog;
    /// Bytes that a sender puts into one message at most, as C does: a C receiver cannot take more than its buffer.
    pub const SEND_MAX: usize = 64 * 1024;

    /// Takes a body.
    ///
    /// # Errors
    /// [`WireError::Truncated`] for an empty one.
    pub const fn from_bytes(body: &'a [u8]) -> Result<Self, WireError> {
        if body.is_empty() {
            return Err(WireError::Truncated { field: "trunk binlog lines", need: 1, have: 0 });
        }
        Ok(Self { lines: body })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_body_is_refused() {
        let line = b"1795166344 A 0 0 0 1 0 67108864\n";
        assert_eq!(TrunkSyncBinlog::from_bytes(line), Ok(TrunkSyncBinlog { lines: line }));
        assert!(TrunkSyncBinlog::from_bytes(b"").is_err());
    }
}
