//! What a storage missed of deletions and changed addresses (77).

use fdfs_core::tracker::Cluster;
use fdfs_proto::cmd::tracker::ChangelogRequest;

use super::Call;
use crate::error::RequestError;

/// A joined storage asks for itself, others say for whom.
pub(super) fn read(call: &mut Call<'_>) -> Result<(), RequestError> {
    let request: ChangelogRequest = call.decode()?;
    let conn = call.peer.conn;
    let decided = call.tracker.decide(|cluster: &mut Cluster| match (cluster.joined_as(conn), request) {
        (Some(_), ChangelogRequest::Joined) => Ok(cluster.read_changelog_joined(conn)?),
        (None, ChangelogRequest::Of { group, id }) => Ok(cluster.read_changelog(&group, &id)?),
        _ => Err(RequestError::ChangelogForm),
    })?;
    // The new read position is written at leisure: to be told of an event twice is harmless.
    call.answer.extend_from_slice(decided.answer.as_bytes());
    Ok(())
}
