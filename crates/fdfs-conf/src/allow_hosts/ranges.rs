//! `[1-5,9]`: ranges inside of addresses and host names.

use std::net::IpAddr;

/// An IPv4 address whose last number may have several values: `10.0.1.[1-5,9]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastOctet {
    head: [u8; 3],
    /// First and last, both included.
    ranges: Vec<(u8, u8)>,
}

impl LastOctet {
    /// `None` for anything that has not exactly this form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (head, list) = text.strip_suffix(']')?.split_once(".[")?;
        let mut numbers = head.split('.').map(|n| n.parse::<u8>().ok());
        let head = [numbers.next()??, numbers.next()??, numbers.next()??];
        if numbers.next().is_some() {
            return None;
        }
        let ranges = list.split(',').map(|range| {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
            (first <= last).then_some((first, last))
        });
        Some(Self { head, ranges: ranges.collect::<Option<_>>()? })
    }

    /// Whether an address is one of them.
    #[must_use]
    pub fn contains(&self, ip: IpAddr) -> bool {
        let IpAddr::V4(ip) = ip else { return false };
        let [a, b, c, last] = ip.octets();
        [a, b, c] == self.head && self.ranges.iter().any(|&(low, high)| (low..=high).contains(&last))
    }
}

/// The host names that an entry stands for: one, or several through `[01-08,20]`. At most `max`; `None` for more of
/// them and for what is no host name.
pub(super) fn host_names(text: &str, max: usize) -> Option<Vec<String>> {
    let Some((head, rest)) = text.split_once('[') else {
        return is_host_name(text).then(|| vec![text.to_owned()]);
    };
    let (list, tail) = rest.split_once(']')?;
    let mut names = Vec::new();
    for range in list.split(',').map(str::trim) {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        // `01` keeps its width in all names made from it.
        let width = first.len();
        let (first, last) = (first.parse::<u32>().ok()?, last.parse::<u32>().ok()?);
        if first > last || (last - first) as usize >= max - names.len().min(max) {
            return None;
        }
        names.extend((first..=last).map(|n| format!("{head}{n:0width$}{tail}")));
    }
    names.iter().all(|name| is_host_name(name)).then_some(names)
}

/// Whether a text can be a host name: letters, digits, `-`, `_` and dots, at most 253 of them, and not only digits and
/// dots, which would be a mistyped address.
pub(crate) fn is_host_name(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    (1..=253).contains(&text.len())
        && text.bytes().all(plain)
        && !text.starts_with(['-', '.'])
        && text.bytes().any(|b| !b.is_ascii_digit() && b != b'.')
}
