//! Which storage an operation goes to: always the same one, one that the tracker named before, or one that it is asked
//! for each time; and the connections of one worker to all of them.

use std::net::{IpAddr, SocketAddr};

use fdfs_net::CallOptions;
use fdfs_proto::cmd::tracker::{FetchRequest, FetchTarget, QueryStoreRequest, StorageAddr, StoreTarget};
use fdfs_proto::file_id::Source;
use fdfs_proto::{Command, GroupName, Header, Wire, WireError};

use super::failure::{Failure, Mismatch, Server};
use super::ids::StoredFile;
use super::link::Link;

/// How storages are found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Way {
    /// There is only this one.
    Direct(SocketAddr),
    /// A tracker names them.
    Tracker(Asking),
}

/// How trackers are asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asking {
    /// A tracker.
    pub(crate) first: SocketAddr,
    /// The others; the next one is asked when one fails.
    pub(crate) others: Vec<SocketAddr>,
    /// Uploads go to this group.
    pub(crate) group: Option<GroupName>,
    /// A tracker is asked for every operation; else once, as clients do that remember the answer.
    pub(crate) every_time: bool,
}

impl Asking {
    /// The tracker whose turn it is.
    fn tracker(&self, turn: usize) -> SocketAddr {
        let index = turn % (1 + self.others.len());
        index.checked_sub(1).and_then(|index| self.others.get(index)).copied().unwrap_or(self.first)
    }
}

/// A storage for an upload, and the store path there; `None` lets it choose.
pub(crate) type Place = (SocketAddr, Option<u8>);
/// What the choice of a storage for a download or a delete is remembered by.
type Origin = (Command, GroupName, Option<Source>);

/// The most choices that are remembered; more groups and storages than one cluster has.
const REMEMBERED_MAX: usize = 1024;

/// The connections of one worker.
#[derive(Debug)]
pub(crate) struct Routes {
    way: Way,
    options: CallOptions,
    /// Whose turn it is to be asked; goes up with every failure.
    tracker_turn: usize,
    tracker: Option<Link>,
    storages: Vec<Link>,
    place: Option<Place>,
    remembered: Vec<(Origin, SocketAddr)>,
    request: Vec<u8>,
}

impl Routes {
    /// Nothing is connected yet. `index` is the worker's: they spread over the trackers.
    pub(crate) fn new(way: Way, index: usize) -> Self {
        Self {
            way,
            options: CallOptions::default(),
            tracker_turn: index,
            tracker: None,
            storages: Vec::new(),
            place: None,
            remembered: Vec::new(),
            request: Vec::new(),
        }
    }

    /// Connects to what is known beforehand, so that the run does not measure it; asks for the place of uploads.
    ///
    /// # Errors
    /// [`Failure`], when all trackers fail.
    pub(crate) async fn open(&mut self, uploads: bool) -> Result<(), Failure> {
        let other_count = if let Way::Tracker(asking) = &self.way { asking.others.len() } else { 0 };
        let mut opened = self.try_open(uploads).await;
        for _ in 0..other_count {
            if opened.is_err() {
                opened = self.try_open(uploads).await;
            }
        }
        opened
    }

    async fn try_open(&mut self, uploads: bool) -> Result<(), Failure> {
        match &self.way {
            Way::Tracker(asking) if !uploads => {
                let addr = asking.tracker(self.tracker_turn);
                self.tracker(addr).await?;
            }
            Way::Tracker(_) | Way::Direct(_) => {
                let (addr, _) = self.store_place().await?;
                self.storage(addr).await?;
            }
        }
        Ok(())
    }

    /// Where to upload to.
    ///
    /// # Errors
    /// [`Failure`].
    pub(crate) async fn store_place(&mut self) -> Result<Place, Failure> {
        let (tracker, group) = match &self.way {
            Way::Direct(addr) => return Ok((*addr, None)),
            Way::Tracker(asking) => match self.place {
                Some(place) if !asking.every_time => return Ok(place),
                _ => (asking.tracker(self.tracker_turn), asking.group),
            },
        };
        self.request.clear();
        match group {
            Some(group) => {
                put_request(&mut self.request, Command::QueryStoreWithGroupOne, &QueryStoreRequest { group });
            }
            None => put_request(&mut self.request, Command::QueryStoreWithoutGroupOne, &()),
        }
        let decode = |body: &[u8]| StoreTarget::decode(body).map(|told| (told.server, Some(told.store_path_index)));
        let place = self.ask(tracker, decode).await?;
        self.place = Some(place);
        Ok(place)
    }

    /// Where a file is, for a download (`QueryFetchOne`) or a delete (`QueryUpdate`).
    ///
    /// # Errors
    /// [`Failure`].
    pub(crate) async fn place_of(&mut self, file: &StoredFile, command: Command) -> Result<SocketAddr, Failure> {
        let (tracker, every_time) = match &self.way {
            Way::Direct(addr) => return Ok(*addr),
            Way::Tracker(asking) => (asking.tracker(self.tracker_turn), asking.every_time),
        };
        // Files of one storage are at that storage: there is no need to ask for each.
        let source = file.id.logic_name().ok().and_then(|name| name.fields()).map(|fields| fields.source);
        let origin = (command, file.id.group, source);
        if !every_time {
            let remembered = self.remembered.iter().find(|(known, _)| *known == origin).map(|(_, addr)| *addr);
            if let Some(addr) = file.storage.or(remembered) {
                return Ok(addr);
            }
        }
        self.request.clear();
        put_request(&mut self.request, command, &FetchRequest { group: file.id.group, name: file.id.name });
        let (addr, _) = self.ask(tracker, |body| FetchTarget::decode(body).map(|told| (told.server, None))).await?;
        if !every_time {
            if self.remembered.len() >= REMEMBERED_MAX {
                self.remembered.clear();
            }
            self.remembered.push((origin, addr));
        }
        Ok(addr)
    }

    /// The connection to a storage.
    ///
    /// # Errors
    /// [`Failure::Net`].
    pub(crate) async fn storage(&mut self, addr: SocketAddr) -> Result<&mut Link, Failure> {
        let index = match self.storages.iter().position(|link| link.peer() == addr) {
            Some(index) => index,
            None => {
                let connected = Link::connect(addr, &self.options).await;
                self.storages.push(connected.map_err(|source| Failure::Net { server: Server::Storage, source })?);
                self.storages.len() - 1
            }
        };
        Ok(&mut self.storages[index])
    }

    /// Drops the connection to a storage, and forgets that the tracker named it.
    pub(crate) fn forget(&mut self, addr: SocketAddr) {
        self.storages.retain(|link| link.peer() != addr);
        self.remembered.retain(|(_, known)| *known != addr);
        self.place = self.place.filter(|(known, _)| *known != addr);
    }

    /// Drops all connections: nobody knows what is under way on them.
    pub(crate) fn close(&mut self) {
        self.storages.clear();
        self.tracker = None;
    }

    /// The connection to the tracker.
    async fn tracker(&mut self, addr: SocketAddr) -> Result<&mut Link, Failure> {
        let link = match self.tracker.take() {
            Some(link) => link,
            None => match Link::connect(addr, &self.options).await {
                Ok(link) => link,
                Err(source) => {
                    self.tracker_turn += 1;
                    return Err(Failure::Net { server: Server::Tracker, source });
                }
            },
        };
        Ok(self.tracker.insert(link))
    }

    /// Sends the request to the tracker and reads the storage in its answer.
    async fn ask(
        &mut self,
        tracker: SocketAddr,
        decode: impl FnOnce(&[u8]) -> Result<(StorageAddr, Option<u8>), WireError>,
    ) -> Result<Place, Failure> {
        let request = std::mem::take(&mut self.request);
        let link = self.tracker(tracker).await?;
        let answer = exchange(link, &request, decode).await;
        self.request = request;
        if answer.as_ref().is_err_and(|failure| !failure.leaves_connection_usable()) {
            self.tracker = None;
            self.tracker_turn += 1;
        }
        answer
    }
}

async fn exchange(
    link: &mut Link,
    request: &[u8],
    decode: impl FnOnce(&[u8]) -> Result<(StorageAddr, Option<u8>), WireError>,
) -> Result<Place, Failure> {
    let (server, peer) = (Server::Tracker, link.peer());
    let net = |source| Failure::Net { server, source };
    let wrong = |source| Failure::Wrong { server, peer, source };
    link.send(request).await.map_err(net)?;
    let head = link.answer_head().await.map_err(net)?;
    let body = link.small_body(head.len).await.map_err(net)?;
    if !head.status.is_ok() {
        return Err(Failure::Refused { server, peer, status: head.status });
    }
    let (storage, store_path) = decode(body).map_err(|error| wrong(error.into()))?;
    match storage.ip.as_str().parse::<IpAddr>() {
        Ok(ip) => Ok((SocketAddr::new(ip, storage.port), store_path)),
        Err(_) => Err(wrong(Mismatch::Address(storage.ip.to_string()))),
    }
}

/// Appends a request whose body is `body`.
pub(crate) fn put_request(out: &mut Vec<u8>, command: Command, body: &impl Wire) {
    put_request_of(out, command, body, 0);
}

/// Appends a request whose body begins with `body`; `content_len` bytes follow.
pub(crate) fn put_request_of(out: &mut Vec<u8>, command: Command, body: &impl Wire, content_len: u64) {
    let start = out.len();
    out.extend_from_slice(&Header::request(command, 0).to_bytes());
    let body_start = out.len();
    body.encode(out);
    let header = Header::request(command, (out.len() - body_start) as u64 + content_len);
    if let Some(place) = out.get_mut(start..body_start) {
        place.copy_from_slice(&header.to_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fdfs_proto::cmd::storage::UploadHead;

    #[test]
    fn trackers_take_turns() {
        let addr = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let asking = Asking { first: addr(1), others: vec![addr(2), addr(3)], group: None, every_time: false };
        assert_eq!([0, 1, 2, 3, 4].map(|turn| asking.tracker(turn).port()), [1, 2, 3, 1, 2]);
        let alone = Asking { others: Vec::new(), ..asking };
        assert_eq!([0, 1, usize::MAX].map(|turn| alone.tracker(turn).port()), [1, 1, 1]);
    }

    #[test]
    fn requests_count_what_follows_them() {
        let mut out = Vec::new();
        put_request(&mut out, Command::QueryStoreWithoutGroupOne, &());
        assert_eq!(out, Header::request(Command::QueryStoreWithoutGroupOne, 0).to_bytes());
        out.clear();
        let head = UploadHead { store_path: None, file_size: 1000, ext: "bin".parse().unwrap() };
        put_request_of(&mut out, Command::UploadFile, &head, 1000);
        assert_eq!(out[..10], Header::request(Command::UploadFile, 1015).to_bytes());
        assert_eq!(out[10..], head.to_bytes());
    }
}
