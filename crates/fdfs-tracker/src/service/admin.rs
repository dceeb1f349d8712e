//! Deletions (93, 108) and changed addresses (78). The answer comes when the change is on stable storage.

use fdfs_core::tracker::ClusterError;
use fdfs_proto::cmd::tracker::{DeleteGroup, DeleteStorage, ReportIpChanged};
use fdfs_proto::ours::DropGroup;

use super::Call;
use crate::error::RequestError;

/// Differs from C: the deletion is durable when it is answered, so that a crash of the tracker cannot bring the storage
/// back (behaviour, W-29).
pub(super) async fn delete_storage(call: &mut Call<'_>) -> Result<(), RequestError> {
    let DeleteStorage { group, id } = call.decode()?;
    let now = call.tracker.now();
    let ticket = call.tracker.change(|cluster| cluster.delete_storage(now, &group, &id))?;
    call.tracker.saver.saved(ticket).await
}

pub(super) async fn delete_group(call: &mut Call<'_>) -> Result<(), RequestError> {
    let DeleteGroup { group } = call.decode()?;
    let ticket = call.tracker.change(|cluster| cluster.delete_group(&group))?;
    call.tracker.saver.saved(ticket).await
}

/// Our own command 249.
pub(super) async fn drop_group(call: &mut Call<'_>) -> Result<(), RequestError> {
    let DropGroup { group } = call.decode()?;
    let ticket = call.tracker.change(|cluster| cluster.drop_group(&group))?;
    call.tracker.saver.saved(ticket).await
}

pub(super) async fn report_ip_changed(call: &mut Call<'_>) -> Result<(), RequestError> {
    // As the reference: with storage ids the body is not even looked at.
    if call.tracker.id_lines().is_some() {
        return Err(ClusterError::OnlyWithoutIds.into());
    }
    let ReportIpChanged { group, old_ip, new_ip } = call.decode()?;
    let (now, peer_ip) = (call.tracker.now(), call.peer.ip);
    let report =
        |cluster: &mut fdfs_core::tracker::Cluster| cluster.report_ip_changed(now, &peer_ip, &group, &old_ip, &new_ip);
    let ticket = call.tracker.change(report)?;
    call.tracker.saver.saved(ticket).await
}
