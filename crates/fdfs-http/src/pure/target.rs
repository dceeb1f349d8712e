//! From the target of a request to a file: decoding the path, normalising it, the forms of a URL.
//!
//! Source: HTTP, 2 and 5.

use std::borrow::Cow;

use fdfs_proto::file_id::{FileId, LogicName};
use fdfs_proto::{FileName, GroupName};

use super::query::Query;

/// The longest path with its query, in bytes.
///
/// Differs from C: the module takes 510, and dies of longer names where URLs have no group.
pub const TARGET_BYTES_MAX: usize = 8 << 10;
/// The shortest path that can name a file.
const PATH_BYTES_MIN: usize = 16;
/// The shortest logic name: `M00/00/00/`, 27 characters and 7.
const NAME_BYTES_MIN: usize = 44;

/// Which URLs name files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UrlForm {
    /// `/GROUP/Mxx/HH/HH/NAME`.
    WithGroup,
    /// `/Mxx/HH/HH/NAME`, always of this group.
    WithoutGroup(GroupName),
    /// Either; what has no group in front is of this one.
    Either(GroupName),
}

/// Why a target names nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Longer than [`TARGET_BYTES_MAX`].
    #[error("it is too long")]
    TooLong,
    /// `%` without two digits, a NUL, or a path that climbs out.
    #[error("it cannot be decoded")]
    Malformed,
    /// It has not the form of a file's URL.
    #[error("it is no file's")]
    NoFile,
}

/// A decoded target.
#[derive(Debug, Clone)]
pub struct Target<'a> {
    /// The decoded and normalised path, with its leading `/`.
    pub path: Cow<'a, [u8]>,
    /// The arguments.
    pub query: Query,
}

impl<'a> Target<'a> {
    /// Decodes a target in origin form, `/path?query`.
    ///
    /// # Errors
    /// [`TargetError::TooLong`], [`TargetError::Malformed`].
    pub fn parse(target: &'a [u8]) -> Result<Self, TargetError> {
        if target.len() > TARGET_BYTES_MAX {
            return Err(TargetError::TooLong);
        }
        let (raw, query) = match target.iter().position(|&b| b == b'?') {
            Some(at) => (&target[..at], Some(&target[at + 1..])),
            None => (target, None),
        };
        let decoded = decode(raw).ok_or(TargetError::Malformed)?;
        let path = normalise(decoded).ok_or(TargetError::Malformed)?;
        // A `%3F` in the path begins the query, too: clients that encode whole URLs rely on it.
        let Some(at) = path.iter().position(|&b| b == b'?') else {
            return Ok(Self { path, query: Query::parse(query.unwrap_or_default()) });
        };
        let mut path = path.into_owned();
        let mut joined = path.split_off(at);
        joined.remove(0);
        if let Some(query) = query {
            joined.push(b'?');
            joined.extend_from_slice(query);
        }
        Ok(Self { path: path.into(), query: Query::parse(&joined) })
    }

    /// The file that the path names.
    ///
    /// # Errors
    /// [`TargetError::NoFile`].
    pub fn file(&self, form: &UrlForm) -> Result<(FileId, LogicName), TargetError> {
        let name = |bytes: &[u8]| FileName::new(bytes).map_err(|_| TargetError::NoFile);
        let path = self.path.strip_prefix(b"/").ok_or(TargetError::NoFile)?;
        if self.path.len() < PATH_BYTES_MIN {
            return Err(TargetError::NoFile);
        }
        let with_group = || {
            let slash = path.iter().position(|&b| b == b'/').ok_or(TargetError::NoFile)?;
            let group = GroupName::new(&path[..slash]).map_err(|_| TargetError::NoFile)?;
            Ok(FileId { group, name: name(&path[slash + 1..])? })
        };
        let id = match form {
            UrlForm::WithoutGroup(group) => FileId { group: *group, name: name(path)? },
            UrlForm::Either(group) if is_store_path(path) => FileId { group: *group, name: name(path)? },
            UrlForm::WithGroup | UrlForm::Either(_) => with_group()?,
        };
        let logic = id.logic_name().map_err(|_| TargetError::NoFile)?;
        if logic.len_with_store_path() < NAME_BYTES_MIN {
            return Err(TargetError::NoFile);
        }
        Ok((id, logic))
    }
}

/// Whether a path begins with `Mxx/`.
fn is_store_path(path: &[u8]) -> bool {
    matches!(path, [b'M', a, b, b'/', ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit())
}

/// Whether a name is that of a file's metadata: `-m` behind a whole name.
#[must_use]
pub fn is_metadata_name(name: &LogicName) -> bool {
    name.len_with_store_path() > NAME_BYTES_MIN && name.file_name().ends_with("-m")
}

/// Undoes `%HH`; `None` for a `%` without two digits or a NUL.
#[must_use]
pub fn decode(text: &[u8]) -> Option<Cow<'_, [u8]>> {
    if !text.iter().any(|b| matches!(b, b'%' | 0)) {
        return Some(text.into());
    }
    let digit = |b: &u8| char::from(*b).to_digit(16).map(|digit| digit as u8);
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        let (byte, tail) = match (first, tail) {
            (b'%', [high, low, tail @ ..]) => (digit(high)? << 4 | digit(low)?, tail),
            (b'%', _) => return None,
            (&byte, tail) => (byte, tail),
        };
        if byte == 0 {
            return None;
        }
        out.push(byte);
        rest = tail;
    }
    Some(out.into())
}

/// Merges `//` and resolves `.` and `..`; `None` for a path that climbs out or does not begin with `/`.
fn normalise(path: Cow<'_, [u8]>) -> Option<Cow<'_, [u8]>> {
    let rest = path.strip_prefix(b"/")?;
    let is_plain =
        !rest.starts_with(b"/") && !rest.starts_with(b".") && !rest.windows(2).any(|w| matches!(w, b"//" | b"/."));
    if is_plain {
        return Some(path);
    }
    let mut out: Vec<&[u8]> = Vec::new();
    let mut is_folder = false;
    for part in rest.split(|&b| b == b'/') {
        is_folder = matches!(part, b"" | b"." | b"..");
        match part {
            b"" | b"." => {}
            b".." => drop(out.pop()?),
            _ => out.push(part),
        }
    }
    let mut normal = Vec::with_capacity(path.len());
    for part in out {
        normal.push(b'/');
        normal.extend_from_slice(part);
    }
    if is_folder || normal.is_empty() {
        normal.push(b'/');
    }
    Some(normal.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NAME: &str = "M00/00/00/Ck4BC2sAEACAOnlIAAAACw1KEYU319.txt";

    fn file(target: &str, form: &UrlForm) -> Result<String, TargetError> {
        Target::parse(target.as_bytes())?.file(form).map(|(id, _)| id.to_string())
    }

    #[test]
    fn both_forms_of_a_url_are_known() {
        let group: GroupName = "group1".parse().unwrap();
        let (with, without) = (format!("/group1/{NAME}"), format!("/{NAME}"));
        let id = Ok(format!("group1/{NAME}"));
        assert_eq!(file(&with, &UrlForm::WithGroup), id);
        assert_eq!(file(&without, &UrlForm::WithoutGroup(group)), id);
        assert_eq!(file(&with, &UrlForm::WithoutGroup(group)), Err(TargetError::NoFile));
        assert_eq!(file(&with, &UrlForm::Either(group)), id);
        assert_eq!(file(&without, &UrlForm::Either(group)), id);
    }

    #[test]
    fn paths_are_decoded_and_normalised() {
        let form = UrlForm::WithGroup;
        let id = Ok(format!("group1/{NAME}"));
        for target in [
            format!("//group1//{NAME}"),
            format!("/./group1/x/../{NAME}"),
            format!("/group1%2F{NAME}"),
            format!("/%67roup1/{NAME}?a=b"),
            format!("/group1/{NAME}%3Fa=b"),
        ] {
            assert_eq!(file(&target, &form), id, "{target}");
        }
        for target in ["/..", "/a/../../b", "/%", "/%4", "/%4g", "/a%00b"] {
            assert_eq!(file(target, &form), Err(TargetError::Malformed), "{target}");
        }
        assert_eq!(file(&format!("/{}", "a".repeat(TARGET_BYTES_MAX)), &form), Err(TargetError::TooLong));
    }

    /// The module dies of such a name: it overruns a buffer of 128 bytes.
    #[test]
    fn a_long_name_without_a_group_is_refused() {
        let form = UrlForm::WithoutGroup("group1".parse().unwrap());
        for len in 100..600 {
            let target = format!("/M00/00/00/{}", "A".repeat(len));
            let parsed = file(&target, &form);
            assert!(parsed.is_ok() == (len <= 117), "{len}: {parsed:?}");
        }
    }

    #[test]
    fn metadata_names_are_told_from_slaves() {
        let is = |name: &str| is_metadata_name(&name.parse().unwrap());
        assert!(is(&format!("{NAME}-m")));
        assert!(!is(&format!("{NAME}-m.jpg")) && !is(NAME));
    }

    proptest! {
        #[test]
        fn any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(target) = Target::parse(&bytes) {
                prop_assert_eq!(target.path[0], b'/');
                prop_assert!(!target.path.windows(4).any(|w| w == b"/../"));
                let _ = target.file(&UrlForm::WithGroup);
            }
        }
    }
}
