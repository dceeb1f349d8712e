//! `fdfs regenerate ID...`: prints the new ids.

use anyhow::Context as _;
use fdfs_client::FileId;
use serde_json::json;

use super::connect::Connect;
use crate::out;

/// What `fdfs regenerate` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  id=$(fdfs regenerate $log)

An appender file becomes a regular one under a new id, which tells its size and CRC-32; nothing can change it any more,
and its old id leads nowhere. Its metadata is not taken along.")]
pub(crate) struct Args {
    /// Ids of appender files
    #[arg(required = true, value_name = "ID")]
    files: Vec<FileId>,
    #[command(flatten)]
    connect: Connect,
    /// Print one JSON object for each file
    #[arg(long)]
    json: bool,
}

/// Makes regular files of all of them; the first that fails ends the command.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let client = args.connect.client()?;
    for old in &args.files {
        let new = client.regenerate(old).await.with_context(|| old.to_string())?;
        if args.json {
            out::line(&json!({ "old_id": old.to_string(), "id": new.to_string() }).to_string());
        } else {
            out::line(&new.to_string());
        }
    }
    Ok(())
}
