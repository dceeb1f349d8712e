//! What of tracker.conf the decisions depend on.

use fdfs_proto::GroupName;

use super::ids::IdTable;
use super::routes::{Advertise, AnswerWidth};

/// How a group is chosen for an upload (`store_lookup`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreLookup {
    /// 0: the groups in turn.
    RoundRobin,
    /// 1: always this group (`store_group`).
    Group(GroupName),
    /// 2: the group with the most free space.
    LoadBalance,
}

/// How a storage is chosen for an upload (`store_server`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreServer {
    /// 0: the writable storages in turn.
    RoundRobin,
    /// 1: the first by the text of the id.
    FirstById,
    /// 2: the one with the lowest `upload_priority`.
    LowestPriority,
}

/// How a storage is chosen for a download (`download_server`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DownloadServer {
    /// 0: all storages that have the file, in turn.
    RoundRobin,
    /// 1: the storage that took the upload.
    Source,
}

/// How a store path is chosen (`store_path`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StorePath {
    /// 0: the paths in turn.
    RoundRobin,
    /// 2: the path with the most free space.
    MostFree,
}

/// What identifies the source inside a file name (`id_type_in_filename`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdType {
    /// The address.
    Ip,
    /// The number of the storage id.
    Id,
}

/// Space that uploads must leave free (`reserved_storage_space`). Source: behaviour, 3.12.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Reserved {
    /// Whole megabytes.
    Mb(u64),
    /// A share of the total, between 0 and 1.
    Ratio(f64),
}

impl Reserved {
    /// Whether `free_mb` of `total_mb` leaves room above the reserve.
    #[must_use]
    pub fn allows(self, free_mb: u64, total_mb: u64) -> bool {
        match self {
            Self::Mb(reserved_mb) => free_mb > reserved_mb,
            Self::Ratio(ratio) => total_mb > 0 && free_mb as f64 / total_mb as f64 > ratio,
        }
    }

    /// The same for one store path of `path_count`: each must keep its part of the megabytes, or the same share.
    #[must_use]
    pub fn allows_path(self, free_mb: u64, total_mb: u64, path_count: usize) -> bool {
        match self {
            Self::Mb(reserved_mb) => free_mb > reserved_mb / (path_count.max(1) as u64),
            Self::Ratio(_) => self.allows(free_mb, total_mb),
        }
    }

    /// The megabytes that lists show as reserved.
    #[must_use]
    pub fn mb_of(self, total_mb: u64) -> u64 {
        match self {
            Self::Mb(reserved_mb) => reserved_mb,
            Self::Ratio(ratio) => (total_mb as f64 * ratio) as u64,
        }
    }
}

/// Everything of tracker.conf that the decisions depend on. Source: configuration, 4.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `store_lookup` and `store_group`.
    pub store_lookup: StoreLookup,
    /// `store_server` as configured; [`Settings::effective_store_server`] is what counts.
    pub store_server: StoreServer,
    /// `download_server`.
    pub download_server: DownloadServer,
    /// `store_path`.
    pub store_path: StorePath,
    /// `reserved_storage_space`.
    pub reserved: Reserved,
    /// `check_active_interval`: a storage silent for longer is OFFLINE.
    pub check_active_interval_secs: u64,
    /// `storage_sync_file_max_delay`: a file older than this is taken to be everywhere.
    pub sync_file_max_delay_secs: i64,
    /// `storage_sync_file_max_time`: the longest time that copying one file takes.
    pub sync_file_max_time_secs: i64,
    /// `use_trunk_file`.
    pub use_trunk_file: bool,
    /// `trunk_init_check_occupying`: a trunk server needs longer to start.
    pub trunk_init_check_occupying: bool,
    /// `trunk_init_reload_from_binlog`: a trunk server needs longer to start.
    pub trunk_init_reload_from_binlog: bool,
    /// storage_ids.conf with `use_storage_id`; `None` identifies storages by their addresses.
    pub ids: Option<IdTable>,
    /// `trust_storage_server_id`: an id in the join counts, whatever address it comes from.
    pub trust_storage_server_id: bool,
    /// `id_type_in_filename`.
    pub id_type_in_filename: IdType,
    /// `advertise`: which address of a storage is told to whom, the first that matches counts.
    pub advertise: Vec<Advertise>,
    /// `response_ip_addr_size`: how wide the addresses of some answers are.
    pub answer_width: AnswerWidth,
}

impl Settings {
    /// `store_server`, where trunk files turn round robin into "first": small files need one stable choice.
    #[must_use]
    pub fn effective_store_server(&self) -> StoreServer {
        match self.store_server {
            StoreServer::RoundRobin if self.use_trunk_file => StoreServer::FirstById,
            other => other,
        }
    }

    /// `check_active_interval` in milliseconds.
    #[must_use]
    pub const fn check_active_interval_ms(&self) -> u64 {
        self.check_active_interval_secs.saturating_mul(1000)
    }

    /// Whether storages of one group may listen on different ports.
    #[must_use]
    pub fn allows_mixed_ports(&self) -> bool {
        self.ids.is_some() && self.id_type_in_filename == IdType::Id
    }
}

/// The code defaults of tracker.conf.
impl Default for Settings {
    fn default() -> Self {
        Self {
            store_lookup: StoreLookup::RoundRobin,
            store_server: StoreServer::RoundRobin,
            download_server: DownloadServer::RoundRobin,
            store_path: StorePath::RoundRobin,
            reserved: Reserved::Mb(1024),
            check_active_interval_secs: 100,
            sync_file_max_delay_secs: 86_400,
            sync_file_max_time_secs: 300,
            use_trunk_file: false,
            trunk_init_check_occupying: false,
            trunk_init_reload_from_binlog: false,
            ids: None,
            trust_storage_server_id: true,
            id_type_in_filename: IdType::Ip,
            advertise: Vec::new(),
            answer_width: AnswerWidth::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_space_is_a_strict_limit() {
        for (reserved, free_mb, total_mb, allows) in [
            (Reserved::Mb(100), 100, 1000, false),
            (Reserved::Mb(100), 101, 1000, true),
            (Reserved::Mb(0), 0, 1000, false),
            (Reserved::Mb(0), 1, 0, true),
            (Reserved::Ratio(0.1), 100, 1000, false),
            (Reserved::Ratio(0.1), 101, 1000, true),
            (Reserved::Ratio(0.1), 10, 0, false),
            (Reserved::Ratio(0.5), u64::MAX, u64::MAX, true),
        ] {
            assert_eq!(reserved.allows(free_mb, total_mb), allows, "{reserved:?} {free_mb} of {total_mb}");
        }
    }

    #[test]
    fn each_path_keeps_its_part_of_the_megabytes() {
        assert!(!Reserved::Mb(100).allows_path(33, 0, 3));
        assert!(Reserved::Mb(100).allows_path(34, 0, 3));
        assert!(!Reserved::Mb(100).allows_path(50, 0, 0), "no path at all must not divide by zero");
        assert!(Reserved::Ratio(0.2).allows_path(21, 100, 3));
        assert!(!Reserved::Ratio(0.2).allows_path(20, 100, 3));
    }

    #[test]
    fn a_ratio_is_shown_in_whole_megabytes() {
        assert_eq!(Reserved::Ratio(0.01).mb_of(258_019), 2580);
        assert_eq!(Reserved::Mb(7).mb_of(258_019), 7);
    }

    #[test]
    fn trunk_files_turn_round_robin_into_first() {
        let mut settings = Settings { use_trunk_file: true, ..Settings::default() };
        assert_eq!(settings.effective_store_server(), StoreServer::FirstById);
        settings.store_server = StoreServer::LowestPriority;
        assert_eq!(settings.effective_store_server(), StoreServer::LowestPriority);
    }
}
