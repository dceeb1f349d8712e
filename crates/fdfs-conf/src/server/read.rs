//! The common keys with rules of their own.

use std::net::IpAddr;

use fdfs_proto::Status;

use super::ServerConf;
use crate::ConfError;
use crate::allow_hosts::{AllowHosts, entries};
use crate::table::{Key, Reading};
use crate::value::{BadBytes, parse_bytes, print_bytes};

pub(super) fn read_disabled<C>(reading: &mut Reading<'_>, key: &Key<C>) {
    if let Some(item) = reading.last(key.section, key.name) {
        match crate::value::parse_bool(&item.value) {
            Some(true) => reading.fail(ConfError::Disabled { at: item.at.clone() }),
            Some(false) => {}
            None => reading.note(item, format!("'{}' is read as false", item.value), key.allowed),
        }
    }
}

/// A port: 0 and less become `default`, where there is one. `None` for an absent key.
pub(crate) fn read_port<C>(reading: &mut Reading<'_>, key: &Key<C>, default: Option<u16>) -> Option<u16> {
    let item = reading.last(key.section, key.name)?;
    let value = crate::value::parse_int(&item.value).value;
    if value <= 0 {
        let used = default.map_or_else(|| "port".to_owned(), |port| port.to_string());
        reading.note(item, format!("{value} is not allowed, {used} is used"), key.allowed);
        return default;
    }
    // Differs from C: a port that does not exist is refused, where the reference listens on another one.
    let port = u16::try_from(value).ok();
    if port.is_none() {
        reading.refuse(item, key.allowed, Status::EINVAL);
    }
    port
}

pub(super) fn read_bind_addrs<C>(reading: &mut Reading<'_>, key: &Key<C>) -> Option<Vec<String>> {
    let item = reading.last(key.section, key.name)?;
    let addrs: Vec<String> = entries(&item.value).map(str::to_owned).collect();
    let families: Vec<Option<bool>> =
        addrs.iter().map(|addr| addr.parse::<IpAddr>().ok().map(|ip| ip.is_ipv4())).collect();
    let fits = match families.as_slice() {
        [] | [_] => true,
        [a, b] => a.is_none() || b.is_none() || a != b,
        _ => false,
    };
    let plain =
        addrs.iter().zip(&families).all(|(addr, family)| family.is_some() || crate::allow_hosts::is_host_name(addr));
    if !fits || !plain {
        reading.refuse(item, key.allowed, Status::EINVAL);
        return None;
    }
    Some(addrs)
}

pub(super) fn read_allow_hosts<C>(reading: &mut Reading<'_>, key: &Key<C>) -> AllowHosts {
    let items = reading.all(key.section, key.name);
    if items.is_empty() {
        return AllowHosts::everybody();
    }
    let mut hosts = AllowHosts::nobody();
    for item in &items {
        for entry in entries(&item.value) {
            if !hosts.add_entry(entry) {
                reading.warn(item, format!("{entry} is not allowed and skipped"), key.allowed);
            }
        }
    }
    if let Some(item) = items.last().filter(|_| hosts.is_nobody() && hosts.host_names().is_empty()) {
        reading.warn(item, "nobody may connect", key.allowed);
    }
    hosts
}

pub(super) fn read_buff_sizes<C>(conf: &mut ServerConf, reading: &mut Reading<'_>, key: &Key<C>) {
    let min = reading.last(key.section, "min_buff_size");
    let max = reading.last(key.section, "max_buff_size");
    let (Some(min), Some(max)) = (min, max) else {
        for item in min.into_iter().chain(max) {
            reading.note(item, "not read: min_buff_size and max_buff_size count together only", "");
        }
        return;
    };
    let mut size = |item: &crate::ini::Item, default: u64, low: u64| match parse_bytes(&item.value) {
        Ok(bytes) if bytes >= low => bytes.min(1 << 30),
        Ok(_) => {
            reading.warn(item, format!("{} is not allowed, {} is used", item.value, print_bytes(low)), key.allowed);
            low
        }
        Err(BadBytes::Negative) => {
            reading.warn(item, format!("{} is not allowed, {} is used", item.value, print_bytes(default)), key.allowed);
            default
        }
        Err(BadBytes::NoSize) => {
            reading.refuse(item, key.allowed, Status::EINVAL);
            default
        }
    };
    conf.min_buff_size_bytes = size(min, 64 << 10, 4 << 10);
    conf.max_buff_size_bytes = size(max, 256 << 10, 8 << 10);
    if conf.max_buff_size_bytes < conf.min_buff_size_bytes {
        reading.warn(max, format!("less than min_buff_size, {} is used", print_bytes(conf.min_buff_size_bytes)), "");
        conf.max_buff_size_bytes = conf.min_buff_size_bytes;
    }
}
