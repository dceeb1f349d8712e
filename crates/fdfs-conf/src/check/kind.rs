//! Which configuration file a file is.

use std::fmt;

use crate::ini::{Ini, Item};
use crate::table::{ConfFile, Key, Rule, is_known};
use crate::{ClientConf, HttpConf, Loader, ModFastdfsConf, StorageConf, TrackerConf};

/// A configuration file of FastDFS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileKind {
    /// tracker.conf.
    Tracker,
    /// storage.conf.
    Storage,
    /// client.conf.
    Client,
    /// mod_fastdfs.conf.
    ModFastdfs,
    /// http.conf.
    Http,
    /// storage_ids.conf.
    StorageIds,
    /// mime.types.
    MimeTypes,
}

impl FileKind {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Tracker, Self::Storage, Self::Client, Self::ModFastdfs, Self::Http, Self::StorageIds, Self::MimeTypes];

    /// The usual file name.
    #[must_use]
    pub const fn file_name(self) -> &'static str {
        match self {
            Self::Tracker => "tracker.conf",
            Self::Storage => "storage.conf",
            Self::Client => "client.conf",
            Self::ModFastdfs => "mod_fastdfs.conf",
            Self::Http => "http.conf",
            Self::StorageIds => "storage_ids.conf",
            Self::MimeTypes => "mime.types",
        }
    }

    /// The kind that a path says: its file name holds a usual name, `t1.tracker.conf` or `storage.conf.bak`.
    #[must_use]
    pub fn of_file_name(path: &str) -> Option<Self> {
        let name = path.rsplit('/').next().unwrap_or(path);
        Self::ALL.into_iter().find(|kind| name.contains(kind.file_name()))
    }

    /// The kind of a word such as `tracker`, `mod_fastdfs` or `tracker.conf`.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| {
            let name = kind.file_name();
            word == name || name.strip_suffix(".conf") == Some(word)
        })
    }

    /// The kinds whose tables know an item, historic keys left aside.
    pub(crate) fn knowing(item: &Item) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |kind| kind.knows(item))
    }

    fn knows(self, item: &Item) -> bool {
        match self {
            Self::Tracker => is_known(&live_keys::<TrackerConf>(), item),
            Self::Storage => is_known(&live_keys::<StorageConf>(), item),
            Self::Client => is_known(&live_keys::<ClientConf>(), item),
            Self::ModFastdfs => is_known(&live_keys::<ModFastdfsConf>(), item),
            Self::Http => is_known(&live_keys::<HttpConf>(), item),
            Self::StorageIds | Self::MimeTypes => false,
        }
    }

    /// How many keys its table has.
    fn key_count(self) -> usize {
        match self {
            Self::Tracker => live_keys::<TrackerConf>().len(),
            Self::Storage => live_keys::<StorageConf>().len(),
            Self::Client => live_keys::<ClientConf>().len(),
            Self::ModFastdfs => live_keys::<ModFastdfsConf>().len(),
            Self::Http => live_keys::<HttpConf>().len(),
            Self::StorageIds | Self::MimeTypes => 0,
        }
    }
}

/// The rows of a table that mean something.
fn live_keys<C: ConfFile>() -> Vec<Key<C>> {
    C::keys().into_iter().filter(|key| !matches!(key.rule, Rule::Ignored { .. })).collect()
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.file_name())
    }
}

/// How many items are looked at to guess a kind.
const GUESS_ITEMS_MAX: usize = 200;

/// Guesses the kind from the keys: the one whose table knows most of them; the file's name breaks ties and stands in
/// where there are no keys.
pub(super) fn guess(ini: &Ini, path: &str, loader: &dyn Loader) -> FileKind {
    let named = FileKind::of_file_name(path);
    let known_count = |kind: FileKind| ini.items.iter().take(GUESS_ITEMS_MAX).filter(|item| kind.knows(item)).count();
    let best = FileKind::ALL.into_iter().map(|kind| (known_count(kind), named == Some(kind), kind));
    // Of equals the smallest table: http.conf rather than mod_fastdfs.conf, which knows the same keys and more.
    match best.max_by_key(|&(count, is_named, kind)| (count, is_named, std::cmp::Reverse(kind.key_count()))) {
        Some((count, _, kind)) if count > 0 => kind,
        _ => named.or_else(|| guess_lines(path, loader)).unwrap_or(FileKind::Tracker),
    }
}

/// The kind of a file without keys: its first line begins with a number, or with a content type.
fn guess_lines(path: &str, loader: &dyn Loader) -> Option<FileKind> {
    let bytes = loader.load(path).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'))?;
    let word = line.split_ascii_whitespace().next()?;
    if word.bytes().all(|b| b.is_ascii_digit()) {
        return Some(FileKind::StorageIds);
    }
    word.contains('/').then_some(FileKind::MimeTypes)
}
