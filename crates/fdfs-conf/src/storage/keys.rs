//! The keys of storage.conf that tracker.conf does not have.

use fdfs_proto::{GroupName, Status};

use super::{StorageConf, fastdht};
use crate::choice::{DistributeMode, Durability, SignatureMethod};
use crate::server::read_port;
use crate::store_path::COUNT_ALLOWED;
use crate::table::{Action, Key};
use crate::value::TimeOfDay;
use crate::{Severity, advertise, trackers};

/// A row of the table.
type Row = Key<StorageConf>;

const EINVAL: Action = Action::Refuse(Status::EINVAL);
const WARN: Action = Action::Clamp(Severity::Warning);

/// The most files that are sent to one peer at the same time.
pub(super) const SYNC_THREADS_MAX: u32 = 256;
/// What `sync_max_threads` may be.
pub(super) const SYNC_MAX_ALLOWED: &str = "auto, or sync_min_threads to 256";

/// Who the storage is, where its files are, and how it stores them.
pub(super) const KEYS: &[Row] = &[
    Row::word(
        "group_name",
        "",
        EINVAL,
        |c, word| {
            c.group_name = word.parse().ok().filter(|group: &GroupName| !group.is_empty());
            c.group_name.is_some()
        },
        "the group of this storage; absent: the tracker is asked, which knows it with storage ids",
    )
    .allowed("1 to 16 letters and digits")
    .sample("group1"),
    Row::text(
        "server_id",
        "",
        |c, v| c.server_id = (!v.is_empty()).then(|| v.to_owned()),
        "this storage's id in storage_ids.conf, where its address does not tell it",
    )
    .allowed("an id of storage_ids.conf, or empty")
    .since("6.11"),
    Row::bool("client_bind", true, |c, v| c.client_bind = v, "let outgoing connections come from bind_addr"),
    trackers::key(|c, r, key| c.tracker_servers = trackers::read(r, key)),
    advertise::storage_key(|c, r, key| c.advertise = advertise::read_storage(r, key)),
    // The store paths are read at the end, when base_path is known.
    Row::custom("store_path_count", "count", "1", |_, _, _| {}, "number of store paths")
        .allowed(COUNT_ALLOWED)
        .otherwise("refused (22)"),
    Row::custom(
        "store_path%d",
        "path",
        "base_path for store_path0",
        |_, _, _| {},
        "the store paths, counted from 0; store_path1 and up are required and must exist",
    )
    .allowed("a path")
    .since("1.12")
    .sample("/opt/fastdfs"),
    Row::custom("store_path%d_readonly", "bool", "false", |_, _, _| {}, "keep uploads away from this store path")
        .allowed("true, false")
        .otherwise("false")
        .since("6.13"),
    Row::count(
        "subdir_count_per_path",
        256,
        |c, v| c.subdir_count_per_path = v,
        "sub directories on each of two levels; equal in the whole group, never to be changed later",
    )
    .at_least(1, EINVAL)
    .at_most(256, EINVAL),
    Row::word(
        "durability",
        "disk",
        EINVAL,
        |c, word| Durability::from_word(word).map(|v| c.durability = v).is_some(),
        "what OK to an upload means; none: the operating system has it, as with the reference; disk: it is on disk",
    )
    .allowed("none, disk")
    .since("own key"),
    Row::count(
        "data_workers",
        0,
        |c, v| c.data_workers = v,
        "threads that serve the data port; 0 for 4 for each core, at least 8",
    )
    .at_most(1024, WARN)
    .since("own key"),
    Row::bool(
        "disk_rw_separated",
        true,
        |c, v| c.disk_rw_separated = v,
        "give readers and writers of a store path limits of their own",
    ),
    Row::count(
        "disk_reader_threads",
        1,
        |c, v| c.disk_reader_threads = v,
        "readers of one store path at the same time",
    )
    .at_least(0, EINVAL)
    .at_most(1024, WARN)
    .sample("2"),
    Row::count(
        "disk_writer_threads",
        1,
        |c, v| c.disk_writer_threads = v,
        "writers of one store path at the same time",
    )
    .at_least(0, EINVAL)
    .at_most(1024, WARN),
    Row::count(
        "disk_recovery_threads",
        1,
        |c, v| c.disk_recovery_threads = v,
        "files fetched at the same time while a disk is recovered",
    )
    .at_least(1, EINVAL)
    .since("6.04")
    .sample("4"),
    Row::int(
        "file_distribute_path_mode",
        0,
        |c, v| c.file_distribute_path_mode = if v == 0 { DistributeMode::RoundRobin } else { DistributeMode::Hash },
        "sub directories of a new file: 0 one after the other, everything else by the hash of the name",
    )
    .allowed("0, 1")
    .otherwise("1"),
    Row::count(
        "file_distribute_rotate_count",
        100,
        |c, v| c.file_distribute_rotate_count = v,
        "files after which the next sub directory is taken",
    )
    .positive(),
    Row::bytes(
        "fsync_after_written_bytes",
        0,
        |c, v| c.fsync_after_written_bytes = v,
        "flush a file after this much of it was written; 0 for never (durability has the last word)",
    ),
    Row::secs(
        "sync_binlog_buff_interval",
        60,
        |c, v| c.sync_binlog_buff_interval_secs = v,
        "accepted without effect: binlog records are written at once",
    )
    .positive()
    .since("1.17")
    .sample("1"),
    Row::secs(
        "sync_stat_file_interval",
        60,
        |c, v| c.sync_stat_file_interval_secs = v,
        "between writes of the statistics file",
    )
    .positive(),
    Row::int(
        "upload_priority",
        10,
        |c, v| c.upload_priority = v,
        "lower is preferred, with store_server 2 of the tracker",
    ),
    Row::text(
        "if_alias_prefix",
        "",
        |c, v| c.if_alias_prefix = v.to_owned(),
        "interfaces whose addresses are this host's; empty for all",
    )
    .allowed("prefixes of interface names, separated by commas"),
    Row::bool(
        "check_store_path_mark",
        true,
        |c, v| c.check_store_path_mark = v,
        "mark store paths, so that one of another storage is not taken by mistake",
    )
    .since("6.03"),
];

/// Talk with trackers and with the other storages of the group.
pub(super) const SYNC_KEYS: &[Row] = &[
    Row::secs("heart_beat_interval", 30, |c, v| c.heart_beat_interval_secs = v, "between beats to the trackers")
        .positive(),
    Row::secs(
        "full_sync_source_timeout",
        300,
        |c, v| c.full_sync_source_timeout_secs = v,
        "a new storage whose source of old files is away for longer asks for another one",
    )
    .positive()
    .since("own key"),
    Row::secs(
        "stat_report_interval",
        300,
        |c, v| c.stat_report_interval_secs = v,
        "between reports of free space to the trackers",
    )
    .positive()
    .sample("60"),
    Row::count(
        "sync_min_threads",
        1,
        |c, v| c.sync_min_threads = v,
        "files sent to one peer at the same time, at least",
    )
    .at_least(1, WARN)
    .at_most(SYNC_THREADS_MAX as i64, WARN)
    .since("6.15"),
    // Read at the end, when the number of store paths is known.
    Row::custom(
        "sync_max_threads",
        "count or auto",
        "auto",
        |_, _, _| {},
        "files sent to one peer at the same time, at most; auto: 2 for each store path",
    )
    .allowed(SYNC_MAX_ALLOWED)
    .otherwise("nearest, other text: 2 for each of sync_min_threads; with a warning")
    .since("6.15"),
    Row::ms(
        "sync_wait_msec",
        100,
        |c, v| c.sync_wait_ms = v,
        "accepted without effect: senders are woken by each record",
    )
    .positive()
    .sample("10"),
    Row::ms("sync_interval", 0, |c, v| c.sync_interval_ms = v, "between two files that are sent to a peer")
        .since("1.13"),
    Row::time(
        "sync_start_time",
        TimeOfDay::new(0, 0),
        |c, v| c.sync_start_time = v,
        "files are sent from this time ...",
    ),
    Row::time("sync_end_time", TimeOfDay::new(23, 59), |c, v| c.sync_end_time = v, "... to this time"),
    Row::count(
        "write_mark_file_freq",
        500,
        |c, v| c.write_mark_file_freq = v,
        "records after which a mark file is written",
    )
    .positive(),
    Row::bytes(
        "sync_bandwidth_limit",
        0,
        |c, v| c.sync_bandwidth_limit_bytes = v,
        "bytes that are sent to all peers together in a second, at most; 0 for no limit",
    )
    .since("own key"),
    Row::bool(
        "file_sync_skip_invalid_record",
        false,
        |c, v| c.file_sync_skip_invalid_record = v,
        "accepted without effect: bad binlog records are set aside and told of, and the rest goes on",
    )
    .since("4.02"),
    Row::bool("compress_binlog", false, |c, v| c.compress_binlog = v, "compress old binlog files")
        .since("6.01")
        .sample("true"),
    Row::time(
        "compress_binlog_time",
        TimeOfDay::new(1, 30),
        |c, v| c.compress_binlog_time = v,
        "when they are compressed",
    )
    .since("6.01"),
];

/// Equal files, stored once; no FastDHT is needed, and its keys mean nothing.
pub(super) const DUPLICATE_KEYS: &[Row] = &[
    Row::bool(
        "check_file_duplicate",
        false,
        |c, v| c.check_file_duplicate = v,
        "store equal files once, with an index of their contents",
    )
    .since("1.14")
    .sample("0"),
    Row::word(
        "file_signature_method",
        "hash",
        Action::UseDefault(Severity::Note),
        |c, word| SignatureMethod::from_word(word).map(|v| c.file_signature_method = v).is_some(),
        "how equal files are found",
    )
    .allowed("hash, md5")
    .since("4.01"),
    Row::text(
        "key_namespace",
        "",
        |c, v| v.clone_into(&mut c.key_namespace),
        "the name space in the index of contents; required with check_file_duplicate",
    )
    .allowed("a name of at most 63 bytes")
    .otherwise("refused (22) with check_file_duplicate")
    .sample("FastDFS"),
    Row::bool("keep_alive", false, |c, v| c.keep_alive = v, "means nothing: no FastDHT is asked").sample("0"),
    Row::custom(
        "group_count",
        "count",
        "0",
        |c, r, _| c.fastdht.groups = fastdht::read_groups(r),
        "number of FastDHT groups; means nothing: no FastDHT is asked",
    )
    .allowed("0 to 256"),
    Row::custom(
        "group%d",
        "host:port, repeatable",
        "",
        |_, _, _| {},
        "FastDHT servers of a group; mean nothing: no FastDHT is asked",
    )
    .allowed("host:port"),
    Row::custom(
        "use_proxy",
        "bool",
        "false",
        |c, r, _| c.fastdht.use_proxy = fastdht::read_use_proxy(r),
        "means nothing: no FastDHT is asked",
    )
    .allowed("true, false")
    .otherwise("false"),
    Row::text("proxy_addr", "", |c, v| c.fastdht.proxy_addr = v.to_owned(), "the proxy").allowed("a host, or empty"),
    Row::custom(
        "proxy_port",
        "port",
        "",
        |c, r, key| c.fastdht.proxy_port = read_port(r, key, Some(0)).unwrap_or(0),
        "the proxy's port",
    )
    .allowed("1 to 65535"),
];
