//! Group and name alone.

use super::name;
use crate::file_id::FileId;
use crate::limits::GROUP_NAME_LEN;
use crate::{Command, GroupName, Put, Reader, Request, Wire, WireError};

/// Requests `DELETE_FILE` (12), `GET_METADATA` (15), `QUERY_FILE_INFO` (22); answers to all that make a file (11, 20,
/// 21, 23, 38).
///
/// | offset | size | field     | unit                     |
/// |-------:|-----:|-----------|--------------------------|
/// |      0 |   16 | group     | text, NUL-padded         |
/// |     16 | rest | file name | text, 1 to 127 bytes     |
///
/// Differs from C: 22 takes names up to 127 bytes like all others, C up to 131 (and never finds them).
///
/// Source: wire specification, 2.5.1, 2.5.4, 2.5.6, 2.5.7.
impl Wire for FileId {
    fn encode(&self, out: &mut Vec<u8>) {
        self.group.put(out, GROUP_NAME_LEN);
        out.put_bytes(self.name.as_bytes());
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self { group: GroupName::read(reader, GROUP_NAME_LEN)?, name: name::read_rest(reader)? })
    }
}

impl Request for FileId {
    const COMMAND: Command = Command::DeleteFile;
}

#[cfg(test)]
mod tests {
    use super::super::cuts;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_file_id_round_trips() {
        let id: FileId = "group1/M00/00/00/Ck4BC2sAEACAOnlIAAAACw1KEYU319.txt".parse().unwrap();
        let bytes = b"group1\0\0\0\0\0\0\0\0\0\0M00/00/00/Ck4BC2sAEACAOnlIAAAACw1KEYU319.txt";
        cuts::round_trips_with_open_end(&id, bytes, 16);
    }

    proptest! {
        #[test]
        fn any_id_round_trips(text in "[A-Za-z0-9]{1,16}/[!-~]{1,127}") {
            let id: FileId = text.parse().unwrap();
            prop_assert_eq!(FileId::from_bytes(&id.to_bytes()), Ok(id));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..160)) {
            let _ = cuts::reads_or_refuses::<FileId>(&bytes);
        }
    }
}
