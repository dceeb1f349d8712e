//! `fdfs delete ID...`.

use fdfs_client::FileId;
use serde_json::json;

use super::connect::Connect;
use crate::out;

/// What `fdfs delete` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  fdfs delete group1/M00/00/00/Ck4BC2sAEACAOnlIAAAACw1KEYU319.txt
  xargs fdfs delete --force < old-ids

All ids are tried; the exit code is that of the first failure.")]
pub(crate) struct Args {
    /// Ids of files
    #[arg(required = true, value_name = "ID")]
    files: Vec<FileId>,
    /// A file that is not there is no failure
    #[arg(long, short)]
    force: bool,
    #[command(flatten)]
    connect: Connect,
    /// Print one JSON object for each file
    #[arg(long)]
    json: bool,
}

/// Deletes all files.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let client = args.connect.client()?;
    let mut failed: Option<anyhow::Error> = None;
    for id in &args.files {
        let result = client.delete(id).await;
        if args.json {
            let error = result.as_ref().err().map(ToString::to_string);
            out::line(&json!({ "id": id.to_string(), "deleted": result.is_ok(), "error": error }).to_string());
        }
        match result {
            Err(error) if !(args.force && error.is_not_found()) => {
                let error = anyhow::Error::new(error).context(id.to_string());
                // The first one is told by whoever called.
                if failed.is_some() {
                    eprintln!("fdfs: {error:#}");
                } else {
                    failed = Some(error);
                }
            }
            _ => {}
        }
    }
    failed.map_or(Ok(()), Err)
}
