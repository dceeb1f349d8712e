//! "You have all files that I have made up to then": between our storages, on a connection that replicates.

use crate::{Command, Put, Reader, Request, Wire, WireError};

/// Request of `SYNC_REACHED` (242); the answer is empty.
///
/// | offset | size | field     | unit                                     |
/// |-------:|-----:|-----------|------------------------------------------|
/// |      0 |    4 | unix_secs | seconds since 1970 by the sender's clock |
///
/// The receiver reports it to the trackers (89). A storage of the reference has one request under way at a time, so there
/// the time of each file that comes in says the same; here several are under way, and some are set aside. A time that goes back
/// is taken: the clock was set back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyncReached {
    /// The receiver has all files that the sender made in this second or before.
    pub unix_secs: u32,
}

impl Wire for SyncReached {
    fn encode(&self, out: &mut Vec<u8>) {
        out.put_u32(self.unix_secs);
    }
    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self { unix_secs: reader.u32("time")? })
    }
}

impl Request for SyncReached {
    const COMMAND: Command = Command::SyncReached;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_round_trips() {
        let reached = SyncReached { unix_secs: 0x0102_0304 };
        assert_eq!(reached.to_bytes(), [1, 2, 3, 4]);
        assert_eq!(SyncReached::from_bytes(&[1, 2, 3, 4]), Ok(reached));
        assert!(SyncReached::from_bytes(b"123").is_err() && SyncReached::from_bytes(b"12345").is_err());
    }
}
