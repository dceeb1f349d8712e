//! The modern face: `fdfs COMMAND ...`.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{
    admin, bench, conf_check, daemon, dev, doctor, exit, files, http, link, local, manual, monitor, sync, takeover,
    top, transfer,
};

/// FastDFS in one program: tracker, storage, clients and tools
#[derive(Debug, Parser)]
#[command(
    name = "fdfs",
    version,
    arg_required_else_help = true,
    after_help = "\
Start here:
  fdfs dev --try README.md      a whole cluster in this process: store a file, read it back, end
  fdfs dev                      the same cluster, until Ctrl-C

By a classic name (fdfs_trackerd, fdfs_upload_file, ...) this program behaves as that program of FastDFS V6.16.1:
same arguments, output and exit code. `fdfs link DIR` makes the names.

Exit code: 0 done, 2 wrong usage, else the errno of the failure, or 1."
)]
pub(crate) struct Root {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a whole cluster in this process, without any configuration
    Dev(dev::Args),
    /// Run a tracker in the foreground
    Trackerd(daemon::modern::Args),
    /// Run a storage in the foreground
    Storaged(daemon::modern::Args),
    /// Serve the files of all groups over HTTP
    Http(http::Args),
    /// Print URLs that let somebody read a file for a while
    #[command(subcommand)]
    Url(http::url::Command),
    /// Store a local file and print its id
    Upload(files::upload::Args),
    /// Fetch a file by its id
    Download(files::download::Args),
    /// Add to the end of an appender file
    Append(files::append::Args),
    /// Write into an appender file
    Modify(files::modify::Args),
    /// Change the size of an appender file
    Truncate(files::truncate::Args),
    /// Make a regular file of an appender file and print its new id
    Regenerate(files::regenerate::Args),
    /// Delete files by their ids
    Delete(files::delete::Args),
    /// Show what is known of a file
    Info(files::info::Args),
    /// Show or set the metadata of a file
    #[command(subcommand)]
    Meta(files::meta::Command),
    /// Show groups and storages, delete storages and groups
    Monitor(monitor::modern::Args),
    /// Ask every server, and say what is wrong and what to do about it
    Doctor(doctor::Args),
    /// Watch the cluster live in a terminal
    Top(top::Args),
    /// Drain storages, delete storages and groups, choose trunk servers
    #[command(subcommand)]
    Admin(admin::Command),
    /// Look at the replication between storages
    #[command(subcommand)]
    Sync(sync::Command),
    /// List the files of a storage on this machine
    Ls(local::ls::Args),
    /// Find files of a storage on this machine by time, size, kind and name
    Find(local::find::Args),
    /// Copy files of a cluster into a directory
    Export(transfer::export::Args),
    /// Copy files of a directory or of another cluster into a cluster
    Import(transfer::import::Args),
    /// Read every file of a storage on this machine and compare it with its id
    Verify(local::verify::Args),
    /// Measure a cluster: upload, download and delete as fast as it can
    Bench(Box<bench::Args>),
    /// Before this program takes the place of the reference
    #[command(subcommand)]
    Takeover(takeover::Command),
    /// Work on configuration files
    #[command(subcommand)]
    Conf(Conf),
    /// Make the classic program names as symbolic links to this program
    Link(link::Args),
    /// Print what completes command lines in a shell
    Completions(manual::CompletionsArgs),
    /// Write a manual page for each command
    Man(manual::ManArgs),
}

#[derive(Debug, Subcommand)]
enum Conf {
    /// Say everything that is wrong with a configuration file
    Check(conf_check::Args),
}

/// The program.
pub(crate) fn main() -> ExitCode {
    let done = match Root::parse().command {
        Command::Dev(args) => dev::run(&args),
        Command::Trackerd(args) => return daemon::modern::trackerd(args),
        Command::Storaged(args) => return daemon::modern::storaged(args),
        Command::Http(args) => http::run(&args),
        Command::Url(command) => http::url::run(&command),
        Command::Upload(args) => block_on(files::upload::run(args)),
        Command::Download(args) => block_on(files::download::run(args)),
        Command::Append(args) => block_on(files::append::run(args)),
        Command::Modify(args) => block_on(files::modify::run(args)),
        Command::Truncate(args) => block_on(files::truncate::run(args)),
        Command::Regenerate(args) => block_on(files::regenerate::run(args)),
        Command::Delete(args) => block_on(files::delete::run(args)),
        Command::Info(args) => block_on(files::info::run(args)),
        Command::Meta(command) => block_on(files::meta::run(command)),
        Command::Monitor(args) => block_on(monitor::modern::run(args)),
        Command::Doctor(args) => return ends_with(doctor::run(args)),
        Command::Top(args) => block_on(top::run(args)),
        Command::Admin(command) => block_on(admin::run(command)),
        Command::Sync(command) => block_on(sync::run(command)),
        Command::Ls(args) => local::ls::run(&args),
        Command::Find(args) => local::find::run(&args),
        Command::Export(args) => return ends_with(transfer::export::run(args)),
        Command::Import(args) => return ends_with(transfer::import::run(args)),
        Command::Verify(args) => return local::verify::run(&args),
        Command::Bench(args) => return bench::run(&args),
        Command::Takeover(command) => return takeover::run(&command),
        Command::Conf(Conf::Check(args)) => return conf_check::run(&args),
        Command::Link(args) => link::run(&args),
        Command::Completions(args) => manual::completions(&args),
        Command::Man(args) => manual::pages(&args),
    };
    done.map_or_else(|error| exit::report(&error), |()| ExitCode::SUCCESS)
}

/// Runs a command that talks to servers, and whose result is its exit code.
fn ends_with<F: Future<Output = anyhow::Result<ExitCode>>>(command: F) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return exit::report(&error.into()),
    };
    runtime.block_on(command).unwrap_or_else(|error| exit::report(&error))
}

/// Runs a command that talks to servers.
fn block_on<F: Future<Output = anyhow::Result<()>>>(command: F) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(command)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Root::command().debug_assert();
    }
}
