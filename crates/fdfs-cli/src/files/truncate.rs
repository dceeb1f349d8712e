//! `fdfs truncate ID SIZE`.

use fdfs_client::FileId;
use serde_json::json;

use super::connect::Connect;
use crate::out;

/// What `fdfs truncate` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  fdfs truncate $id 0

Only appender files can be changed: upload them with --appender. A size larger than the file's fills it up with zeros.")]
pub(crate) struct Args {
    /// The id of an appender file
    #[arg(value_name = "ID")]
    file: FileId,
    /// Its new size in bytes
    #[arg(value_name = "SIZE")]
    size_bytes: u64,
    #[command(flatten)]
    connect: Connect,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

/// Sets the size.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let client = args.connect.client()?;
    client.truncate(&args.file, args.size_bytes).await?;
    if args.json {
        out::line(&json!({ "id": args.file.to_string(), "size_bytes": args.size_bytes }).to_string());
    }
    Ok(())
}
