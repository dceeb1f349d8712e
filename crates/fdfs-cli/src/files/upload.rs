//! `fdfs upload FILE...`: prints the ids of the new files, one a line, and nothing else.

use std::path::PathBuf;

use anyhow::Context as _;
use fdfs_client::{
    Client, ClientError, ExtName, FileId, GroupName, Metadata, ResumeOptions, SlaveOptions, SlavePrefix, UploadOptions,
};
use fdfs_proto::Status;
use serde_json::json;

use super::connect::Connect;
use super::progress::Bar;
use super::resume_state;
use super::source::Source;
use crate::exit::failure;
use crate::out;

/// What `fdfs upload` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  fdfs upload holiday.jpg --tracker 10.0.0.1:22122
  id=$(fdfs upload report.pdf --meta author=me --meta year=2026)
  tar cz etc | fdfs upload - --ext tar.gz
  fdfs upload *.jpg --json | jq -r .id
  fdfs upload small.jpg --slave-of $id --prefix _150x150
  fdfs upload --resume backup.tar     once more, after an interruption: goes on where it stopped

The ids come in the order of the files. The first file that fails ends the command.

With --resume the file goes up in pieces that the storage confirms. What was sent by an earlier run is compared with the
local file by size and CRC-32 before anything is added to it, and so is the whole at the end.")]
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
    /// Make a file that can grow and change: see fdfs append, modify, truncate, regenerate
    #[arg(long)]
    appender: bool,
    /// Make a slave file: it lies beside this one, under its name with --prefix in it
    #[arg(long, value_name = "ID", requires = "prefix", conflicts_with_all = ["group", "path_index", "appender"])]
    slave_of: Option<FileId>,
    /// What distinguishes the slave's name, such as _150x150, up to 16 characters
    #[arg(long, requires = "slave_of")]
    prefix: Option<SlavePrefix>,
    /// Go on with an upload of the same file that was interrupted, and be ready for the next interruption
    #[arg(long, conflicts_with = "slave_of")]
    resume: bool,
    /// Where --resume remembers how far it is [else: in $XDG_STATE_HOME/fdfs or ~/.local/state/fdfs]
    #[arg(long, value_name = "FILE", requires = "resume")]
    state: Option<PathBuf>,
    /// Bytes that --resume sends at once, and loses at most
    #[arg(long, value_name = "N", requires = "resume", default_value_t = 8 << 20, value_parser = piece_range())]
    piece_bytes: u32,
    #[command(flatten)]
    connect: Connect,
    /// Print one JSON object for each file
    #[arg(long)]
    json: bool,
}

/// So much memory is taken.
fn piece_range() -> clap::builder::RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(4096..=1 << 30)
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
    if args.files.len() > 1 && (args.slave_of.is_some() || args.state.is_some()) {
        let what =
            if args.state.is_some() { "--state is for one file" } else { "one master has one slave of a prefix" };
        return Err(failure(Status::EINVAL, format!("{what}: give one file at a time")));
    }
    let client = args.connect.client()?;
    for file in &args.files {
        // An upload begins with its size, which nobody knows of a pipe before its end.
        let source = Source::of(file)?;
        if args.resume && source.is_stdin() {
            return Err(failure(Status::EINVAL, "standard input cannot be read again: --resume needs a file"));
        }
        upload(&client, &args, &source).await?;
    }
    Ok(())
}

async fn upload(client: &Client, args: &Args, source: &Source) -> anyhow::Result<()> {
    let size_bytes = source.size_bytes()?;
    let bar = Bar::new(&source.shown, Some(size_bytes));
    let mut resumed_bytes = None;
    let uploaded = match (args.slave_of, args.prefix) {
        (Some(master), Some(prefix)) => {
            let options = slave_options(args, source).progress(bar.listener());
            client.upload_slave_file(&master, prefix, source.path(), &options).await
        }
        _ if args.resume => {
            let state = args.state.clone().map_or_else(|| resume_state::default_path(source.path()), Ok)?;
            let (options, resume) = (options(args, source).progress(bar.listener()), ResumeOptions::new());
            let resume = resume.piece_bytes(args.piece_bytes);
            client.upload_resumable(source.path(), state, &options, &resume).await.map(|done| {
                if let Some(why) = done.begun_anew {
                    eprintln!("fdfs: {}: begun anew: {why}", source.shown);
                }
                resumed_bytes = Some(done.resumed_bytes);
                done.file
            })
        }
        _ => client.upload_file(source.path(), &options(args, source).progress(bar.listener())).await,
    };
    drop(bar);
    let id = uploaded.map_err(|error| told_to_resume(args.resume, error)).with_context(|| source.shown.clone())?;
    if args.json {
        let mut line = json!({ "file": source.shown, "id": id.to_string(), "size_bytes": size_bytes });
        if let Some(bytes) = resumed_bytes {
            line["resumed_bytes"] = bytes.into();
        }
        out::line(&line.to_string());
    } else {
        out::line(&id.to_string());
    }
    Ok(())
}

/// What to do about an interrupted upload.
fn told_to_resume(resume: bool, error: ClientError) -> anyhow::Error {
    let can_go_on = resume && (error.is_retryable() || matches!(error, ClientError::OutcomeUnknown { .. }));
    let error = anyhow::Error::new(error);
    if can_go_on { error.context("interrupted; the same command goes on where it stopped") } else { error }
}

fn options(args: &Args, source: &Source) -> UploadOptions {
    let mut options = UploadOptions::new().appender(args.appender);
    if let Some(group) = args.group {
        options = options.group(group);
    }
    if let Some(index) = args.path_index {
        options = options.store_path_index(index);
    }
    if !args.meta.is_empty() {
        options = options.metadata(args.meta.iter().cloned().collect::<Metadata>());
    }
    match ext(args, source) {
        Some(ext) => options.ext(ext),
        None => options,
    }
}

fn slave_options(args: &Args, source: &Source) -> SlaveOptions {
    let mut options = SlaveOptions::new();
    if !args.meta.is_empty() {
        options = options.metadata(args.meta.iter().cloned().collect::<Metadata>());
    }
    match ext(args, source) {
        Some(ext) => options.ext(ext),
        None => options,
    }
}

/// The extension, if it is not that of the local file.
fn ext(args: &Args, source: &Source) -> Option<ExtName> {
    // The name of the temporary file has nothing to say.
    args.ext.or(source.is_stdin().then_some(ExtName::EMPTY))
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
