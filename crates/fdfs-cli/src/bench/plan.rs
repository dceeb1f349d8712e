//! What a run does: which operations, how many, for how long.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use fdfs_proto::GroupName;

use super::content::scattered;
use super::sizes::Sizes;

/// One operation on one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// A new file.
    Upload,
    /// A whole file back.
    Download,
    /// A file away.
    Delete,
}

impl Kind {
    /// All of them, in the order of the result.
    pub(crate) const ALL: [Self; 3] = [Self::Upload, Self::Download, Self::Delete];

    /// Its name on the command line and in the result.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Upload => "upload",
            Self::Download => "download",
            Self::Delete => "delete",
        }
    }
}

/// What a run does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// One kind of operation only.
    Only(Kind),
    /// Several, on the files of the run itself.
    Mixed(Mix),
}

impl Work {
    /// The kind of the operation of a number.
    pub(crate) fn kind_of(&self, number: u64) -> Kind {
        match self {
            Self::Only(kind) => *kind,
            Self::Mixed(mix) => mix.kind_of(number),
        }
    }
}

/// Its name on the command line and in the result.
impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Only(kind) => f.write_str(kind.name()),
            Self::Mixed(mix) => write!(f, "mixed {mix}"),
        }
    }
}

/// How often each kind of operation comes, in parts of their sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mix {
    upload: u32,
    download: u32,
    delete: u32,
}

impl Mix {
    /// What people do who store many files and look at some of them.
    pub(crate) const USUAL: Self = Self { upload: 70, download: 25, delete: 5 };

    fn kind_of(self, number: u64) -> Kind {
        let (upload, download) = (u64::from(self.upload), u64::from(self.download));
        match scattered(number) % (upload + download + u64::from(self.delete)).max(1) {
            at if at < upload => Kind::Upload,
            at if at < upload + download => Kind::Download,
            _ => Kind::Delete,
        }
    }
}

/// `upload=70,download=25,delete=5`; a kind that is left out does not come.
impl FromStr for Mix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut mix = Self { upload: 0, download: 0, delete: 0 };
        for part in text.split(',') {
            let (name, weight) = part.split_once('=').ok_or_else(|| format!("{part:?}: write upload=70 and so on"))?;
            let weight: u32 = weight.parse().map_err(|_| format!("{weight:?} is no whole number"))?;
            let place = match name {
                "upload" => &mut mix.upload,
                "download" => &mut mix.download,
                "delete" => &mut mix.delete,
                _ => return Err(format!("{name:?} is none of upload, download, delete")),
            };
            *place = weight;
        }
        if mix.upload == 0 {
            return Err("without uploads there is nothing to download or to delete".to_owned());
        }
        Ok(mix)
    }
}

/// As it is written.
impl fmt::Display for Mix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "upload={},download={},delete={}", self.upload, self.download, self.delete)
    }
}

/// All that the command line says of a run but the servers.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// Which operations.
    pub(crate) work: Work,
    /// How large the new files are.
    pub(crate) sizes: Sizes,
    /// Connections, each with one operation under way.
    pub(crate) connection_count: usize,
    /// Threads of the load generator.
    pub(crate) thread_count: usize,
    /// No operation begins later.
    pub(crate) duration: Option<Duration>,
    /// No operation begins that has this number, counted from 0.
    pub(crate) count: Option<u64>,
    /// Contents are compared.
    pub(crate) verify: bool,
    /// New files must be of this group.
    pub(crate) group: Option<GroupName>,
    /// New files are remembered: something will be done with them.
    pub(crate) remembers: bool,
    /// The run deletes what it has uploaded.
    pub(crate) cleans_up: bool,
}

impl Plan {
    /// Whether an operation of this kind can come.
    pub(crate) fn has(&self, kind: Kind) -> bool {
        match self.work {
            Work::Only(only) => only == kind,
            Work::Mixed(_) => true,
        }
    }

    /// Whether the run makes files.
    pub(crate) fn uploads(&self) -> bool {
        self.has(Kind::Upload)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mix_comes_as_it_is_asked_for() {
        let mix = Work::Mixed(Mix::USUAL);
        let of = |kind| (0..100_000).filter(|&number| mix.kind_of(number) == kind).count();
        for (kind, percent) in [(Kind::Upload, 70), (Kind::Download, 25), (Kind::Delete, 5)] {
            assert!(of(kind).abs_diff(percent * 1000) < 500, "{} {}", kind.name(), of(kind));
        }
        // The beginning of a run is mixed already.
        assert!((0..40).any(|number| mix.kind_of(number) == Kind::Download));
        assert!((0..1000).all(|number| Work::Only(Kind::Delete).kind_of(number) == Kind::Delete));
    }

    #[test]
    fn mixes_are_read_and_nonsense_is_named() {
        assert_eq!("upload=70,download=25,delete=5".parse(), Ok(Mix::USUAL));
        let most = "upload=4294967295,download=4294967295,delete=4294967295".parse::<Mix>().unwrap();
        let _ = most.kind_of(1);
        assert_eq!("upload=1".parse(), Ok(Mix { upload: 1, download: 0, delete: 0 }));
        for text in ["", "upload", "upload=x", "upload=-1", "append=1", "download=1", "upload=0,delete=1"] {
            assert!(text.parse::<Mix>().is_err(), "{text}");
        }
        assert_eq!(Mix::USUAL.to_string().parse(), Ok(Mix::USUAL));
    }
}
