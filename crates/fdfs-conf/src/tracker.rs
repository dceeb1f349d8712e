//! tracker.conf.
//!
//! Source: configuration, 3 and 4.

mod keys;

use fdfs_proto::shared::AddrSize;
use fdfs_proto::{GroupName, Status};

use crate::ConfError;
use crate::advertise::AdvertiseRule;
use crate::check::FileKind;
use crate::choice::{DownloadServer, IdType, ResponseIpAddrSize, StoreLookup, StorePathChoice, StoreServer};
use crate::http_port::{self, HasHttpPort, HttpPort};
use crate::log_conf::{HasErrorLog, LogConf, error_log_keys, historic_keys};
use crate::server::{self, HasServer, ServerConf};
use crate::storage_ids::StorageIds;
use crate::table::{ConfFile, Key, Reading, Section, conf_struct};
use crate::value::{ReservedSpace, TimeOfDay, parse_bytes, print_bytes};

conf_struct! {
    /// A tracker's configuration. Storages ask for most of it at their start, with command 75.
    pub struct TrackerConf {
        /// What it has in common with a storage.
        pub server: ServerConf,
        /// Whether and where it sends HTTP clients to storages. Keys of our own.
        pub http: HttpPort,
        /// The error log.
        pub log: LogConf,
        /// `store_lookup`: how the group of an upload is chosen.
        pub store_lookup: StoreLookup,
        /// `store_group`: the group of all uploads, with [`StoreLookup::SpecifiedGroup`].
        pub store_group: Option<GroupName>,
        /// `store_server`: how the storage of an upload is chosen. Never round robin with trunk files.
        pub store_server: StoreServer,
        /// `store_path`: how the store path of an upload is chosen.
        pub store_path: StorePathChoice,
        /// `download_server`: how the storage of a download is chosen.
        pub download_server: DownloadServer,
        /// `reserved_storage_space`: what uploads leave free.
        pub reserved_storage_space: ReservedSpace,
        /// `check_active_interval`: seconds of silence after which a storage is OFFLINE.
        pub check_active_interval_secs: u64,
        /// `storage_ip_changed_auto_adjust`: whether storages that change their address stay the same, without ids.
        pub storage_ip_changed_auto_adjust: bool,
        /// `storage_sync_file_max_delay`: seconds after which a file is taken to be everywhere in its group.
        pub storage_sync_file_max_delay_secs: u64,
        /// `storage_sync_file_max_time`: seconds that the copy of one file may take.
        pub storage_sync_file_max_time_secs: u64,
        /// `use_trunk_file`: whether small files share large ones.
        pub use_trunk_file: bool,
        /// `slot_min_size`: bytes of the smallest slot of a trunk file.
        pub slot_min_size_bytes: u64,
        /// `slot_max_size`: files up to this many bytes go into trunk files.
        pub slot_max_size_bytes: u64,
        /// `trunk_file_size`: bytes of a trunk file.
        pub trunk_file_size_bytes: u64,
        /// `trunk_alloc_alignment_size`: slots are multiples of this many bytes; 0 for any size.
        pub trunk_alloc_alignment_size_bytes: u32,
        /// `trunk_create_file_advance`: whether trunk files are made before they are needed.
        pub trunk_create_file_advance: bool,
        /// `trunk_create_file_time_base`: when.
        pub trunk_create_file_time_base: TimeOfDay,
        /// `trunk_create_file_interval`: and how many seconds later again.
        pub trunk_create_file_interval_secs: u64,
        /// `trunk_create_file_space_threshold`: bytes of free trunk space below which they are made.
        pub trunk_create_file_space_threshold_bytes: u64,
        /// `trunk_init_check_occupying`: whether loading the trunk binlog checks that slots are free.
        pub trunk_init_check_occupying: bool,
        /// `trunk_init_reload_from_binlog`: whether the trunk's snapshot is never used.
        pub trunk_init_reload_from_binlog: bool,
        /// `trunk_free_space_merge`: whether neighbouring free blocks become one.
        pub trunk_free_space_merge: bool,
        /// `delete_unused_trunk_files`: whether trunk files without any file are deleted.
        pub delete_unused_trunk_files: bool,
        /// `trunk_compress_binlog_min_interval`: seconds between compressions of the trunk binlog at least; 0: never.
        pub trunk_compress_binlog_min_interval_secs: u64,
        /// `trunk_compress_binlog_interval`: seconds between compressions of the trunk binlog; 0 for never.
        pub trunk_compress_binlog_interval_secs: u64,
        /// `trunk_compress_binlog_time_base`: when the first of them is.
        pub trunk_compress_binlog_time_base: TimeOfDay,
        /// `trunk_binlog_max_backups`: copies of the trunk binlog that are kept.
        pub trunk_binlog_max_backups: u32,
        /// `use_storage_id`: whether storages are identified by storage_ids.conf.
        pub use_storage_id: bool,
        /// `storage_ids_filename`, as it is named to the loader: relative names are resolved.
        pub storage_ids_filename: Option<String>,
        /// `id_type_in_filename`: what stands for the source in a file id.
        pub id_type_in_filename: IdType,
        /// `trust_storage_server_id`: whether the id that a storage sends is believed.
        pub trust_storage_server_id: bool,
        /// `store_slave_file_use_link`.
        pub store_slave_file_use_link: bool,
        /// `response_ip_addr_size`; see [`TrackerConf::addr_size`].
        pub response_ip_addr_size: ResponseIpAddrSize,
        /// `advertise`: which address of a storage is told to whom. A key of our own.
        pub advertise: Vec<AdvertiseRule>,
    }
}

impl TrackerConf {
    /// How wide addresses in answers are. `ids` is the content of storage_ids.conf, if it is used.
    // Differs from C: `response_ip_addr_size = IPv4` means the IPv4 size; the reference takes every word but `auto`
    // for the IPv6 size.
    #[must_use]
    pub fn addr_size(&self, ids: Option<&StorageIds>) -> AddrSize {
        match self.response_ip_addr_size {
            ResponseIpAddrSize::V4 => AddrSize::V4,
            ResponseIpAddrSize::V6 => AddrSize::V6,
            ResponseIpAddrSize::Auto if self.use_storage_id && ids.is_some_and(StorageIds::has_ipv6) => AddrSize::V6,
            ResponseIpAddrSize::Auto => AddrSize::V4,
        }
    }
}

impl HasHttpPort for TrackerConf {
    const USUAL: &'static str = "8080";

    fn http_port(&mut self) -> &mut HttpPort {
        &mut self.http
    }
}

impl HasServer for TrackerConf {
    const PORT: u16 = fdfs_proto::limits::TRACKER_PORT;
    const PORT_TEXT: &'static str = "22122";
    const NETWORK_TIMEOUT_SECS: u64 = 60;
    const SAMPLE_THREAD_STACK: &'static str = "256KB";

    fn server(&mut self) -> &mut ServerConf {
        &mut self.server
    }
}

impl HasErrorLog for TrackerConf {
    fn error_log(&mut self) -> &mut LogConf {
        &mut self.log
    }
}

impl ConfFile for TrackerConf {
    const KIND: FileKind = FileKind::Tracker;

    fn blank() -> Self {
        Self::blank_fields()
    }

    fn keys() -> Vec<Key<Self>> {
        [
            server::keys(),
            keys::KEYS.to_vec(),
            keys::TRUNK_KEYS.to_vec(),
            http_port::keys().to_vec(),
            error_log_keys(),
            historic_keys(),
        ]
        .concat()
    }

    fn finish(&mut self, reading: &mut Reading<'_>) {
        server::finish(&mut self.server, reading);
        self.finish_group(reading);
        self.finish_slots(reading);
        self.finish_ids(reading);
    }
}

impl TrackerConf {
    fn finish_group(&mut self, reading: &mut Reading<'_>) {
        // Only store_lookup 1 reads the group, so that a wrong one does no harm otherwise.
        if self.store_lookup == StoreLookup::SpecifiedGroup && self.store_group.is_none() {
            match reading.last(Section::Global, "store_group") {
                Some(item) => reading.refuse(item, "1 to 16 letters and digits", Status::EINVAL),
                None => reading.missing("store_group", "a group name, because store_lookup is 1", Status::ENOENT),
            }
        }
        if self.use_trunk_file && self.store_server == StoreServer::RoundRobin {
            self.store_server = StoreServer::FirstById;
            if let Some(item) = reading.last(Section::Global, "store_server") {
                reading.note(item, "1 is used, because use_trunk_file is on", "1, 2");
            }
        }
    }

    /// The rules that hold between the sizes of slots and trunk files.
    fn finish_slots(&mut self, reading: &mut Reading<'_>) {
        self.slot_min_size_bytes = self.slot_min_size_bytes.max(u64::from(self.trunk_alloc_alignment_size_bytes));
        let Some(item) = reading.last(Section::Global, "slot_max_size") else {
            self.slot_max_size_bytes = self.trunk_file_size_bytes / 8;
            return;
        };
        let Ok(slot_max) = parse_bytes(&item.value) else {
            reading.refuse(item, "a size, with T, G, M, K and B", Status::EINVAL);
            return;
        };
        let most = self.trunk_file_size_bytes / 2;
        if slot_max <= self.slot_min_size_bytes {
            let allowed = format!("more than slot_min_size, {} to {}", self.slot_min_size_bytes, print_bytes(most));
            reading.refuse(item, allowed, Status::EINVAL);
        } else if slot_max > most {
            let what = format!("{} is not allowed, {} is used", item.value, print_bytes(most));
            reading.warn(item, what, "at most half of trunk_file_size");
        }
        self.slot_max_size_bytes = slot_max.min(most);
    }

    fn finish_ids(&mut self, reading: &mut Reading<'_>) {
        if self.use_storage_id && self.storage_ids_filename.is_none() {
            reading.missing("storage_ids_filename", "a file name, because use_storage_id is on", Status::ENOENT);
        }
        if !self.server.families(reading.env()).v6 {
            return;
        }
        // An IPv6 address does not fit the fields that identify a storage by its address.
        let wrong = [
            ("use_storage_id", "true, because IPv6 is on", !self.use_storage_id),
            ("id_type_in_filename", "id, because IPv6 is on", self.id_type_in_filename == IdType::Ip),
        ];
        for (name, allowed, is_wrong) in wrong {
            match reading.last(Section::Global, name) {
                Some(item) if is_wrong => reading.refuse(item, allowed, Status::EINVAL),
                None if is_wrong => reading.missing(name, allowed, Status::EINVAL),
                _ => {}
            }
        }
    }
}

/// Reads what storage_ids.conf says, if it is used.
///
/// # Errors
/// As [`StorageIds::parse`], and what the loader said.
pub fn storage_ids(
    conf: &TrackerConf,
    loader: &dyn crate::Loader,
) -> Result<Option<crate::Parsed<StorageIds>>, ConfError> {
    match &conf.storage_ids_filename {
        Some(path) if conf.use_storage_id => StorageIds::load(path, loader).map(Some),
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests;
