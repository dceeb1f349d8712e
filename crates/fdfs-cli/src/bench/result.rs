//! What a run found, as a table.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use super::failure::Cause;
use super::plan::{Kind, Plan};
use super::tally::Tally;
use super::worker::CleanUp;

/// What a run found.
#[derive(Debug)]
pub(crate) struct Summary {
    /// What it did.
    pub(crate) plan: Plan,
    /// How it found the storages.
    pub(crate) way: String,
    /// How long it worked, without connecting and cleaning up.
    pub(crate) elapsed: Duration,
    /// Somebody ended it early.
    pub(crate) is_interrupted: bool,
    /// What was counted, for each kind of operation that could come.
    pub(crate) tallies: Vec<(Kind, Tally)>,
    /// What the servers' processes used meanwhile.
    pub(crate) servers: Option<ServerUse>,
    /// What became of the files that it uploaded, if it shall delete them.
    pub(crate) clean_up: Option<CleanUp>,
    /// Where it wrote how many ids.
    pub(crate) ids: Option<(PathBuf, u64)>,
}

/// What the servers' processes used during a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServerUse {
    /// The processes.
    pub(crate) pids: Vec<u32>,
    /// CPU time of all threads of all of them, in microseconds.
    pub(crate) cpu_us: u64,
    /// Resident memory of all of them behind the run, in bytes.
    pub(crate) resident_bytes: u64,
}

/// The quantiles of the result: names, and how many of 1000 operations were as fast.
pub(crate) const QUANTILES: [(&str, u64); 4] = [("p50", 500), ("p95", 950), ("p99", 990), ("p99_9", 999)];

impl Summary {
    /// All kinds of operations together.
    pub(crate) fn total(&self) -> Tally {
        let mut total = Tally::default();
        self.tallies.iter().for_each(|(_, tally)| total.merge(tally));
        total
    }

    /// So many a second.
    pub(crate) fn per_sec(&self, count: u64) -> f64 {
        let secs = self.elapsed.as_secs_f64();
        if secs > 0.0 { count as f64 / secs } else { 0.0 }
    }

    /// CPU time of the servers for one operation that succeeded, in microseconds; `None` without operations.
    pub(crate) fn cpu_us_per_op(&self) -> Option<f64> {
        let count = self.total().success_count();
        self.servers.as_ref().filter(|_| count > 0).map(|servers| servers.cpu_us as f64 / count as f64)
    }

    /// Whether anything failed.
    pub(crate) fn has_failures(&self) -> bool {
        self.total().failure_count() > 0
            || self.clean_up.is_some_and(|clean_up| clean_up.left_count > 0 && !self.is_interrupted)
    }

    /// The table.
    pub(crate) fn text(&self) -> String {
        let mut out = String::new();
        // Writing to a text does not fail.
        let _ = self.write_text(&mut out);
        out
    }

    fn write_text(&self, out: &mut String) -> std::fmt::Result {
        let Plan { work, sizes, connection_count, verify, .. } = &self.plan;
        let size =
            if self.plan.uploads() { format!(", files of {}", size_text(&sizes.to_string())) } else { String::new() };
        let verified = if *verify { ", contents compared" } else { "" };
        let ended = if self.is_interrupted { ", ended early" } else { "" };
        let plural = if *connection_count == 1 { "" } else { "s" };
        let secs = self.elapsed.as_secs_f64();
        writeln!(
            out,
            "{work}{size}, {connection_count} connection{plural}, {}{verified}, {secs:.2} s{ended}",
            self.way
        )?;
        writeln!(out)?;
        let columns = ["done", "failed", "ops/s", "MB/s", "p50 ms", "p95 ms", "p99 ms", "p99.9 ms", "max ms"];
        write!(out, "{:<9}", "")?;
        columns.iter().try_for_each(|column| write!(out, "{column:>11}"))?;
        writeln!(out)?;
        for (kind, tally) in &self.tallies {
            self.write_row(out, kind.name(), tally)?;
        }
        if self.tallies.len() > 1 {
            self.write_row(out, "all", &self.total())?;
        }
        if self.tallies.iter().any(|(_, tally)| tally.failure_count() > 0) {
            writeln!(out, "\nfailures:")?;
        }
        for (kind, tally) in &self.tallies {
            for (cause, count) in sorted(&tally.failures) {
                writeln!(out, "{count:>11}  {}: {cause}", kind.name())?;
            }
        }
        self.write_rest(out)
    }

    fn write_row(&self, out: &mut String, name: &str, tally: &Tally) -> std::fmt::Result {
        let (done, failed) = (tally.success_count(), tally.failure_count());
        let (ops, mb) = (self.per_sec(done), self.per_sec(tally.bytes) / 1e6);
        write!(out, "{name:<9}{done:>11}{failed:>11}{ops:>11.1}{mb:>11.2}")?;
        let quantiles = QUANTILES.iter().map(|(_, per_mille)| tally.latencies.per_mille(*per_mille));
        for latency in quantiles.chain([tally.latencies.max()]) {
            write!(out, "{:>11.3}", latency.as_secs_f64() * 1e3)?;
        }
        writeln!(out)
    }

    fn write_rest(&self, out: &mut String) -> std::fmt::Result {
        let rest = out.len();
        if let Some(servers) = &self.servers {
            let pids: Vec<String> = servers.pids.iter().map(ToString::to_string).collect();
            let cpu = self.cpu_us_per_op().map_or_else(|| "-".to_owned(), |us| format!("{us:.1}"));
            let mb = servers.resident_bytes as f64 / 1e6;
            let pids = pids.join(", ");
            writeln!(out, "servers (pid {pids}; Linux only): {cpu} us CPU per operation, {mb:.1} MB resident")?;
        }
        if let Some((path, count)) = &self.ids {
            writeln!(out, "{count} ids are in {}; their files are kept", path.display())?;
        }
        match self.clean_up {
            Some(CleanUp { deleted_count, left_count: 0 }) => {
                writeln!(out, "uploaded files deleted afterwards: {deleted_count} (--keep keeps them)")?;
            }
            Some(CleanUp { deleted_count, left_count }) => {
                writeln!(out, "uploaded files deleted afterwards: {deleted_count}, still there: {left_count}")?;
            }
            None if self.plan.uploads() && self.ids.is_none() => writeln!(out, "the uploaded files are kept")?,
            None => {}
        }
        if out.len() > rest {
            out.insert(rest, '\n');
        }
        Ok(())
    }
}

/// Causes, the most frequent first.
pub(crate) fn sorted(failures: &[(Cause, u64)]) -> Vec<(Cause, u64)> {
    let mut sorted = failures.to_vec();
    sorted.sort_by_key(|&(cause, count)| (std::cmp::Reverse(count), cause));
    sorted
}

fn size_text(size: &str) -> String {
    match size {
        "mix" => "mixed sizes (61% under 8 KB, mean 17 KB)".to_owned(),
        size if size.ends_with(|last: char| last.is_ascii_digit()) => format!("{size} bytes"),
        size => format!("{size}B"),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::failure::Server;
    use super::super::plan::{Mix, Work};
    use super::super::sizes::Sizes;
    use super::*;
    use fdfs_proto::Status;

    /// Two seconds in which 1000 uploads took 1 ms each, and one delete failed twice as others succeeded.
    pub(crate) fn summary() -> Summary {
        let mut uploads = Tally::default();
        (0..1000).for_each(|_| uploads.succeeded(4096, Duration::from_millis(1)));
        let mut deletes = Tally::default();
        deletes.succeeded(0, Duration::from_micros(500));
        deletes.failed(Cause::Network(Server::Tracker, Status::ETIMEDOUT), 1);
        deletes.failed(Cause::Answered(Server::Storage, Status::ENOENT), 2);
        Summary {
            plan: Plan {
                work: Work::Mixed(Mix::USUAL),
                sizes: Sizes::Fixed(4096),
                connection_count: 16,
                thread_count: 2,
                duration: None,
                count: None,
                verify: true,
                group: None,
                remembers: true,
                cleans_up: true,
            },
            way: "tracker 10.0.0.1:22122".to_owned(),
            elapsed: Duration::from_secs(2),
            is_interrupted: false,
            tallies: vec![(Kind::Upload, uploads), (Kind::Download, Tally::default()), (Kind::Delete, deletes)],
            servers: Some(ServerUse { pids: vec![7, 8], cpu_us: 50_050, resident_bytes: 40_000_000 }),
            clean_up: Some(CleanUp { deleted_count: 999, left_count: 0 }),
            ids: None,
        }
    }

    #[test]
    fn the_table_is_readable() {
        let want = "\
mixed upload=70,download=25,delete=5, files of 4KB, 16 connections, tracker 10.0.0.1:22122, contents compared, 2.00 s

                done     failed      ops/s       MB/s     p50 ms     p95 ms     p99 ms   p99.9 ms     max ms
upload          1000          0      500.0       2.05      1.000      1.000      1.000      1.000      1.000
download           0          0        0.0       0.00      0.000      0.000      0.000      0.000      0.000
delete             1          3        0.5       0.00      0.500      0.500      0.500      0.500      0.500
all             1001          3      500.5       2.05      1.000      1.000      1.000      1.000      1.000

failures:
          2  delete: storage answered 2 ENOENT: No such file or directory
          1  delete: connection to tracker: 110 ETIMEDOUT: Connection timed out

servers (pid 7, 8; Linux only): 50.0 us CPU per operation, 40.0 MB resident
uploaded files deleted afterwards: 999 (--keep keeps them)
";
        assert_eq!(summary().text(), want);
        assert!(summary().has_failures());
    }

    #[test]
    fn what_was_not_done_is_not_told() {
        let mut summary = summary();
        summary.plan.work = Work::Only(Kind::Download);
        summary.plan.verify = false;
        (summary.tallies, summary.servers, summary.clean_up) = (vec![(Kind::Download, Tally::default())], None, None);
        (summary.is_interrupted, summary.elapsed) = (true, Duration::ZERO);
        summary.plan.connection_count = 1;
        let text = summary.text();
        assert_eq!(text.lines().next(), Some("download, 1 connection, tracker 10.0.0.1:22122, 0.00 s, ended early"));
        assert_eq!(text.lines().count(), 4, "{text}");
        assert!(!summary.has_failures());
    }

    #[test]
    fn files_that_stay_are_told_and_are_a_failure_unless_somebody_wanted_it() {
        let mut summary = summary();
        summary.tallies.clear();
        summary.clean_up = Some(CleanUp { deleted_count: 5, left_count: 2 });
        assert!(summary.text().ends_with("uploaded files deleted afterwards: 5, still there: 2\n"));
        assert!(summary.has_failures());
        summary.is_interrupted = true;
        assert!(!summary.has_failures());
        summary.clean_up = None;
        assert!(summary.text().ends_with("the uploaded files are kept\n"));
        summary.ids = Some((PathBuf::from("ids"), 3));
        assert!(summary.text().ends_with("3 ids are in ids; their files are kept\n"));
    }
}
