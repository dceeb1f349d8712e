//! The command line of `fdfs bench`.

use std::path::PathBuf;
use std::time::Duration;

use fdfs_net::resolve::HostPort;
use fdfs_proto::GroupName;

use super::plan::{Kind, Mix, Plan, Work};
use super::sizes::Sizes;
use crate::files::connect::Connect;

/// How long a run takes when nothing says it.
const USUAL_DURATION: Duration = Duration::from_secs(10);
/// The size of the files of `upload` when nothing says it.
const USUAL_SIZE: Sizes = Sizes::Fixed(4 << 10);

/// What `fdfs bench` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  fdfs bench mixed --tracker 10.0.0.1:22122           10 s of uploads, downloads and deletes of the usual sizes
  fdfs bench upload --size 64K --connections 64 --storage 10.0.0.11:23000
  fdfs bench upload --count 10000 --ids ids --verify  keeps the files and writes their ids
  fdfs bench download --ids ids --verify --duration 30s --json
  fdfs bench delete --ids ids                         all of them

Sizes of --size mix: a log-normal distribution with 61% of the files under 8 KB and a mean of 17 KB, in a hundred steps
from 97 bytes to 366 KB; any hundred files in a row have all of them.

It works on C servers, too. What mixed and upload have stored they delete at the end, unless --keep or --ids says
otherwise; that is not measured, and takes some 170 bytes of memory for each file. Latencies are those of operations
that succeeded, and right within 1%. MB/s are of 1,000,000 bytes. Run it on a machine of its own: where the servers
are, it takes CPU time from them.

Ctrl-C ends a run early and prints the result; once more, and operations that hang are given up.

Exit code: 0 done, 1 something failed, 2 wrong usage.")]
pub(crate) struct Args {
    /// What to do; mixed does all three on files of its own
    #[arg(value_enum)]
    operation: Operation,
    /// Connections, each with one operation under way
    #[arg(long, short, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    connections: u32,
    /// How long, such as 10s, 500ms or 2m [else: 10s, or until --count; delete: until all are deleted]
    #[arg(long, value_name = "TIME", value_parser = duration_of)]
    duration: Option<Duration>,
    /// How many operations, whichever of --count and --duration ends first
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// The size of new files: 4096, 4K, 1M, or mix [else: 4K for upload, mix for mixed]
    #[arg(long, value_name = "SIZE")]
    size: Option<Sizes>,
    /// How often mixed does what; a connection that has no file left uploads one [else: upload=70,download=25,delete=5]
    #[arg(long, value_name = "SHARES")]
    mix: Option<Mix>,
    /// Ids of files, one a line: upload writes them (and keeps the files), download and delete read them
    #[arg(long, value_name = "FILE")]
    ids: Option<PathBuf>,
    /// Compare contents: what was uploaded, where it is known, and the CRC-32 in the id; costs the load generator CPU
    #[arg(long)]
    verify: bool,
    /// Do not delete at the end what was uploaded
    #[arg(long)]
    keep: bool,
    /// Threads of the load generator [else: one for each CPU]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// A server process on this machine: tells its CPU time per operation and its resident memory (Linux only); give
    /// it once for each
    #[arg(long, value_name = "PID", value_delimiter = ',')]
    pub(super) cpu_pid: Vec<u32>,
    /// Print one JSON object instead of a table
    #[arg(long)]
    pub(super) json: bool,
    /// Ask this storage without any tracker
    #[arg(long, value_name = "HOST[:PORT]", conflicts_with_all = ["tracker", "conf", "via_tracker"], help_heading = "Cluster")]
    pub(super) storage: Option<HostPort>,
    /// Upload to this group [else: the tracker chooses]
    #[arg(long, help_heading = "Cluster")]
    group: Option<GroupName>,
    /// Ask the tracker for every operation [else: once per connection, as clients do that remember its answer]
    #[arg(long, help_heading = "Cluster")]
    pub(super) via_tracker: bool,
    #[command(flatten)]
    pub(super) connect: Connect,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Operation {
    /// New files
    Upload,
    /// Whole files of --ids, in turns
    Download,
    /// The files of --ids
    Delete,
    /// Uploads, downloads and deletes
    Mixed,
}

impl Args {
    /// The file of ids to be read.
    pub(super) fn ids_to_read(&self) -> Option<&PathBuf> {
        self.ids.as_ref().filter(|_| matches!(self.operation, Operation::Download | Operation::Delete))
    }

    /// The file of ids to be written.
    pub(super) fn ids_to_write(&self) -> Option<&PathBuf> {
        self.ids.as_ref().filter(|_| self.operation == Operation::Upload)
    }

    /// What does not go together.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        let operation = self.operation;
        let uploads = matches!(operation, Operation::Upload | Operation::Mixed);
        match () {
            () if !uploads && self.ids.is_none() => {
                Err("which files? --ids FILE names them: `fdfs bench upload --count 1000 --ids FILE` makes some")
            }
            () if operation == Operation::Mixed && self.ids.is_some() => {
                Err("mixed works on files of its own: leave --ids away")
            }
            () if operation != Operation::Mixed && self.mix.is_some() => Err("--mix is for mixed"),
            () if !uploads && (self.size.is_some() || self.group.is_some() || self.keep) => {
                Err("--size, --group and --keep are for uploads")
            }
            () => Ok(()),
        }
    }

    /// What is to be done with `file_count` files.
    pub(super) fn plan(&self, file_count: u64) -> Plan {
        let work = match self.operation {
            Operation::Upload => Work::Only(Kind::Upload),
            Operation::Download => Work::Only(Kind::Download),
            Operation::Delete => Work::Only(Kind::Delete),
            Operation::Mixed => Work::Mixed(self.mix.unwrap_or(Mix::USUAL)),
        };
        let is_mixed = self.operation == Operation::Mixed;
        // Each file can be deleted once.
        let most = (self.operation == Operation::Delete).then_some(file_count);
        let count = self.count.into_iter().chain(most).min();
        let writes_ids = self.ids_to_write().is_some();
        let cleans_up = (is_mixed || self.operation == Operation::Upload) && !self.keep && !writes_ids;
        let connection_count =
            count.map_or(self.connections, |count| u32::try_from(count).unwrap_or(u32::MAX).min(self.connections));
        let cpu_count = std::thread::available_parallelism().map_or(1, usize::from);
        Plan {
            work,
            sizes: self.size.unwrap_or(if is_mixed { Sizes::Realistic } else { USUAL_SIZE }),
            connection_count: connection_count as usize,
            thread_count: self.threads.map_or(cpu_count, usize::from).min(connection_count as usize),
            duration: self.duration.or_else(|| count.is_none().then_some(USUAL_DURATION)),
            count,
            verify: self.verify,
            group: self.group,
            remembers: is_mixed || writes_ids || cleans_up,
            cleans_up,
        }
    }
}

/// `10s`, `500ms`, `2m`, `1h`; a bare number is seconds.
fn duration_of(text: &str) -> Result<Duration, String> {
    let units = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("", 1000)];
    let in_ms = |(unit, ms): (&str, u64)| text.strip_suffix(unit)?.parse::<u64>().ok()?.checked_mul(ms);
    match units.into_iter().find_map(in_ms) {
        Some(ms) if ms > 0 => Ok(Duration::from_millis(ms)),
        _ => Err("write a time, such as 10s, 500ms, 2m or 1h".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    #[derive(Debug, clap::Parser)]
    struct Bench {
        #[command(flatten)]
        args: Args,
    }

    fn args(line: &str) -> Args {
        Bench::try_parse_from(["bench"].into_iter().chain(line.split(' ')))
            .unwrap_or_else(|e| panic!("{line}: {e}"))
            .args
    }

    #[test]
    fn what_does_not_go_together_is_named() {
        for line in ["upload", "mixed --mix upload=1", "download --ids x", "delete --ids x --count 5", "upload --ids x"]
        {
            assert_eq!(args(line).check(), Ok(()), "{line}");
        }
        for (line, says) in [
            ("download", "--ids FILE"),
            ("delete --count 3", "--ids FILE"),
            ("mixed --ids x", "leave --ids away"),
            ("upload --mix upload=1", "--mix is for mixed"),
            ("delete --ids x --size 4K", "are for uploads"),
        ] {
            let error = args(line).check().unwrap_err();
            assert!(error.contains(says), "{line}: {error}");
        }
        for line in ["upload --storage h:1 --tracker t:1", "upload --size x", "upload --connections 0", "append"] {
            assert!(Bench::try_parse_from(["bench"].into_iter().chain(line.split(' '))).is_err(), "{line}");
        }
    }

    #[test]
    fn a_plan_ends_after_a_time_or_a_count() {
        let plan = |line, file_count| args(line).plan(file_count);
        let upload = plan("upload", 0);
        assert_eq!((upload.duration, upload.count), (Some(USUAL_DURATION), None));
        assert_eq!((upload.sizes, upload.connection_count), (USUAL_SIZE, 16));
        assert_eq!((plan("upload --count 3", 0).duration, plan("upload --count 3", 0).connection_count), (None, 3));
        let both = plan("upload --count 300 --duration 500ms", 0);
        assert_eq!((both.duration, both.count), (Some(Duration::from_millis(500)), Some(300)));
        assert_eq!(plan("delete --ids x", 7).count, Some(7));
        assert_eq!(plan("delete --ids x --count 9", 7).count, Some(7));
        assert_eq!(plan("download --ids x --count 9", 7).count, Some(9));
        assert_eq!(plan("mixed", 0).sizes, Sizes::Realistic);
    }

    #[test]
    fn files_are_kept_when_somebody_wants_them() {
        let of = |line| (args(line).plan(1).remembers, args(line).plan(1).cleans_up);
        assert_eq!(of("upload"), (true, true));
        assert_eq!(of("upload --keep"), (false, false));
        assert_eq!(of("upload --ids x"), (true, false));
        assert_eq!(of("mixed"), (true, true));
        assert_eq!(of("mixed --keep"), (true, false));
        assert_eq!(of("delete --ids x"), (false, false));
    }

    #[test]
    fn times_have_units() {
        for (text, ms) in [("10", 10_000), ("10s", 10_000), ("500ms", 500), ("2m", 120_000), ("1h", 3_600_000)] {
            assert_eq!(duration_of(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        for text in ["", "0", "s", "-1s", "1.5s", "1d", "99999999999999999999h"] {
            assert!(duration_of(text).is_err(), "{text}");
        }
    }
}
