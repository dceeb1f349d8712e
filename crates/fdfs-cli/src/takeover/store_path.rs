//! The store paths of a storage.

use std::path::Path;

use fdfs_conf::StorageConf;
use fdfs_proto::disk::data_init_flag::DataInitFlag;
use fdfs_proto::disk::recovery;
use fdfs_proto::disk::store_path_mark::StorePathMarkFile;

use super::report::Report;
use super::{running, tracker};
use fdfs_watch::findings::Severity;

/// Looks at all of them.
pub(super) fn look(conf: &StorageConf, flag: Option<&DataInitFlag>, report: &mut Report) {
    for (index, store_path) in (0..=u8::MAX).zip(&conf.store_paths) {
        let about = format!("store_path{index} ({})", store_path.path.display());
        let data = store_path.path.join("data");
        let was_used = flag.is_some_and(|flag| flag.sync_old_done);
        if !data.is_dir() {
            missing(&about, was_used, report);
            continue;
        }
        if !store_path.readonly {
            running::may_write(&data, report);
        }
        let wanted = u64::from(conf.subdir_count_per_path).pow(2);
        let count = subdir_count(&data, conf.subdir_count_per_path);
        report.fact(format!("{about}: {count} of {wanted} directories, {}", space(&data)));
        let is_begun = data.join(recovery::FLAG_FILE).exists();
        if is_begun {
            let what = "a disk recovery was begun and has not ended";
            report.say(Severity::Note, "recovery", &about, what, "nothing to do: it goes on where it stood");
        } else if was_used && count < wanted {
            report.say(
                Severity::Error,
                "lost-directories",
                &about,
                format!("has {count} of {wanted} directories: it counts as lost, and would be filled from the other storages"),
                "look whether its disk is mounted and whether subdir_count_per_path is what it was",
            );
        }
        mark(conf, flag, index, &data, &about, report);
    }
    if let Some(flag) = flag
        && flag.store_path_marks.keys().any(|index| usize::from(*index) >= conf.store_paths.len())
    {
        report.say(
            Severity::Error,
            "fewer-store-paths",
            "store_path_count",
            "there were more store paths before: the files of those that are gone cannot be read",
            "name all of them, in their old order",
        );
    }
}

fn missing(about: &str, was_used: bool, report: &mut Report) {
    if was_used {
        report.say(
            Severity::Error,
            "no-store-path",
            about,
            "has no data directory, and this storage had files",
            "mount its disk; the order of the store paths must be the old one, too",
        );
    } else {
        report.say(Severity::Note, "no-store-path", about, "has no data directory yet", "nothing to do: it is made");
    }
}

/// `.fastdfs_vars` on the path, and the copy that the storage keeps of it.
fn mark(conf: &StorageConf, flag: Option<&DataInitFlag>, index: u8, data: &Path, about: &str, report: &mut Report) {
    let on_path = tracker::file::<StorePathMarkFile>(data, report).and_then(|file| file.mark);
    let Some(flag) = flag.filter(|_| conf.check_store_path_mark) else { return };
    let copy = flag.store_path_marks.get(&index);
    if let Some(mark) = on_path.as_ref().filter(|mark| copy.is_some_and(|copy| copy != *mark)) {
        let whose = mark.fields().map_or_else(
            || "another storage".to_owned(),
            |fields| format!("{}:{}, its store path {}", fields.ip, fields.port, fields.store_path_index),
        );
        report.say(
            Severity::Error,
            "foreign-store-path",
            about,
            format!("bears the mark of {whose}: a storage refuses to start on it"),
            "look whether the right disk is mounted there, and whether the order of the store paths is the old one",
        );
    }
}

fn subdir_count(data: &Path, per_level: u32) -> u64 {
    let numbers = 0..per_level.min(256);
    let inner = numbers.clone();
    let is_dir = |high: u32, low: u32| data.join(format!("{high:02X}/{low:02X}")).is_dir();
    numbers.map(|high| inner.clone().filter(|&low| is_dir(high, low)).count() as u64).sum()
}

fn space(path: &Path) -> String {
    match rustix::fs::statvfs(path) {
        Ok(facts) => format!("{} MB free", (facts.f_bavail * facts.f_frsize) >> 20),
        Err(error) => format!("its space cannot be asked for: {error}"),
    }
}
