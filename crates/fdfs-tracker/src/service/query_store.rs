//! Where a client is sent to upload (101, 104, 106, 107).

use fdfs_core::tracker::Endpoint;
use fdfs_proto::GroupName;
use fdfs_proto::cmd::tracker::storage_addr::StorageAddr;
use fdfs_proto::cmd::tracker::{QueryStoreAnyRequest, QueryStoreRequest, StoreTarget, StoreTargets};

use super::Call;
use crate::error::RequestError;

pub(super) fn one_of_any_group(call: &mut Call<'_>) -> Result<(), RequestError> {
    let QueryStoreAnyRequest = call.decode()?;
    one(call, None)
}

pub(super) fn one_of_a_group(call: &mut Call<'_>) -> Result<(), RequestError> {
    let QueryStoreRequest { group } = call.decode()?;
    one(call, Some(&group))
}

pub(super) fn all_of_any_group(call: &mut Call<'_>) -> Result<(), RequestError> {
    let QueryStoreAnyRequest = call.decode()?;
    all(call, None)
}

pub(super) fn all_of_a_group(call: &mut Call<'_>) -> Result<(), RequestError> {
    let QueryStoreRequest { group } = call.decode()?;
    all(call, Some(&group))
}

fn one(call: &mut Call<'_>, named: Option<&GroupName>) -> Result<(), RequestError> {
    let found = call.tracker.query(|cluster| cluster.query_store_one(named, &call.peer.ip))?;
    let server = storage_addr(&found.storage);
    let target = StoreTarget { group: found.group, server, store_path_index: found.path_index };
    target.encode(call.addr_size(), call.answer);
    Ok(())
}

fn all(call: &mut Call<'_>, named: Option<&GroupName>) -> Result<(), RequestError> {
    let found = call.tracker.query(|cluster| cluster.query_store_all(named, &call.peer.ip))?;
    let servers = found.storages.iter().map(storage_addr).collect();
    let targets = StoreTargets { group: found.group, servers, store_path_index: found.path_index };
    targets.encode(call.addr_size(), call.answer);
    Ok(())
}

/// A storage as it stands in the answers of queries.
pub(super) const fn storage_addr(storage: &Endpoint) -> StorageAddr {
    StorageAddr { ip: storage.ip, port: storage.port }
}
