//! One tracker by name: what concerns it alone, and the administration of a cluster.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use fdfs_proto::cmd::tracker::{
    DeleteGroup, DeleteStorage, GroupList, GroupRecord, Leader, ListStorages, SetTrunkServer, StorageList,
    StorageRecord, TrunkServerChosen,
};
use fdfs_proto::limits::{HOST_PORT_MAX, STORAGE_ID_LEN};
use fdfs_proto::ours::DropGroup;
use fdfs_proto::{Command, GroupName, Status, StorageId, Wire};

use crate::calls::Ask;
use crate::query::{GROUPS_ANSWER_MAX, STORAGES_ANSWER_MAX, read};
use crate::tracker_node::TrackerNode;
use crate::{Client, ClientError};

/// One tracker of a client: every question goes to it and to no other. [`Client::trackers`] gives them.
///
/// What is deleted, is deleted at this tracker only: the others of the cluster must be told as well.
///
/// ```no_run
/// # async fn example(client: fdfs_client::Client) -> Result<(), fdfs_client::ClientError> {
/// for tracker in client.trackers() {
///     println!("{tracker}: {} groups, leader {:?}", tracker.groups().await?.len(), tracker.leader().await?);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Tracker {
    client: Client,
    node: Arc<TrackerNode>,
}

/// Its name as given: `host:port`, or two of them with a comma.
impl fmt::Display for Tracker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.node.fmt(f)
    }
}

impl Tracker {
    pub(crate) const fn new(client: Client, node: Arc<TrackerNode>) -> Self {
        Self { client, node }
    }

    #[cfg(test)]
    pub(crate) const fn node(&self) -> &Arc<TrackerNode> {
        &self.node
    }

    /// Its addresses, the one that last worked first.
    ///
    /// # Errors
    /// [`ClientError::BadTracker`] when its name leads to none.
    pub async fn addrs(&self) -> Result<Vec<SocketAddr>, ClientError> {
        let inner = &self.client.inner;
        self.node.addrs(inner.calls.options.connect_timeout).await.map_err(ClientError::BadTracker)
    }

    /// Whether it answers at all (111).
    ///
    /// # Errors
    /// [`ClientError::NoTrackerAnswers`], [`ClientError::TrackerRefused`].
    pub async fn ping(&self) -> Result<(), ClientError> {
        self.tell("ping a tracker", Command::ActiveTest, &[]).await
    }

    /// All groups it knows, sorted by name (91).
    ///
    /// # Errors
    /// [`ClientError::NoTrackerAnswers`], [`ClientError::TrackerRefused`], [`ClientError::BadAnswer`].
    pub async fn groups(&self) -> Result<Vec<GroupRecord>, ClientError> {
        let doing = "list groups";
        let told = self.ask(doing, Command::ServerListAllGroups, &[], GROUPS_ANSWER_MAX).await?;
        Ok(read(doing, &told, GroupList::from_bytes)?.groups)
    }

    /// The storages of a group sorted by id, deleted ones included; or one of them (92).
    ///
    /// # Errors
    /// As [`Tracker::groups`]; `ENOENT` for an unknown group or storage.
    pub async fn storages(&self, group: GroupName, id: Option<StorageId>) -> Result<Vec<StorageRecord>, ClientError> {
        let (doing, body) = ("list storages", ListStorages { group, id }.to_bytes());
        let told = self.ask(doing, Command::ServerListStorage, &body, STORAGES_ANSWER_MAX).await?;
        Ok(read(doing, &told, StorageList::decode)?.storages)
    }

    /// The leader of the trackers; `None` while it knows of none (95).
    ///
    /// # Errors
    /// As [`Tracker::groups`].
    pub async fn leader(&self) -> Result<Option<String>, ClientError> {
        let doing = "ask for the leader";
        match self.ask(doing, Command::ServerGetLeader, &[], HOST_PORT_MAX).await {
            Ok(told) => Ok(Some(read(doing, &told, Leader::from_bytes)?.host.to_string())),
            Err(ClientError::TrackerRefused { status: Status::ENOENT, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Takes a storage out of its group (93). It must not be running.
    ///
    /// # Errors
    /// [`ClientError::TrackerRefused`]: `ENOENT` for an unknown group or storage, `EBUSY` while it is active,
    /// `EALREADY` when it is deleted; and what asking a tracker can give. When the connection broke, it may have been
    /// deleted.
    pub async fn delete_storage(&self, group: GroupName, id: StorageId) -> Result<(), ClientError> {
        let body = DeleteStorage { group, id }.to_bytes();
        self.tell("delete a storage", Command::ServerDeleteStorage, &body).await
    }

    /// Removes a group without storages (108).
    ///
    /// # Errors
    /// [`ClientError::TrackerRefused`]: `ENOENT` for an unknown group, `EBUSY` while it has storages, deleted ones
    /// included; and what asking a tracker can give.
    pub async fn delete_group(&self, group: GroupName) -> Result<(), ClientError> {
        self.tell("delete a group", Command::ServerDeleteGroup, &DeleteGroup { group }.to_bytes()).await
    }

    /// As [`Tracker::delete_group`], but the slots of deleted storages do not keep the group. A command of our own: a
    /// tracker of the reference answers `EINVAL`.
    ///
    /// # Errors
    /// As [`Tracker::delete_group`].
    pub async fn drop_group(&self, group: GroupName) -> Result<(), ClientError> {
        self.tell("delete a group", Command::DropGroup, &DropGroup { group }.to_bytes()).await
    }

    /// Makes a storage the trunk server of its group, or lets the tracker choose one; gives the one it is now (94).
    ///
    /// # Errors
    /// [`ClientError::TrackerRefused`]: `EOPNOTSUPP` when it is not the leader or trunk files are off, `ENOENT`,
    /// `EALREADY` when it is it already, `EEXIST` when another active one is, `ENONET` when it is not active, `EACCES`
    /// when it is not writable; and what asking a tracker can give.
    pub async fn set_trunk_server(&self, group: GroupName, id: Option<StorageId>) -> Result<StorageId, ClientError> {
        let (doing, body) = ("set the trunk server", SetTrunkServer { group, id }.to_bytes());
        let told = self.ask(doing, Command::ServerSetTrunkServer, &body, STORAGE_ID_LEN + 1).await?;
        Ok(read(doing, &told, TrunkServerChosen::from_bytes)?.id)
    }

    /// Asks for something that has no answer but a status.
    async fn tell(&self, doing: &'static str, command: Command, body: &[u8]) -> Result<(), ClientError> {
        self.ask(doing, command, body, 0).await.map(drop)
    }

    async fn ask(
        &self,
        doing: &'static str,
        command: Command,
        body: &[u8],
        max_answer: usize,
    ) -> Result<crate::trackers::Told, ClientError> {
        let inner = &self.client.inner;
        inner.trackers.ask_at(&self.node, &inner.calls, &Ask { doing, command, status: 0, body, max_answer }).await
    }
}
