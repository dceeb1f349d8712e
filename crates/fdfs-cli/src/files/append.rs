//! `fdfs append ID FILE...`.

use std::path::PathBuf;

use anyhow::Context as _;
use fdfs_client::FileId;
use serde_json::json;

use super::connect::Connect;
use super::progress::Bar;
use super::source::Source;
use crate::out;

/// What `fdfs append` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  log=$(fdfs upload --appender today.log)
  fdfs append $log more.log
  journalctl -n 100 | fdfs append $log -

Only appender files can grow: upload them with --appender. The files are appended in their order; the first that fails
ends the command. Nothing is sent twice: when a connection breaks in the middle, look at the size (fdfs info) first.")]
pub(crate) struct Args {
    /// The id of an appender file
    #[arg(value_name = "ID")]
    file: FileId,
    /// Local files; - is standard input
    #[arg(required = true, value_name = "FILE")]
    local_files: Vec<PathBuf>,
    #[command(flatten)]
    connect: Connect,
    /// Print one JSON object for each local file
    #[arg(long)]
    json: bool,
}

/// Appends all files.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let client = args.connect.client()?;
    for given in &args.local_files {
        let source = Source::of(given)?;
        let size_bytes = source.size_bytes()?;
        let bar = Bar::new(&source.shown, Some(size_bytes));
        let appended = client.append_file(&args.file, source.path(), &bar.listener()).await;
        drop(bar);
        appended.with_context(|| source.shown.clone())?;
        if args.json {
            let id = args.file.to_string();
            out::line(&json!({ "id": id, "file": source.shown, "appended_bytes": size_bytes }).to_string());
        }
    }
    Ok(())
}
