//! A gateway: no files of its own, all groups.

use std::net::IpAddr;

use fdfs_client::FileId;
use fdfs_proto::file_id::LogicName;

use super::{Absent, Cluster, Site};
use crate::source::Found;

/// A gateway: no files of its own, all groups.
#[derive(Debug, Clone)]
pub struct Gateway(pub Cluster);

impl Site for Gateway {
    async fn open(&self, _id: &FileId, _name: &LogicName) -> Result<Found, Absent> {
        Err(Absent::NotFound)
    }

    async fn fetch(&self, id: &FileId) -> Result<Found, Absent> {
        self.0.fetch(id).await
    }

    async fn locate(&self, id: &FileId, _asker: IpAddr) -> Result<IpAddr, Absent> {
        self.0.locate(id, |_| false).await
    }

    async fn metadata(&self, id: &FileId) -> Result<Vec<(String, String)>, Absent> {
        self.0.metadata(id).await
    }

    fn is_this_host(&self, _ip: IpAddr) -> bool {
        false
    }

    fn cluster(&self) -> Option<&Cluster> {
        Some(&self.0)
    }
}
