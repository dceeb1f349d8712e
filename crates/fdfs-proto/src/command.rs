//! Every command number of the protocol.

/// Who sends a command to whom. Where two kinds of senders are usual, the more usual one is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// A client asks a tracker.
    ClientToTracker,
    /// A client asks a storage.
    ClientToStorage,
    /// A storage tells or asks a tracker.
    StorageToTracker,
    /// A storage replicates to, or asks, a storage of its group.
    StorageToStorage,
    /// A storage asks the trunk server of its group.
    StorageToTrunkServer,
    /// The trunk server tells a storage of its group.
    TrunkServerToStorage,
    /// A tracker asks a storage.
    TrackerToStorage,
    /// A tracker asks another tracker.
    TrackerToTracker,
    /// Any program to any server.
    Any,
    /// An answer.
    Answer,
}

macro_rules! commands {
    ($($number:literal $name:ident $label:literal $direction:ident,)*) => {
        /// A command of the protocol, or, from 240 on, one of our own ([`crate::ours`]). Source: wire specification, 2.0.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Command {
            $(#[doc = concat!("`", $label, "` (", $number, ").")] $name = $number,)*
        }

        impl Command {
            /// Every command, in the order of their numbers.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The command of a number.
            #[must_use]
            pub const fn from_number(number: u8) -> Option<Self> {
                match number { $($number => Some(Self::$name),)* _ => None }
            }

            /// The name in the protocol's documents.
            #[must_use]
            pub const fn label(self) -> &'static str {
                match self { $(Self::$name => $label,)* }
            }

            /// Who sends it to whom.
            #[must_use]
            pub const fn direction(self) -> Direction {
                match self { $(Self::$name => Direction::$direction,)* }
            }
        }
    };
}

commands! {
    9 ReportServerId "REPORT_SERVER_ID" StorageToStorage,
    11 UploadFile "UPLOAD_FILE" ClientToStorage,
    12 DeleteFile "DELETE_FILE" ClientToStorage,
    13 SetMetadata "SET_METADATA" ClientToStorage,
    14 DownloadFile "DOWNLOAD_FILE" ClientToStorage,
    15 GetMetadata "GET_METADATA" ClientToStorage,
    16 SyncCreateFile "SYNC_CREATE_FILE" StorageToStorage,
    17 SyncDeleteFile "SYNC_DELETE_FILE" StorageToStorage,
    18 SyncUpdateFile "SYNC_UPDATE_FILE" StorageToStorage,
    19 SyncCreateLink "SYNC_CREATE_LINK" StorageToStorage,
    20 CreateLink "CREATE_LINK" ClientToStorage,
    21 UploadSlaveFile "UPLOAD_SLAVE_FILE" ClientToStorage,
    22 QueryFileInfo "QUERY_FILE_INFO" ClientToStorage,
    23 UploadAppenderFile "UPLOAD_APPENDER_FILE" ClientToStorage,
    24 AppendFile "APPEND_FILE" ClientToStorage,
    25 SyncAppendFile "SYNC_APPEND_FILE" StorageToStorage,
    26 FetchOnePathBinlog "FETCH_ONE_PATH_BINLOG" StorageToStorage,
    27 TrunkAllocSpace "TRUNK_ALLOC_SPACE" StorageToTrunkServer,
    28 TrunkAllocConfirm "TRUNK_ALLOC_CONFIRM" StorageToTrunkServer,
    29 TrunkFreeSpace "TRUNK_FREE_SPACE" StorageToTrunkServer,
    30 TrunkSyncBinlog "TRUNK_SYNC_BINLOG" TrunkServerToStorage,
    31 TrunkGetBinlogSize "TRUNK_GET_BINLOG_SIZE" TrackerToStorage,
    32 TrunkDeleteBinlogMarks "TRUNK_DELETE_BINLOG_MARKS" TrackerToStorage,
    33 TrunkTruncateBinlogFile "TRUNK_TRUNCATE_BINLOG_FILE" TrunkServerToStorage,
    34 ModifyFile "MODIFY_FILE" ClientToStorage,
    35 SyncModifyFile "SYNC_MODIFY_FILE" StorageToStorage,
    36 TruncateFile "TRUNCATE_FILE" ClientToStorage,
    37 SyncTruncateFile "SYNC_TRUNCATE_FILE" StorageToStorage,
    38 RegenerateAppenderFilename "REGENERATE_APPENDER_FILENAME" ClientToStorage,
    40 SyncRenameFile "SYNC_RENAME_FILE" StorageToStorage,
    58 TrackerJoinLeader "TRACKER_JOIN_LEADER" TrackerToTracker,
    59 StorageChangeStatus "STORAGE_CHANGE_STATUS" StorageToTracker,
    60 StorageGetMyIp "STORAGE_GET_MY_IP" StorageToTracker,
    61 TrackerGetSysFilesStart "TRACKER_GET_SYS_FILES_START" TrackerToTracker,
    62 TrackerGetSysFilesEnd "TRACKER_GET_SYS_FILES_END" TrackerToTracker,
    63 TrackerGetOneSysFile "TRACKER_GET_ONE_SYS_FILE" TrackerToTracker,
    64 TrackerGetStatus "TRACKER_GET_STATUS" TrackerToTracker,
    65 TrackerPingLeader "TRACKER_PING_LEADER" TrackerToTracker,
    66 TrackerNotifyNextLeader "TRACKER_NOTIFY_NEXT_LEADER" TrackerToTracker,
    67 TrackerCommitNextLeader "TRACKER_COMMIT_NEXT_LEADER" TrackerToTracker,
    68 TrackerNotifyReselectLeader "TRACKER_NOTIFY_RESELECT_LEADER" StorageToTracker,
    69 StorageFetchStorageIds "STORAGE_FETCH_STORAGE_IDS" StorageToTracker,
    70 StorageGetServerId "STORAGE_GET_SERVER_ID" StorageToTracker,
    71 StorageGetStatus "STORAGE_GET_STATUS" StorageToTracker,
    72 StorageFetchTrunkFid "STORAGE_FETCH_TRUNK_FID" StorageToTracker,
    73 StorageReportTrunkFid "STORAGE_REPORT_TRUNK_FID" StorageToTracker,
    74 StorageReportTrunkFree "STORAGE_REPORT_TRUNK_FREE" StorageToTracker,
    75 StorageParameterReq "STORAGE_PARAMETER_REQ" StorageToTracker,
    76 StorageReportStatus "STORAGE_REPORT_STATUS" StorageToTracker,
    77 StorageChangelogReq "STORAGE_CHANGELOG_REQ" StorageToTracker,
    78 StorageReportIpChanged "STORAGE_REPORT_IP_CHANGED" StorageToTracker,
    79 StorageSyncDestQuery "STORAGE_SYNC_DEST_QUERY" StorageToTracker,
    81 StorageJoin "STORAGE_JOIN" StorageToTracker,
    82 Quit "QUIT" Any,
    83 StorageBeat "STORAGE_BEAT" StorageToTracker,
    84 StorageReportDiskUsage "STORAGE_REPORT_DISK_USAGE" StorageToTracker,
    85 StorageReplicaChg "STORAGE_REPLICA_CHG" StorageToTracker,
    86 StorageSyncSrcReq "STORAGE_SYNC_SRC_REQ" StorageToTracker,
    87 StorageSyncDestReq "STORAGE_SYNC_DEST_REQ" StorageToTracker,
    88 StorageSyncNotify "STORAGE_SYNC_NOTIFY" StorageToTracker,
    89 StorageSyncReport "STORAGE_SYNC_REPORT" StorageToTracker,
    90 ServerListOneGroup "SERVER_LIST_ONE_GROUP" ClientToTracker,
    91 ServerListAllGroups "SERVER_LIST_ALL_GROUPS" ClientToTracker,
    92 ServerListStorage "SERVER_LIST_STORAGE" ClientToTracker,
    93 ServerDeleteStorage "SERVER_DELETE_STORAGE" ClientToTracker,
    94 ServerSetTrunkServer "SERVER_SET_TRUNK_SERVER" ClientToTracker,
    95 ServerGetLeader "SERVER_GET_LEADER" ClientToTracker,
    96 ServerTrackerClusterStat "SERVER_TRACKER_CLUSTER_STAT" ClientToTracker,
    97 ServerStorageClusterStat "SERVER_STORAGE_CLUSTER_STAT" ClientToTracker,
    98 ServerStorageVolumnStat "SERVER_STORAGE_VOLUMN_STAT" ClientToTracker,
    100 Resp "RESP" Answer,
    101 QueryStoreWithoutGroupOne "QUERY_STORE_WITHOUT_GROUP_ONE" ClientToTracker,
    102 QueryFetchOne "QUERY_FETCH_ONE" ClientToTracker,
    103 QueryUpdate "QUERY_UPDATE" ClientToTracker,
    104 QueryStoreWithGroupOne "QUERY_STORE_WITH_GROUP_ONE" ClientToTracker,
    105 QueryFetchAll "QUERY_FETCH_ALL" ClientToTracker,
    106 QueryStoreWithoutGroupAll "QUERY_STORE_WITHOUT_GROUP_ALL" ClientToTracker,
    107 QueryStoreWithGroupAll "QUERY_STORE_WITH_GROUP_ALL" ClientToTracker,
    108 ServerDeleteGroup "SERVER_DELETE_GROUP" ClientToTracker,
    109 StorageGetGroupName "STORAGE_GET_GROUP_NAME" StorageToTracker,
    111 ActiveTest "ACTIVE_TEST" Any,
    240 SelfReport "SELF_REPORT" ClientToStorage,
    241 WatchGroup "WATCH_GROUP" StorageToTracker,
    242 SyncReached "SYNC_REACHED" StorageToStorage,
    243 SyncHello "SYNC_HELLO" StorageToStorage,
    244 SyncStatus "SYNC_STATUS" ClientToStorage,
    245 TrunkBatch "TRUNK_BATCH" StorageToTrunkServer,
    246 TrunkLog "TRUNK_LOG" TrunkServerToStorage,
    247 StorageTerms "STORAGE_TERMS" StorageToTracker,
    248 Drain "DRAIN" ClientToStorage,
    249 DropGroup "DROP_GROUP" ClientToTracker,
}

impl Command {
    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_back_and_nothing_else_is_a_command() {
        let known: Vec<u8> = (0..=255).filter(|&n| Command::from_number(n).is_some()).collect();
        assert_eq!(known, Command::ALL.iter().map(|c| c.number()).collect::<Vec<_>>());
        assert_eq!(known.iter().filter(|&&n| n < 240).count(), 81);
    }
}
