//! "I am one of yours": between our storages, on a connection that replicates.

use crate::{Command, Put, Reader, Request, Wire, WireError};

/// Request of `SYNC_HELLO` (243): empty. A sender says it once on each connection, behind `REPORT_SERVER_ID` (9); the
/// receiver then answers with what a sender of ours understands and one of the reference does not. A sender that is
/// refused is talking to the reference, which closes: it connects anew and does without.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SyncHello;

impl Wire for SyncHello {
    fn encode(&self, _: &mut Vec<u8>) {}
    fn decode(_: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self)
    }
}

impl Request for SyncHello {
    const COMMAND: Command = Command::SyncHello;
}

/// Answer of `SYNC_HELLO`.
///
/// | offset | size | field   | unit                                           |
/// |-------:|-----:|---------|------------------------------------------------|
/// |      0 |    1 | version | of what is agreed on, now [`VERSION`](Self::VERSION) |
///
/// Version 1: a change of a file that is missing here, or does not fit what is here, is answered with `ENOENT` for 25,
/// 35 and 37 alike, and the sender then sends the whole file with 18. Version 2: the sender says with 242 up to when all is
/// here; the times of what comes in say nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyncHelloAnswer {
    /// What the receiver speaks.
    pub version: u8,
}

impl SyncHelloAnswer {
    /// What this version speaks.
    pub const VERSION: u8 = 2;
    /// From this on 242 is understood.
    pub const TELLS_REACHED: u8 = 2;
}

impl Wire for SyncHelloAnswer {
    fn encode(&self, out: &mut Vec<u8>) {
        out.put_u8(self.version);
    }
    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self { version: reader.u8("version")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_and_answer_round_trip() {
        assert_eq!(SyncHello::from_bytes(&SyncHello.to_bytes()), Ok(SyncHello));
        let answer = SyncHelloAnswer { version: SyncHelloAnswer::VERSION };
        assert_eq!(answer.to_bytes(), [2]);
        assert_eq!(SyncHelloAnswer::from_bytes(&[2]), Ok(answer));
        assert!(SyncHelloAnswer::from_bytes(b"").is_err() && SyncHelloAnswer::from_bytes(b"12").is_err());
    }
}
