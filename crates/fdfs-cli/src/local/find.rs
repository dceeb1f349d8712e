//! `fdfs find STORAGE_CONF`: the ids of the files of a storage that are as the options say.

use std::io::Write as _;

use fdfs_proto::Status;
use jiff::tz::TimeZone;
use serde_json::json;

use super::filter::{Filter, MoreFilter};
use super::print::{Form, each_wanted};
use super::store::{Store, StoreArgs};
use crate::{human, out};

/// What `fdfs find` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  fdfs find /etc/fdfs/storage.conf --min-size 100M --long
  fdfs find /etc/fdfs/storage.conf --ext jpg --since 7d
  fdfs find /etc/fdfs/storage.conf --kind appender --changed-until 30d     appender files that have come to rest
  fdfs find /etc/fdfs/storage.conf --until 2020-01-01 --count              how many, and how large together
  fdfs find /etc/fdfs/storage.conf --prefix group1/M01/ | fdfs export - /backup

Reads the store paths of a storage on this machine and prints what it finds at once; the storage may run. Files that lie
in slots of trunk files come last. Files that were stored on another storage of the group and have not reached this one
are not found. See fdfs ls for a plain list.")]
pub(crate) struct Args {
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    filter: Filter,
    #[command(flatten)]
    more: MoreFilter,
    /// End after so many files
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// Print kind, size and times, too
    #[arg(long, short)]
    long: bool,
    /// Print one JSON object for each file
    #[arg(long, conflicts_with = "long")]
    json: bool,
    /// Print only how many files there are, and their bytes
    #[arg(long, conflicts_with = "long")]
    count: bool,
    /// End ids with a zero byte, for xargs -0
    #[arg(long, conflicts_with_all = ["long", "json", "count"])]
    print0: bool,
}

/// The end of a list that was long enough.
#[derive(Debug, thiserror::Error)]
#[error("enough")]
struct Enough;

/// Finds them.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let store = Store::open(&args.store)?;
    let mut stdout = std::io::BufWriter::new(std::io::stdout().lock());
    // Nobody reads any more, as in `fdfs find | head -1`.
    let ends = |error: std::io::Error| std::process::exit(i32::from(Status::from_io(&error).0));
    let done = find(&store, args, |text| stdout.write_all(text.as_bytes()).unwrap_or_else(ends));
    stdout.flush().unwrap_or_else(ends);
    drop(stdout);
    let total = done?;
    if args.count {
        out::line(&total.text(args.json));
    }
    Ok(())
}

/// How many files there are, and their bytes.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Total {
    files: u64,
    bytes: u64,
}

impl Total {
    fn text(self, json: bool) -> String {
        let Self { files, bytes } = self;
        match json {
            true => json!({ "files": files, "bytes": bytes }).to_string(),
            false => format!("{files} files, {bytes} bytes ({})", human::bytes(bytes.into())),
        }
    }
}

fn find(store: &Store, args: &Args, mut print: impl FnMut(&str)) -> anyhow::Result<Total> {
    let (zone, form, mut total) = (TimeZone::system(), Form::of(args.long, args.json), Total::default());
    let done = each_wanted(store, &args.filter, |file| {
        if !args.more.wants(file) {
            return Ok(());
        }
        if args.limit.is_some_and(|limit| total.files >= limit) {
            return Err(Enough.into());
        }
        total.files += 1;
        total.bytes += file.size_bytes;
        if !args.count {
            let end = if args.print0 { '\0' } else { '\n' };
            print(&format!("{}{end}", form.line(file, &zone)));
        }
        Ok(())
    });
    match done {
        Err(error) if !error.is::<Enough>() => Err(error),
        _ => Ok(total),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::ls::tests::store;
    use clap::Parser as _;

    #[derive(Debug, clap::Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn found(options: &str) -> (String, Total) {
        let (_dir, store) = store();
        let words = ["find", "storage.conf"].into_iter().chain(options.split_ascii_whitespace());
        let mut text = String::new();
        let total = find(&store, &Line::parse_from(words).args, |piece| text.push_str(piece)).unwrap();
        (text, total)
    }

    #[test]
    fn files_are_found_by_extension_place_and_number() {
        let (jpg, total) = found("--ext jpg");
        assert_eq!((jpg.lines().count(), total.files), (2, 2), "{jpg}");
        let (one, total) = found("--ext .jpg --kind slave --print0");
        assert!(one.ends_with("_150x150.jpg\0") && total == Total { files: 1, bytes: 5 }, "{one:?}");
        assert_eq!(found("--limit 3").0.lines().count(), 3);
        assert_eq!(found("--limit 0").1, Total::default());
        assert_eq!(found("--in-trunk true").1.files, 0);
        assert_eq!(found("--in-trunk false").1.files, 4);
        assert_eq!(found("--changed-until 1d").1.files, 0);
        assert_eq!(found("--changed-since 1d --kind regular").1, Total { files: 1, bytes: 11 });
        assert_eq!(found("--ext jpg --ext log --min-size 1k").1, Total::default());
    }

    #[test]
    fn a_count_prints_no_ids() {
        let (text, total) = found("--count --kind regular");
        assert_eq!((text.as_str(), total.text(false).as_str()), ("", "1 files, 11 bytes (11  B)"));
        assert_eq!(total.text(true), r#"{"bytes":11,"files":1}"#);
    }
}
