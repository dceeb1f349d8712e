//! `fdfs modify ID OFFSET FILE`.

use std::path::PathBuf;

use anyhow::Context as _;
use fdfs_client::FileId;
use serde_json::json;

use super::connect::Connect;
use super::progress::Bar;
use super::source::Source;
use crate::out;

/// What `fdfs modify` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  fdfs modify $id 0 header.bin
  printf 'done' | fdfs modify $id 4096 -

Only appender files can be changed: upload them with --appender.")]
pub(crate) struct Args {
    /// The id of an appender file
    #[arg(value_name = "ID")]
    file: FileId,
    /// Where to write, in bytes from the begin; at most the file's size
    offset: u64,
    /// A local file; - is standard input
    #[arg(value_name = "FILE")]
    local_file: PathBuf,
    #[command(flatten)]
    connect: Connect,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

/// Writes the bytes.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let client = args.connect.client()?;
    let source = Source::of(&args.local_file)?;
    let size_bytes = source.size_bytes()?;
    let bar = Bar::new(&source.shown, Some(size_bytes));
    let modified = client.modify_file(&args.file, args.offset, source.path(), &bar.listener()).await;
    drop(bar);
    modified.with_context(|| source.shown.clone())?;
    if args.json {
        let (id, offset) = (args.file.to_string(), args.offset);
        let line = json!({ "id": id, "file": source.shown, "offset": offset, "written_bytes": size_bytes });
        out::line(&line.to_string());
    }
    Ok(())
}
