//! Who a storage is: its entry of storage_ids.conf, or its address.

use std::collections::BTreeMap;
use std::fmt;

use fdfs_proto::limits::{SERVER_ID_MAX, STORAGE_PORT};
use fdfs_proto::shared::RwMode;
use fdfs_proto::{GroupName, IpText, StorageId};

use super::addr::Addrs;

/// One line of storage_ids.conf. Source: configuration, 6.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdEntry {
    /// Its number, 1 to 2^24-1, as text.
    pub id: StorageId,
    /// Its group.
    pub group: GroupName,
    /// Its addresses.
    pub addrs: Addrs,
    /// Its port if the line names one; without it the default port counts.
    pub port: Option<u16>,
    /// What it may be used for.
    pub rw: RwMode,
}

impl IdEntry {
    /// The port that identifies it together with an address.
    #[must_use]
    pub fn effective_port(&self) -> u16 {
        self.port.unwrap_or(STORAGE_PORT)
    }
}

/// storage_ids.conf: its lines in file order, found by id and by (group, address, port).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IdTable {
    entries: Vec<IdEntry>,
    by_id: BTreeMap<StorageId, usize>,
    by_addr: BTreeMap<(IpText, u16), usize>,
}

impl IdTable {
    /// A table of the lines in file order.
    ///
    /// # Errors
    /// [`IdTableError`] for an empty table, a bad number and for duplicates; each stops a tracker at its start.
    pub fn new(entries: Vec<IdEntry>) -> Result<Self, IdTableError> {
        if entries.is_empty() {
            return Err(IdTableError::Empty);
        }
        let (mut by_id, mut by_addr) = (BTreeMap::new(), BTreeMap::new());
        for (index, entry) in entries.iter().enumerate() {
            if number_of(&entry.id).is_none() {
                return Err(IdTableError::BadId { id: entry.id });
            }
            if by_id.insert(entry.id, index).is_some() {
                return Err(IdTableError::DuplicateId { id: entry.id });
            }
            for ip in entry.addrs.iter() {
                if by_addr.insert((*ip, entry.effective_port()), index).is_some() {
                    return Err(IdTableError::DuplicateAddress { ip: *ip, port: entry.effective_port() });
                }
            }
        }
        Ok(Self { entries, by_id, by_addr })
    }

    /// The lines in file order.
    #[must_use]
    pub fn entries(&self) -> &[IdEntry] {
        &self.entries
    }

    /// The line of an id.
    #[must_use]
    pub fn by_id(&self, id: &StorageId) -> Option<&IdEntry> {
        self.by_id.get(id).and_then(|&index| self.entries.get(index))
    }

    /// The line of an address and port, whatever its group (109).
    #[must_use]
    pub fn by_addr(&self, ip: &IpText, port: u16) -> Option<&IdEntry> {
        self.by_addr.get(&(*ip, port)).and_then(|&index| self.entries.get(index))
    }

    /// The line of an address and port in a group (60, 70, 71, 81).
    #[must_use]
    pub fn by_group_addr(&self, group: &GroupName, ip: &IpText, port: u16) -> Option<&IdEntry> {
        self.by_addr(ip, port).filter(|entry| entry.group == *group)
    }
}

/// Why storage_ids.conf cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdTableError {
    /// There is no line at all.
    Empty,
    /// An id is not a number from 1 to 2^24-1 without leading zeros.
    BadId {
        /// The id.
        id: StorageId,
    },
    /// Two lines have the same id.
    DuplicateId {
        /// The id.
        id: StorageId,
    },
    /// Two lines have the same address and port.
    DuplicateAddress {
        /// The address.
        ip: IpText,
        /// The port.
        port: u16,
    },
}

impl fmt::Display for IdTableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("no storage id at all"),
            Self::BadId { id } => write!(f, "storage id {id}: not a number from 1 to {SERVER_ID_MAX}"),
            Self::DuplicateId { id } => write!(f, "storage id {id} stands twice"),
            Self::DuplicateAddress { ip, port } => write!(f, "address {ip} with port {port} stands twice"),
        }
    }
}

impl std::error::Error for IdTableError {}

/// The number of a storage id, if it is one: 1 to 2^24-1 without sign or leading zeros.
pub(crate) fn number_of(id: &StorageId) -> Option<u32> {
    let text = id.as_str();
    let canonical = !text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|number| canonical && (1..=SERVER_ID_MAX).contains(number))
}

/// The id of a storage that is identified by its address: the IPv4 text, or the short code of an IPv6 text.
///
/// Source: wire specification, 2.3.13.
#[must_use]
pub fn id_of_address(ip: &IpText) -> StorageId {
    if !ip.as_str().contains(':')
        && let Ok(id) = StorageId::new(ip.as_bytes())
    {
        return id;
    }
    let mut bits = 0u128;
    for byte in u64::from(crc_without_inversion(ip.as_bytes())).to_le_bytes() {
        bits = bits << 8 | u128::from(byte);
    }
    // 8 bytes are 10 full sextets and one of 4 bits, filled up with zero bits, and one pad character.
    let sextets = bits << 2;
    let mut code = [b'.'; 12];
    for (n, slot) in code.iter_mut().take(11).enumerate() {
        *slot = ALPHABET[(sextets >> (60 - 6 * n) & 0x3F) as usize];
    }
    StorageId::new(&code).unwrap_or(StorageId::EMPTY)
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// CRC-32 with the zlib polynomial, from all ones, without the final inversion. Only joins of IPv6 storages need it.
fn crc_without_inversion(bytes: &[u8]) -> u32 {
    bytes.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: &str, ip: &str, port: Option<u16>) -> IdEntry {
        IdEntry {
            id: id.parse().unwrap(),
            group: "group1".parse().unwrap(),
            addrs: Addrs::one(ip.parse().unwrap()),
            port,
            rw: RwMode::Both,
        }
    }

    #[test]
    fn addresses_make_ids_as_the_reference_does() {
        assert_eq!(id_of_address(&"10.78.1.11".parse().unwrap()).as_str(), "10.78.1.11");
        assert_eq!(id_of_address(&"fe80::1".parse().unwrap()).as_str(), "VHI97gAAAAA.");
    }

    #[test]
    fn entries_are_found_by_id_and_by_address() {
        let table =
            IdTable::new(vec![entry("100001", "10.0.0.1", None), entry("100002", "10.0.0.1", Some(23001))]).unwrap();
        let group: GroupName = "group1".parse().unwrap();
        let ip: IpText = "10.0.0.1".parse().unwrap();
        assert_eq!(table.by_group_addr(&group, &ip, 23000).unwrap().id.as_str(), "100001");
        assert_eq!(table.by_group_addr(&group, &ip, 23001).unwrap().id.as_str(), "100002");
        assert_eq!(table.by_group_addr(&group, &ip, 23002), None);
        assert_eq!(table.by_group_addr(&"group2".parse().unwrap(), &ip, 23000), None);
        assert_eq!(table.by_id(&"100002".parse().unwrap()).unwrap().port, Some(23001));
    }

    #[test]
    fn bad_tables_are_refused() {
        assert_eq!(IdTable::new(vec![]), Err(IdTableError::Empty));
        for id in ["0", "01", "16777216", "+1", "abc", ""] {
            let refused = IdTable::new(vec![entry(id, "10.0.0.1", None)]);
            assert_eq!(refused, Err(IdTableError::BadId { id: id.parse().unwrap() }), "{id}");
        }
        let twice = IdTable::new(vec![entry("1", "10.0.0.1", None), entry("1", "10.0.0.2", None)]);
        assert_eq!(twice, Err(IdTableError::DuplicateId { id: "1".parse().unwrap() }));
        let twice = IdTable::new(vec![entry("1", "10.0.0.1", None), entry("2", "10.0.0.1", Some(23000))]);
        assert_eq!(twice, Err(IdTableError::DuplicateAddress { ip: "10.0.0.1".parse().unwrap(), port: 23000 }));
    }
}
