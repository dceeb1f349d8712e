//! What storages ask before they join: parameters (75), storage ids (69), who they are (60, 70, 71, 109).

use fdfs_core::tracker::ClusterError;
use fdfs_proto::Wire as _;
use fdfs_proto::cmd::tracker::{
    GroupNameAnswer, GroupNameRequest, HostAddrs, MyIp, MyIpRequest, ParametersRequest, ServerId, ServerIdRequest,
    ServerStatusRequest, StorageIds, StorageIdsRequest,
};

use super::Call;
use crate::error::RequestError;

pub(super) fn parameters(call: &mut Call<'_>) -> Result<(), RequestError> {
    let ParametersRequest = call.decode()?;
    call.answer.extend_from_slice(&call.tracker.parameters());
    Ok(())
}

pub(super) fn storage_ids(call: &mut Call<'_>) -> Result<(), RequestError> {
    let StorageIdsRequest { start_index, allow_empty } = call.decode()?;
    let page = match call.tracker.id_lines().as_deref() {
        Some(lines) => StorageIds::page(lines, start_index)?,
        None if allow_empty => StorageIds::default(),
        None => return Err(ClusterError::OnlyWithIds.into()),
    };
    call.reply(&page);
    Ok(())
}

pub(super) fn my_ip(call: &mut Call<'_>) -> Result<(), RequestError> {
    let MyIpRequest { group, port } = call.decode()?;
    let addrs = call.tracker.read(|cluster| cluster.addrs_of(&group, &call.peer.ip, port));
    call.reply(&MyIp { addrs: HostAddrs { first: *addrs.first(), second: addrs.second().copied() } });
    Ok(())
}

pub(super) fn server_id(call: &mut Call<'_>) -> Result<(), RequestError> {
    let ServerIdRequest { group, host } = call.decode()?;
    let id = call.tracker.read(|cluster| cluster.storage_id(&group, &host.ip, host.port))?;
    call.reply(&ServerId { id });
    Ok(())
}

pub(super) fn server_status(call: &mut Call<'_>) -> Result<(), RequestError> {
    let ServerStatusRequest { group, host } = call.decode()?;
    let brief = call.tracker.read(|cluster| cluster.storage_brief(&group, &host.ip, host.port, &call.peer.ip))?;
    call.reply(&brief);
    Ok(())
}

pub(super) fn group_name(call: &mut Call<'_>) -> Result<(), RequestError> {
    if call.tracker.id_lines().is_none() {
        return Err(ClusterError::OnlyWithIds.into());
    }
    let request = GroupNameRequest::from_bytes(call.body).map_err(|error| {
        let status = GroupNameRequest::status_of(&error);
        RequestError::BodyWithStatus { error, status }
    })?;
    let ip = request.ip.unwrap_or(call.peer.ip);
    let group = call.tracker.read(|cluster| cluster.group_name(&ip, request.port))?;
    call.reply(&GroupNameAnswer { group });
    Ok(())
}
