//! `fdfs ls STORAGE_CONF`: the ids of the files of a storage.

use jiff::tz::TimeZone;

use super::filter::Filter;
use super::print::{Form, each_wanted};
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

Reads the store paths of a storage on this machine, in the order of the ids; the storage may run. Files that lie in slots
of trunk files come last, in the order in which they were stored. See fdfs find for more ways to choose.")]
pub(crate) struct Args {
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    filter: Filter,
    /// Print kind, size and times, too
    #[arg(long, short)]
    long: bool,
    /// Print one JSON object for each file
    #[arg(long, conflicts_with = "long")]
    json: bool,
}

/// Lists the files.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let store = Store::open(&args.store)?;
    list(&store, args, out::line)
}

fn list(store: &Store, args: &Args, mut print: impl FnMut(&str)) -> anyhow::Result<()> {
    let (zone, form) = (TimeZone::system(), Form::of(args.long, args.json));
    each_wanted(store, &args.filter, |file| {
        print(&form.line(file, &zone));
        Ok(())
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use clap::Parser as _;
    use std::fs;

    #[derive(Debug, clap::Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    /// Two store paths with a file of each kind, and with what must not be listed.
    pub(in crate::local) fn store() -> (tempfile::TempDir, Store) {
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
