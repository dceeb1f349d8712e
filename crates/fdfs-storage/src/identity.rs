//! Who this storage is, as its trackers and its file names know it.

use std::net::{IpAddr, Ipv4Addr};

use fdfs_core::tracker::id_of_address;
use fdfs_proto::cmd::tracker::{HostAddrs, IdType};
use fdfs_proto::file_id::Source;
use fdfs_proto::shared::StorageBrief;
use fdfs_proto::{GroupName, StorageId};

use crate::params::KnownCluster;

/// Who this storage is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Its group.
    pub group: GroupName,
    /// Its addresses as trackers see them, the inner one first.
    pub addrs: HostAddrs,
    /// Its id in storage_ids.conf, with storage ids.
    pub id: Option<StorageId>,
    /// What stands for it in the names of its files.
    pub source: Source,
}

/// Why file names cannot say who made them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// An IPv6 storage without an id in its file names.
    #[error("the address {addrs} does not fit into file names; set use_storage_id and id_type_in_filename = id")]
    NoIpv4 {
        /// Its addresses.
        addrs: String,
    },
    /// The last byte of the address would make the name say "storage id".
    #[error(
        "the address {addr} ends in .0 and would read as a storage id in file names; give the host another address"
    )]
    ReadsAsId {
        /// The address.
        addr: Ipv4Addr,
    },
    /// The id is no number from 1 to 16777215.
    #[error("the storage id {id} does not fit into file names; ids are numbers from 1 to 16777215")]
    BadId {
        /// The id.
        id: StorageId,
    },
}

impl Identity {
    /// Works out what stands in file names: the number of the id with `id_type_in_filename = id`, else the first IPv4
    /// address. Source: wire specification, 3.2.
    ///
    /// # Errors
    /// [`IdentityError`].
    pub fn new(
        group: GroupName,
        addrs: HostAddrs,
        id: Option<StorageId>,
        cluster: &KnownCluster,
    ) -> Result<Self, IdentityError> {
        let source = match id {
            Some(id) if cluster.params.id_type_in_filename == IdType::Id => {
                let number =
                    id.as_str().parse::<u32>().ok().filter(|n| (1..=fdfs_proto::limits::SERVER_ID_MAX).contains(n));
                Source::Id(number.ok_or(IdentityError::BadId { id })?)
            }
            _ => {
                let ipv4 = addrs.iter().find_map(|ip| ip.as_str().parse::<Ipv4Addr>().ok());
                let addr = ipv4.ok_or_else(|| IdentityError::NoIpv4 { addrs: addrs.to_string() })?;
                match Source::from_bytes(addr.octets()) {
                    source @ Source::Ip(_) => source,
                    Source::Id(_) => return Err(IdentityError::ReadsAsId { addr }),
                }
            }
        };
        Ok(Self { group, addrs, id, source })
    }

    /// The id that trackers and peers know it by: that of storage_ids.conf, or what stands for its first address.
    #[must_use]
    pub fn storage_id(&self) -> StorageId {
        self.id.unwrap_or_else(|| id_of_address(&self.addrs.first))
    }

    /// Whether a record of the trackers is this storage: by its id, or by address and port, because several storages may
    /// share an address (W-40).
    #[must_use]
    pub fn is_brief(&self, brief: &StorageBrief, own_port: u16) -> bool {
        match self.id {
            Some(id) => brief.id == id,
            None => self.addrs.iter().any(|ip| ip == brief.ip) && brief.port == u32::from(own_port),
        }
    }

    /// Whether an address is one of ours.
    #[must_use]
    pub fn has_addr(&self, addr: IpAddr) -> bool {
        self.addrs.iter().any(|ip| ip.as_str().parse() == Ok(addr))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fdfs_proto::cmd::tracker::Parameters;

    fn source(addr: &str, id: Option<&str>, id_type: IdType) -> Result<Source, IdentityError> {
        let params = Parameters { id_type_in_filename: id_type, use_storage_id: id.is_some(), ..Parameters::default() };
        let cluster = KnownCluster { params, ids: Vec::new() };
        let addrs = HostAddrs::parse(addr.as_bytes()).unwrap();
        let id = id.map(|id| id.parse().unwrap());
        Identity::new("group1".parse().unwrap(), addrs, id, &cluster).map(|identity| identity.source)
    }

    #[test]
    fn names_carry_the_address_or_the_id() {
        let ip = Source::Ip([10, 78, 1, 11].into());
        assert_eq!(source("10.78.1.11", None, IdType::Ip), Ok(ip));
        assert_eq!(source("10.78.1.11", Some("100001"), IdType::Ip), Ok(ip));
        assert_eq!(source("10.78.1.11", Some("100001"), IdType::Id), Ok(Source::Id(100_001)));
        assert_eq!(source("fd00::1", Some("100001"), IdType::Id), Ok(Source::Id(100_001)));
        assert!(matches!(source("fd00::1", None, IdType::Ip), Err(IdentityError::NoIpv4 { .. })));
        assert!(matches!(source("10.78.1.0", None, IdType::Ip), Err(IdentityError::ReadsAsId { .. })));
        assert!(matches!(source("10.78.1.1", Some("x"), IdType::Id), Err(IdentityError::BadId { .. })));
    }
}
