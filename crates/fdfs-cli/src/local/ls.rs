//! `fdfs ls STORAGE_CONF`: the ids of the files of a storage.

use fdfs_client::FileId;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::json;

use super::found::{Found, What};
use super::store::{Store, StoreArgs};
use crate::out;

/// What `fdfs ls` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  fdfs ls /etc/fdfs/storage.conf
  fdfs ls /etc/fdfs/storage.conf --kind appender --min-size 1000000
  fdfs ls /etc/fdfs/storage.conf --since 2026-11-01 --json | jq -r .id
  fdfs ls /etc/fdfs/storage.conf --after $last_id      goes on behind an id

Reads the store paths of a storage on this machine, in the order of the ids; the storage may run. Files that are stored
inside trunk files are not listed.")]
pub(crate) struct Args {
    #[command(flatten)]
    store: StoreArgs,
    /// Only files of this kind; give it once for each
    #[arg(long)]
    kind: Vec<What>,
    /// Only files of at least so many bytes
    #[arg(long, value_name = "BYTES")]
    min_size: Option<u64>,
    /// Only files of at most so many bytes
    #[arg(long, value_name = "BYTES")]
    max_size: Option<u64>,
    /// Only files named at this local time or later, such as 2026-11-20 or 2026-11-20T18:30
    #[arg(long, value_name = "TIME", value_parser = local_time)]
    since: Option<Timestamp>,
    /// Only files named before this local time
    #[arg(long, value_name = "TIME", value_parser = local_time)]
    until: Option<Timestamp>,
    /// Only files whose ids begin so, such as group1/M00/0A/
    #[arg(long, value_name = "TEXT")]
    prefix: Option<String>,
    /// Only files behind this id, in the order of the list
    #[arg(long, value_name = "ID")]
    after: Option<FileId>,
    /// Print kind, size and times, too
    #[arg(long, short)]
    long: bool,
    /// Print one JSON object for each file
    #[arg(long, conflicts_with = "long")]
    json: bool,
}

fn local_time(text: &str) -> Result<Timestamp, String> {
    let time: DateTime = text.parse().map_err(|_| "write 2026-11-20 or 2026-11-20T18:30:00".to_owned())?;
    let zoned = time.to_zoned(TimeZone::system()).map_err(|error| error.to_string())?;
    Ok(zoned.timestamp())
}

/// Lists the files.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let store = Store::open(&args.store)?;
    list(&store, args, out::line)
}

fn list(store: &Store, args: &Args, mut print: impl FnMut(&str)) -> anyhow::Result<()> {
    let zone = TimeZone::system();
    for dir in store.dirs()? {
        for file in store.files(dir)? {
            if is_wanted(args, &file) {
                print(&line(args, &file, &zone));
            }
        }
    }
    Ok(())
}

fn is_wanted(args: &Args, file: &Found) -> bool {
    let named_before = |time: &Timestamp| file.named < time.as_second();
    (args.kind.is_empty() || args.kind.contains(&file.what))
        && args.min_size.is_none_or(|min| file.size_bytes >= min)
        && args.max_size.is_none_or(|max| file.size_bytes <= max)
        && !args.since.as_ref().is_some_and(named_before)
        && args.until.as_ref().is_none_or(named_before)
        && args.prefix.as_ref().is_none_or(|prefix| file.id.to_string().starts_with(prefix))
        && args.after.is_none_or(|after| file.id.name.as_str() > after.name.as_str())
}

fn line(args: &Args, file: &Found, zone: &TimeZone) -> String {
    let id = file.id.to_string();
    if args.json {
        let line = json!({
            "id": id,
            "kind": file.what.word(),
            "size_bytes": file.size_bytes,
            "named_unix_secs": file.named,
            "changed_unix_secs": file.changed,
        });
        return line.to_string();
    }
    if !args.long {
        return id;
    }
    let named = match Timestamp::from_second(file.named) {
        Ok(time) => time.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string(),
        Err(_) => file.named.to_string(),
    };
    format!("{:8} {:>13} {named} {id}", file.what.word(), file.size_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;
    use std::fs;

    #[derive(Debug, clap::Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    /// Two store paths with a file of each kind, and with what must not be listed.
    fn store() -> (tempfile::TempDir, Store) {
        let dir = tempfile::tempdir().unwrap();
        let paths: Vec<_> = ["p0", "p1"].iter().map(|name| dir.path().join(name)).collect();
        let put = |at: usize, sub: &str, name: &str, content: &str| {
            let folder = paths[at].join("data").join(sub);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join(name), content).unwrap();
        };
        put(0, "00/00", "Ck4BC2sAEACAOnlIAAAACw1KEYU319.txt", "hello world");
        put(0, "00/00", "Ck4BC2sAEACAOnlIAAAACw1KEYU319.txt-m", "a=b");
        put(0, "00/00", "000001", "a trunk file");
        put(0, "0A/FF", "Ck4BC2sAEAKEAj2qAAAAADUkQcI950.log", "abcdef");
        put(0, "sync", "binlog.000", "no file");
        put(0, ".", ".fdfs-tmp.1", "unfinished");
        put(1, "01/01", "Ck4BC2sAEASAX_e9AAAAC9yobGc248_150x150.jpg", "small");
        let target = paths[0].join("data/00/00/Ck4BC2sAEACAOnlIAAAACw1KEYU319.txt");
        let link = paths[1].join("data/01/01/Ck4BDGsAECiADSJlAAAAC08u3zg723.jpg");
        std::os::unix::fs::symlink(target, link).unwrap();
        (dir, Store::of("group1".parse().unwrap(), paths))
    }

    fn listed(options: &str) -> Vec<String> {
        let (_dir, store) = store();
        let words = ["ls", "storage.conf"].into_iter().chain(options.split_ascii_whitespace());
        let mut lines = Vec::new();
        list(&store, &Line::parse_from(words).args, |line| lines.push(line.to_owned())).unwrap();
        lines
    }

    const ALL: [&str; 4] = [
        "group1/M00/00/00/Ck4BC2sAEACAOnlIAAAACw1KEYU319.txt",
        "group1/M00/0A/FF/Ck4BC2sAEAKEAj2qAAAAADUkQcI950.log",
        "group1/M01/01/01/Ck4BC2sAEASAX_e9AAAAC9yobGc248_150x150.jpg",
        "group1/M01/01/01/Ck4BDGsAECiADSJlAAAAC08u3zg723.jpg",
    ];

    #[test]
    fn files_are_listed_in_the_order_of_their_ids_and_nothing_else_is() {
        assert_eq!(listed(""), ALL);
        assert_eq!(listed(&format!("--after {}", ALL[1])), ALL[2..]);
        assert_eq!(listed("--prefix group1/M01/"), ALL[2..]);
        for (kind, id) in ["regular", "appender", "slave", "link"].into_iter().zip(ALL) {
            assert_eq!(listed(&format!("--kind {kind}")), [id]);
        }
        assert_eq!(listed("--min-size 6 --max-size 10"), [ALL[1]]);
        assert_eq!(listed("--since 2026-11-21"), ALL[3..3]);
        assert_eq!(listed("--until 2026-11-21"), ALL);
    }

    #[test]
    fn json_and_long_lines_tell_more() {
        let line: serde_json::Value = serde_json::from_str(&listed("--json")[1]).unwrap();
        assert_eq!((&line["kind"], &line["size_bytes"]), (&"appender".into(), &6.into()));
        assert_eq!(line["named_unix_secs"], 1_795_166_210);
        assert!(listed("-l")[0].starts_with("regular             11 2026-11-20 "), "{}", listed("-l")[0]);
    }

    #[test]
    fn a_store_path_that_is_not_there_is_an_error() {
        let store = Store::of("group1".parse().unwrap(), vec!["/no/such/path".into()]);
        let error = list(&store, &Line::parse_from(["ls", "c"]).args, |_| {}).unwrap_err();
        assert_eq!(crate::exit::code_of(&error), 2);
        assert!(format!("{error:#}").contains("/no/such/path/data"), "{error:#}");
    }
}
