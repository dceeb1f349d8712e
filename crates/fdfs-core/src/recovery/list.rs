//! The list of a store path's files: made from a replication log by one storage, shared out to tasks by the other.
//!
//! Source: behaviour, 4.14; disk formats, A.8.

use fdfs_proto::FileName;
use fdfs_proto::disk::binlog_record::{BinlogRecord, Op};
use fdfs_proto::file_id::LogicName;

/// Whether a record tells of a file that the store path may have now; the name of that file. Records that tell of a
/// change or of the end of a file are left out: another one tells of its beginning.
#[must_use]
pub fn is_listed(record: &BinlogRecord, store_path_index: u8) -> Option<LogicName> {
    match record.op {
        Op::Create | Op::Link { .. } | Op::Rename { .. } => {
            LogicName::parse(&record.name).ok().filter(|name| name.store_path_index() == store_path_index)
        }
        Op::Update | Op::Delete | Op::Append { .. } | Op::Modify { .. } | Op::Truncate { .. } => None,
    }
}

/// What is there of a file whose record was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// A file, plain or in a trunk file.
    File,
    /// A link, and where it leads if that is a file of ours.
    Link {
        /// The file it leads to.
        target: Option<FileName>,
    },
}

/// The line of the list for a file that is there: a creation or a link, by what is on the disk now. `None` for a link that
/// nobody knows the target of.
#[must_use]
pub fn entry(record: &BinlogRecord, found: Found) -> Option<BinlogRecord> {
    let op = match (found, record.op) {
        (Found::File, _) => Op::Create,
        (Found::Link { target: Some(target) }, _) => Op::Link { source: Some(target) },
        (Found::Link { target: None }, Op::Link { source: Some(source) }) => Op::Link { source: Some(source) },
        (Found::Link { target: None }, _) => return None,
    };
    Some(BinlogRecord { op, ..*record })
}

/// Where a line of the list goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// Into the list of this task.
    Task(u32),
    /// It is none of this store path, or nothing that can be restored.
    Nobody,
}

/// Shares the lines of a list out to tasks. A link goes to the task of its target, and so comes behind it. All files of a
/// trunk file, which comes as a whole, go to one task: it looks which of them are in there.
#[derive(Debug)]
pub struct Shares {
    store_path_index: u8,
    tasks: u32,
}

impl Shares {
    /// Nothing is shared out yet; `tasks` is at least 1.
    #[must_use]
    pub fn new(store_path_index: u8, tasks: u32) -> Self {
        Self { store_path_index, tasks: tasks.max(1) }
    }

    /// Where a line goes.
    #[must_use]
    pub fn share(&self, record: &BinlogRecord) -> Share {
        let Some(name) = is_listed(record, self.store_path_index) else { return Share::Nobody };
        let key = match record.op {
            Op::Create => name.text(),
            Op::Link { source: Some(source) } => source,
            _ => return Share::Nobody,
        };
        let hash = match name.trunk_part().filter(|_| record.op == Op::Create) {
            Some(part) => hash(&[&[name.high(), name.low()], &part.id.to_be_bytes()[..]].concat()),
            None => hash(key.as_bytes()),
        };
        Share::Task(hash % self.tasks)
    }
}

/// FNV-1a: any even spread will do, as long as it is the same for all lines of a list.
fn hash(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash: u32, &b| (hash ^ u32::from(b)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    const REGULAR: &str = "M00/00/00/Ck4BC2sAEACAOnlIAAAACw1KEYU319.txt";
    const LINK: &str = "M00/00/02/Ck4BDGsAECiADSJlAAAAC08u3zg723.jpg";
    const TRUNK: &str = "M00/00/00/oYYBAGsAELGIEmJ6AAAACw1KEYUAAAAAQAAAQAAAAEA513.txt";
    const TRUNK_2: &str = "M00/00/00/oYYBAGsAELGIEmJ6AAAACw1KEYUAAAAAQAACgAAAAEA513.txt";

    fn record(line: &str) -> BinlogRecord {
        BinlogRecord::parse(line.as_bytes()).unwrap()
    }

    fn text(record: BinlogRecord) -> String {
        let mut out = Vec::new();
        record.encode(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn only_beginnings_of_files_of_the_path_are_listed_by_what_they_are_now() {
        for (line, found, expected) in [
            (format!("5 C {REGULAR}"), Found::File, Some(format!("5 C {REGULAR}\n"))),
            (format!("5 c {REGULAR}-m"), Found::File, Some(format!("5 c {REGULAR}-m\n"))),
            (format!("5 R {REGULAR} {LINK}"), Found::File, Some(format!("5 C {REGULAR}\n"))),
            (format!("5 r {REGULAR} {LINK}"), Found::File, Some(format!("5 c {REGULAR}\n"))),
            (format!("5 L {LINK} {REGULAR}"), Found::File, Some(format!("5 C {LINK}\n"))),
            (
                format!("5 c {LINK}"),
                Found::Link { target: Some(REGULAR.parse().unwrap()) },
                Some(format!("5 l {LINK} {REGULAR}\n")),
            ),
            (format!("5 l {LINK} {REGULAR}"), Found::Link { target: None }, Some(format!("5 l {LINK} {REGULAR}\n"))),
            (format!("5 C {LINK}"), Found::Link { target: None }, None),
        ] {
            let record = record(&line);
            assert!(is_listed(&record, 0).is_some() && is_listed(&record, 1).is_none(), "{line}");
            assert_eq!(entry(&record, found).map(text), expected, "{line}");
        }
        for op in ["D", "d", "U", "A", "a", "M", "T", "t"] {
            let rest = if matches!(op, "A" | "a" | "M" | "T" | "t") { " 1 2" } else { "" };
            assert_eq!(is_listed(&record(&format!("5 {op} {REGULAR}{rest}")), 0), None, "{op}");
        }
    }

    #[test]
    fn links_come_behind_their_targets_and_files_of_one_trunk_file_go_to_one_task() {
        let shares = Shares::new(0, 4);
        let target = shares.share(&record(&format!("5 C {REGULAR}")));
        assert!(matches!(target, Share::Task(0..4)));
        assert_eq!(shares.share(&record(&format!("5 l {LINK} {REGULAR}"))), target);
        assert_eq!(shares.share(&record(&format!("5 D {REGULAR}"))), Share::Nobody);
        assert_eq!(shares.share(&record(&format!("5 C {}", REGULAR.replace("M00", "M01")))), Share::Nobody);
        let of_trunk_file = shares.share(&record(&format!("5 C {TRUNK}")));
        assert!(matches!(of_trunk_file, Share::Task(0..4)));
        assert_eq!(shares.share(&record(&format!("6 c {TRUNK_2}"))), of_trunk_file);
    }

    #[test]
    fn files_are_spread_over_all_tasks() {
        let shares = Shares::new(0, 3);
        let mut counts = [0; 3];
        for n in 0..300 {
            if let Share::Task(task) = shares.share(&record(&format!("5 C M00/00/00/a-file-number-{n}"))) {
                counts[task as usize] += 1;
            }
        }
        assert!(counts.iter().all(|&count| count > 60), "{counts:?}");
    }
}
