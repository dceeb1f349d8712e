//! Serving requests: one line per command, one file per family of commands.

mod admin;
mod beat;
mod changelog;
mod identity;
mod join;
mod lists;
mod query_fetch;
mod query_store;
mod self_report;
mod status_reports;
mod sync_source;
mod terms;
mod trackers;
mod trunk;
mod watch_group;

use fdfs_core::tracker::ClusterError;
use fdfs_net::Request;
use fdfs_proto::shared::AddrSize;
use fdfs_proto::{Command, HEADER_LEN, Status, Wire};
use tracing::{debug, info};

pub(crate) use query_fetch::storage_of_file;

use crate::error::RequestError;
use crate::peer::Peer;
use crate::tracker::Tracker;

/// A request and where its answer goes.
pub(crate) struct Call<'a> {
    pub(crate) tracker: &'a Tracker,
    pub(crate) peer: &'a mut Peer,
    pub(crate) body: &'a [u8],
    pub(crate) answer: &'a mut Vec<u8>,
}

/// Serves a request: writes the answer's body and gives its status. `None` ends the connection without an answer.
pub(crate) async fn serve(
    tracker: &Tracker,
    peer: &mut Peer,
    request: &Request<'_>,
    answer: &mut Vec<u8>,
) -> Option<Status> {
    let result = match Command::from_number(request.command) {
        None => Err(RequestError::UnknownCommand { number: request.command }),
        Some(Command::Quit) => return None,
        Some(command) => {
            let mut call = Call { tracker, peer, body: request.body, answer };
            dispatch(command, &mut call).await
        }
    };
    match result {
        Ok(()) => Some(Status::OK),
        Err(error) => {
            answer.clear();
            log_refusal(tracker, request.command, peer, &error);
            Some(error.status())
        }
    }
}

async fn dispatch(command: Command, call: &mut Call<'_>) -> Result<(), RequestError> {
    use Command as C;
    match command {
        C::QueryStoreWithoutGroupOne => query_store::one_of_any_group(call),
        C::QueryStoreWithGroupOne => query_store::one_of_a_group(call),
        C::QueryStoreWithoutGroupAll => query_store::all_of_any_group(call),
        C::QueryStoreWithGroupAll => query_store::all_of_a_group(call),
        C::QueryFetchOne => query_fetch::one(call),
        C::QueryFetchAll => query_fetch::all(call),
        C::QueryUpdate => query_fetch::update(call),

        C::ServerListOneGroup => lists::one_group(call),
        C::ServerListAllGroups => lists::all_groups(call),
        C::ServerListStorage => lists::storages(call),
        C::ServerGetLeader => trackers::leader(call),
        C::ServerTrackerClusterStat => lists::tracker_cluster(call),
        C::ServerStorageClusterStat => lists::storage_cluster(call),
        C::ServerStorageVolumnStat => lists::volumes(call),
        C::ServerDeleteStorage => admin::delete_storage(call).await,
        C::ServerDeleteGroup => admin::delete_group(call).await,
        C::ServerSetTrunkServer => trunk::set_server(call).await,

        C::StorageJoin => join::join(call).await,
        C::StorageBeat => beat::beat(call),
        C::StorageReportDiskUsage => beat::disk_usage(call),
        C::StorageSyncReport => beat::sync_report(call),
        C::StorageChangeStatus => status_reports::change_status(call),
        C::StorageReportStatus => status_reports::report_status(call).await,
        C::StorageReplicaChg => status_reports::replica_change(call),
        C::StorageSyncDestReq => sync_source::dest_request(call),
        C::StorageSyncDestQuery => sync_source::dest_query(call),
        C::StorageSyncNotify => sync_source::notify(call),
        C::StorageSyncSrcReq => sync_source::source_request(call),
        C::StorageChangelogReq => changelog::read(call),
        C::StorageReportIpChanged => admin::report_ip_changed(call).await,
        C::StorageFetchTrunkFid => trunk::fetch_file_id(call),
        C::StorageReportTrunkFid => trunk::report_file_id(call),
        C::StorageReportTrunkFree => trunk::report_free(call),

        C::StorageParameterReq => identity::parameters(call),
        C::StorageFetchStorageIds => identity::storage_ids(call),
        C::StorageGetServerId => identity::server_id(call),
        C::StorageGetStatus => identity::server_status(call),
        C::StorageGetMyIp => identity::my_ip(call),
        C::StorageGetGroupName => identity::group_name(call),

        C::TrackerGetStatus => trackers::status(call),
        C::TrackerJoinLeader => trackers::join_leader(call),
        C::TrackerPingLeader => trackers::ping_leader(call),
        C::TrackerNotifyNextLeader => trackers::notify_next_leader(call),
        C::TrackerCommitNextLeader => trackers::commit_next_leader(call),
        C::TrackerNotifyReselectLeader => trackers::reselect_leader(call),
        C::TrackerGetSysFilesStart => trackers::sys_files_start(call),
        C::TrackerGetOneSysFile => trackers::sys_file(call),
        C::TrackerGetSysFilesEnd => trackers::sys_files_end(call),

        C::WatchGroup => watch_group::watch(call).await,
        C::DropGroup => admin::drop_group(call).await,
        C::StorageTerms => terms::take(call),
        C::SelfReport => self_report::report(call),

        C::ActiveTest => call.decode::<()>(),

        C::Quit
        | C::Resp
        | C::ReportServerId
        | C::UploadFile
        | C::DeleteFile
        | C::SetMetadata
        | C::DownloadFile
        | C::GetMetadata
        | C::SyncCreateFile
        | C::SyncDeleteFile
        | C::SyncUpdateFile
        | C::SyncCreateLink
        | C::CreateLink
        | C::UploadSlaveFile
        | C::QueryFileInfo
        | C::UploadAppenderFile
        | C::AppendFile
        | C::SyncAppendFile
        | C::FetchOnePathBinlog
        | C::TrunkAllocSpace
        | C::TrunkAllocConfirm
        | C::TrunkFreeSpace
        | C::TrunkSyncBinlog
        | C::TrunkGetBinlogSize
        | C::TrunkDeleteBinlogMarks
        | C::TrunkTruncateBinlogFile
        | C::ModifyFile
        | C::SyncModifyFile
        | C::TruncateFile
        | C::SyncTruncateFile
        | C::RegenerateAppenderFilename
        | C::SyncRenameFile
        | C::SyncHello
        | C::SyncReached
        | C::SyncStatus
        | C::TrunkBatch
        | C::TrunkLog
        | C::Drain => Err(RequestError::UnknownCommand { number: command.number() }),
    }
}

impl Call<'_> {
    /// The body as what the command asks for.
    fn decode<T: Wire>(&self) -> Result<T, RequestError> {
        Ok(T::from_bytes(self.body)?)
    }

    /// As [`Call::decode`], for commands of joined storages: without a join the body is not looked at.
    fn decode_joined<T: Wire>(&self) -> Result<T, RequestError> {
        let conn = self.peer.conn;
        self.tracker.read(|cluster| cluster.joined_as(conn)).ok_or(ClusterError::NotJoined)?;
        self.decode()
    }

    /// How wide the addresses in the answer are.
    fn addr_size(&self) -> AddrSize {
        self.tracker.answer_width.for_asker(&self.peer.ip)
    }

    fn reply(&mut self, body: &impl Wire) {
        body.encode(self.answer);
    }

    /// Refuses an answer that `max_buff_size` does not allow.
    fn check_answer_len(&self, status: Status) -> Result<(), RequestError> {
        let (len, max) = (HEADER_LEN + self.answer.len(), self.tracker.max_answer_bytes);
        if len > max { Err(RequestError::AnswerTooLong { len, max, status }) } else { Ok(()) }
    }
}

/// Who handles an error logs it: here, and nowhere else. What clients cause day by day is left to `debug`.
fn log_refusal(tracker: &Tracker, number: u8, peer: &Peer, error: &RequestError) {
    let addr = peer.addr;
    let name = Command::from_number(number).map_or("unknown command", Command::label);
    // Nobody who speaks the protocol sends such a body, so it is worth a line; but anybody can send many.
    let nonsense = matches!(error, RequestError::Body(_) | RequestError::UnknownCommand { .. });
    match nonsense.then(|| tracker.nonsense.take()).flatten() {
        Some(count) => info!("{addr}: {name} ({number}) refused: {error} ({count} such requests since the last line)"),
        None => debug!("{addr}: {name} ({number}) refused: {error}"),
    }
}
