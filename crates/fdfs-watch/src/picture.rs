//! What trackers and storages tell at one time.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use fdfs_client::{Client, ClientError, GroupRecord, StorageRecord, TrackerClusterRow, TrackerClusterStatRequest};
use fdfs_proto::Command;
use fdfs_proto::shared::StorageStatus;
use tokio::task::JoinSet;

use crate::gather::call;

/// Storages that are asked how long they take to answer; of more, the first ones.
pub const PINGED_MAX: usize = 64;

/// What a cluster looks like at one time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Picture {
    /// When it was taken, unix seconds.
    pub unix_secs: i64,
    /// The trackers, as the leader sees them; empty where that is a reference of an older version.
    pub trackers: Vec<TrackerClusterRow>,
    /// The groups.
    pub groups: Vec<Group>,
}

/// A group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// What trackers tell of it.
    pub record: GroupRecord,
    /// Its storages.
    pub storages: Vec<Storage>,
}

/// A storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Storage {
    /// What trackers tell of it.
    pub record: StorageRecord,
    /// How long it took to answer a small question; `None`: it was not asked, or did not answer.
    pub answers_in: Option<Duration>,
}

impl Picture {
    /// Asks. `unix_secs` is now.
    ///
    /// # Errors
    /// What asking trackers can give.
    pub async fn look(client: &Client, unix_secs: i64) -> Result<Self, ClientError> {
        let mut groups = Vec::new();
        for record in client.groups().await? {
            let storages = client.storages(record.group, None).await?;
            let storages = storages.into_iter().map(|record| Storage { record, answers_in: None }).collect();
            groups.push(Group { record, storages });
        }
        // Trackers of older versions do not know the question.
        let trackers = client.tracker_cluster(&TrackerClusterStatRequest::default()).await;
        let mut picture = Self { unix_secs, trackers: trackers.map(|stat| stat.trackers).unwrap_or_default(), groups };
        picture.ping().await;
        Ok(picture)
    }

    /// All storages.
    pub fn storages(&self) -> impl Iterator<Item = &Storage> {
        self.groups.iter().flat_map(|group| &group.storages)
    }

    async fn ping(&mut self) {
        let mut asking = JoinSet::new();
        for (index, storage) in self.storages().enumerate().take(PINGED_MAX) {
            if let Some(addr) = addr_of(&storage.record) {
                asking.spawn(async move { (index, call(addr, Command::ActiveTest).await) });
            }
        }
        let answers = asking.join_all().await;
        let mut storages: Vec<&mut Storage> = self.groups.iter_mut().flat_map(|group| &mut group.storages).collect();
        for (index, answer) in answers {
            if let (Some(storage), Ok((_, took))) = (storages.get_mut(index), answer) {
                storage.answers_in = Some(took);
            }
        }
    }
}

/// Where an ACTIVE storage is reached.
#[must_use]
pub fn addr_of(storage: &StorageRecord) -> Option<SocketAddr> {
    let ip = storage.ip.as_str().parse::<IpAddr>().ok()?;
    (storage.status == StorageStatus::Active).then(|| SocketAddr::new(ip, storage.port))
}

/// `HOST:PORT`, with brackets around an IPv6 address.
#[must_use]
pub fn host_port(ip: &str, port: u16) -> String {
    if ip.contains(':') { format!("[{ip}]:{port}") } else { format!("{ip}:{port}") }
}
