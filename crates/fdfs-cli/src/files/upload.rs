//! `fdfs upload FILE...`: prints the ids of the new files, one a line, and nothing else.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use fdfs_client::{Client, ExtName, GroupName, Metadata, UploadOptions};
use serde_json::json;

use super::connect::Connect;
use super::progress::Bar;
use crate::out;

/// What `fdfs upload` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  fdfs upload holiday.jpg --tracker 10.0.0.1:22122
  id=$(fdfs upload report.pdf --meta author=me --meta year=2026)
  tar cz etc | fdfs upload - --ext tar.gz
  fdfs upload *.jpg --json | jq -r .id

The ids come in the order of the files. The first file that fails ends the command.")]
pub(crate) struct Args {
    /// Local files; - is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The group [else: the tracker chooses]
    #[arg(long)]
    group: Option<GroupName>,
    /// The store path, counted from 0 [else: the tracker chooses]
    #[arg(long, value_name = "INDEX", value_parser = clap::value_parser!(u8).range(0..=127))]
    path_index: Option<u8>,
    /// The extension of the new file's name, up to 6 characters [else: that of the local file]
    #[arg(long)]
    ext: Option<ExtName>,
    /// Metadata to set; give it once for each record
    #[arg(long = "meta", value_name = "NAME=VALUE", value_parser = name_and_value)]
    meta: Vec<(String, String)>,
    #[command(flatten)]
    connect: Connect,
    /// Print one JSON object for each file
    #[arg(long)]
    json: bool,
}

/// Splits `NAME=VALUE`.
pub(super) fn name_and_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write NAME=VALUE".to_owned()),
    }
}

/// Uploads all files.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let client = args.connect.client()?;
    let mut options = UploadOptions::new();
    if let Some(group) = args.group {
        options = options.group(group);
    }
    if let Some(index) = args.path_index {
        options = options.store_path_index(index);
    }
    if !args.meta.is_empty() {
        options = options.metadata(args.meta.into_iter().collect::<Metadata>());
    }
    for file in &args.files {
        // An upload begins with its size, which nobody knows of a pipe before its end.
        let spooled = if file == Path::new("-") { Some(spool_stdin()?) } else { None };
        // The name of the temporary file has nothing to say.
        let ext = args.ext.or(spooled.as_ref().map(|_| ExtName::EMPTY));
        let options = ext.map_or_else(|| options.clone(), |ext| options.clone().ext(ext));
        let path = spooled.as_ref().map_or(file.as_path(), |spooled| spooled.path());
        upload(&client, &file.display().to_string(), path, options, args.json).await?;
    }
    Ok(())
}

async fn upload(client: &Client, shown: &str, path: &Path, options: UploadOptions, json: bool) -> anyhow::Result<()> {
    let size_bytes = std::fs::metadata(path).with_context(|| shown.to_owned())?.len();
    let bar = Bar::new(shown, Some(size_bytes));
    let options = options.progress(bar.listener());
    let id = client.upload_file(path, &options).await.with_context(|| shown.to_owned())?;
    drop(bar);
    if json {
        out::line(&json!({ "file": shown, "id": id.to_string(), "size_bytes": size_bytes }).to_string());
    } else {
        out::line(&id.to_string());
    }
    Ok(())
}

/// Standard input in a file that disappears with the value.
fn spool_stdin() -> anyhow::Result<tempfile::NamedTempFile> {
    let mut file = tempfile::NamedTempFile::new().context("make a temporary file for standard input")?;
    std::io::copy(&mut std::io::stdin().lock(), file.as_file_mut()).context("read standard input")?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_splits_at_its_first_equals_sign() {
        assert_eq!(name_and_value("a=b=c"), Ok(("a".into(), "b=c".into())));
        assert_eq!(name_and_value("a="), Ok(("a".into(), String::new())));
        assert!(name_and_value("a").is_err() && name_and_value("=b").is_err());
    }
}
