//! An administrator tells a storage of ours to take no more uploads, as a whole or on one store path, or to take them
//! again.

use crate::{Command, Put, Reader, Request, Wire, WireError};

/// In place of a store path: the whole storage.
const WHOLE: i64 = -1;

/// Request of `DRAIN` (248). The storage keeps it over restarts; the answer comes when that is certain, and is empty.
/// `EINVAL`: no such store path.
///
/// | offset | size | field      | unit                                                   |
/// |-------:|-----:|------------|--------------------------------------------------------|
/// |      0 |    8 | store path | index from 0, i64 big-endian; -1 for the whole storage |
/// |      8 |    1 | drained    | 1: takes no new uploads; 0: takes them again           |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drain {
    /// One store path; `None` for the whole storage.
    pub store_path: Option<u8>,
    /// Whether it takes no new uploads.
    pub drained: bool,
}

impl Wire for Drain {
    fn encode(&self, out: &mut Vec<u8>) {
        out.put_i64(self.store_path.map_or(WHOLE, i64::from));
        out.put_u8(u8::from(self.drained));
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        // Within a byte, but for -1.
        let store_path = u8::try_from(reader.ranged("store path", WHOLE, 255)?).ok();
        Ok(Self { store_path, drained: reader.u8("drained")? != 0 })
    }
}

impl Request for Drain {
    const COMMAND: Command = Command::Drain;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_reads_back_and_every_cut_is_refused() {
        for drain in [Drain { store_path: None, drained: true }, Drain { store_path: Some(255), drained: false }] {
            let bytes = drain.to_bytes();
            assert_eq!(Drain::from_bytes(&bytes), Ok(drain));
            assert!((0..bytes.len()).all(|len| Drain::from_bytes(&bytes[..len]).is_err()));
        }
        assert!(Drain::from_bytes(&[0, 0, 0, 0, 0, 0, 1, 0, 1]).is_err(), "store path 256");
    }
}
