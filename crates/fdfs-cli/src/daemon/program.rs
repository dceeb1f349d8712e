//! Which of the two daemons, and what it is called where.

use std::path::{Path, PathBuf};

/// One of the two daemons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Program {
    /// The tracker.
    Tracker,
    /// The storage.
    Storage,
}

impl Program {
    /// The name of the classic program.
    pub(crate) const fn classic_name(self) -> &'static str {
        match self {
            Self::Tracker => "fdfs_trackerd",
            Self::Storage => "fdfs_storaged",
        }
    }

    /// The name of the modern command.
    pub(crate) const fn command(self) -> &'static str {
        match self {
            Self::Tracker => "trackerd",
            Self::Storage => "storaged",
        }
    }

    /// The error log below `base_path`.
    pub(crate) fn log_path(self, base_path: &Path) -> PathBuf {
        base_path.join("logs").join(format!("{}.log", self.command()))
    }

    /// The pid file below `base_path`. Source: configuration, 2.
    pub(crate) fn pid_path(self, base_path: &Path) -> PathBuf {
        base_path.join("data").join(format!("{}.pid", self.classic_name()))
    }

    /// Whether a command line is that of this daemon: the C program, this program by the classic name, or this program
    /// with the modern command.
    pub(crate) fn is_command_line(self, args: &[&[u8]]) -> bool {
        let name_of = |arg: &[u8]| arg.rsplit(|&b| b == b'/').next().unwrap_or_default().to_vec();
        match args {
            [argv0, rest @ ..] if name_of(argv0) == b"fdfs" => {
                rest.first().is_some_and(|command| *command == self.command().as_bytes())
            }
            [argv0, ..] => name_of(argv0) == self.classic_name().as_bytes(),
            [] => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_lines_of_the_daemons_are_known() {
        let is = |line: &str| Program::Tracker.is_command_line(&line.split(' ').map(str::as_bytes).collect::<Vec<_>>());
        assert!(is("/usr/bin/fdfs_trackerd /etc/fdfs/tracker.conf start"));
        assert!(is("fdfs_trackerd c"));
        assert!(is("target/debug/fdfs trackerd c"));
        assert!(!is("fdfs storaged c"));
        assert!(!is("fdfs"));
        assert!(!is("vi fdfs_trackerd"));
        assert!(!Program::Storage.is_command_line(&[]));
    }

    #[test]
    fn files_have_the_names_of_the_reference() {
        let base = Path::new("/b");
        assert_eq!(Program::Tracker.pid_path(base), Path::new("/b/data/fdfs_trackerd.pid"));
        assert_eq!(Program::Storage.log_path(base), Path::new("/b/logs/storaged.log"));
    }
}
