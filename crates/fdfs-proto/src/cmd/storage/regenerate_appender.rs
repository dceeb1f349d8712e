//! A normal name for an appender file.

use super::name;
use crate::{Command, FileName, Put, Reader, Request, Wire, WireError};

/// `REGENERATE_APPENDER_FILENAME` (38): the appender's name alone, 44 to 127 bytes; no group, no length.
///
/// Source: wire specification, 2.5.9.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegenerateAppender(pub FileName);

impl Wire for RegenerateAppender {
    fn encode(&self, out: &mut Vec<u8>) {
        out.put_bytes(self.0.as_bytes());
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let (need, have) = (name::APPENDER_NAME_MIN, reader.remaining());
        if have < need {
            return Err(WireError::Truncated { field: "file name", need, have });
        }
        name::read_rest(reader).map(Self)
    }
}

impl Request for RegenerateAppender {
    const COMMAND: Command = Command::RegenerateAppenderFilename;
}

#[cfg(test)]
mod tests {
    use super::super::cuts;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_round_trips_and_rejects_every_cut() {
        let name = "M00/00/00/Ck4BDGsAECCECKaAAAAAAKaEx8Y457.log";
        let request = RegenerateAppender(name.parse().unwrap());
        cuts::round_trips_and_rejects_every_cut(&request, name.as_bytes());
        assert!(RegenerateAppender::from_bytes(&[b'a'; 128]).is_err());
    }

    proptest! {
        #[test]
        fn any_name_round_trips(name in "[!-~]{44,127}") {
            let request = RegenerateAppender(name.parse().unwrap());
            prop_assert_eq!(RegenerateAppender::from_bytes(&request.to_bytes()), Ok(request));
        }
    }
}
