//! `#@if %{VARIABLE} in [a, b, ...]`.

use std::net::IpAddr;

use super::IF_ITEMS_MAX;
use super::read::Reader;
use crate::Place;
use crate::allow_hosts::Cidr;

/// A condition, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Condition<'t> {
    variable: &'t str,
    items: Vec<&'t str>,
}

impl<'t> Condition<'t> {
    /// `None` when it has another form.
    pub(super) fn parse(text: &'t str) -> Option<Self> {
        let (variable, rest) = text.strip_prefix("%{")?.split_once('}')?;
        let rest = rest.trim_start().strip_prefix("in")?.trim_start();
        let list = rest.strip_prefix('[')?.strip_suffix(']')?;
        // One more than allowed is kept, so that the reader can tell that there were too many.
        let items = list.split(',').map(str::trim).filter(|item| !item.is_empty()).take(IF_ITEMS_MAX + 1).collect();
        Some(Self { variable: variable.trim(), items })
    }
}

impl Reader<'_> {
    /// Whether the condition is true on this host.
    ///
    /// `LOCAL_IP` is true when any address of this host equals an item or lies in a CIDR item (/8 to /30, for IPv6
    /// /8 to /126); `LOCAL_HOST` compares the host name, everything else a variable of `#@set`.
    pub(super) fn holds(&mut self, condition: &Condition<'_>, at: &Place) -> bool {
        let mut items = condition.items.as_slice();
        if items.len() > IF_ITEMS_MAX {
            self.warn(at, "", format!("only {IF_ITEMS_MAX} items of the list are read"));
            items = &items[..IF_ITEMS_MAX];
        }
        match condition.variable {
            "LOCAL_IP" => items.iter().any(|item| self.is_local(item, at)),
            "LOCAL_HOST" => items.contains(&self.env.host_name.as_str()),
            name => match self.variables.get(name) {
                Some(value) => items.contains(&value.as_str()),
                None => {
                    self.warn(at, "", format!("the variable {name} is not set, so the condition is false"));
                    false
                }
            },
        }
    }

    fn is_local(&mut self, item: &str, at: &Place) -> bool {
        if let Ok(ip) = item.parse::<IpAddr>() {
            return self.env.local_ips.contains(&ip);
        }
        match Cidr::parse(item).filter(Cidr::is_for_conditions) {
            Some(net) => self.env.local_ips.iter().any(|&ip| net.contains(ip)),
            None => {
                self.warn(at, "", format!("{item} is neither an address nor a network of /8 to /30: it never matches"));
                false
            }
        }
    }
}
