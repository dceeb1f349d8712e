//! What the trackers of a cluster say of its storages.

use fdfs_client::{Client, ClientError, FileId, StorageRecord, UploadOptions};
use fdfs_proto::shared::StorageStatus;
use tokio::runtime::Runtime;

use crate::layout::{Layout, StoragePlan};
use crate::wait::wait_for;

/// A client of a cluster, and a runtime for its calls.
#[derive(Debug)]
pub struct View {
    /// The client.
    pub client: Client,
    runtime: Runtime,
}

impl View {
    /// Looks at the cluster of a layout.
    ///
    /// # Panics
    /// When there are no threads.
    #[must_use]
    pub fn new(layout: &Layout) -> Self {
        let trackers = layout.trackers.iter().map(|tracker| tracker.addr.to_string());
        let client = trackers.fold(Client::builder(), |builder, tracker| builder.tracker(&tracker)).build().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        Self { client, runtime }
    }

    /// Runs a call of the client.
    pub fn block_on<F: Future>(&self, call: F) -> F::Output {
        self.runtime.block_on(call)
    }

    /// Runs a call of the client aside.
    pub fn spawn<F>(&self, call: F) -> tokio::task::JoinHandle<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        self.runtime.spawn(call)
    }

    /// Uploads, wherever the trackers want it.
    ///
    /// # Errors
    /// As [`Client::upload`].
    pub fn upload(&self, content: &[u8]) -> Result<FileId, ClientError> {
        self.block_on(self.client.upload(content, &UploadOptions::new()))
    }

    /// Downloads, from where the trackers say.
    ///
    /// # Errors
    /// As [`Client::download`].
    pub fn download(&self, id: &FileId) -> Result<Vec<u8>, ClientError> {
        self.block_on(self.client.download(id))
    }

    /// What the trackers say of a storage.
    #[must_use]
    pub fn record(&self, plan: &StoragePlan) -> Option<StorageRecord> {
        let group = plan.group.parse().ok()?;
        let records = self.block_on(self.client.storages(group, None)).ok()?;
        let ip = plan.addr.ip().to_string();
        records.into_iter().find(|record| record.ip.as_str() == ip)
    }

    /// Waits until a storage has this status.
    ///
    /// # Panics
    /// When that does not come.
    pub fn wait_for_status(&self, plan: &StoragePlan, status: StorageStatus) {
        let what = format!("storage {} to become {status:?}", plan.addr);
        wait_for(&what, || (self.record(plan)?.status == status).then_some(()));
    }

    /// Waits until a storage is ACTIVE and its space is known: before, it is not offered for uploads.
    ///
    /// # Panics
    /// When that does not come.
    pub fn wait_until_active(&self, plan: &StoragePlan) {
        self.wait_for_status(plan, StorageStatus::Active);
        let what = format!("the space of storage {} to be known", plan.addr);
        wait_for(&what, || (self.record(plan)?.total_mb > 0).then_some(()));
    }
}
