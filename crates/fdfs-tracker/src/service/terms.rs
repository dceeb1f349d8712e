//! What storages of ours tell beyond their join (our own command 247).

use fdfs_proto::ours::StorageTerms;

use super::Call;
use crate::error::RequestError;

pub(super) fn take(call: &mut Call<'_>) -> Result<(), RequestError> {
    let terms: StorageTerms = call.decode_joined()?;
    let conn = call.peer.conn;
    // They are told again after a restart, and need no saving.
    let _ = call.tracker.change(|cluster| cluster.set_terms(conn, &terms))?;
    Ok(())
}
