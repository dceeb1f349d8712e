use super::*;
use crate::{ConfError, Env, Finding, LogLevel, MapLoader, Severity, TimePrecision};

const BASE: &str = "base_path = /srv/s1\ntracker_server = 10.0.0.1\n";

fn parse_text(text: &str) -> Result<crate::Parsed<StorageConf>, ConfError> {
    StorageConf::parse("storage.conf", &MapLoader::one("storage.conf", text), &Env::default())
}

fn parse(text: &str) -> Result<crate::Parsed<StorageConf>, ConfError> {
    parse_text(&format!("{BASE}{text}"))
}

fn conf(text: &str) -> StorageConf {
    parse(text).unwrap_or_else(|e| panic!("{text}: {e}")).conf
}

fn findings(text: &str) -> Vec<Finding> {
    parse(text).unwrap().findings
}

#[track_caller]
fn refused(text: &str, errno: i32) {
    match parse(text) {
        Ok(_) => panic!("{text} must be refused"),
        Err(e) => assert_eq!(e.errno(), errno, "{text}: {e}"),
    }
}

#[test]
fn defaults_are_those_of_the_code_of_the_reference() {
    let conf = conf("");
    assert_eq!((conf.server.inner_port, conf.server.network_timeout_secs), (23000, 30));
    assert_eq!(conf.store_paths, [StoragePath { path: "/srv/s1".into(), readonly: false }]);
    assert_eq!((conf.subdir_count_per_path, conf.upload_priority), (256, 10));
    assert_eq!((conf.heart_beat_interval_secs, conf.stat_report_interval_secs), (30, 300));
    assert_eq!((conf.disk_reader_threads, conf.disk_writer_threads, conf.disk_recovery_threads), (1, 1, 1));
    assert_eq!((conf.sync_min_threads, conf.sync_max_threads), (1, 2));
    assert_eq!((conf.sync_wait_ms, conf.sync_interval_ms, conf.write_mark_file_freq), (100, 0, 500));
    assert_eq!((conf.sync_start_time, conf.sync_end_time), (TimeOfDay::new(0, 0), TimeOfDay::new(23, 59)));
    assert_eq!((conf.file_distribute_path_mode, conf.file_distribute_rotate_count), (DistributeMode::RoundRobin, 100));
    assert_eq!((conf.sync_binlog_buff_interval_secs, conf.sync_stat_file_interval_secs), (60, 60));
    assert!(conf.client_bind && conf.disk_rw_separated && conf.check_store_path_mark && !conf.compress_binlog);
    assert_eq!((conf.durability, conf.data_workers), (Durability::Disk, 0));
    assert_eq!((conf.access_log.enabled, conf.access_log.time_precision), (false, TimePrecision::Millisecond));
    assert_eq!(conf.access_log, AccessLogConf::default());
    let defaults = StorageConf {
        server: ServerConf { base_path: "/srv/s1".into(), ..StorageConf::default().server },
        tracker_servers: conf.tracker_servers.clone(),
        store_paths: conf.store_paths.clone(),
        ..StorageConf::default()
    };
    assert_eq!(conf, defaults);
}

#[test]
fn trackers_are_required_and_listed_once() {
    assert_eq!(parse_text("base_path=/x\n").unwrap_err().errno(), 2);
    refused("tracker_server = 10.0.0.1,10.0.0.2:22122\n", 22);
    refused("tracker_server =\n", 22);
    refused("tracker_server = a:99999\n", 22);
    let trackers =
        conf("tracker_server=10.0.0.1:22122\ntracker_server=127.0.0.1:1\ntracker_server=t.example,1.2.3.4:5\n");
    let texts: Vec<String> = trackers.tracker_servers.iter().map(ToString::to_string).collect();
    assert_eq!(texts, ["10.0.0.1:22122", "127.0.0.1:1", "t.example:5,1.2.3.4:5"]);
    let many: String = (2..20).map(|n| format!("tracker_server = 10.0.0.{n}\n")).collect();
    refused(&many, 22);
}

#[test]
fn store_paths() {
    let conf =
        conf("store_path_count = 3\nstore_path0=/a/\nstore_path1 = /b\nstore_path2=/c/\nstore_path1_readonly=yes\n");
    let paths: Vec<(&str, bool)> = conf.store_paths.iter().map(|p| (p.path.to_str().unwrap(), p.readonly)).collect();
    assert_eq!(paths, [("/a", false), ("/b", true), ("/c", false)]);
    assert_eq!(conf.sync_max_threads, 6);
    refused("store_path_count = 2\n", 2);
    refused("store_path_count = 0\n", 22);
    refused("store_path_count = 257\n", 22);
    let notes = findings("store_path0=/a\nstore_path1=/b\n");
    assert_eq!(notes.len(), 1);
    assert_eq!((notes[0].key.as_str(), notes[0].severity), ("store_path1", Severity::Note));
}

#[test]
fn groups_and_ids() {
    assert_eq!(conf("group_name = group1\n").group_name.unwrap().as_str(), "group1");
    refused("group_name =\n", 22);
    refused("group_name = group_1\n", 22);
    refused("group_name = seventeenletters1\n", 22);
    assert_eq!(conf("server_id = 100001\n").server_id.as_deref(), Some("100001"));
    assert_eq!(conf("server_id =\n").server_id, None);
}

#[test]
fn a_key_that_does_nothing_here_is_noted_where_somebody_has_set_it() {
    let notes = findings(
        "sync_wait_msec = 200\nfile_sync_skip_invalid_record = yes\nsync_binlog_buff_interval = 10\nsync_interval = 5\n",
    );
    let keys: Vec<_> = notes.iter().map(|note| (note.key.as_str(), note.severity)).collect();
    let expected = ["sync_binlog_buff_interval", "sync_wait_msec", "file_sync_skip_invalid_record"];
    assert_eq!(keys, expected.map(|key| (key, Severity::Note)));
    assert!(notes[1].to_string().contains("without effect: senders are woken by each record"), "{}", notes[1]);
    // As it is in every file that nobody has touched.
    let untouched = "sync_wait_msec = 10\nfile_sync_skip_invalid_record = false\nsync_binlog_buff_interval = 1\n";
    assert_eq!(findings(untouched), []);
}

#[test]
fn sub_directories_are_1_to_256() {
    for n in ["0", "257", "-1", "abc"] {
        refused(&format!("subdir_count_per_path = {n}\n"), 22);
    }
}

#[test]
fn disk_threads() {
    for text in [
        "disk_reader_threads = -1\n",
        "disk_writer_threads=0\n",
        "disk_rw_separated=0\ndisk_reader_threads=0\ndisk_writer_threads=0\n",
        "disk_recovery_threads = 0\n",
    ] {
        refused(text, 22);
    }
    assert_eq!(conf("disk_rw_separated=0\ndisk_reader_threads=0\n").disk_reader_threads, 0);
}

#[test]
fn sync_threads_are_corrected() {
    for (text, min, max) in [
        ("sync_min_threads = 0\n", 1, 2),
        ("sync_min_threads = 300\n", 256, 256),
        ("sync_min_threads = 4\n", 4, 4),
        ("sync_min_threads=4\nsync_max_threads = 3\n", 4, 4),
        ("sync_min_threads=4\nsync_max_threads = many\n", 4, 8),
        ("sync_max_threads = 1000\n", 1, 256),
        ("sync_max_threads = 0\n", 1, 2),
        ("sync_max_threads = AUTO\n", 1, 2),
        ("sync_max_threads = 7\n", 1, 7),
    ] {
        let conf = conf(text);
        assert_eq!((conf.sync_min_threads, conf.sync_max_threads), (min, max), "{text}");
    }
    assert_eq!(findings("sync_max_threads = many\n")[0].severity, Severity::Warning);
}

#[test]
fn intervals_below_their_least_value() {
    assert_eq!(conf("sync_wait_msec = 0\n").sync_wait_ms, 100);
    assert_eq!(conf("sync_interval = -1\n").sync_interval_ms, 0);
    assert_eq!(conf("heart_beat_interval = -1\n").heart_beat_interval_secs, 30);
    assert_eq!(conf("write_mark_file_freq = 0\n").write_mark_file_freq, 500);
    assert_eq!(conf("upload_priority = -7\n").upload_priority, -7);
    assert_eq!(conf("file_distribute_path_mode = 9\n").file_distribute_path_mode, DistributeMode::Hash);
}

#[test]
fn the_default_stack_size_is_no_reason_to_refuse() {
    assert_eq!(conf("thread_stack_size = 256KB\n").server.thread_stack_size_bytes, 256 << 10);
}

#[test]
fn a_small_buffer_is_refused() {
    refused("buff_size = 64KB\n", 22);
    assert_eq!(conf("buff_size = 65546\n").server.buff_size_bytes, 65_546);
}

#[test]
fn the_access_log_has_a_section() {
    let text = "log_level=warn\nlog_file_keep_days=3\nenabled=1\n[error-log]\nlog_file_keep_days=4\n\
                [access-log]\nenabled = true\ntime_precision = us\nlog_file_keep_days=5\n";
    let conf = conf(text);
    assert_eq!(conf.server.log_level, LogLevel::Warn);
    assert_eq!((conf.log.keep_days, conf.access_log.log.keep_days), (4, 5));
    assert_eq!((conf.access_log.enabled, conf.access_log.time_precision), (true, TimePrecision::Microsecond));
    assert!(!super::tests::conf("enabled=1\n").access_log.enabled);
    let texts: Vec<String> = findings("enabled=1\n").iter().map(ToString::to_string).collect();
    assert_eq!(texts, ["storage.conf:3: warning: enabled: unknown key, did you mean enabled in [access-log]?"]);
    assert_eq!(findings("[access-log]\ntime_precision = US\n")[0].severity, Severity::Warning);
}

#[test]
fn duplicates_need_a_name_space() {
    refused("check_file_duplicate = 1\n", 22);
    refused("check_file_duplicate = 1\nkey_namespace =\n", 22);
    let text = "check_file_duplicate=1\nkey_namespace=F\ngroup_count=2\ngroup0=a:1\ngroup0=b:1\ngroup1=c:1\n";
    assert_eq!(conf(text).fastdht.groups, [vec!["a:1".to_owned(), "b:1".to_owned()], vec!["c:1".to_owned()]]);
    refused("group_count = 99999999\n", 22);
    assert_eq!(conf("key_namespace =\n").key_namespace, "");
}

#[test]
fn our_own_keys() {
    assert_eq!(conf("durability = NONE\n").durability, Durability::None);
    refused("durability = maybe\n", 22);
    assert_eq!(conf("data_workers = 3\n").data_worker_count(2), 3);
    assert_eq!(conf("").data_worker_count(1), 8);
    assert_eq!(conf("").data_worker_count(16), 64);
}

#[test]
fn a_configuration_of_the_reference_is_read_without_a_warning() {
    let text = "disabled = false\ngroup_name = group1\nbind_addr =\nclient_bind = true\nport = 23000\n\
        address_family = auto\n\
        connect_timeout=2\nuse_io_uring = false\nuse_send_zc = true\nbuff_size = 256KB\nsync_max_threads = auto\n\
        store_path0=/srv/p0\nsubdir_count_per_path = 256\nrun_by_group =\nrun_by_user =\nallow_hosts = *\n\
        thread_stack_size = 512KB\nif_alias_prefix =\ncheck_file_duplicate = 0\nkey_namespace = FastDFS\n\
        keep_alive = 0\n\
        [error-log]\n[access-log]\nenabled = true\ntime_precision = us\n";
    assert_eq!(findings(text), []);
}
