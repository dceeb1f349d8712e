//! What the trackers have told, and a copy of it on disk: a storage that finds no tracker starts from the copy.
//!
//! Differs from C: the reference asks for ever (behaviour, W-27).

use std::fmt::Write as _;

use fdfs_core::placement::{PathRule, Reserve};
use fdfs_proto::cmd::tracker::{HostAddrs, Parameters, ReservedSpace, StorageIdLine, StorePathRule};
use fdfs_proto::disk::{DiskError, StateFile};
use fdfs_proto::shared::AddrSize;
use fdfs_proto::{GroupName, IpText, StorageId, Wire};

use crate::identity::{Identity, IdentityError};

/// What the trackers have told of the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownCluster {
    /// Their parameters.
    pub params: Parameters,
    /// storage_ids.conf, with storage ids.
    pub ids: Vec<StorageIdLine>,
}

impl KnownCluster {
    /// How wide addresses in answers are.
    #[must_use]
    pub const fn addr_size(&self) -> AddrSize {
        self.params.response_ip_addr_size
    }

    /// The address of a storage id; empty when it is not known.
    #[must_use]
    pub fn address_of(&self, id: u32) -> IpText {
        let line = self.ids.iter().find(|line| line.id.as_str().parse() == Ok(id));
        line.map_or(IpText::EMPTY, |line| line.addrs.first)
    }

    /// `reserved_storage_space`.
    #[must_use]
    pub fn reserve(&self) -> Reserve {
        match self.params.reserved_storage_space {
            ReservedSpace::Megabytes(mb) => Reserve::Mb(mb),
            ReservedSpace::Share { hundredths } => Reserve::Ratio(f64::from(hundredths) / 10_000.0),
        }
    }

    /// `store_path`.
    #[must_use]
    pub const fn path_rule(&self) -> PathRule {
        match self.params.store_path {
            StorePathRule::RoundRobin => PathRule::RoundRobin,
            StorePathRule::MostFree => PathRule::MostFree,
        }
    }
}

/// What a storage must have learnt from a tracker before it can serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Learnt {
    /// Its group.
    pub group: GroupName,
    /// Its addresses as the tracker sees them.
    pub addrs: HostAddrs,
    /// Its id, with storage ids.
    pub id: Option<StorageId>,
    /// The cluster.
    pub cluster: KnownCluster,
}

impl Learnt {
    /// Who this storage is.
    ///
    /// # Errors
    /// [`IdentityError`].
    pub fn identity(&self) -> Result<Identity, IdentityError> {
        Identity::new(self.group, self.addrs, self.id, &self.cluster)
    }
}

const GROUP: &str = "group_name";
const ADDRS: &str = "my_addrs";
const ID: &str = "my_id";
const ID_LINE: &str = "storage_id";

/// The copy on disk: `key=value` lines, those of the parameters (75) among them, and one `storage_id=` line for each
/// line of storage_ids.conf. A file of our own; losing it costs nothing as long as a tracker answers.
impl StateFile for Learnt {
    const FILE: &'static str = ".fdfs_learnt";

    fn encode(&self, out: &mut Vec<u8>) {
        let mut text = String::new();
        // Writing into a String cannot fail.
        let _ = writeln!(text, "{GROUP}={}\n{ADDRS}={}", self.group, self.addrs);
        if let Some(id) = &self.id {
            let _ = writeln!(text, "{ID}={id}");
        }
        for line in &self.cluster.ids {
            let _ = writeln!(text, "{ID_LINE}={line}");
        }
        out.extend_from_slice(text.as_bytes());
        self.cluster.params.encode(out);
    }

    fn decode(bytes: &[u8]) -> Result<Self, DiskError> {
        let bad = || DiskError::Empty { file: Self::FILE };
        let text = std::str::from_utf8(bytes).map_err(|_| bad())?;
        let value = |key: &str| text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        let ids = text.lines().filter_map(|line| line.strip_prefix(ID_LINE)?.strip_prefix('='));
        Ok(Self {
            group: value(GROUP).and_then(|text| text.parse().ok()).ok_or_else(bad)?,
            addrs: value(ADDRS).and_then(|text| HostAddrs::parse(text.as_bytes()).ok()).ok_or_else(bad)?,
            id: value(ID).map(str::parse).transpose().map_err(|_| bad())?,
            cluster: KnownCluster {
                params: text.parse().map_err(|_| bad())?,
                ids: ids
                    .map(|line| StorageIdLine::parse(line.as_bytes()))
                    .collect::<Result<_, _>>()
                    .map_err(|_| bad())?,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learnt() -> Learnt {
        let ids = ["100001 group1 10.0.0.1", "100002 group1 10.0.0.2,1.2.3.4:23001 rw=read"];
        Learnt {
            group: "group1".parse().unwrap(),
            addrs: HostAddrs::parse(b"10.0.0.1").unwrap(),
            id: Some("100001".parse().unwrap()),
            cluster: KnownCluster {
                params: Parameters { use_storage_id: true, slot_min_size_bytes: 512, ..Parameters::default() },
                ids: ids.iter().map(|line| StorageIdLine::parse(line.as_bytes()).unwrap()).collect(),
            },
        }
    }

    #[test]
    fn what_was_learnt_reads_back_and_every_cut_is_refused_or_read() {
        let bytes = learnt().to_bytes();
        assert_eq!(Learnt::decode(&bytes), Ok(learnt()));
        for len in 0..20 {
            assert!(Learnt::decode(&bytes[..len]).is_err(), "cut at {len}");
        }
        for len in 0..bytes.len() {
            let _ = Learnt::decode(&bytes[..len]);
        }
    }

    #[test]
    fn ids_lead_to_addresses() {
        let cluster = learnt().cluster;
        assert_eq!(cluster.address_of(100_002).as_str(), "10.0.0.2");
        assert!(cluster.address_of(7).is_empty());
    }
}
