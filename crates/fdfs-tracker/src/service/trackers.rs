//! What trackers ask each other: the leader (58, 64 to 68, and 95 of clients) and the system files (61 to 63).

use fdfs_core::tracker::{ClusterError, HostPort};
use fdfs_proto::Status;
use fdfs_proto::cmd::tracker::sys_files::PIECE_MAX;
use fdfs_proto::cmd::tracker::{
    self as cmd, CommitNextLeader, GroupTrunkServer, JoinLeader, Leader, LeaderRequest, NotifyNextLeader, PingAnswer,
    PingLeader, ReselectLeader, SysFilePiece, SysFileRequest, SysFilesEnd, SysFilesStart, TrackerStatus,
    TrackerStatusRequest,
};
use fdfs_proto::shared::ConnectionCounts;

use super::Call;
use super::lists::host;
use crate::election;
use crate::error::RequestError;
use crate::peer::Follower;
use crate::sys_files;

pub(super) fn leader(call: &mut Call<'_>) -> Result<(), RequestError> {
    let LeaderRequest = call.decode()?;
    let leader = call.tracker.read(fdfs_core::tracker::Cluster::leader)?;
    call.reply(&Leader { host: host(&leader) });
    Ok(())
}

pub(super) fn status(call: &mut Call<'_>) -> Result<(), RequestError> {
    let TrackerStatusRequest = call.decode()?;
    let (now, up_time, last_check) = (call.tracker.now(), call.tracker.up_time, call.tracker.last_check_time);
    let status = call.tracker.read(|cluster| cluster.tracker_status(now, up_time, last_check))?;
    call.reply(&TrackerStatus {
        is_leader: status.is_leader,
        running_secs: status.running_secs,
        restart_interval_secs: status.restart_interval_secs,
    });
    Ok(())
}

pub(super) fn join_leader(call: &mut Call<'_>) -> Result<(), RequestError> {
    let JoinLeader { up_time_secs, version, port } = call.decode()?;
    let (now, from) = (call.tracker.now(), HostPort { ip: call.peer.ip, port });
    call.tracker.query(|cluster| {
        if !cluster.trackers().is_leader() {
            return Err(ClusterError::NotLeader.into());
        }
        if call.peer.follower.is_some() {
            return Err(RequestError::FollowerTwice);
        }
        if !cluster.trackers().is_known(&from.ip, port) {
            return Err(RequestError::UnknownTracker(from));
        }
        Ok(cluster.note_ping(now, &from, ConnectionCounts::default(), version, up_time_secs)?)
    })?;
    call.peer.follower = Some(Follower { host: from, version, up_time: up_time_secs, told_trunk_chg_count: None });
    Ok(())
}

pub(super) fn ping_leader(call: &mut Call<'_>) -> Result<(), RequestError> {
    let PingLeader { connections } = call.decode()?;
    let conn = call.peer.conn;
    let follower = &mut call.peer.follower;
    let answer = call.tracker.lead(|election, cluster, now| {
        if !cluster.trackers().is_leader() {
            return Err(RequestError::from(ClusterError::NotLeader));
        }
        let follower = follower.as_mut().ok_or(RequestError::NotFollower)?;
        cluster.note_ping(now, &follower.host, connections, follower.version, follower.up_time)?;
        let name = election::name_of(cluster, follower.host).ok_or(RequestError::UnknownTracker(follower.host))?;
        election.on_ping(now.mono_ms, name, conn.0).map_err(RequestError::Leader)?;
        let chg_count = Some(cluster.trunk_chg_count());
        if follower.told_trunk_chg_count == chg_count {
            return Ok(PingAnswer::default());
        }
        follower.told_trunk_chg_count = chg_count;
        let groups =
            cluster.trunk_servers().map(|(group, trunk_server_id)| GroupTrunkServer { group, trunk_server_id });
        Ok(PingAnswer { groups: groups.collect() })
    })?;
    call.reply(&answer);
    call.check_answer_len(Status::ENOSPC)
}

pub(super) fn notify_next_leader(call: &mut Call<'_>) -> Result<(), RequestError> {
    let NotifyNextLeader { leader } = call.decode()?;
    let leader = known_as(leader);
    call.tracker.lead(|election, cluster, now| {
        let name = election::name_of(cluster, leader).ok_or(RequestError::UnknownTracker(leader))?;
        election.on_notify(now.mono_ms, name).map_err(RequestError::Leader)
    })
}

pub(super) fn commit_next_leader(call: &mut Call<'_>) -> Result<(), RequestError> {
    let CommitNextLeader { leader } = call.decode()?;
    let leader = known_as(leader);
    call.tracker.lead(|election, cluster, now| {
        let name = election::name_of(cluster, leader).ok_or(RequestError::UnknownTracker(leader))?;
        election.on_commit(now.mono_ms, name).map_err(RequestError::Leader)
    })
}

pub(super) fn reselect_leader(call: &mut Call<'_>) -> Result<(), RequestError> {
    let ReselectLeader = call.decode()?;
    call.tracker.lead(|election, _, now| election.on_reselect(now.mono_ms).map_err(RequestError::Leader))
}

/// The wire's address as the core's.
const fn known_as(host: cmd::HostPort) -> HostPort {
    HostPort { ip: host.ip, port: host.port }
}

pub(super) fn sys_files_start(call: &mut Call<'_>) -> Result<(), RequestError> {
    let SysFilesStart = call.decode()?;
    let files = call.tracker.read(sys_files::snapshot)?;
    call.tracker.sys_files.lend(call.peer.conn, call.tracker.now(), files)
}

pub(super) fn sys_file(call: &mut Call<'_>) -> Result<(), RequestError> {
    let SysFileRequest { file, offset } = call.decode()?;
    let files = match call.tracker.sys_files.lent_to(call.peer.conn, call.tracker.now()) {
        Some(files) => files,
        // The reference serves this without 61, too; the pieces may then be of different moments.
        None => call.tracker.read(sys_files::snapshot)?,
    };
    let bytes = files.get(usize::from(file.index())).map(Vec::as_slice).unwrap_or_default();
    let len = bytes.len() as u64;
    let rest = usize::try_from(offset).ok().and_then(|offset| bytes.get(offset..));
    let rest = rest.ok_or(RequestError::SysFileOffset { offset, len })?;
    let content = rest.get(..PIECE_MAX).unwrap_or(rest).to_vec();
    call.reply(&SysFilePiece { file_size: len, content });
    Ok(())
}

pub(super) fn sys_files_end(call: &mut Call<'_>) -> Result<(), RequestError> {
    let SysFilesEnd = call.decode()?;
    call.tracker.sys_files.give_back(call.peer.conn);
    Ok(())
}
