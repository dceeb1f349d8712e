//! After a crash: files that were placed but did not get their binlog record.
//!
//! A file is placed before its record is written, and the client is answered after both. A crash in between leaves a file
//! that nobody was promised. One that is whole gets its record now, so that it is replicated; one that is not is moved
//! out of the clients' sight.

use std::collections::HashSet;

use fdfs_proto::FileName;
use fdfs_proto::disk::binlog_record::{BinlogRecord, Op, Origin};
use fdfs_proto::file_id::{FormattedExt, Kind, LogicName, Source};

use crate::error::{At, StoreError};
use crate::fs::{FileKind, Fs};
use crate::store_path::{StorePath, UNFINISHED_DIR};

/// How far before the last record a file may have been placed whose record is missing: requests overlap, and the clock
/// of a file system ticks coarsely.
pub const OVERLAP_SECS: i64 = 10;
/// The same after the reference has run on the directory: it keeps records to itself for up to a minute.
pub const OVERLAP_OF_REFERENCE_SECS: i64 = 150;

/// What the end of the binlog says.
#[derive(Debug, Default)]
pub struct RecordedTail {
    /// Files with a modification time from here on are looked at, unix seconds.
    pub since_unix_secs: i64,
    /// Names that have a record.
    names: HashSet<String>,
    /// Own changes of files that can change are noted before they are made, and recorded from the notes. What has no
    /// record then came from another storage, which sends it again: it must not be claimed for this one, as it may be
    /// older by now than what the other has made of it.
    /// This storage, as names tell it, where changes are noted.
    noted_by: Option<Source>,
}

impl RecordedTail {
    /// Reads whole lines from the end of the log.
    #[must_use]
    pub fn new(lines: &[u8], is_whole_log: bool, overlap_secs: i64) -> Self {
        let mut names = HashSet::new();
        // Own records tell the time of this storage; one that has none has those of the others. The last in the log counts,
        // not the latest: the clock may have gone back.
        let mut own: Option<(i64, i64)> = None;
        let mut all: Option<(i64, i64)> = None;
        let add = |span: &mut Option<(i64, i64)>, at: i64| {
            *span = Some(span.map_or((at, at), |(first, _)| (first.min(at), at)));
        };
        for line in lines.split(|&b| b == b'\n').filter(|line| !line.is_empty()) {
            if let Ok(record) = BinlogRecord::parse(line) {
                names.insert(record.name.as_str().to_owned());
                add(&mut all, record.timestamp.into());
                if record.origin == Origin::Source {
                    add(&mut own, record.timestamp.into());
                }
            }
        }
        let since_unix_secs = match (own, all, is_whole_log) {
            (None, _, true) | (None, None, false) => 0,
            (Some((_, last)), _, true) => last - overlap_secs,
            // What is older than the lines that were read cannot be judged.
            (Some((first, last)), _, false) | (None, Some((first, last)), false) => (last - overlap_secs).max(first),
        };
        Self { since_unix_secs, names, noted_by: None }
    }

    /// The last run of this storage, `own`, has noted its changes (see [`Changes`](crate::Changes)), and they are recorded.
    #[must_use]
    pub fn with_changes_noted(mut self, own: Source) -> Self {
        self.noted_by = Some(own);
        self
    }

    /// Whose change a file without a record is.
    fn origin(&self, name: &LogicName, kind: FileKind) -> Origin {
        let Some(own) = self.noted_by else { return Origin::Source };
        let is_theirs = match (name.kind(), kind) {
            _ if name.as_str().ends_with("-m") => true,
            (Kind::Appender, _) => name.fields().is_some_and(|fields| fields.source != own),
            (Kind::Slave, FileKind::Symlink) => true,
            (Kind::Regular | Kind::Slave | Kind::Trunk, _) => false,
        };
        if is_theirs { Origin::Replica } else { Origin::Source }
    }
}

/// What was found on one store path.
#[derive(Debug, Default)]
pub struct Reconciled {
    /// Records for whole files that have none, to be appended to the binlog.
    pub records: Vec<BinlogRecord>,
    /// Records for links that have none, to be appended behind those of the files that they lead to.
    pub links: Vec<BinlogRecord>,
    /// Files that were not whole; they lie in `data/.fdfs-unfinished` now.
    pub unfinished: Vec<String>,
}

impl<F: Fs> StorePath<F> {
    /// Looks at every directory that changed since the last record. Takes a stat of each of the N x N directories, and
    /// reads the files that have no record.
    ///
    /// # Errors
    /// [`StoreError`] when the disk refuses.
    pub fn reconcile(&self, tail: &RecordedTail) -> Result<Reconciled, StoreError> {
        let mut found = Reconciled::default();
        for high in 0..self.subdir_count() {
            for low in 0..self.subdir_count() {
                let folder = format!("{high:02X}/{low:02X}");
                match self.fs().stat(self.data(), &folder) {
                    Ok(stat) if stat.modified_unix_secs >= tail.since_unix_secs => {
                        self.reconcile_folder(&folder, tail, &mut found)?;
                    }
                    Ok(_) => {}
                    Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
                    Err(e) => return Err(e).at("stat", self.data_path(), &folder),
                }
            }
        }
        Ok(found)
    }

    fn reconcile_folder(&self, folder: &str, tail: &RecordedTail, found: &mut Reconciled) -> Result<(), StoreError> {
        for name in self.fs().list(self.data(), folder).at("list", self.data_path(), folder)? {
            let true_name = format!("{folder}/{name}");
            let text = format!("M{:02X}/{true_name}", self.index());
            if tail.names.contains(&text) {
                continue;
            }
            // A name that no server gives is none of ours, and stays untouched.
            let Ok(text) = text.parse::<FileName>() else { continue };
            let Ok(logic) = LogicName::parse(&text) else { continue };
            let stat = self.stat(&true_name)?;
            if stat.modified_unix_secs < tail.since_unix_secs {
                continue;
            }
            let timestamp = u32::try_from(stat.modified_unix_secs).unwrap_or(0);
            let origin = tail.origin(&logic, stat.kind);
            let record = |op| BinlogRecord { timestamp, origin, name: text, op };
            if stat.kind == FileKind::Symlink
                && let Some(target) = self.link_target(&true_name)?
                && let Ok(source) = format!("M{:02X}/{target}", self.index()).parse()
            {
                if self.open_file(&true_name).is_ok() {
                    found.links.push(record(Op::Link { source: Some(source) }));
                } else {
                    // What it leads to was never finished.
                    self.move_to_unfinished(&true_name, &name)?;
                    found.unfinished.push(text.as_str().to_owned());
                }
            }
            if stat.kind != FileKind::Regular {
                continue;
            }
            if name.ends_with("-m") {
                found.records.push(record(Op::Update));
                continue;
            }
            let Some(fields) = logic.fields() else { continue };
            let is_whole = match logic.kind() {
                Kind::Regular if FormattedExt::of(&logic).is_some() => {
                    fields.size_word.size() == stat.len_bytes && fields.crc32 == self.file_crc32(&true_name)?
                }
                // These come under a temporary name and are renamed when they are whole; their names tell no CRC32.
                Kind::Regular | Kind::Appender | Kind::Slave | Kind::Trunk => true,
            };
            if is_whole {
                found.records.push(record(Op::Create));
            } else {
                self.move_to_unfinished(&true_name, &name)?;
                found.unfinished.push(text.as_str().to_owned());
            }
        }
        Ok(())
    }

    fn move_to_unfinished(&self, true_name: &str, name: &str) -> Result<(), StoreError> {
        match self.fs().make_dir(self.data(), UNFINISHED_DIR) {
            Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => {
                return Err(e).at("make directory", self.data_path(), UNFINISHED_DIR);
            }
            _ => {}
        }
        let aside = format!("{UNFINISHED_DIR}/{name}");
        self.fs().rename(self.data(), true_name, &aside).at("rename", self.data_path(), true_name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RealFs;
    use fdfs_proto::ExtName;
    use fdfs_proto::file_id::{NewKind, NewName};

    fn name_of(content: &[u8], random: u32) -> FileName {
        NewName {
            store_path_index: 0,
            high: 1,
            low: 2,
            source: Source::Id(100_001),
            created: 1_795_166_208,
            size: content.len() as u64,
            crc32: crc32fast::hash(content),
            kind: NewKind::Regular,
            random,
            ext: FormattedExt::new(&"txt".parse::<ExtName>().unwrap(), random),
        }
        .build()
    }

    #[test]
    fn w02_files_without_a_record_get_one_or_go_out_of_sight() {
        let temp = tempfile::tempdir().unwrap();
        let path = StorePath::open(RealFs, 0, temp.path(), false, 4).unwrap().path;
        path.make_subdirs().unwrap();
        let (known, whole, cut) = (name_of(b"known", 1), name_of(b"whole", 2), name_of(b"cut off", 3));
        path.place_whole(&known.as_str()[4..], b"known").unwrap();
        path.place_whole(&whole.as_str()[4..], b"whole").unwrap();
        path.place_whole(&cut.as_str()[4..], b"cut").unwrap();
        path.place_whole("01/02/000001", b"a trunk file").unwrap();
        path.place_whole("01/02/notes.txt", b"somebody's notes").unwrap();
        let tail = RecordedTail::new(format!("1 C {known}\n").as_bytes(), true, OVERLAP_SECS);
        let found = path.reconcile(&tail).unwrap();
        assert_eq!(found.records.iter().map(|r| r.name).collect::<Vec<_>>(), [whole]);
        assert_eq!(found.unfinished, [cut.as_str()]);
        assert!(path.open_file(&cut.as_str()[4..]).unwrap_err().is_not_found());
        assert!(path.open_file("01/02/notes.txt").is_ok());
        let names = RealFs.list(path.data(), UNFINISHED_DIR).unwrap();
        assert_eq!(names, [&cut.as_str()[10..]]);
    }

    #[test]
    fn the_overlap_reaches_back_but_not_before_the_lines_that_were_read() {
        let lines = b"100 C M00/00/00/aaaaaaaaaa\n105 C M00/00/00/bbbbbbbbbb\n3 c M00/00/00/cccccccccc\n";
        assert_eq!(RecordedTail::new(lines, true, 10).since_unix_secs, 95);
        assert_eq!(RecordedTail::new(lines, false, 10).since_unix_secs, 100);
        assert_eq!(RecordedTail::new(b"", true, 10).since_unix_secs, 0);
        let stepped = b"1000 C M00/00/00/aaaaaaaaaa\n400 C M00/00/00/bbbbbbbbbb\n";
        assert_eq!(RecordedTail::new(stepped, true, 10).since_unix_secs, 390, "the clock went back");
        let replicas = b"100 c M00/00/00/aaaaaaaaaa\n105 c M00/00/00/bbbbbbbbbb\n";
        assert_eq!(RecordedTail::new(replicas, true, 10).since_unix_secs, 0);
        assert_eq!(RecordedTail::new(replicas, false, 10).since_unix_secs, 100, "older files have lost their records");
    }

    #[test]
    fn what_came_from_another_storage_is_not_claimed() {
        let temp = tempfile::tempdir().unwrap();
        let path = StorePath::open(RealFs, 0, temp.path(), false, 4).unwrap().path;
        path.make_subdirs().unwrap();
        let file = name_of(b"whole", 2);
        let appender = "M00/00/03/Ck4BC2sAEAKEAj2qAAAAADUkQcI950.log";
        path.place_whole(&file.as_str()[4..], b"whole").unwrap();
        path.place_whole(&format!("{}-m", &file.as_str()[4..]), b"a\x02b").unwrap();
        path.place_whole(&appender[4..], b"grows").unwrap();
        let lines = |tail: RecordedTail| -> Vec<String> {
            let records = path.reconcile(&tail).unwrap().records;
            let mut lines: Vec<_> = records.iter().map(|r| format!("{:?} {:?} {}", r.origin, r.op, r.name)).collect();
            lines.sort();
            lines
        };
        let tail = || RecordedTail::new(b"", true, OVERLAP_SECS);
        let (own, all_own) = (lines(tail().with_changes_noted(Source::Id(100_001))), lines(tail()));
        assert_eq!(all_own.len(), 3);
        assert!(all_own.iter().all(|line| line.starts_with("Source")), "{all_own:?}");
        assert_eq!(own[0], format!("Replica Create {appender}"));
        assert_eq!(own[1], format!("Replica Update {file}-m"));
        assert_eq!(own[2], format!("Source Create {file}"));
    }
}
