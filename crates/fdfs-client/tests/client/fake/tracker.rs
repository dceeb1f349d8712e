//! A tracker that knows one group.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use fdfs_client::{FetchTarget, FetchTargets, StorageAddr, StoreTarget, StoreTargets};
use fdfs_proto::cmd::tracker::{
    FetchRequest, GroupList, GroupRecord, Leader, ListStorages, StorageIdLine, StorageIds, StorageIdsRequest,
    StorageList, StorageRecord, TrunkServerChosen,
};
use fdfs_proto::shared::{AddrSize, RwMode, StorageStat, StorageStatus};
use fdfs_proto::{Command, Status, Wire};
use tokio::net::TcpStream;

use super::server::{Server, answer, read_body, read_header};

/// What the tracker knows and does; tests change it.
pub(crate) struct State {
    /// The storages of group1. The first is chosen; it goes to the end then.
    pub(crate) storages: Vec<SocketAddr>,
    pub(crate) addr_size: AddrSize,
    /// The store path it gives.
    pub(crate) store_path_index: u8,
    /// All requests are answered with it.
    pub(crate) refuses: Option<Status>,
    /// Reads requests and never answers.
    pub(crate) is_silent: bool,
    /// Closes a connection when the second request comes.
    pub(crate) serves_once: bool,
    /// Answers with these bytes.
    pub(crate) nonsense: Option<Vec<u8>>,
    pub(crate) ids: Vec<StorageIdLine>,
    pub(crate) asked: Vec<u8>,
}

pub(crate) struct FakeTracker {
    pub(crate) server: Server,
    state: Arc<Mutex<State>>,
}

impl FakeTracker {
    pub(crate) async fn start(storages: Vec<SocketAddr>) -> Self {
        let state = State {
            storages,
            addr_size: AddrSize::V4,
            store_path_index: 0,
            refuses: None,
            is_silent: false,
            serves_once: false,
            nonsense: None,
            ids: Vec::new(),
            asked: Vec::new(),
        };
        let state = Arc::new(Mutex::new(state));
        let shared = Arc::clone(&state);
        let server = Server::start(move |stream| serve(stream, Arc::clone(&shared))).await;
        Self { server, state }
    }

    pub(crate) fn set(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap());
    }

    /// The commands it was asked, in order.
    pub(crate) fn asked(&self) -> Vec<Command> {
        self.state.lock().unwrap().asked.iter().filter_map(|&n| Command::from_number(n)).collect()
    }
}

async fn serve(mut stream: TcpStream, state: Arc<Mutex<State>>) -> Option<()> {
    for served_count in 0.. {
        let header = read_header(&mut stream).await?;
        let body = read_body(&mut stream, header).await?;
        let (status, body) = {
            let mut state = state.lock().unwrap();
            if state.serves_once && served_count > 0 {
                return None;
            }
            state.asked.push(header.command);
            if state.is_silent {
                (None, vec![])
            } else if let Some(nonsense) = &state.nonsense {
                (Some(Status::OK), nonsense.clone())
            } else if let Some(status) = state.refuses {
                (Some(status), vec![])
            } else {
                match state.tell(header.command, &body) {
                    Ok(body) => (Some(Status::OK), body),
                    Err(status) => (Some(status), vec![]),
                }
            }
        };
        match status {
            Some(status) => answer(&mut stream, status, &body).await?,
            None => std::future::pending().await,
        }
    }
    None
}

fn storage(addr: SocketAddr) -> StorageAddr {
    StorageAddr { ip: addr.ip().to_string().parse().unwrap(), port: addr.port() }
}

impl State {
    fn tell(&mut self, command: u8, body: &[u8]) -> Result<Vec<u8>, Status> {
        let mut out = Vec::new();
        let group = "group1".parse().unwrap();
        let (size, store_path_index) = (self.addr_size, self.store_path_index);
        let command = Command::from_number(command).ok_or(Status::EINVAL)?;
        if matches!(command, Command::QueryFetchOne | Command::QueryFetchAll | Command::QueryUpdate) {
            let request = FetchRequest::from_bytes(body).map_err(|_| Status::EINVAL)?;
            if request.group != group {
                return Err(Status::ENOENT);
            }
        }
        match command {
            Command::QueryStoreWithoutGroupOne | Command::QueryStoreWithGroupOne => {
                let server = storage(self.choose()?);
                StoreTarget { group, server, store_path_index }.encode(size, &mut out);
            }
            Command::QueryStoreWithoutGroupAll | Command::QueryStoreWithGroupAll => {
                let servers = self.storages.iter().copied().map(storage).collect();
                StoreTargets { group, servers, store_path_index }.encode(size, &mut out);
            }
            Command::QueryFetchOne => {
                FetchTarget { group, server: storage(self.choose()?) }.encode(size, &mut out);
            }
            Command::QueryUpdate => {
                let source = *self.storages.first().ok_or(Status::ENOENT)?;
                FetchTarget { group, server: storage(source) }.encode(size, &mut out);
            }
            Command::QueryFetchAll => {
                let servers = self.storages.iter().copied().map(storage).collect();
                FetchTargets { group, servers }.encode(size, &mut out);
            }
            Command::ServerListAllGroups => GroupList { groups: vec![self.group()] }.encode(&mut out),
            Command::ServerListOneGroup if body == b"group1\0\0\0\0\0\0\0\0\0\0" => self.group().encode(&mut out),
            Command::ServerListStorage => {
                let request = ListStorages::from_bytes(body).map_err(|_| Status::EINVAL)?;
                if request.group != group {
                    return Err(Status::ENOENT);
                }
                let storages = self.storages.iter().copied().map(record).collect();
                StorageList { storages }.encode(size, &mut out);
            }
            Command::ServerGetLeader => Leader { host: "127.0.0.1:22122".parse().unwrap() }.encode(&mut out),
            Command::ServerSetTrunkServer => TrunkServerChosen { id: "100001".parse().unwrap() }.encode(&mut out),
            Command::ServerDeleteGroup => return Err(Status::EBUSY),
            Command::ServerDeleteStorage | Command::ActiveTest => {}
            Command::StorageFetchStorageIds => {
                let start_index = StorageIdsRequest::from_bytes(body).map_err(|_| Status::EINVAL)?.start_index as usize;
                // One line a page.
                let lines = self.ids.iter().skip(start_index).take(1).copied().collect();
                StorageIds { total: self.ids.len() as u32, lines }.encode(&mut out);
            }
            _ => return Err(Status::ENOENT),
        }
        Ok(out)
    }

    fn choose(&mut self) -> Result<SocketAddr, Status> {
        let chosen = *self.storages.first().ok_or(Status::ENOENT)?;
        self.storages.rotate_left(1);
        Ok(chosen)
    }

    fn group(&self) -> GroupRecord {
        GroupRecord {
            group: "group1".parse().unwrap(),
            total_mb: 1000,
            free_mb: 500,
            reserved_mb: 100,
            trunk_free_mb: 0,
            storage_count: self.storages.len() as u64,
            storage_port: None,
            readable_count: self.storages.len() as u64,
            writable_count: self.storages.len() as u64,
            current_write_server_index: 0,
            store_path_count: 1,
            subdir_count: 256,
            current_trunk_file_id: None,
        }
    }
}

fn record(addr: SocketAddr) -> StorageRecord {
    StorageRecord {
        status: StorageStatus::Active,
        rw_mode: RwMode::Both,
        id: addr.port().to_string().parse().unwrap(),
        ip: addr.ip().to_string().parse().unwrap(),
        source_id: None,
        version: "6.16.1".parse().unwrap(),
        join_time_secs: 1,
        up_time_secs: 2,
        total_mb: 1000,
        free_mb: 500,
        reserved_mb: 100,
        upload_priority: 10,
        store_path_count: 1,
        subdir_count: 256,
        current_write_path_index: 0,
        port: addr.port(),
        stat: StorageStat::default(),
        is_trunk_server: false,
    }
}
