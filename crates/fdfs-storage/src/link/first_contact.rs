//! What a storage asks a tracker before it can serve: its own address, the parameters, the storage ids, its own id.

use fdfs_conf::StorageConf;
use fdfs_conf::address::TrackerServer;
use fdfs_net::Caller;
use fdfs_proto::cmd::tracker::{
    GroupNameAnswer, GroupNameRequest, HostAddrs, HostPort, MyIp, MyIpRequest, Parameters, ParametersRequest, ServerId,
    ServerIdRequest, StorageIdLine, StorageIds, StorageIdsRequest,
};
use fdfs_proto::{GroupName, StorageId};

use super::ask::{TrackerDialer, ask, whole};
use super::error::LinkError;
use crate::params::{KnownCluster, Learnt};

/// Pieces of the storage ids list that are fetched at the most: as many as a tracker can have storages.
const IDS_PIECES_MAX: usize = fdfs_proto::limits::GROUPS * fdfs_proto::limits::STORAGES_PER_GROUP;

/// Asks one tracker for all that a storage must know.
///
/// # Errors
/// [`LinkError`].
pub async fn learn(
    dialer: &TrackerDialer,
    conf: &StorageConf,
    port: u16,
    tracker: &TrackerServer,
) -> Result<Learnt, LinkError> {
    let mut caller = dialer.connect(tracker).await?;
    let group = match conf.group_name {
        Some(group) => group,
        None => ask(&mut caller, &GroupNameRequest { ip: None, port }, whole::<GroupNameAnswer>).await?.group,
    };
    let addrs = ask(&mut caller, &MyIpRequest { group, port }, whole::<MyIp>).await?.addrs;
    let params = ask(&mut caller, &ParametersRequest, whole::<Parameters>).await?;
    let ids = if params.use_storage_id { storage_ids(&mut caller).await? } else { Vec::new() };
    let id = if params.use_storage_id { Some(own_id(&mut caller, conf, group, addrs, port).await?) } else { None };
    Ok(Learnt { group, addrs, id, cluster: KnownCluster { params, ids } })
}

async fn storage_ids(caller: &mut Caller) -> Result<Vec<StorageIdLine>, LinkError> {
    let mut all = Vec::new();
    for _ in 0..IDS_PIECES_MAX {
        let start_index = u32::try_from(all.len()).unwrap_or(u32::MAX);
        let request = StorageIdsRequest { start_index, allow_empty: false };
        let piece = ask(caller, &request, whole::<StorageIds>).await?;
        let is_last = piece.lines.is_empty();
        all.extend(piece.lines);
        if is_last || all.len() >= piece.total as usize {
            break;
        }
    }
    Ok(all)
}

/// Our id: as configured, else what the tracker finds under our address and port.
async fn own_id(
    caller: &mut Caller,
    conf: &StorageConf,
    group: GroupName,
    addrs: HostAddrs,
    port: u16,
) -> Result<StorageId, LinkError> {
    if let Some(id) = conf.server_id.as_deref().and_then(|id| id.parse().ok()) {
        return Ok(id);
    }
    let host = HostPort { ip: addrs.first, port };
    Ok(ask(caller, &ServerIdRequest { group, host }, whole::<ServerId>).await?.id)
}
