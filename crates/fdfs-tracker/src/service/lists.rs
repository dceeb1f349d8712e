//! What tools are shown: groups, storages, trackers, space (90 to 92, 96 to 98).

use fdfs_core::tracker::{
    GroupInfo, HostPort, StorageFilter, StorageInfo, StorageState, TrackerFilter, TrackerState, VolumeFilter,
    VolumeState,
};
use fdfs_proto::cmd::tracker::{
    self as cmd, GroupList, GroupRecord, ListAllGroups, ListOneGroup, ListStorages, StatusMatch, StorageClusterRow,
    StorageClusterStat, StorageClusterStatRequest, StorageList, StorageRecord, TrackerClusterRow, TrackerClusterStat,
    TrackerClusterStatRequest, VolumeRow, VolumeStat, VolumeStatRequest,
};
use fdfs_proto::{Status, StorageId};

use super::Call;
use crate::error::RequestError;

pub(super) fn one_group(call: &mut Call<'_>) -> Result<(), RequestError> {
    let ListOneGroup { group } = call.decode()?;
    let info = call.tracker.read(|cluster| cluster.list_group(&group))?;
    call.reply(&group_record(&info));
    Ok(())
}

pub(super) fn all_groups(call: &mut Call<'_>) -> Result<(), RequestError> {
    let ListAllGroups = call.decode()?;
    let infos = call.tracker.read(fdfs_core::tracker::Cluster::list_groups);
    call.reply(&GroupList { groups: infos.iter().map(group_record).collect() });
    call.check_answer_len(Status::ENOSPC)
}

pub(super) fn storages(call: &mut Call<'_>) -> Result<(), RequestError> {
    let ListStorages { group, id } = call.decode()?;
    let infos = call.tracker.read(|cluster| cluster.list_storages(&group, id.as_ref(), &call.peer.ip))?;
    StorageList { storages: infos.iter().map(storage_record).collect() }.encode(call.addr_size(), call.answer);
    Ok(())
}

pub(super) fn tracker_cluster(call: &mut Call<'_>) -> Result<(), RequestError> {
    let TrackerClusterStatRequest { is_active, is_leader } = call.decode()?;
    let (now, own, filter) = (call.tracker.now(), call.tracker.own_state(), TrackerFilter { is_active, is_leader });
    let states = call.tracker.read(|cluster| cluster.tracker_states(now, &own, &filter))?;
    call.reply(&TrackerClusterStat { trackers: states.iter().map(tracker_row).collect() });
    Ok(())
}

pub(super) fn storage_cluster(call: &mut Call<'_>) -> Result<(), RequestError> {
    let StorageClusterStatRequest { is_trunk_server, status } = call.decode()?;
    let (status, nothing) = match status {
        None => (None, false),
        Some(StatusMatch::Is(number)) => (Some((true, number)), false),
        Some(StatusMatch::IsNot(number)) => (Some((false, number)), false),
        Some(StatusMatch::Nothing { .. }) => (None, true),
    };
    let filter = StorageFilter { is_trunk_server, status };
    let stat = call.tracker.read(|cluster| {
        let states = if nothing { Vec::new() } else { cluster.storage_states(&filter, &call.peer.ip) };
        StorageClusterStat {
            use_storage_id: cluster.settings().ids.is_some(),
            use_trunk_file: cluster.settings().use_trunk_file,
            storages: states.iter().map(storage_row).collect(),
        }
    });
    call.reply(&stat);
    call.check_answer_len(Status::EINVAL)
}

pub(super) fn volumes(call: &mut Call<'_>) -> Result<(), RequestError> {
    let VolumeStatRequest { is_disk_available, is_trunk_available, is_space_available } = call.decode()?;
    let filter = VolumeFilter { is_disk_available, is_trunk_available, is_space_available };
    let stat = call.tracker.read(|cluster| VolumeStat {
        use_trunk_file: cluster.settings().use_trunk_file,
        groups: cluster.volume_states(&filter).iter().map(volume_row).collect(),
    });
    call.reply(&stat);
    call.check_answer_len(Status::EINVAL)
}

/// The core's address as the wire's.
pub(super) const fn host(host: &HostPort) -> cmd::HostPort {
    cmd::HostPort { ip: host.ip, port: host.port }
}

/// An id that may be missing.
pub(super) fn some_id(id: StorageId) -> Option<StorageId> {
    Some(id).filter(|id| !id.is_empty())
}

fn group_record(info: &GroupInfo) -> GroupRecord {
    GroupRecord {
        group: info.name,
        total_mb: info.total_mb,
        free_mb: info.free_mb,
        reserved_mb: info.reserved_mb,
        trunk_free_mb: info.trunk_free_mb,
        storage_count: info.storage_count as u64,
        storage_port: u16::try_from(info.storage_port).ok(),
        readable_count: info.readable_count as u64,
        writable_count: info.writable_count as u64,
        current_write_server_index: info.current_write_server as u64,
        store_path_count: info.path_count as u64,
        subdir_count: info.subdir_count as u64,
        current_trunk_file_id: u32::try_from(info.current_trunk_file_id).ok(),
    }
}

fn storage_record(info: &StorageInfo) -> StorageRecord {
    StorageRecord {
        status: info.status,
        rw_mode: info.rw,
        id: info.id,
        ip: info.ip,
        source_id: some_id(info.sync_source),
        version: info.version,
        join_time_secs: info.join_time,
        up_time_secs: info.up_time,
        total_mb: info.total_mb,
        free_mb: info.free_mb,
        reserved_mb: info.reserved_mb,
        upload_priority: info.upload_priority,
        store_path_count: info.path_count as u64,
        subdir_count: info.subdir_count as u64,
        current_write_path_index: info.current_write_path as u64,
        port: info.port,
        stat: info.stat,
        is_trunk_server: info.is_trunk_server,
    }
}

const fn tracker_row(state: &TrackerState) -> TrackerClusterRow {
    TrackerClusterRow {
        host: host(&state.host),
        is_leader: state.is_leader,
        is_active: state.is_active,
        connections: state.connections,
        version: state.version,
        up_time_secs: state.up_time,
        last_heart_beat_secs: state.last_heart_beat_time,
    }
}

const fn storage_row(state: &StorageState) -> StorageClusterRow {
    StorageClusterRow {
        id: state.id,
        host: host(&state.host),
        is_trunk_server: state.is_trunk_server,
        status: state.status,
        connections: state.connections,
        version: state.version,
        up_time_secs: state.up_time,
        last_heart_beat_secs: state.last_heart_beat_time,
    }
}

fn volume_row(state: &VolumeState) -> VolumeRow {
    VolumeRow {
        group: state.group,
        total_mb: state.total_mb,
        free_mb: state.free_mb,
        reserved_mb: state.reserved_mb,
        available_mb: i64::try_from(state.available_mb).unwrap_or(i64::MAX),
        trunk_free_mb: state.trunk_free_mb,
        is_disk_available: state.is_disk_available,
        is_trunk_available: state.is_trunk_available,
    }
}
