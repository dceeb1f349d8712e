//! What a file id says about the content of its file.

use std::net::SocketAddr;

use fdfs_proto::file_id::{FileId, FormattedExt, Kind, LogicName};
use fdfs_proto::limits::FILE_NAME_MAX;

/// What the id of a regular file says about its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Promise {
    /// Bytes of content.
    pub size_bytes: u64,
    /// Its CRC-32.
    pub crc32: u32,
}

impl Promise {
    /// What the id says; `None` for appender files, which change, for slave files, whose names speak of their
    /// masters, and for names that say nothing.
    ///
    /// An id of a link that `check_file_duplicate` made promises a random CRC-32.
    #[must_use]
    pub fn of(file: &FileId) -> Option<Self> {
        let name = file.logic_name().ok()?;
        if !name.kind().is_normal() || !is_surely_no_slave(&name) {
            return None;
        }
        let fields = name.fields()?;
        Some(Self { size_bytes: fields.size_word.size(), crc32: fields.crc32 })
    }
}

/// What storages sent that is not what the id promises. Two that agree are right: it is a link that a server of the reference
/// made (`check_file_duplicate`, `CREATE_LINK`), and the id of such a one holds a random CRC-32.
///
/// Sizes are not a matter of agreement: a copy that was cut short before it was replicated is short everywhere. Only the id of
/// a link in a trunk file holds another size, that of the name of the link's source.
#[derive(Debug, Default)]
pub(crate) struct Doubts(Vec<(SocketAddr, Sent)>);

/// What a storage sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sent {
    /// So many bytes, of which none was taken.
    Bytes(u64),
    /// The right number of bytes, with this CRC-32.
    Crc32(u32),
}

impl Doubts {
    /// Notes what a storage sent; whether another one sent the same before.
    pub(crate) fn is_confirmed(&mut self, storage: SocketAddr, sent: Sent) -> bool {
        let is_known = self.0.iter().any(|(other, theirs)| *other != storage && *theirs == sent);
        // There are at most as many as a group has storages; those asked again say the same again.
        if !self.0.contains(&(storage, sent)) {
            self.0.push((storage, sent));
        }
        is_known
    }
}

/// Whether the size in an id may be that of the name of a link's source.
pub(crate) fn may_be_link_in_slot(file: &FileId, promise: Promise) -> bool {
    let names = NORMAL_LEN as u64..=FILE_NAME_MAX as u64;
    names.contains(&promise.size_bytes) && file.logic_name().is_ok_and(|name| name.kind() == Kind::Trunk)
}

/// Length of a regular name with its store path, in bytes; a trunk file's is 16 longer.
const NORMAL_LEN: usize = 44;

/// Whether the end of a name is one that only storages make: digits, then nothing or a dot and an extension. Slaves
/// with a short prefix can have the length of a regular name (wire specification, 3.6).
pub(crate) fn is_surely_no_slave(name: &LogicName) -> bool {
    if name.kind() == Kind::Regular && name.len_with_store_path() != NORMAL_LEN {
        return false;
    }
    let Some(end) = FormattedExt::of(name) else { return false };
    let chars = end.as_bytes();
    let digit_count = chars.iter().take_while(|b| b.is_ascii_digit()).count();
    matches!(chars.get(digit_count), None | Some(b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, promise: Option<(u64, u32)>) {
        let file = format!("group1/{name}").parse().unwrap();
        let expected = promise.map(|(size_bytes, crc32)| Promise { size_bytes, crc32 });
        assert_eq!(Promise::of(&file), expected, "{name}");
    }

    #[test]
    fn regular_and_trunk_files_promise_their_content_and_no_others() {
        check("M00/00/00/Ck4BC2sAEACAOnlIAAAACw1KEYU319.txt", Some((11, 0x0D4A_1185)));
        check("M00/00/01/Ck4BC2sAEACAJ5YgAAAACw1KEYU1839672", Some((11, 0x0D4A_1185)));
        check("M00/00/01/Ck4BC2sAEAGAC1AfAAAACw1KEYU.tar.gz", Some((11, 0x0D4A_1185)));
        check("M00/00/00/oYYBAGsAELGIEmJ6AAAACw1KEYUAAAAAQAAAQAAAAEA513.txt", Some((11, 0x0D4A_1185)));
        check("M00/00/03/Ck4BC2sAEAKEAj2qAAAAADUkQcI950.log", None);
        check("M00/01/01/Ck4BC2sAEASAX_e9AAAAC9yobGc248_150x150.jpg", None);
        // A slave of the length of a regular name: what its name says is said of its master.
        check("M00/01/01/Ck4BC2sAEASAX_e9AAAAC9yobGc248-big", None);
        check("M00/01/01/Ck4BC2sAEASAX_e9AAAAC9yobGc248_s", None);
        check("M00/00/00/foreign", None);
        check("nonsense", None);
    }
}
