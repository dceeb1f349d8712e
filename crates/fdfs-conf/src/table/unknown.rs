//! Keys and sections that no table knows: a warning, with the name that was probably meant.

use std::collections::BTreeSet;

use super::{Key, Reading, Section};
use crate::check::FileKind;
use crate::ini::Item;

/// How many unknown keys are named; a file with more of them is no configuration.
const UNKNOWN_MAX: usize = 100;

/// Whether a name is the one of a row: `%d` stands for a number, a trailing `*` for anything.
pub(crate) fn matches_name(row: &str, name: &str) -> bool {
    if let Some(head) = row.strip_suffix('*') {
        return name.starts_with(head);
    }
    let Some((head, tail)) = row.split_once("%d") else { return row == name };
    let number = name.strip_prefix(head).and_then(|rest| rest.strip_suffix(tail));
    number.is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}

/// Whether a row is looked up in a section.
fn is_in_section(section: Section, name: &str) -> bool {
    section.names().iter().any(|row| matches_name(row, name))
}

/// Whether a table knows an item.
pub(crate) fn is_known<C>(keys: &[Key<C>], item: &Item) -> bool {
    keys.iter().any(|key| is_in_section(key.section, &item.section) && matches_name(key.name, &item.name))
}

/// Says which items are not read.
pub(super) fn report<C>(keys: &[Key<C>], kind: FileKind, reading: &mut Reading<'_>) {
    let mut sections = BTreeSet::new();
    let mut unknown_count = 0;
    for item in &reading.ini().items {
        if is_known(keys, item) {
            continue;
        }
        let section = item.section.as_str();
        if !keys.iter().any(|key| is_in_section(key.section, section)) {
            if sections.insert(section) {
                reading.warn(item, format!("the section [{section}] is not read in {kind}"), "");
            }
            continue;
        }
        unknown_count += 1;
        if unknown_count > UNKNOWN_MAX {
            reading.warn(item, "there are more unknown keys, which are not named", "");
            return;
        }
        if let Some(other) = FileKind::knowing(item).find(|&other| other != kind) {
            reading.note(item, format!("is a key of {other}: not read in {kind}"), "");
            continue;
        }
        let what = match nearest(keys, item) {
            Some(name) => format!("unknown key, did you mean {name}?"),
            None => "unknown key: not read".to_owned(),
        };
        reading.warn(item, what, "");
    }
}

/// The name that is only a few letters away from an unknown one, or that is the same in another section.
fn nearest<C>(keys: &[Key<C>], item: &Item) -> Option<String> {
    if let Some(key) = keys.iter().find(|key| matches_name(key.name, &item.name)) {
        let section = key.section.names().first().copied().unwrap_or_default();
        return Some(if section.is_empty() {
            format!("{}, before any section", key.name)
        } else {
            format!("{} in [{section}]", key.name)
        });
    }
    let most = 1 + item.name.len() / 6;
    keys.iter()
        .filter(|key| is_in_section(key.section, &item.section) && !key.name.ends_with('*'))
        .map(|key| (distance(key.name, &item.name), key.name))
        .filter(|(distance, _)| *distance <= most)
        .min()
        .map(|(_, name)| name.to_owned())
}

/// How many letters must be put in, taken out or changed to make one name of the other; case does not count.
fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (a.to_ascii_lowercase(), b.to_ascii_lowercase());
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let above = row.get(j + 1).copied().unwrap_or(0);
            let next = (diagonal + usize::from(x != y)).min(above + 1).min(left + 1);
            if let Some(cell) = row.get_mut(j) {
                *cell = left;
            }
            diagonal = above;
            left = next;
        }
        if let Some(cell) = row.last_mut() {
            *cell = left;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_match_names() {
        assert!(matches_name("store_path%d", "store_path0"));
        assert!(matches_name("store_path%d_readonly", "store_path12_readonly"));
        assert!(!matches_name("store_path%d", "store_path"));
        assert!(!matches_name("store_path%d", "store_path0x"));
        assert!(matches_name("http.*", "http.server_port"));
    }

    #[test]
    fn distances() {
        assert_eq!(distance("base_path", "base_path"), 0);
        assert_eq!(distance("Base_Path", "base_path"), 0);
        assert_eq!(distance("base_pth", "base_path"), 1);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
    }
}
