//! `fdfs trackerd CONF` and `fdfs storaged CONF`: in the foreground, for service managers and containers.

use std::path::PathBuf;
use std::process::ExitCode;

use super::program::Program;
use super::serve::{Mode, serve};

/// What both take.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Runs in the foreground and writes its log to standard error. TERM, INT and QUIT end it in good order. HUP begins new log
files and reads the configuration again: the log says which changes are taken over, and which need a restart. A service
manager that sets NOTIFY_SOCKET (systemd: Type=notify) is told when it serves, and, if it sets a watchdog, that it still
answers. Exit code: 0 after an orderly end, else the errno of what went wrong.

Example:
  fdfs conf check /etc/fdfs/tracker.conf && fdfs trackerd /etc/fdfs/tracker.conf")]
pub(crate) struct Args {
    /// The configuration file: tracker.conf or storage.conf as FastDFS has them
    conf: String,
    /// Write the log to this file, rotated as the configuration says, instead of standard error
    #[arg(long, value_name = "FILE")]
    log_file: Option<PathBuf>,
    /// How lines on standard error look
    #[arg(
        long,
        value_name = "FORMAT",
        env = "FDFS_LOG_FORMAT",
        default_value = "classic",
        conflicts_with = "log_file"
    )]
    log_format: LogFormat,
}

/// How lines of a log look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LogFormat {
    /// As those of the reference
    Classic,
    /// One JSON object for each: time, level, message
    Json,
}

/// `fdfs trackerd`.
pub(crate) fn trackerd(args: Args) -> ExitCode {
    run(Program::Tracker, args)
}

/// `fdfs storaged`.
pub(crate) fn storaged(args: Args) -> ExitCode {
    run(Program::Storage, args)
}

fn run(program: Program, args: Args) -> ExitCode {
    ExitCode::from(serve(program, &args.conf, &Mode::Modern { log_file: args.log_file, log_format: args.log_format }))
}
