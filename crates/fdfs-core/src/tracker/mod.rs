//! The decisions of a tracker.
//!
//! [`Cluster`] is the whole state. Each event is one method: it takes the time as [`Now`] where time matters, changes
//! the state and gives back an [`Outcome`]: the answer for the asker and the [`Effect`]s which the shell carries out
//! before it sends that answer. Queries of clients give their answer alone, because nothing must be persisted for
//! them. Commands of a joined storage name their connection by a [`ConnId`]; the cluster knows who joined on it.
//!
//! | question                                   | file            |
//! |--------------------------------------------|-----------------|
//! | which status follows on which event        | `status.rs`     |
//! | may this storage join, what changes        | `join.rs`       |
//! | beats, disk reports, their common answer   | `beat.rs`       |
//! | closed connections, silent storages        | `liveness.rs`   |
//! | old-data sync, reported states             | `sync.rs`       |
//! | which records each member sends a new one   | `until.rs`      |
//! | up to when who has whose changes           | `synced.rs`     |
//! | which group, storage, path                 | `select/`       |
//! | deletions, changed addresses               | `admin.rs`, `former.rs` |
//! | what other storages must still be told     | `changelog.rs`  |
//! | trunk servers                              | `trunk.rs`      |
//! | who is at this address                     | `identity.rs`   |
//! | which address of a storage is told to whom  | `routes.rs`     |
//! | what storages of ours tell beyond a join    | `terms.rs`      |
//! | the other trackers, the leader             | `trackers.rs`, `rank.rs` |
//! | who becomes the leader                     | `leader/`       |
//! | what watching storages are told             | `watch.rs`      |
//! | lists for tools                            | `list.rs`, `states.rs` |
//! | rows of the state files                    | `snapshot.rs`, `restore.rs` |

mod addr;
mod admin;
mod beat;
mod changelog;
mod cluster;
mod effect;
mod error;
mod former;
mod group;
mod identity;
mod ids;
mod join;
pub mod leader;
#[cfg(test)]
mod life;
mod list;
mod liveness;
mod loss;
mod rank;
mod reload;
mod restore;
mod routes;
pub mod select;
mod settings;
mod snapshot;
mod states;
pub mod status;
mod storage;
mod sync;
mod synced;
mod terms;
#[cfg(test)]
mod tests_support;
mod time;
mod trackers;
mod trunk;
mod until;
mod watch;
#[cfg(test)]
mod weak_spots;

pub use addr::{AddrKind, Addrs, HostPort};
pub use beat::BeatAnswer;
pub use changelog::{CHANGELOG_PIECE_MAX, Changelog};
pub use cluster::{Cluster, ConnId};
pub use effect::{Cause, Effect, Event, Outcome};
pub use error::ClusterError;
pub use group::{Group, GroupPort};
pub use ids::{IdEntry, IdTable, IdTableError, id_of_address};
pub use join::{Join, JoinAnswer, JoinPeer};
pub use list::{GroupInfo, StorageInfo};
pub use loss::Loss;
pub use rank::TrackerStatus;
pub use restore::Stored;
pub use routes::{Advertise, AnswerWidth, StoragePick};
pub use select::{Endpoint, FileFacts, Source, StoreAll, StoreOne};
pub use settings::{DownloadServer, IdType, Reserved, Settings, StoreLookup, StorePath, StoreServer};
pub use snapshot::{GroupRow, ServerRow, TimestampRow};
pub use states::{StorageFilter, StorageState, TrackerFilter, TrackerState, VolumeFilter, VolumeState};
pub use storage::{PathSpace, Storage};
pub use sync::SyncSource;
pub use time::Now;
pub use trackers::{OwnState, TrackerAddr, Trackers};
pub use trunk::{TrunkCandidates, TrunkRequest};
