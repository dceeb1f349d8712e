//! `fdfs takeover`: before this program takes the place of the reference on a machine.

mod check;
mod conf;
mod log;
mod report;
mod running;
mod storage;
mod store_path;
mod tracker;

use std::process::ExitCode;

/// What there is to do.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Read a server's configuration and directories, and say whether they can be taken over
    Check(check::Args),
}

/// Does it.
pub(crate) fn run(command: &Command) -> ExitCode {
    match command {
        Command::Check(args) => check::run(args),
    }
}
