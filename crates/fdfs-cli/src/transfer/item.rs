//! What is copied: a file with all that a cluster knows of it.

use fdfs_client::{FileId, Kind, Metadata, Promise};
use serde::{Deserialize, Serialize};

/// The kinds that differ when a file is stored anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ItemKind {
    /// It never changes.
    Regular,
    /// It can grow and change.
    Appender,
    /// It lies beside its master.
    Slave,
}

impl ItemKind {
    /// What an id tells.
    pub(super) fn of(id: &FileId) -> Self {
        match id.logic_name().map(|name| name.kind()) {
            Ok(Kind::Appender) => Self::Appender,
            // A name without a promise is that of a slave, or says nothing.
            Ok(Kind::Slave) => Self::Slave,
            Ok(Kind::Regular | Kind::Trunk) if Promise::of(id).is_none() && id.name.as_str().len() > 40 => Self::Slave,
            _ => Self::Regular,
        }
    }
}

/// A line of an export: a file that is in the directory, whole and checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Exported {
    /// Its id in the cluster it comes from; also its path below the directory.
    pub(super) id: String,
    pub(super) kind: ItemKind,
    pub(super) size_bytes: u64,
    /// CRC-32 of its content, eight hex digits.
    pub(super) crc32: String,
    /// Its metadata. What is not UTF-8 is written as `hex:` and hex digits; so is what begins with `hex:`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) meta: Vec<(String, String)>,
}

/// A line of an import: where a file went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Imported {
    /// Its old id, or its path below the directory.
    pub(super) from: String,
    /// Its new id.
    pub(super) to: String,
    pub(super) size_bytes: u64,
    /// CRC-32 of its content, eight hex digits.
    pub(super) crc32: String,
}

/// Metadata as it stands in a line.
pub(super) fn meta_lines(metadata: &Metadata) -> Vec<(String, String)> {
    metadata.iter().map(|(name, value)| (text_of(name), text_of(value))).collect()
}

/// Metadata of a line.
pub(super) fn metadata_of(lines: &[(String, String)]) -> Metadata {
    lines.iter().fold(Metadata::new(), |all, (name, value)| all.with(bytes_of(name), bytes_of(value)))
}

fn text_of(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.starts_with("hex:") => text.to_owned(),
        _ => bytes.iter().fold("hex:".to_owned(), |text, byte| text + &format!("{byte:02x}")),
    }
}

fn bytes_of(text: &str) -> Vec<u8> {
    let hex = text.strip_prefix("hex:").filter(|hex| hex.len() % 2 == 0 && hex.is_ascii());
    let bytes = hex.and_then(|hex| {
        (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[at * 2..at * 2 + 2], 16).ok()).collect::<Option<Vec<u8>>>()
    });
    bytes.unwrap_or_else(|| text.as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_by_ids() {
        for (id, kind) in [
            ("group1/M00/00/00/Ck4BC2sAEACAOnlIAAAACw1KEYU319.txt", ItemKind::Regular),
            ("group1/M00/0A/FF/Ck4BC2sAEAKEAj2qAAAAADUkQcI950.log", ItemKind::Appender),
            ("group1/M01/01/01/Ck4BC2sAEASAX_e9AAAAC9yobGc248_150x150.jpg", ItemKind::Slave),
            ("group1/M00/01/01/Ck4BC2sAEASAX_e9AAAAC9yobGc248_s", ItemKind::Slave),
        ] {
            assert_eq!(ItemKind::of(&id.parse().unwrap()), kind, "{id}");
        }
    }

    #[test]
    fn metadata_of_any_bytes_comes_back() {
        let metadata =
            Metadata::new().with("width", "160").with(vec![0xFF, b'a'], "hex:00").with("name", "\u{e4} b").with("", "");
        let lines = meta_lines(&metadata);
        assert_eq!(lines[0], ("width".to_owned(), "160".to_owned()));
        assert_eq!(lines[1].0, "hex:ff61");
        assert_eq!(metadata_of(&lines), metadata);
        assert_eq!(metadata_of(&[("hex:zz".into(), "hex:abc".into())]).get("hex:zz"), Some(&b"hex:abc"[..]));
    }
}
