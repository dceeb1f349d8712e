//! A link or a new name for a peer.

use super::name;
use crate::limits::GROUP_NAME_LEN;
use crate::{Command, FileName, GroupName, Put, Reader, Request, Wire, WireError};

/// `SYNC_CREATE_LINK` (19) and `SYNC_RENAME_FILE` (40).
///
/// | offset | size | field                   | unit                                             |
/// |-------:|-----:|-------------------------|--------------------------------------------------|
/// |      0 |    8 | destination name length | bytes, i64 big-endian, 1 to 127                  |
/// |      8 |    8 | source name length      | bytes, i64 big-endian, 1 to 127                  |
/// |     16 |    4 | timestamp               | unix seconds of the operation at its source, u32 |
/// |     20 |   16 | group                   | text, NUL-padded                                 |
/// |     36 |    d | destination name        | text: the link; the new name                     |
/// | 36 + d |    s | source name             | text: the link's target; the old name            |
///
/// Source: wire specification, 2.6.5.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyncTwoNames {
    /// When it was done at its source, unix seconds.
    pub timestamp: u32,
    /// The group.
    pub group: GroupName,
    /// 19: the link; 40: the new name.
    pub destination: FileName,
    /// 19: what the link leads to; 40: the old name.
    pub source: FileName,
}

impl Wire for SyncTwoNames {
    fn encode(&self, out: &mut Vec<u8>) {
        name::put_len(out, &self.destination);
        name::put_len(out, &self.source);
        out.put_u32(self.timestamp);
        self.group.put(out, GROUP_NAME_LEN);
        out.put_bytes(self.destination.as_bytes());
        out.put_bytes(self.source.as_bytes());
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let destination_len = name::read_len(reader, "destination name length", 1)?;
        let source_len = name::read_len(reader, "source name length", 1)?;
        Ok(Self {
            timestamp: reader.u32("timestamp")?,
            group: GroupName::read(reader, GROUP_NAME_LEN)?,
            destination: name::read(reader, destination_len)?,
            source: name::read(reader, source_len)?,
        })
    }
}

impl Request for SyncTwoNames {
    const COMMAND: Command = Command::SyncCreateLink;
}

#[cfg(test)]
mod tests {
    use super::super::cuts;
    use super::*;
    use hex_literal::hex;
    use proptest::prelude::*;

    #[test]
    fn a_request_round_trips_and_rejects_every_cut() {
        let request = SyncTwoNames {
            timestamp: 0x6B00_1025,
            group: "group1".parse().unwrap(),
            destination: "M00/00/00/ab".parse().unwrap(),
            source: "M00/00/00/c".parse().unwrap(),
        };
        let bytes = hex!(
            "000000000000000c 000000000000000b 6b001025 67726f75703100000000000000000000"
            "4d30302f30302f30302f6162 4d30302f30302f30302f63"
        );
        cuts::round_trips_and_rejects_every_cut(&request, &bytes);
        assert!(SyncTwoNames::from_bytes(&[&bytes[..], b"x"].concat()).is_err(), "a byte too many");
        for at in [7, 15] {
            for len in [0, 128] {
                let mut bytes = bytes;
                bytes[at] = len;
                assert!(SyncTwoNames::from_bytes(&bytes).is_err(), "length {len} at {at}");
            }
        }
    }

    proptest! {
        #[test]
        fn any_request_round_trips(
            timestamp: u32, group in "[A-Za-z0-9]{1,16}", destination in "[!-~]{1,127}", source in "[!-~]{1,127}",
        ) {
            let (destination, source) = (destination.parse().unwrap(), source.parse().unwrap());
            let request = SyncTwoNames { timestamp, group: group.parse().unwrap(), destination, source };
            prop_assert_eq!(SyncTwoNames::from_bytes(&request.to_bytes()), Ok(request));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = cuts::reads_or_refuses::<SyncTwoNames>(&bytes);
        }
    }
}
