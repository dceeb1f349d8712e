//! The list of deletions and changed addresses that storages read at their own pace.

use fdfs_proto::shared::StorageStatus;
use fdfs_proto::{GroupName, StorageId};

use super::cluster::{Cluster, ConnId};
use super::effect::{Effect, Outcome};
use super::error::ClusterError;

/// The longest answer to a changelog request, in bytes: 8 KiB less a header.
pub const CHANGELOG_PIECE_MAX: usize = 8182;

/// The text of `storage_changelog.dat`: one line per event, only ever appended to.
///
/// It is kept as text, because the read positions of the storages count its bytes. Source: disk formats, B.5.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changelog {
    text: String,
}

impl Changelog {
    /// A changelog with the content of the file.
    #[must_use]
    pub const fn from_text(text: String) -> Self {
        Self { text }
    }

    /// Its length in bytes: where a new storage starts to read.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.text.len() as u64
    }

    /// Whether nothing ever happened.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// All of it.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The whole lines from a read position on, at most [`CHANGELOG_PIECE_MAX`] bytes, and the position behind them.
    ///
    /// A position inside a line goes back to the line's start: a reference tracker may have cut it there, and hearing
    /// of an event twice is harmless. A position behind the end means nothing new.
    // Differs from C: the reference cuts at a byte count and the storage loses the line (behaviour, W-39).
    #[must_use]
    pub fn read(&self, offset: u64) -> (&str, u64) {
        let bytes = self.text.as_bytes();
        let Some(offset) = usize::try_from(offset).ok().filter(|&offset| offset < bytes.len()) else {
            return ("", offset);
        };
        let mut start = bytes[..offset].iter().rposition(|&b| b == b'\n').map_or(0, |newline| newline + 1);
        loop {
            let window = &bytes[start..bytes.len().min(start + CHANGELOG_PIECE_MAX)];
            if let Some(newline) = window.iter().rposition(|&b| b == b'\n') {
                let end = start + newline + 1;
                return (self.text.get(start..end).unwrap_or_default(), end as u64);
            }
            // A line longer than any answer was not written by a tracker; nobody could ever read past it.
            match bytes[start..].iter().position(|&b| b == b'\n') {
                Some(newline) => start += newline + 1,
                None => return ("", start as u64),
            }
        }
    }

    /// Appends a line; the text that the file must get.
    pub(crate) fn append(
        &mut self,
        unix_secs: i64,
        group: &GroupName,
        id: &StorageId,
        status: StorageStatus,
        new_id: Option<&StorageId>,
    ) -> String {
        // A power cut may have left half a line behind; it must not swallow this one.
        let gap = if self.text.is_empty() || self.text.ends_with('\n') { "" } else { "\n" };
        let new_id = new_id.copied().unwrap_or(StorageId::EMPTY);
        let line = format!("{gap}{unix_secs} {group} {id} {} {new_id}\n", status.number());
        self.text.push_str(&line);
        line
    }
}

impl Cluster {
    /// The next lines for the storage that joined on a connection (77 with an empty body).
    ///
    /// # Errors
    /// [`ClusterError::NotJoined`].
    pub fn read_changelog_joined(&mut self, conn: ConnId) -> Result<Outcome<String>, ClusterError> {
        let (group, storage) = self.require_joined(conn)?;
        Ok(self.read_changelog_at(group, storage))
    }

    /// The next lines for a named storage (77 with group and id, from a connection that has not joined).
    ///
    /// # Errors
    /// [`ClusterError::NoGroup`], [`ClusterError::NoStorage`].
    pub fn read_changelog(&mut self, group: &GroupName, id: &StorageId) -> Result<Outcome<String>, ClusterError> {
        let group = self.require_group(group)?;
        let storage = self.groups[group].require(id)?;
        Ok(self.read_changelog_at(group, storage))
    }

    fn read_changelog_at(&mut self, group: usize, storage: usize) -> Outcome<String> {
        let storage = &mut self.groups[group].storages[storage];
        let (lines, end) = self.changelog.read(storage.changelog_offset);
        if lines.is_empty() {
            return Outcome::new(String::new(), Vec::new());
        }
        storage.changelog_offset = end;
        Outcome::new(lines.to_owned(), vec![Effect::SaveServers])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn w39_a_long_changelog_is_handed_out_in_whole_lines() {
        let mut log = Changelog::default();
        let (group, id) = ("group1".parse().unwrap(), "10.0.0.1".parse().unwrap());
        let line = log.append(1_795_166_320, &group, &id, StorageStatus::Deleted, None);
        assert_eq!(line, "1795166320 group1 10.0.0.1 4 \n");
        for n in 0..1000 {
            log.append(n, &group, &id, StorageStatus::IpChanged, Some(&"10.0.0.2".parse().unwrap()));
        }
        let (mut offset, mut all) = (0, String::new());
        loop {
            let (lines, end) = log.read(offset);
            if lines.is_empty() {
                break;
            }
            assert!(lines.len() <= CHANGELOG_PIECE_MAX && lines.ends_with('\n'));
            all.push_str(lines);
            offset = end;
        }
        assert_eq!(all, log.text());
        assert_eq!(log.read(offset), ("", offset));
        assert_eq!(log.read(u64::MAX), ("", u64::MAX));
    }

    #[test]
    fn a_position_inside_a_line_goes_back_to_its_start() {
        let log = Changelog::from_text("1 g a 4 \n2 g b 4 \n".into());
        assert_eq!(log.read(12), ("2 g b 4 \n", 18));
        assert_eq!(log.read(3), ("1 g a 4 \n2 g b 4 \n", 18));
    }

    #[test]
    fn a_torn_or_endless_line_blocks_nobody() {
        let mut log = Changelog::from_text("1 g a 4 \n2 g".into());
        assert_eq!(log.read(9), ("", 9));
        log.append(3, &"g".parse().unwrap(), &"c".parse().unwrap(), StorageStatus::Deleted, None);
        assert_eq!(log.text(), "1 g a 4 \n2 g\n3 g c 4 \n");
        assert_eq!(log.read(9).0, "2 g\n3 g c 4 \n");
        let long = Changelog::from_text(format!("{}\n5 g d 4 \n", "x".repeat(10_000)));
        assert_eq!(long.read(0).0, "5 g d 4 \n");
    }
}
