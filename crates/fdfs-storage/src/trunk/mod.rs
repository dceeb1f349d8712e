//! Space in trunk files: many small files in few large ones. One storage of the group, the trunk server, gives it out.
//!
//! * [`leases`]: what an upload asks for, wherever the trunk server is; [`error`]: why it gets none;
//! * `told`: who the trunk server is; `remote`: asking it; `frees`: what could not be told yet; `owed`: what
//!   is to be given back once it is empty;
//! * `desk`: giving out space; `role`: taking and laying down the role (decision 0008); [`term`]: what is remembered of it;
//! * `sender`, `receive`, `log_conns`: the log on its way to the others; `compact`, `timetable`: what is done by the clock.

mod blocks;
mod compact;
mod desk;
pub mod error;
mod frees;
pub mod leases;
mod log_conns;
mod owed;
mod receive;
mod remote;
mod role;
mod sender;
pub(crate) mod serve;
pub mod term;
mod timetable;
mod told;

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(crate) use desk::DeskParts;
pub use error::TrunkError;
pub use leases::{Server, TrunkLease, TrunkSpace};

use crate::storage::Storage;

/// Starts what goes on in the background: requests to the trunk server on `data`, the role on `control`.
pub(crate) fn spawn(
    storage: &Arc<Storage>,
    control: &Handle,
    data: &Handle,
    tasks: &TaskTracker,
    shutdown: &CancellationToken,
) {
    let Ok(works) = storage.trunk.works() else { return };
    let queue = works.queue.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
    if let Some(queue) = queue {
        tasks.spawn_on(remote::run(storage.clone(), queue, shutdown.clone()), data);
    }
    tasks.spawn_on(role::keep(storage.clone(), shutdown.clone()), control);
}
