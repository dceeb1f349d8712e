//! A link to a file with the same content.

use std::fmt;

use super::name;
use crate::limits::{EXT_NAME_LEN, GROUP_NAME_LEN, SLAVE_PREFIX_LEN};
use crate::{Command, ExtName, FileName, GroupName, Put, Reader, Request, SlavePrefix, Wire, WireError};

/// `CREATE_LINK` (20).
///
/// | offset     | size | field              | unit                                         |
/// |-----------:|-----:|--------------------|----------------------------------------------|
/// |          0 |    8 | master name length | bytes, i64 big-endian, 0 to 127; 0: no slave |
/// |          8 |    8 | source name length | bytes, i64 big-endian, 1 to 127              |
/// |         16 |    8 | signature length   | bytes, i64 big-endian, 1 to 63               |
/// |         24 |   16 | group              | text, NUL-padded                             |
/// |         40 |   16 | prefix             | text, NUL-padded                             |
/// |         56 |    6 | extension          | text, NUL-padded                             |
/// |         62 |    m | master name        | text                                         |
/// |     62 + m |    s | source name        | text: the link's target                      |
/// | 62 + m + s |    g | signature          | bytes: what tells equal content              |
///
/// m + s + g are at most 256.
///
/// Source: wire specification, 2.5.11.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CreateLink {
    /// The group.
    pub group: GroupName,
    /// What distinguishes a slave's name from its master's.
    pub prefix: SlavePrefix,
    /// Extension of the new name; may be empty.
    pub ext: ExtName,
    /// The master when the link is a slave, else empty.
    pub master: FileName,
    /// What the link leads to.
    pub source: FileName,
    /// What tells equal content.
    pub signature: Signature,
}

/// Bytes of the longest master name, source name and signature together.
const NAMES_MAX: usize = 256;

/// A content signature, 1 to 63 arbitrary bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature {
    bytes: [u8; Signature::MAX],
    len: u8,
}

impl Signature {
    /// The longest signature, in bytes.
    pub const MAX: usize = 63;

    /// Keeps a signature.
    ///
    /// # Errors
    /// [`WireError::OutOfRange`] for a length that is not 1 to 63.
    pub fn new(signature: &[u8]) -> Result<Self, WireError> {
        let (len, high) = (signature.len(), Self::MAX as i64);
        if len == 0 || len > Self::MAX {
            return Err(WireError::OutOfRange { field: "signature length", value: len as i64, low: 1, high });
        }
        let mut bytes = [0; Self::MAX];
        bytes[..len].copy_from_slice(signature);
        Ok(Self { bytes, len: len as u8 })
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02x?}", self.as_bytes())
    }
}

impl Wire for CreateLink {
    fn encode(&self, out: &mut Vec<u8>) {
        name::put_len(out, &self.master);
        name::put_len(out, &self.source);
        out.put_size(self.signature.as_bytes().len() as u64);
        self.group.put(out, GROUP_NAME_LEN);
        self.prefix.put(out, SLAVE_PREFIX_LEN);
        self.ext.put(out, EXT_NAME_LEN);
        out.put_bytes(self.master.as_bytes());
        out.put_bytes(self.source.as_bytes());
        out.put_bytes(self.signature.as_bytes());
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let master_len = name::read_len(reader, "master name length", 0)?;
        let source_len = name::read_len(reader, "source name length", 1)?;
        let signature_len = reader.ranged("signature length", 1, Signature::MAX as i64)? as usize;
        let len = master_len + source_len + signature_len;
        if len > NAMES_MAX {
            return Err(WireError::TooLong { field: "names and signature", len, max: NAMES_MAX });
        }
        Ok(Self {
            group: GroupName::read(reader, GROUP_NAME_LEN)?,
            prefix: SlavePrefix::read(reader, SLAVE_PREFIX_LEN)?,
            ext: ExtName::read(reader, EXT_NAME_LEN)?,
            master: name::read(reader, master_len)?,
            source: name::read(reader, source_len)?,
            signature: Signature::new(reader.bytes(signature_len, "signature")?)?,
        })
    }
}

impl Request for CreateLink {
    const COMMAND: Command = Command::CreateLink;
}

#[cfg(test)]
mod tests {
    use super::super::cuts;
    use super::*;
    use hex_literal::hex;
    use proptest::prelude::*;

    #[test]
    fn a_request_round_trips_and_rejects_every_cut() {
        let request = CreateLink {
            group: "group1".parse().unwrap(),
            prefix: "_s".parse().unwrap(),
            ext: "jpg".parse().unwrap(),
            master: "M00/00/00/ab".parse().unwrap(),
            source: "M00/00/00/c".parse().unwrap(),
            signature: Signature::new(b"S\0\xFF").unwrap(),
        };
        let bytes = hex!(
            "000000000000000c 000000000000000b 0000000000000003"
            "67726f75703100000000000000000000 5f730000000000000000000000000000 6a7067000000"
            "4d30302f30302f30302f6162 4d30302f30302f30302f63 5300ff"
        );
        cuts::round_trips_and_rejects_every_cut(&request, &bytes);
        for (at, len) in [(7, 128), (15, 0), (15, 128), (23, 0), (23, 64), (23, 2)] {
            let mut bytes = bytes;
            bytes[at] = len;
            assert!(CreateLink::from_bytes(&bytes).is_err(), "length {len} at {at}");
        }
    }

    #[test]
    fn the_three_texts_have_256_bytes_together() {
        let mut request = CreateLink {
            group: "group1".parse().unwrap(),
            prefix: SlavePrefix::EMPTY,
            ext: ExtName::EMPTY,
            master: FileName::new(&[b'm'; 127]).unwrap(),
            source: FileName::new(&[b's'; 127]).unwrap(),
            signature: Signature::new(b"ab").unwrap(),
        };
        assert_eq!(CreateLink::from_bytes(&request.to_bytes()), Ok(request));
        request.signature = Signature::new(b"abc").unwrap();
        let error = CreateLink::from_bytes(&request.to_bytes());
        assert_eq!(error, Err(WireError::TooLong { field: "names and signature", len: 257, max: 256 }));
    }

    proptest! {
        #[test]
        fn any_request_round_trips(
            group in "[A-Za-z0-9]{1,16}", prefix in "[A-Za-z0-9._-]{0,16}", ext in "[A-Za-z0-9._-]{0,6}",
            master in "[!-~]{0,64}", source in "[!-~]{1,127}", signature in proptest::collection::vec(any::<u8>(), 1..64),
        ) {
            let request = CreateLink {
                group: group.parse().unwrap(),
                prefix: prefix.parse().unwrap(),
                ext: ext.parse().unwrap(),
                master: master.parse().unwrap(),
                source: source.parse().unwrap(),
                signature: Signature::new(&signature).unwrap(),
            };
            prop_assert_eq!(CreateLink::from_bytes(&request.to_bytes()), Ok(request));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..320)) {
            let _ = cuts::reads_or_refuses::<CreateLink>(&bytes);
        }
    }
}
