//! `fdfs sync ...`: the replication between storages.

pub(crate) mod ask;
pub(crate) mod status;

/// What `fdfs sync` can do.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Show how far each storage of a group has what the others have
    Status(status::Args),
}

/// Does it.
pub(crate) async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Status(args) => status::run(args).await,
    }
}
