//! storage.conf.
//!
//! Source: configuration, 3 and 5.

mod fastdht;
mod keys;

use fdfs_proto::{GroupName, Status};

pub use fastdht::FastDhtConf;

use crate::address::TrackerServer;
use crate::advertise::AdvertiseRule;
use crate::check::FileKind;
use crate::choice::{DistributeMode, Durability, SignatureMethod};
use crate::http_port::{self, HasHttpPort, HttpPort};
use crate::log_conf::{
    AccessLogConf, HasAccessLog, HasErrorLog, LogConf, access_log_keys, error_log_keys, historic_keys,
};
use crate::server::{self, HasServer, ServerConf};
use crate::store_path::{self, StoragePath};
use crate::table::{ConfFile, Key, Reading, Section, conf_struct};
use crate::trackers;
use crate::value::TimeOfDay;

conf_struct! {
    /// A storage's configuration.
    pub struct StorageConf {
        /// What it has in common with a tracker.
        pub server: ServerConf,
        /// Whether and where files are served over HTTP. Keys of our own.
        pub http: HttpPort,
        /// The error log.
        pub log: LogConf,
        /// `[access-log]`: the access log.
        pub access_log: AccessLogConf,
        /// `group_name`; absent: the tracker is asked, which knows it with storage ids.
        pub group_name: Option<GroupName>,
        /// `server_id`: this storage's id in storage_ids.conf, where its address does not tell it (NAT).
        pub server_id: Option<String>,
        /// `client_bind`: whether outgoing connections come from `bind_addr`.
        pub client_bind: bool,
        /// `tracker_server`: the trackers.
        pub tracker_servers: Vec<TrackerServer>,
        /// `store_path0`, `store_path1`, ...: at least one, `store_path_count` of them.
        pub store_paths: Vec<StoragePath>,
        /// `subdir_count_per_path`: sub directories on each of the two levels, 1 to 256.
        pub subdir_count_per_path: u32,
        /// `heart_beat_interval`, seconds.
        pub heart_beat_interval_secs: u64,
        /// `full_sync_source_timeout`, seconds: a new storage whose source of old files is away for longer asks for
        /// another one. A key of our own.
        pub full_sync_source_timeout_secs: u64,
        /// `stat_report_interval`: seconds between reports of free space.
        pub stat_report_interval_secs: u64,
        /// `disk_rw_separated`: whether readers and writers of a store path have limits of their own.
        pub disk_rw_separated: bool,
        /// `disk_reader_threads`: readers of one store path at the same time.
        pub disk_reader_threads: u32,
        /// `disk_writer_threads`: writers of one store path at the same time.
        pub disk_writer_threads: u32,
        /// `disk_recovery_threads`: files fetched at the same time while a disk is recovered.
        pub disk_recovery_threads: u32,
        /// `sync_min_threads`: files sent to one peer at the same time, at least.
        pub sync_min_threads: u32,
        /// `sync_max_threads`: files sent to one peer at the same time, at most; `auto` is worked out.
        pub sync_max_threads: u32,
        /// `sync_wait_msec`: has no effect, senders are woken.
        pub sync_wait_ms: u64,
        /// `sync_interval`: milliseconds between two files.
        pub sync_interval_ms: u64,
        /// `sync_bandwidth_limit`: bytes that are sent to all peers together in a second, 0 for no limit. A key of our own.
        pub sync_bandwidth_limit_bytes: u64,
        /// `sync_start_time`: files are sent from here ...
        pub sync_start_time: TimeOfDay,
        /// `sync_end_time`: ... to here.
        pub sync_end_time: TimeOfDay,
        /// `write_mark_file_freq`: records after which the mark file is written.
        pub write_mark_file_freq: u32,
        /// `file_distribute_path_mode`: how sub directories are chosen.
        pub file_distribute_path_mode: DistributeMode,
        /// `file_distribute_rotate_count`: files after which the next sub directory is taken.
        pub file_distribute_rotate_count: u32,
        /// `fsync_after_written_bytes`: bytes of one file after which it is flushed; 0 for never.
        pub fsync_after_written_bytes: u64,
        /// `sync_binlog_buff_interval`: seconds that the reference keeps binlog records to itself.
        pub sync_binlog_buff_interval_secs: u64,
        /// `sync_stat_file_interval`: seconds between writes of the statistics file.
        pub sync_stat_file_interval_secs: u64,
        /// `upload_priority`: lower is preferred, with `store_server` 2 of the tracker.
        pub upload_priority: i32,
        /// `if_alias_prefix`: prefixes of the interfaces whose addresses are this host's; empty for all.
        pub if_alias_prefix: String,
        /// `check_file_duplicate`: whether equal files are stored once.
        pub check_file_duplicate: bool,
        /// `file_signature_method`: how equal files are found.
        pub file_signature_method: SignatureMethod,
        /// `key_namespace`: the name space in the index of contents.
        pub key_namespace: String,
        /// `keep_alive`: means nothing, no FastDHT is asked.
        pub keep_alive: bool,
        /// The FastDHT servers.
        pub fastdht: FastDhtConf,
        /// `file_sync_skip_invalid_record`: has no effect, bad records are always set aside.
        pub file_sync_skip_invalid_record: bool,
        /// `compress_binlog`: whether old binlog files are compressed.
        pub compress_binlog: bool,
        /// `compress_binlog_time`: when.
        pub compress_binlog_time: TimeOfDay,
        /// `check_store_path_mark`: whether store paths carry a mark that tells whose they are.
        pub check_store_path_mark: bool,
        /// `advertise`: which address of this storage is told to whom. A key of our own.
        pub advertise: Vec<AdvertiseRule>,
        /// `durability`: what a client's OK means. A key of our own.
        pub durability: Durability,
        /// `data_workers`: threads that serve the data port, 0 for [`StorageConf::data_worker_count`]'s choice. A key
        /// of our own.
        pub data_workers: u32,
    }
}

impl StorageConf {
    /// The number of threads that serve the data port: `data_workers`, or 4 for each core and at least 8.
    #[must_use]
    pub fn data_worker_count(&self, core_count: usize) -> usize {
        match self.data_workers {
            0 => core_count.saturating_mul(4).max(8),
            count => count as usize,
        }
    }
}

impl HasHttpPort for StorageConf {
    const USUAL: &'static str = "8888";

    fn http_port(&mut self) -> &mut HttpPort {
        &mut self.http
    }
}

impl HasServer for StorageConf {
    const PORT: u16 = fdfs_proto::limits::STORAGE_PORT;
    const PORT_TEXT: &'static str = "23000";
    const NETWORK_TIMEOUT_SECS: u64 = 30;
    const SAMPLE_THREAD_STACK: &'static str = "512KB";

    fn server(&mut self) -> &mut ServerConf {
        &mut self.server
    }
}

impl HasErrorLog for StorageConf {
    fn error_log(&mut self) -> &mut LogConf {
        &mut self.log
    }
}

impl HasAccessLog for StorageConf {
    fn access_log(&mut self) -> &mut AccessLogConf {
        &mut self.access_log
    }
}

/// The least `buff_size`: one piece of a file and a header.
const BUFF_SIZE_MIN: u64 = (64 << 10) + 10;

impl ConfFile for StorageConf {
    const KIND: FileKind = FileKind::Storage;

    fn blank() -> Self {
        Self::blank_fields()
    }

    fn keys() -> Vec<Key<Self>> {
        [
            server::keys(),
            keys::KEYS.to_vec(),
            keys::SYNC_KEYS.to_vec(),
            keys::DUPLICATE_KEYS.to_vec(),
            http_port::keys().to_vec(),
            error_log_keys(),
            access_log_keys(),
            historic_keys(),
        ]
        .concat()
    }

    fn finish(&mut self, reading: &mut Reading<'_>) {
        server::finish(&mut self.server, reading);
        trackers::require(reading);
        self.store_paths = store_path::read("", Some(&self.server.base_path), reading);
        if let Some(item) =
            reading.last(Section::Global, "buff_size").filter(|_| self.server.buff_size_bytes < BUFF_SIZE_MIN)
        {
            reading.refuse(item, format!("at least {BUFF_SIZE_MIN} bytes"), Status::EINVAL);
        }
        self.finish_disk_threads(reading);
        self.finish_sync_threads(reading);
        if self.check_file_duplicate {
            match reading.last(Section::Global, "key_namespace") {
                Some(item) if !(1..=63).contains(&item.value.len()) => {
                    reading.refuse(item, "a name of 1 to 63 bytes", Status::EINVAL);
                }
                Some(_) => {}
                None => {
                    reading.missing("key_namespace", "a name, because check_file_duplicate is on", Status::EINVAL);
                }
            }
        }
    }
}

impl StorageConf {
    fn finish_disk_threads(&self, reading: &mut Reading<'_>) {
        let (readers, writers) = (self.disk_reader_threads, self.disk_writer_threads);
        let wrong = match self.disk_rw_separated {
            true => [("disk_reader_threads", readers == 0), ("disk_writer_threads", writers == 0)],
            false => [("disk_reader_threads", readers + writers == 0), ("disk_writer_threads", false)],
        };
        for (name, is_wrong) in wrong {
            if let Some(item) =
                reading.last(Section::Global, name).filter(|item| is_wrong && !item.value.starts_with('-'))
            {
                reading.refuse(item, "at least 1", Status::EINVAL);
            }
        }
    }

    fn finish_sync_threads(&mut self, reading: &mut Reading<'_>) {
        let item = reading.last(Section::Global, "sync_max_threads").filter(|item| !is_auto(&item.value));
        let Some(item) = item else {
            let of_paths =
                u32::try_from(self.store_paths.len() * 2).unwrap_or(u32::MAX).clamp(1, keys::SYNC_THREADS_MAX);
            self.sync_max_threads = of_paths.max(self.sync_min_threads);
            return;
        };
        let least = self.sync_min_threads;
        let value = crate::value::parse_int(&item.value);
        let (used, is_fine) = match u32::try_from(value.value) {
            Ok(count) if value.is_clean && count >= least => {
                (count.min(keys::SYNC_THREADS_MAX), count <= keys::SYNC_THREADS_MAX)
            }
            Ok(_) if value.is_clean => (least, false),
            _ if value.is_clean => (least, false),
            _ => ((least * 2).min(keys::SYNC_THREADS_MAX), false),
        };
        if !is_fine {
            reading.warn(item, format!("{} is not allowed, {used} is used", item.value), keys::SYNC_MAX_ALLOWED);
        }
        self.sync_max_threads = used;
    }
}

/// `auto` and 0 leave the number to the storage.
fn is_auto(value: &str) -> bool {
    value.is_empty() || value == "0" || value.eq_ignore_ascii_case("auto")
}

#[cfg(test)]
mod tests;
