//! `fdfs download ID [OUT]`.

use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use fdfs_client::{ByteRange, DownloadOptions, FileId};
use serde_json::json;

use super::connect::Connect;
use super::progress::{Bar, size_in_id};
use crate::out;

/// What `fdfs download` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  fdfs download group1/M00/00/00/Ck4BC2sAEACAOnlIAAAACw1KEYU319.txt
  fdfs download $id report.pdf
  fdfs download $id - | tar xz
  fdfs download $id head.bin --len 1024

A local file appears under its name when it is whole. Whole regular files are checked against their ids.")]
pub(crate) struct Args {
    /// The file's id, GROUP/Mxx/HH/HH/NAME
    #[arg(value_name = "ID")]
    file: FileId,
    /// Where to: a file, a folder, or - for standard output [else: the last part of the id, here]
    #[arg(value_name = "OUT")]
    out: Option<PathBuf>,
    /// Begin at this byte
    #[arg(long, value_name = "BYTES", default_value_t = 0)]
    offset: u64,
    /// Take so many bytes at most [else: all to the end]
    #[arg(long, value_name = "BYTES")]
    len: Option<u64>,
    /// Do not check the content against the id: for links that check_file_duplicate made
    #[arg(long)]
    no_verify: bool,
    #[command(flatten)]
    connect: Connect,
    /// Print one JSON object when it is done (not with standard output as the target)
    #[arg(long)]
    json: bool,
}

/// Downloads it.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let client = args.connect.client()?;
    let id = args.file;
    let is_whole = args.offset == 0 && args.len.is_none();
    let bar = Bar::new(&id.to_string(), if is_whole { size_in_id(&id) } else { args.len });
    let mut options =
        DownloadOptions::new().range(ByteRange { offset: args.offset, len: args.len }).progress(bar.listener());
    if args.no_verify {
        options = options.verify_crc32(false);
    }
    let target = target_of(&id, args.out);
    if target == Path::new("-") {
        // The descriptor itself: the buffer of std's stdout would only be in the way.
        let stdout = std::io::stdout().as_fd().try_clone_to_owned().context("write to standard output")?;
        let mut stdout = tokio::fs::File::from_std(stdout.into());
        client.download_to_writer(&id, &mut stdout, &options).await.with_context(|| id.to_string())?;
        return Ok(());
    }
    let size_bytes = client.download_to(&id, &target, &options).await.with_context(|| id.to_string())?;
    drop(bar);
    if args.json {
        let file = target.display().to_string();
        out::line(&json!({ "id": id.to_string(), "file": file, "size_bytes": size_bytes }).to_string());
    }
    Ok(())
}

/// The local file, or `-`.
fn target_of(id: &FileId, out: Option<PathBuf>) -> PathBuf {
    let name = id.name.as_str();
    let last = name.rsplit('/').next().unwrap_or(name);
    match out {
        None => PathBuf::from(last),
        Some(dir) if dir.is_dir() => dir.join(last),
        Some(file) => file,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_is_a_file_a_folder_or_the_last_part_of_the_id() {
        let id = "group1/M00/00/00/name.txt".parse().unwrap();
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(target_of(&id, None), Path::new("name.txt"));
        assert_eq!(target_of(&id, Some("-".into())), Path::new("-"));
        assert_eq!(target_of(&id, Some("x/y".into())), Path::new("x/y"));
        assert_eq!(target_of(&id, Some(dir.path().into())), dir.path().join("name.txt"));
    }
}
