//! The keys of tracker.conf that storage.conf does not have.

use fdfs_proto::{GroupName, Status};

use super::TrackerConf;
use crate::choice::{DownloadServer, IdType, ResponseIpAddrSize, StoreLookup, StorePathChoice, StoreServer};
use crate::table::{Action, Key};
use crate::value::{ReservedSpace, TimeOfDay};
use crate::{Severity, advertise};

/// A row of the table.
type Row = Key<TrackerConf>;

const EINVAL: Action = Action::Refuse(Status::EINVAL);
const WARN: Action = Action::UseDefault(Severity::Warning);

/// The keys of tracker.conf that storage.conf does not have.
pub(super) const KEYS: &[Row] = &[
    Row::choice(
        "store_lookup",
        0,
        &[0, 1, 2],
        EINVAL,
        |c, v| c.store_lookup = StoreLookup::from_number(v).unwrap_or_default(),
        "group of an upload: 0 one after the other, 1 always store_group, 2 the one with the most free space",
    )
    .sample("2"),
    Row::text(
        "store_group",
        "",
        |c, v| c.store_group = v.parse().ok().filter(|group: &GroupName| !group.is_empty()),
        "the group of all uploads with store_lookup 1, where it is required",
    )
    .allowed("1 to 16 letters and digits")
    .otherwise("refused (22) with store_lookup 1")
    .sample("group1"),
    Row::choice(
        "store_server",
        0,
        &[0, 1, 2],
        WARN,
        |c, v| c.store_server = StoreServer::from_number(v).unwrap_or_default(),
        "storage of an upload: 0 one after the other (1 with use_trunk_file), 1 the first by the text order of ids, \
         2 the one with the least upload_priority",
    ),
    Row::choice(
        "store_path",
        0,
        &[0, 2],
        WARN,
        |c, v| c.store_path = StorePathChoice::from_number(v).unwrap_or_default(),
        "store path of an upload: 0 one after the other, 2 the one with the most free space",
    ),
    Row::choice(
        "download_server",
        0,
        &[0, 1],
        WARN,
        |c, v| c.download_server = DownloadServer::from_number(v).unwrap_or_default(),
        "storage of a download: 0 one after the other, 1 the one that received the upload",
    ),
    Row::word(
        "reserved_storage_space",
        "1GB",
        EINVAL,
        |c, word| ReservedSpace::parse(word).map(|v| c.reserved_storage_space = v).is_some(),
        "space that uploads leave free, as a size or as a share of the disk",
    )
    .allowed("a size such as 10GB, cut down to whole MB; or a share such as 20% or 0.5%, without a blank before the %")
    .since("N% since 4.00")
    .sample("20%"),
    Row::secs(
        "check_active_interval",
        100,
        |c, v| c.check_active_interval_secs = v,
        "of silence after which a storage is OFFLINE; more than the storages' heart_beat_interval",
    )
    .positive()
    .sample("120"),
    Row::bool(
        "storage_ip_changed_auto_adjust",
        true,
        |c, v| c.storage_ip_changed_auto_adjust = v,
        "let storages without ids change their address and stay the same",
    ),
    Row::secs(
        "storage_sync_file_max_delay",
        86_400,
        |c, v| c.storage_sync_file_max_delay_secs = v,
        "after which a file is taken to be everywhere in its group",
    )
    .positive()
    .since("2.00"),
    Row::secs(
        "storage_sync_file_max_time",
        300,
        |c, v| c.storage_sync_file_max_time_secs = v,
        "that the copy of one file may take",
    )
    .positive()
    .since("2.00"),
    Row::bool("use_storage_id", false, |c, v| c.use_storage_id = v, "identify storages by storage_ids.conf")
        .since("4.00"),
    Row::custom(
        "storage_ids_filename",
        "path",
        "",
        |c, r, key| {
            let item = r.last(key.section, key.name).filter(|item| !item.value.is_empty());
            c.storage_ids_filename = item.map(|item| r.resolve(&item.value));
        },
        "the list of storages, relative to this file; required with use_storage_id",
    )
    .allowed("a path")
    .sample("storage_ids.conf"),
    Row::word(
        "id_type_in_filename",
        "ip",
        Action::UseDefault(Severity::Note),
        |c, word| IdType::from_word(word).map(|v| c.id_type_in_filename = v).is_some(),
        "what stands for the source in a file id; id is needed for several storages on one host",
    )
    .allowed("ip, id")
    .since("4.03")
    .sample("id"),
    Row::bool(
        "trust_storage_server_id",
        true,
        |c, v| c.trust_storage_server_id = v,
        "believe the id that a storage sends when it joins",
    )
    .since("6.11"),
    Row::bool(
        "store_slave_file_use_link",
        false,
        |c, v| c.store_slave_file_use_link = v,
        "store slave files as links; leave it off",
    )
    .since("4.01"),
    Row::word(
        "response_ip_addr_size",
        "auto",
        WARN,
        |c, word| {
            // A word that the reference does not know means the IPv6 size there, and so it does here.
            c.response_ip_addr_size = ResponseIpAddrSize::from_word(word).unwrap_or(ResponseIpAddrSize::V6);
            true
        },
        "how wide addresses in answers are; auto: IPv6 size if storage_ids.conf has an IPv6 address, and \
         to those who ask over IPv6",
    )
    .allowed("auto, IPv4, IPv6")
    .otherwise("IPv6, with a warning")
    .since("6.15"),
    advertise::tracker_key(|c, r, key| c.advertise = advertise::read_tracker(r, key)),
];

/// The keys about trunk files, which storages ask for.
pub(super) const TRUNK_KEYS: &[Row] = &[
    Row::bool("use_trunk_file", false, |c, v| c.use_trunk_file = v, "put small files into trunk files").since("3.00"),
    Row::bytes("trunk_file_size", 64 << 20, |c, v| c.trunk_file_size_bytes = v, "size of a trunk file")
        .at_least(4 << 20, Action::Clamp(Severity::Warning))
        // Differs from C: offsets in trunk files have 32 bits, so 2 GB and more is refused instead of wrapped.
        .at_most((2 << 30) - 1, EINVAL),
    Row::count(
        "trunk_alloc_alignment_size",
        0,
        |c, v| c.trunk_alloc_alignment_size_bytes = v,
        "slots are multiples of this many bytes, without a unit; 0 for any size",
    )
    .since("6.05")
    .sample("256"),
    Row::bytes("slot_min_size", 256, |c, v| c.slot_min_size_bytes = v, "the smallest slot; not below the alignment")
        .at_least(1, EINVAL)
        .at_most(64 << 10, Action::Clamp(Severity::Warning)),
    Row::custom(
        "slot_max_size",
        "bytes",
        "trunk_file_size / 8",
        // Read at the end, with the sizes that it depends on.
        |_, _, _| {},
        "files up to this size go into trunk files",
    )
    .allowed("more than slot_min_size, at most half of trunk_file_size")
    .otherwise("too small: refused (22); too large: nearest, with a warning")
    .sample("1MB"),
    Row::bool(
        "trunk_create_file_advance",
        false,
        |c, v| c.trunk_create_file_advance = v,
        "make trunk files before they are needed",
    )
    .since("3.06"),
    Row::time(
        "trunk_create_file_time_base",
        TimeOfDay::new(2, 0),
        |c, v| c.trunk_create_file_time_base = v,
        "when they are made",
    ),
    Row::secs(
        "trunk_create_file_interval",
        86_400,
        |c, v| c.trunk_create_file_interval_secs = v,
        "after which they are made again",
    ),
    Row::bytes(
        "trunk_create_file_space_threshold",
        0,
        |c, v| c.trunk_create_file_space_threshold_bytes = v,
        "free trunk space below which they are made",
    )
    .sample("20G"),
    Row::bool(
        "trunk_init_check_occupying",
        false,
        |c, v| c.trunk_init_check_occupying = v,
        "check that slots are free when the trunk binlog is loaded",
    )
    .since("3.09"),
    Row::bool(
        "trunk_init_reload_from_binlog",
        false,
        |c, v| c.trunk_init_reload_from_binlog = v,
        "load the trunk binlog as a whole, not its snapshot",
    )
    .since("3.10"),
    Row::bool(
        "trunk_free_space_merge",
        false,
        |c, v| c.trunk_free_space_merge = v,
        "make one of neighbouring free blocks",
    )
    .since("6.05")
    .sample("true"),
    Row::bool(
        "delete_unused_trunk_files",
        false,
        |c, v| c.delete_unused_trunk_files = v,
        "delete trunk files that hold no file",
    )
    .since("6.05"),
    Row::secs(
        "trunk_compress_binlog_min_interval",
        0,
        |c, v| c.trunk_compress_binlog_min_interval_secs = v,
        "between compressions of the trunk binlog at least; 0 for never",
    )
    .since("5.01")
    .sample("86400"),
    Row::secs(
        "trunk_compress_binlog_interval",
        0,
        |c, v| c.trunk_compress_binlog_interval_secs = v,
        "between compressions of the trunk binlog; 0 for never",
    )
    .since("6.05")
    .sample("86400"),
    Row::time(
        "trunk_compress_binlog_time_base",
        TimeOfDay::new(3, 0),
        |c, v| c.trunk_compress_binlog_time_base = v,
        "when the first of them is",
    )
    .since("6.05"),
    Row::count(
        "trunk_binlog_max_backups",
        0,
        |c, v| c.trunk_binlog_max_backups = v,
        "copies of the trunk binlog that are kept",
    )
    .since("6.05")
    .sample("7"),
];
