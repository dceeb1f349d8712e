//! storage_ids.conf: the storages of a cluster, by number.
//!
//! One storage per line, `ID GROUP HOST[:PORT] [rw=MODE]`, separated by blanks or tabs.
//!
//! | column | form                                                                                              |
//! |--------|---------------------------------------------------------------------------------------------------|
//! | id     | decimal, 1 to 16777215, without sign and leading zeros                                            |
//! | group  | at most 16 bytes                                                                                  |
//! | host   | one or two addresses or names, `a,b:port`; IPv6 in brackets `[a,b]:port`; the port may be left out |
//! | option | `rw=both` or `all`, `read` or `readonly`, `write` or `writeonly`, `none`, in any case             |
//!
//! Empty lines and lines that begin with `#` are ignored; a comment behind a line is an error.
//!
//! Source: configuration, 6; disk formats, A.10; wire specification, 2.3.10.

mod line;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use fdfs_proto::limits::{GROUPS, STORAGE_PORT, STORAGES_PER_GROUP};
use fdfs_proto::shared::RwMode;
use fdfs_proto::{GroupName, Status};

use crate::ini::FILE_BYTES_MAX;
use crate::{ConfError, Finding, Loader, Parsed, Place, Severity};

/// The most lines: every storage of every group.
pub const ENTRIES_MAX: usize = GROUPS * STORAGES_PER_GROUP;

/// One storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageIdEntry {
    /// Its number, 1 to 16777215.
    pub id: u32,
    /// Its group; usually a [`GroupName`], but that is checked when it joins.
    pub group: String,
    /// One or two addresses or host names, IPv6 without brackets and in its shortest form.
    pub addrs: Vec<String>,
    /// Its port, if one is written.
    pub port: Option<u16>,
    /// What it may be used for.
    pub rw: RwMode,
    /// Its line in the file.
    pub line: u32,
}

impl StorageIdEntry {
    /// Its port: the written one, or 23000.
    #[must_use]
    pub fn port_or_default(&self) -> u16 {
        self.port.unwrap_or(STORAGE_PORT)
    }

    /// Whether an address is one of its own.
    #[must_use]
    pub fn has_ip(&self, ip: &str) -> bool {
        match ip.parse::<IpAddr>() {
            Ok(ip) => self.addrs.iter().any(|addr| addr.parse() == Ok(ip)),
            Err(_) => self.addrs.iter().any(|addr| addr == ip),
        }
    }
}

/// The storages of a cluster, in the order of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StorageIds {
    entries: Vec<StorageIdEntry>,
    index_by_id: BTreeMap<u32, usize>,
    file: Option<Arc<str>>,
}

impl StorageIds {
    /// Loads and reads a file.
    ///
    /// # Errors
    /// As [`StorageIds::parse`], and [`ConfError::Load`].
    pub fn load(path: &str, loader: &dyn Loader) -> Result<Parsed<Self>, ConfError> {
        let bytes = loader.load(path).map_err(|e| ConfError::Load {
            at: Place::whole(path),
            location: path.to_owned(),
            what: e.what,
            status: e.status,
        })?;
        Self::parse(path, &bytes)
    }

    /// Reads the lines of a file, or those that a tracker sent (command 69). `file` is named in errors.
    ///
    /// # Errors
    /// [`ConfError::BadLine`]: `EINVAL` for a bad column, `EEXIST` for an id or an address with its port that stands
    /// there twice; [`ConfError::Missing`] with `ENOENT` when there is no line; [`ConfError::TooLarge`].
    pub fn parse(file: &str, bytes: &[u8]) -> Result<Parsed<Self>, ConfError> {
        let (parsed, errors) = Self::review(file, bytes);
        match errors.into_iter().next() {
            Some(error) => Err(error),
            None => Ok(parsed),
        }
    }

    /// As [`StorageIds::parse`], but goes on after errors and returns them all.
    #[must_use]
    pub fn review(file: &str, bytes: &[u8]) -> (Parsed<Self>, Vec<ConfError>) {
        let file: Arc<str> = Arc::from(file);
        let mut ids = Self { file: Some(Arc::clone(&file)), ..Self::default() };
        let (mut findings, mut errors) = (Vec::new(), Vec::new());
        if bytes.len() > FILE_BYTES_MAX {
            errors.push(ConfError::TooLarge { at: Place::new(&file, 0), what: "bytes", max: FILE_BYTES_MAX });
            return (Parsed { conf: ids, findings }, errors);
        }
        let mut seen = BTreeSet::new();
        for (text, number) in String::from_utf8_lossy(bytes).split('\n').zip(1..) {
            let text = text.trim();
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            let at = Place::new(&file, number);
            if ids.entries.len() >= ENTRIES_MAX {
                errors.push(ConfError::TooLarge { at, what: "storages", max: ENTRIES_MAX });
                break;
            }
            match line::parse(text, &at).and_then(|entry| ids.check_unique(entry, text, &at, &mut seen)) {
                Ok(entry) => {
                    findings.extend(group_finding(&entry, &at));
                    ids.index_by_id.insert(entry.id, ids.entries.len());
                    ids.entries.push(entry);
                }
                Err(error) => errors.push(error),
            }
        }
        if ids.entries.is_empty() && errors.is_empty() {
            let allowed = line::ALLOWED.to_owned();
            errors.push(ConfError::Missing { file, key: "a storage".to_owned(), allowed, status: Status::ENOENT });
        }
        (Parsed { conf: ids, findings }, errors)
    }

    fn check_unique(
        &self,
        entry: StorageIdEntry,
        text: &str,
        at: &Place,
        seen: &mut BTreeSet<(String, u16)>,
    ) -> Result<StorageIdEntry, ConfError> {
        if self.index_by_id.contains_key(&entry.id) {
            return Err(line::bad(text, at, format!("the id {} stands here twice", entry.id), Status::EEXIST));
        }
        for addr in &entry.addrs {
            if !seen.insert((addr.clone(), entry.port_or_default())) {
                let what = format!("{addr} with port {} stands here twice", entry.port_or_default());
                return Err(line::bad(text, at, what, Status::EEXIST));
            }
        }
        Ok(entry)
    }

    /// The storages, in the order of the file.
    #[must_use]
    pub fn entries(&self) -> &[StorageIdEntry] {
        &self.entries
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether a storage has an IPv6 address: then answers carry addresses in the IPv6 size.
    #[must_use]
    pub fn has_ipv6(&self) -> bool {
        self.entries.iter().any(|entry| entry.addrs.iter().any(|addr| addr.contains(':')))
    }

    /// The storage with a number.
    #[must_use]
    pub fn by_id(&self, id: u32) -> Option<&StorageIdEntry> {
        self.index_by_id.get(&id).and_then(|&index| self.entries.get(index))
    }

    /// The storage of a group with an address and a port. An entry with that port wins; else one without a written
    /// port counts for every port, as it did before ports could be written.
    #[must_use]
    pub fn by_address(&self, group: &str, ip: &str, port: u16) -> Option<&StorageIdEntry> {
        let mut of_host = self.entries.iter().filter(|entry| entry.group == group && entry.has_ip(ip));
        let of_port = of_host.clone().find(|entry| entry.port_or_default() == port);
        of_port.or_else(|| of_host.find(|entry| entry.port.is_none()))
    }

    /// The storage with an address and a port, whatever its group (command 109).
    #[must_use]
    pub fn by_ip_port(&self, ip: &str, port: u16) -> Option<&StorageIdEntry> {
        let mut of_host = self.entries.iter().filter(|entry| entry.has_ip(ip));
        let of_port = of_host.clone().find(|entry| entry.port_or_default() == port);
        of_port.or_else(|| of_host.find(|entry| entry.port.is_none()))
    }

    /// The host names that are not resolved yet.
    pub fn host_names(&self) -> impl Iterator<Item = &str> {
        let names = self.entries.iter().flat_map(|entry| &entry.addrs).map(String::as_str);
        names.filter(|addr| addr.parse::<IpAddr>().is_err())
    }

    /// The same with all host names replaced by their addresses, as trackers keep and send them, and the names that
    /// `lookup` does not know: their lines are left out.
    ///
    /// # Errors
    /// [`ConfError::BadLine`]: `EEXIST` when two storages turn out to have the same address and port.
    pub fn resolved(&self, lookup: &dyn Fn(&str) -> Option<IpAddr>) -> Result<(Self, Vec<String>), ConfError> {
        let mut ids = Self { file: self.file.clone(), ..Self::default() };
        let mut nameless = Vec::new();
        let mut seen = BTreeSet::new();
        let file = self.file.clone().unwrap_or_else(|| Arc::from(""));
        for entry in &self.entries {
            let mut entry = entry.clone();
            let at = Place::new(&file, entry.line);
            let text = entry.to_string();
            let known = nameless.len();
            for addr in &mut entry.addrs {
                if addr.parse::<IpAddr>().is_err() {
                    match lookup(addr) {
                        Some(ip) => *addr = ip.to_string(),
                        None => nameless.push(addr.clone()),
                    }
                }
            }
            if nameless.len() > known {
                continue;
            }
            let entry = ids.check_unique(entry, &text, &at, &mut seen)?;
            ids.index_by_id.insert(entry.id, ids.entries.len());
            ids.entries.push(entry);
        }
        Ok((ids, nameless))
    }
}

/// A group that no storage can join is worth a word, though the reference is silent about it until one tries.
fn group_finding(entry: &StorageIdEntry, at: &Place) -> Option<Finding> {
    GroupName::new(entry.group.as_bytes()).err().map(|_| {
        let what = format!("no storage can join the group {}", entry.group);
        Finding::new(at, "", Severity::Warning, what, "letters and digits")
    })
}

#[cfg(test)]
mod tests;
