//! The directories of a storage.

use std::path::Path;

use fdfs_conf::{Durability, StorageConf};
use fdfs_proto::disk::StateFile;
use fdfs_proto::disk::data_init_flag::{CompressStage, DataInitFlag};
use fdfs_proto::disk::storage_stat::StorageStatFile;
use fdfs_proto::disk::store_path_mark::StorePathMarkFile;
use fdfs_proto::disk::trunk_record::trunk_lines;
use fdfs_proto::disk::trunk_snapshot::TrunkSnapshot;

use super::report::Report;
use super::{log, running, store_path, tracker};
use crate::daemon::program::Program;
use fdfs_watch::findings::Severity;

/// The name of the log of trunk blocks, below `trunk`.
const TRUNK_BINLOG: &str = "binlog";

/// Looks at all of them.
pub(super) fn look(conf: &StorageConf, is_quick: bool, report: &mut Report) {
    let base_path = &conf.server.base_path;
    let data = base_path.join("data");
    if !data.is_dir() {
        let about = data.display().to_string();
        let data_of = || conf.store_paths.iter().map(|path| path.path.join("data"));
        let advice = "look whether base_path is right and its disk is mounted, or restore data from a copy";
        if conf.check_store_path_mark && data_of().any(|data| data.join(StorePathMarkFile::FILE).exists()) {
            let what =
                "is not there, and the store paths bear the marks of a storage: a storage refuses to start on them";
            report.say(Severity::Error, "no-state", about, what, advice);
        } else if data_of().any(|data| data.join("00/00").is_dir()) {
            let what = "is not there, and the store paths are those of a storage: it would join as a new one, \
                        and what it has not sent to the others yet would never be sent";
            report.say(Severity::Warning, "no-state", about, what, advice);
        } else {
            let what = "is not there: a storage that starts here is a new one";
            report.say(Severity::Note, "empty", about, what, "look whether base_path is right");
        }
        store_path::look(conf, None, report);
        return;
    }
    running::look(Program::Storage, base_path, report);
    running::may_write(&data, report);
    let flag = init_flag(&data, report);
    tracker::file::<StorageStatFile>(&data, report);
    log::look(&data.join("sync"), conf.server.inner_port, is_quick, report);
    store_path::look(conf, flag.as_ref(), report);
    trunk(&data, flag.as_ref(), report);
    what_differs(conf, report);
}

fn init_flag(data: &Path, report: &mut Report) -> Option<DataInitFlag> {
    let path = data.join(DataInitFlag::FILE);
    let about = path.display().to_string();
    let flag = tracker::file::<DataInitFlag>(data, report);
    if let Some(flag) = &flag {
        let address = if flag.last_ip_addr.is_empty() { "an unknown address" } else { &flag.last_ip_addr };
        report.fact(format!(
            "joined at {} (unix seconds), last on {address}, port {}",
            flag.storage_join_time, flag.last_server_port
        ));
        if !flag.sync_old_done {
            report.say(
                Severity::Note,
                "not-filled-yet",
                about,
                format!(
                    "is still being filled by {}",
                    if flag.sync_src_server.is_empty() { "nobody yet" } else { flag.sync_src_server.as_str() }
                ),
                "nothing to do: that goes on",
            );
        }
    } else if !path.exists() && data.join("sync").is_dir() {
        report.say(
            Severity::Warning,
            "no-init-flag",
            about,
            "is missing, though there is a replication log: a storage refuses to start on store paths with its mark, or would join as a new one",
            "restore it from a copy; else it gets all files from the others again",
        );
    }
    flag
}

/// Free space in trunk files; only the trunk server of a group has it.
fn trunk(data: &Path, flag: Option<&DataInitFlag>, report: &mut Report) {
    let stage = flag.map_or(CompressStage::None, |flag| flag.trunk_binlog_compress_stage);
    if !matches!(stage, CompressStage::None | CompressStage::Finished) {
        report.say(
            Severity::Note,
            "compression",
            data.join("trunk").display().to_string(),
            format!("a compression of the trunk log was begun and has not ended (stage {})", stage.number()),
            "nothing to do: the start ends it, or takes it back",
        );
    }
    if let Some(snapshot) = tracker::file::<TrunkSnapshot>(data, report) {
        let bytes: u64 = snapshot.blocks.iter().map(|free| u64::from(free.block.size)).sum();
        report.fact(format!("{}: {} free blocks of {bytes} bytes", TrunkSnapshot::FILE, snapshot.blocks.len()));
    }
    let path = data.join("trunk").join(TRUNK_BINLOG);
    let Some(bytes) = running::read(&path, report) else { return };
    let bad = trunk_lines(&bytes).filter(|line| line.record.is_err()).count();
    if bad > 0 {
        report.say(
            Severity::Warning,
            "bad-records",
            path.display().to_string(),
            format!("{bad} lines of the trunk log cannot be read, and are passed over"),
            "trunk_init_check_occupying = true compares free blocks with what is in the trunk files at the start",
        );
    }
}

/// What will be different though nothing is wrong.
fn what_differs(conf: &StorageConf, report: &mut Report) {
    if conf.durability == Durability::Disk {
        report.say(
            Severity::Note,
            "durability",
            "durability",
            "an OK means that file, name and record are on the disk; the reference gives it while they are in memory",
            "nothing to do; durability = none is the old promise, and quicker for single uploads (docs/durability.md)",
        );
    }
    if conf.check_file_duplicate {
        report.say(
            Severity::Note,
            "duplicates",
            "check_file_duplicate",
            "contents are remembered in this storage and no longer in FastDHT; what FastDHT knows is not taken over",
            "nothing to do: links that are there stay, and each content is stored once more before it is linked again",
        );
    }
}
