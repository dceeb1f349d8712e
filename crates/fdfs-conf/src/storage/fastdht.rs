//! The FastDHT servers, which find equal files: usually in a file of their own that storage.conf includes.

use fdfs_proto::Status;

use crate::table::Reading;
use crate::value::{parse_bool, parse_int};

/// How many FastDHT groups there may be.
pub(crate) const GROUPS_MAX: usize = 256;

/// The FastDHT servers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FastDhtConf {
    /// `group0`, `group1`, ...: the servers of each of the `group_count` groups, as `host:port` texts.
    pub groups: Vec<Vec<String>>,
    /// `use_proxy`: whether a proxy leads to them.
    pub use_proxy: bool,
    /// `proxy_addr`: the proxy.
    pub proxy_addr: String,
    /// `proxy_port`: its port.
    pub proxy_port: u16,
}

/// Reads `group_count` and the groups.
pub(super) fn read_groups(reading: &mut Reading<'_>) -> Vec<Vec<String>> {
    let ini = reading.ini();
    let Some(item) = ini.last("", "group_count") else { return Vec::new() };
    let count = usize::try_from(parse_int(&item.value).value).unwrap_or(usize::MAX);
    if count > GROUPS_MAX {
        reading.refuse(item, format!("0 to {GROUPS_MAX}"), Status::EINVAL);
        return Vec::new();
    }
    (0..count).map(|index| ini.all("", &format!("group{index}")).map(|item| item.value.clone()).collect()).collect()
}

/// Reads `use_proxy`.
pub(super) fn read_use_proxy(reading: &Reading<'_>) -> bool {
    reading.ini().last("", "use_proxy").and_then(|item| parse_bool(&item.value)).unwrap_or(false)
}
