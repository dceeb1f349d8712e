//! `fdfs admin`: who belongs to the cluster, and who takes uploads.

mod delete;
mod drain;
mod trunk;

use fdfs_proto::{GroupName, StorageId};

use crate::files::connect::Connect;

/// What `fdfs admin` can do.
#[derive(Debug, clap::Subcommand)]
#[command(after_help = "\
Examples:
  fdfs admin drain group1 10.0.0.12              no new uploads there; reads, and copies from others, go on
  fdfs admin drain group1 10.0.0.12 --store-path 1
  fdfs admin delete-storage group1 10.0.0.12 --dry-run
  fdfs admin delete-group group9")]
pub(crate) enum Command {
    /// Send no new uploads to a storage, to one of its store paths, or to a whole group
    Drain(DrainArgs),
    /// Send new uploads there again
    Undrain(DrainArgs),
    /// Take a stopped storage out of its group, for good
    DeleteStorage(DeleteStorageArgs),
    /// Delete a group without storages
    DeleteGroup(DeleteGroupArgs),
    /// Make a storage the trunk server of its group, or let the leader choose one
    SetTrunkServer(TrunkArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct DrainArgs {
    /// The group
    group: GroupName,
    /// The storage's id; without it all storages of the group
    id: Option<StorageId>,
    /// Only this store path, counted from 0
    #[arg(long, value_name = "INDEX")]
    store_path: Option<u8>,
    #[command(flatten)]
    how: How,
}

#[derive(Debug, clap::Args)]
pub(crate) struct DeleteStorageArgs {
    /// The group
    group: GroupName,
    /// The storage's id
    id: StorageId,
    #[command(flatten)]
    how: How,
}

#[derive(Debug, clap::Args)]
pub(crate) struct DeleteGroupArgs {
    /// The group
    group: GroupName,
    #[command(flatten)]
    how: How,
}

#[derive(Debug, clap::Args)]
pub(crate) struct TrunkArgs {
    /// The group
    group: GroupName,
    /// The storage's id; without it the leader chooses
    id: Option<StorageId>,
    #[command(flatten)]
    how: How,
}

#[derive(Debug, clap::Args)]
struct How {
    /// Only say what would be done, and what stands against it
    #[arg(long)]
    dry_run: bool,
    /// Print one JSON object instead of lines
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connect: Connect,
}

/// Does it.
pub(crate) async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Drain(args) => drain::run(args, true).await,
        Command::Undrain(args) => drain::run(args, false).await,
        Command::DeleteStorage(args) => delete::storage(args).await,
        Command::DeleteGroup(args) => delete::group(args).await,
        Command::SetTrunkServer(args) => trunk::run(args).await,
    }
}
