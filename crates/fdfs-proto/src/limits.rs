//! Sizes and counts that the protocol fixes. Source: wire specification, 1.5.

/// Bytes of a group name field.
pub const GROUP_NAME_LEN: usize = 16;
/// Bytes of a storage id field (15 characters and a NUL).
pub const STORAGE_ID_LEN: usize = 16;
/// Bytes of an address field for IPv4.
pub const IPV4_LEN: usize = 16;
/// Bytes of an address field for IPv6.
pub const IPV6_LEN: usize = 46;
/// Bytes of a file extension field.
pub const EXT_NAME_LEN: usize = 6;
/// Bytes of a slave prefix field.
pub const SLAVE_PREFIX_LEN: usize = 16;
/// Bytes of a version field.
pub const VERSION_LEN: usize = 8;
/// The longest logic file name, in bytes.
pub const FILE_NAME_MAX: usize = 127;
/// The longest metadata name, in bytes; longer ones are cut.
pub const META_NAME_MAX: usize = 64;
/// The longest metadata value, in bytes; longer ones are cut.
pub const META_VALUE_MAX: usize = 256;
/// The longest `ip:port` text, in bytes.
pub const HOST_PORT_MAX: usize = 52;
/// The longest `ip1,ip2:port` line, in bytes.
pub const HOST_LINE_MAX: usize = 100;
/// Storages in a group, deleted ones included.
pub const STORAGES_PER_GROUP: usize = 32;
/// Groups of a cluster.
pub const GROUPS: usize = 512;
/// Trackers of a cluster.
pub const TRACKERS: usize = 16;
/// Store paths of a storage.
pub const STORE_PATHS: usize = 256;
/// Sub directories on each of the two levels.
pub const SUBDIRS: usize = 256;
/// The greatest number a storage id can have in a file name.
pub const SERVER_ID_MAX: u32 = (1 << 24) - 1;
/// The tracker's port when none is given.
pub const TRACKER_PORT: u16 = 22122;
/// The storage's port when none is given.
pub const STORAGE_PORT: u16 = 23000;
/// The version this implementation tells its peers: that of the reference whose protocol it speaks.
pub const PROTOCOL_VERSION: &str = "6.16.1";
