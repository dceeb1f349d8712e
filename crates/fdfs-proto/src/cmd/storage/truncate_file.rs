//! Another size for an appender file.

use super::name;
use crate::{Command, FileName, Put, Reader, Request, Wire, WireError};

/// `TRUNCATE_FILE` (36). It has no group.
///
/// | offset | size | field       | unit                                                               |
/// |-------:|-----:|-------------|--------------------------------------------------------------------|
/// |      0 |    8 | name length | bytes, i64 big-endian, 44 to 127                                   |
/// |      8 |    8 | new size    | bytes, i64 big-endian, never negative; a larger file grows by zeros |
/// |     16 |    n | file name   | text                                                               |
///
/// Source: wire specification, 2.5.8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TruncateFile {
    /// The size the file gets, in bytes.
    pub new_size: u64,
    /// The appender file.
    pub name: FileName,
}

impl Wire for TruncateFile {
    fn encode(&self, out: &mut Vec<u8>) {
        name::put_len(out, &self.name);
        out.put_size(self.new_size);
        out.put_bytes(self.name.as_bytes());
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let name_len = name::read_len(reader, "name length", name::APPENDER_NAME_MIN)?;
        Ok(Self { new_size: reader.size("new size")?, name: name::read(reader, name_len)? })
    }
}

impl Request for TruncateFile {
    const COMMAND: Command = Command::TruncateFile;
}

#[cfg(test)]
mod tests {
    use super::super::cuts;
    use super::*;
    use hex_literal::hex;
    use proptest::prelude::*;

    #[test]
    fn a_request_round_trips_and_rejects_every_cut() {
        let name = "M00/00/00/Ck4BDGsAECCECKaAAAAAAKaEx8Y457.log";
        let request = TruncateFile { new_size: 12, name: name.parse().unwrap() };
        let bytes = [&hex!("000000000000002c 000000000000000c")[..], name.as_bytes()].concat();
        cuts::round_trips_and_rejects_every_cut(&request, &bytes);
        assert!(TruncateFile::from_bytes(&[&bytes[..], b"x"].concat()).is_err(), "a byte too many");
        let mut negative = bytes;
        negative[8] = 0xFF;
        assert!(matches!(TruncateFile::from_bytes(&negative), Err(WireError::Negative { .. })));
    }

    proptest! {
        #[test]
        fn any_request_round_trips(new_size in 0..=i64::MAX as u64, name in "[!-~]{44,127}") {
            let request = TruncateFile { new_size, name: name.parse().unwrap() };
            prop_assert_eq!(TruncateFile::from_bytes(&request.to_bytes()), Ok(request));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..150)) {
            let _ = cuts::reads_or_refuses::<TruncateFile>(&bytes);
        }
    }
}
