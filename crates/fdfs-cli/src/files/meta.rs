//! `fdfs meta get` and `fdfs meta set`: the metadata of a file.

use anyhow::Context as _;
use fdfs_client::{FileId, MetaMode, Metadata};
use fdfs_proto::Status;
use serde_json::{Map, Value};

use super::connect::Connect;
use super::upload::name_and_value;
use crate::exit::failure;
use crate::out;

/// What `fdfs meta` does.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Show the metadata of a file
    Get(GetArgs),
    /// Set metadata of a file; what is not named stays as it is
    Set(SetArgs),
}

/// What `fdfs meta get` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  fdfs meta get $id              NAME=VALUE lines
  fdfs meta get $id width        the value alone

Exit code 2: the file, its metadata, or that name is not there.")]
pub(crate) struct GetArgs {
    /// The file's id
    #[arg(value_name = "ID")]
    file: FileId,
    /// Show the value of this name alone
    name: Option<String>,
    #[command(flatten)]
    connect: Connect,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What `fdfs meta set` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  fdfs meta set $id width=160 height=80
  fdfs meta set $id author=me --replace
  fdfs meta set $id --replace    removes all metadata")]
pub(crate) struct SetArgs {
    /// The file's id
    #[arg(value_name = "ID")]
    file: FileId,
    /// Names (up to 64 bytes) and values (up to 256 bytes)
    #[arg(value_name = "NAME=VALUE", value_parser = name_and_value, required_unless_present = "replace")]
    records: Vec<(String, String)>,
    /// Remove all metadata that is not named
    #[arg(long)]
    replace: bool,
    #[command(flatten)]
    connect: Connect,
}

/// Does it.
pub(crate) async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Get(args) => get(args).await,
        Command::Set(args) => set(args).await,
    }
}

async fn get(args: GetArgs) -> anyhow::Result<()> {
    let client = args.connect.client()?;
    let mut metadata = client.metadata(&args.file).await.with_context(|| args.file.to_string())?;
    if let Some(name) = &args.name {
        let Some(value) = metadata.get_text(name) else {
            return Err(failure(Status::ENOENT, format!("{}: no metadata {name}", args.file)));
        };
        if !args.json {
            out::line(&value);
            return Ok(());
        }
        metadata = Metadata::new().with(name.as_str(), value);
    }
    if args.json {
        let object: Map<_, _> = metadata.texts().map(|(name, value)| (name, Value::String(value))).collect();
        out::line(&Value::Object(object).to_string());
    } else {
        out::print(&metadata.texts().map(|(name, value)| format!("{name}={value}\n")).collect::<String>());
    }
    Ok(())
}

async fn set(args: SetArgs) -> anyhow::Result<()> {
    let client = args.connect.client()?;
    let mode = if args.replace { MetaMode::Overwrite } else { MetaMode::Merge };
    let metadata: Metadata = args.records.into_iter().collect();
    client.set_metadata(&args.file, &metadata, mode).await.with_context(|| args.file.to_string())
}
