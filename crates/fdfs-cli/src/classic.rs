//! The classic programs that this one stands in for when it is called by their names.

use std::ffi::{OsStr, OsString};
use std::process::ExitCode;

use crate::{daemon, exporter, files, health, monitor, stat_programs, test_programs};

/// A classic program.
pub(crate) struct Program {
    /// Its name: what `argv[0]` must be, and what `fdfs link` makes.
    pub(crate) name: &'static str,
    /// Runs it with the arguments behind its name.
    pub(crate) main: fn(&[OsString]) -> ExitCode,
}

/// All of them.
pub(crate) const PROGRAMS: &[Program] = &[
    Program { name: "fdfs_trackerd", main: daemon::classic::trackerd },
    Program { name: "fdfs_storaged", main: daemon::classic::storaged },
    Program { name: "fdfs_upload_file", main: files::upload_file::main },
    Program { name: "fdfs_download_file", main: files::download_file::main },
    Program { name: "fdfs_delete_file", main: files::delete_file::main },
    Program { name: "fdfs_file_info", main: files::file_info::main },
    Program { name: "fdfs_upload_appender", main: files::upload_appender::main },
    Program { name: "fdfs_append_file", main: files::append_file::main },
    Program { name: "fdfs_regenerate_filename", main: files::regenerate_filename::main },
    Program { name: "fdfs_test", main: test_programs::test },
    Program { name: "fdfs_test1", main: test_programs::test1 },
    Program { name: "fdfs_appender_test", main: test_programs::appender_test },
    Program { name: "fdfs_appender_test1", main: test_programs::appender_test1 },
    Program { name: "fdfs_tracker_stat", main: stat_programs::tracker_stat },
    Program { name: "fdfs_storage_stat", main: stat_programs::storage_stat },
    Program { name: "fdfs_volumn_stat", main: stat_programs::volumn_stat },
    Program { name: "fdfs_exporter", main: exporter::main },
    Program { name: "fdfs_health_checker", main: health::main },
    Program { name: "fdfs_monitor", main: monitor::classic::main },
    Program { name: "fdfs_crc32", main: files::crc32::main },
];

/// How this program was called, as usages of the classic programs show it.
pub(crate) fn called_as() -> String {
    std::env::args_os().next().unwrap_or_default().to_string_lossy().into_owned()
}

/// The program that a first argument names, by its last part.
pub(crate) fn find(argv0: &OsStr) -> Option<&'static Program> {
    let name = std::path::Path::new(argv0).file_name()?;
    PROGRAMS.iter().find(|program| name == program.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_by_the_last_part_of_their_path() {
        let name = |argv0: &str| find(OsStr::new(argv0)).map(|program| program.name);
        assert_eq!(name("/usr/bin/fdfs_monitor"), Some("fdfs_monitor"));
        assert_eq!(name("fdfs_monitor"), Some("fdfs_monitor"));
        assert_eq!(name("fdfs"), None);
        assert_eq!(PROGRAMS.len(), 20, "what the reference installs");
        assert_eq!(name(""), None);
    }
}
