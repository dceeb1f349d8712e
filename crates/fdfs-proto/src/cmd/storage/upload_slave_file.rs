//! A new slave file.

use super::{ContentHead, name};
use crate::limits::{EXT_NAME_LEN, FILE_NAME_MAX, SLAVE_PREFIX_LEN};
use crate::{Command, ExtName, FileName, Put, Reader, Request, SlavePrefix, Wire, WireError};

/// Head of `UPLOAD_SLAVE_FILE` (21); the file's bytes follow it on the stream. It has no group.
///
/// | offset | size | field              | unit                                         |
/// |-------:|-----:|--------------------|----------------------------------------------|
/// |      0 |    8 | master name length | bytes, i64 big-endian, 11 to 127             |
/// |      8 |    8 | file size          | bytes, i64 big-endian, never negative        |
/// |     16 |   16 | prefix             | text, NUL-padded, never empty                |
/// |     32 |    6 | extension          | text without the dot, NUL-padded             |
/// |     38 |    n | master name        | text                                         |
///
/// Prefix `-m` without an extension is refused when the name is made
/// ([`slave_name`](crate::file_id::slave_name)).
///
/// Source: wire specification, 2.5.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UploadSlaveHead {
    /// Bytes of content.
    pub file_size: u64,
    /// What distinguishes the slave's name from its master's.
    pub prefix: SlavePrefix,
    /// Extension; may be empty.
    pub ext: ExtName,
    /// The master, which may itself be a slave.
    pub master: FileName,
}

/// The least length of a master's name, in bytes.
const MASTER_NAME_MIN: usize = 11;

impl Wire for UploadSlaveHead {
    fn encode(&self, out: &mut Vec<u8>) {
        name::put_len(out, &self.master);
        out.put_size(self.file_size);
        self.prefix.put(out, SLAVE_PREFIX_LEN);
        self.ext.put(out, EXT_NAME_LEN);
        out.put_bytes(self.master.as_bytes());
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let master_len = name::read_len(reader, "master name length", MASTER_NAME_MIN)?;
        let file_size = reader.size("file size")?;
        let prefix = SlavePrefix::read(reader, SLAVE_PREFIX_LEN)?;
        if prefix.is_empty() {
            return Err(WireError::bad_text("slave prefix", b""));
        }
        let ext = ExtName::read(reader, EXT_NAME_LEN)?;
        Ok(Self { file_size, prefix, ext, master: name::read(reader, master_len)? })
    }
}

impl ContentHead for UploadSlaveHead {
    const FIXED_LEN: usize = 38;
    const MAX_HEAD_LEN: usize = Self::FIXED_LEN + FILE_NAME_MAX;

    fn head_len(&self) -> u64 {
        (Self::FIXED_LEN + self.master.as_bytes().len()) as u64
    }

    fn content_len(&self) -> u64 {
        self.file_size
    }
}

impl Request for UploadSlaveHead {
    const COMMAND: Command = Command::UploadSlaveFile;
}

#[cfg(test)]
mod tests {
    use super::super::cuts;
    use super::*;
    use hex_literal::hex;
    use proptest::prelude::*;

    #[test]
    fn a_head_round_trips_and_rejects_every_cut() {
        let head = UploadSlaveHead {
            file_size: 5,
            prefix: "_big".parse().unwrap(),
            ext: "jpg".parse().unwrap(),
            master: "M00/00/00/a".parse().unwrap(),
        };
        let bytes = hex!(
            "000000000000000b 0000000000000005 5f626967000000000000000000000000 6a7067000000"
            "4d30302f30302f30302f61"
        );
        cuts::round_trips_and_rejects_every_cut(&head, &bytes);
        assert_eq!(head.head_len(), bytes.len() as u64);
        assert_eq!(head.check(bytes.len() as u64 + 5), Ok(()));
        assert!(head.check(bytes.len() as u64 + 4).is_err());
        assert!(UploadSlaveHead { file_size: u64::MAX, ..head }.check(bytes.len() as u64 - 1).is_err());
    }

    #[test]
    fn an_empty_prefix_and_a_short_master_are_refused() {
        let head = UploadSlaveHead {
            file_size: 0,
            prefix: SlavePrefix::EMPTY,
            ext: ExtName::EMPTY,
            master: "M00/00/00/a".parse().unwrap(),
        };
        assert!(UploadSlaveHead::from_bytes(&head.to_bytes()).is_err());
        let head = UploadSlaveHead { prefix: "_x".parse().unwrap(), master: "M00/00/00/".parse().unwrap(), ..head };
        assert!(UploadSlaveHead::from_bytes(&head.to_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn any_head_round_trips(
            file_size in 0..=i64::MAX as u64, prefix in "[A-Za-z0-9._-]{1,16}", ext in "[A-Za-z0-9._-]{0,6}",
            master in "[!-~]{11,127}",
        ) {
            let (prefix, ext) = (prefix.parse().unwrap(), ext.parse().unwrap());
            let head = UploadSlaveHead { file_size, prefix, ext, master: master.parse().unwrap() };
            prop_assert_eq!(UploadSlaveHead::from_bytes(&head.to_bytes()), Ok(head));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..170)) {
            let _ = cuts::reads_or_refuses::<UploadSlaveHead>(&bytes);
        }
    }
}
