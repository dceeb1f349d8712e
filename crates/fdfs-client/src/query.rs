//! What trackers tell: where to upload to, where a file is, groups and storages.

use std::net::SocketAddr;

use fdfs_proto::cmd::tracker::{
    FetchRequest, FetchTarget, FetchTargets, GroupList, GroupRecord, ListOneGroup, ListStorages, QueryStoreRequest,
    StorageAddr, StorageList, StorageRecord, StoreTarget, StoreTargets,
};
use fdfs_proto::file_id::FileId;
use fdfs_proto::limits::{GROUPS, STORAGES_PER_GROUP};
use fdfs_proto::shared::AddrSize;
use fdfs_proto::{Command, GroupName, StorageId, Wire, WireError};

use crate::calls::Ask;
use crate::trackers::Told;
use crate::{Client, ClientError};

/// The longest answer to a query, in bytes: 32 storages with wide addresses.
const QUERY_ANSWER_MAX: usize = 17 + STORAGES_PER_GROUP * StorageAddr::len(AddrSize::V6);
/// The longest list of groups, in bytes.
pub(crate) const GROUPS_ANSWER_MAX: usize = GROUPS * GroupRecord::LEN;
/// The longest list of storages, in bytes.
pub(crate) const STORAGES_ANSWER_MAX: usize = STORAGES_PER_GROUP * StorageRecord::len(AddrSize::V6);

/// Reads what a tracker told.
pub(crate) fn read<T>(
    doing: &'static str,
    told: &Told,
    decode: impl FnOnce(&[u8]) -> Result<T, WireError>,
) -> Result<T, ClientError> {
    decode(&told.body).map_err(|reason| ClientError::BadAnswer { doing, server: told.tracker, reason })
}

impl Client {
    /// The storage that the next upload should go to (101, 104).
    ///
    /// # Errors
    /// [`ClientError::TrackerRefused`] with `ENOENT` (no such group, no active storage) or `ENOSPC`, and what asking a
    /// tracker can give.
    pub async fn query_store(&self, group: Option<GroupName>) -> Result<StoreTarget, ClientError> {
        self.ask_store("choose a storage", group).await.map(|(target, _)| target)
    }

    /// All storages of a group that can take uploads (106, 107).
    ///
    /// # Errors
    /// As [`Client::query_store`].
    pub async fn query_store_all(&self, group: Option<GroupName>) -> Result<StoreTargets, ClientError> {
        self.ask_store_all("list storages for uploads", group).await.map(|(targets, _)| targets)
    }

    /// A storage to read a file from (102). That the file exists is not said by it.
    ///
    /// # Errors
    /// [`ClientError::TrackerRefused`] with `ENOENT` (no such group, no active storage) or `EINVAL` (no file id), and
    /// what asking a tracker can give.
    pub async fn query_fetch(&self, file: &FileId) -> Result<FetchTarget, ClientError> {
        self.ask_fetch("find a storage", Command::QueryFetchOne, file).await.map(|(target, _)| target)
    }

    /// The storage to change a file at (103): the one it was uploaded to, if that is active.
    ///
    /// # Errors
    /// As [`Client::query_fetch`].
    pub async fn query_update(&self, file: &FileId) -> Result<FetchTarget, ClientError> {
        self.ask_fetch("find the storage for a change", Command::QueryUpdate, file).await.map(|(target, _)| target)
    }

    /// All storages that have a file (105).
    ///
    /// # Errors
    /// As [`Client::query_fetch`].
    pub async fn query_fetch_all(&self, file: &FileId) -> Result<FetchTargets, ClientError> {
        self.ask_fetch_all("find all storages", file).await.map(|(targets, _)| targets)
    }

    /// All groups, sorted by name (91).
    ///
    /// # Errors
    /// What asking a tracker can give.
    pub async fn groups(&self) -> Result<Vec<GroupRecord>, ClientError> {
        let (doing, max_answer) = ("list groups", GROUPS_ANSWER_MAX);
        let ask = Ask { doing, command: Command::ServerListAllGroups, status: 0, body: &[], max_answer };
        let told = self.ask(&ask).await?;
        Ok(read(doing, &told, GroupList::from_bytes)?.groups)
    }

    /// One group (90).
    ///
    /// # Errors
    /// [`ClientError::TrackerRefused`] with `ENOENT`, and what asking a tracker can give.
    pub async fn group(&self, group: GroupName) -> Result<GroupRecord, ClientError> {
        let (doing, body) = ("look at a group", ListOneGroup { group }.to_bytes());
        let command = Command::ServerListOneGroup;
        let ask = Ask { doing, command, status: 0, body: &body, max_answer: GroupRecord::LEN };
        let told = self.ask(&ask).await?;
        read(doing, &told, GroupRecord::from_bytes)
    }

    /// The storages of a group sorted by id, deleted ones included; or one of them (92).
    ///
    /// # Errors
    /// [`ClientError::TrackerRefused`] with `ENOENT`, and what asking a tracker can give.
    pub async fn storages(&self, group: GroupName, id: Option<StorageId>) -> Result<Vec<StorageRecord>, ClientError> {
        let (doing, body) = ("list storages", ListStorages { group, id }.to_bytes());
        let (command, max_answer) = (Command::ServerListStorage, STORAGES_ANSWER_MAX);
        let told = self.ask(&Ask { doing, command, status: 0, body: &body, max_answer }).await?;
        Ok(read(doing, &told, StorageList::decode)?.storages)
    }

    pub(crate) async fn ask_store(
        &self,
        doing: &'static str,
        group: Option<GroupName>,
    ) -> Result<(StoreTarget, SocketAddr), ClientError> {
        let commands = (Command::QueryStoreWithoutGroupOne, Command::QueryStoreWithGroupOne);
        let told = self.ask_for_group(doing, commands, group).await?;
        Ok((read(doing, &told, StoreTarget::decode)?, told.tracker))
    }

    pub(crate) async fn ask_store_all(
        &self,
        doing: &'static str,
        group: Option<GroupName>,
    ) -> Result<(StoreTargets, SocketAddr), ClientError> {
        let commands = (Command::QueryStoreWithoutGroupAll, Command::QueryStoreWithGroupAll);
        let told = self.ask_for_group(doing, commands, group).await?;
        Ok((read(doing, &told, StoreTargets::decode)?, told.tracker))
    }

    pub(crate) async fn ask_fetch(
        &self,
        doing: &'static str,
        command: Command,
        file: &FileId,
    ) -> Result<(FetchTarget, SocketAddr), ClientError> {
        let told = self.ask_for_file(doing, command, file).await?;
        Ok((read(doing, &told, FetchTarget::decode)?, told.tracker))
    }

    pub(crate) async fn ask_fetch_all(
        &self,
        doing: &'static str,
        file: &FileId,
    ) -> Result<(FetchTargets, SocketAddr), ClientError> {
        let told = self.ask_for_file(doing, Command::QueryFetchAll, file).await?;
        Ok((read(doing, &told, FetchTargets::decode)?, told.tracker))
    }

    async fn ask_for_group(
        &self,
        doing: &'static str,
        (without, with): (Command, Command),
        group: Option<GroupName>,
    ) -> Result<Told, ClientError> {
        let body = group.map(|group| QueryStoreRequest { group }.to_bytes());
        let command = if body.is_some() { with } else { without };
        let body = body.as_deref().unwrap_or_default();
        self.ask(&Ask { doing, command, status: 0, body, max_answer: QUERY_ANSWER_MAX }).await
    }

    async fn ask_for_file(&self, doing: &'static str, command: Command, file: &FileId) -> Result<Told, ClientError> {
        let FileId { group, name } = *file;
        let body = FetchRequest { group, name }.to_bytes();
        self.ask(&Ask { doing, command, status: 0, body: &body, max_answer: QUERY_ANSWER_MAX }).await
    }
}
