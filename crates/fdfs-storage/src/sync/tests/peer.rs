//! A peer on loopback: keeps files in memory by the receiver's rules of the reference, and misbehaves as a test asks.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fdfs_proto::cmd::storage::{
    ContentHead, FileInfo, SyncDeleteFile, SyncFileHead, SyncTruncateFile, SyncTwoNames, SyncWriteHead,
};
use fdfs_proto::file_id::FileId;
use fdfs_proto::ours::{SyncHelloAnswer, SyncReached};
use fdfs_proto::shared::AddrSize;
use fdfs_proto::{Command, HEADER_LEN, Header, IpText, Reader, Status, Wire};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::pulse::beat;

/// A request as it came in.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) command: Command,
    pub(super) status: u8,
    pub(super) name: String,
    pub(super) body_len: usize,
}

/// What the peer does instead of what it should.
#[derive(Debug, Clone)]
pub(super) enum Mischief {
    /// This status, without doing anything.
    Answer(Status),
    /// Bytes that are no answer.
    Rubbish(Vec<u8>),
    /// The end of the connection.
    Close,
    /// Silence until the test lets go on.
    Hold(Arc<tokio::sync::Notify>),
}

type Script = dyn Fn(&Seen) -> Option<Mischief> + Send + Sync;

#[derive(Default)]
struct State {
    files: BTreeMap<String, Vec<u8>>,
    links: BTreeMap<String, String>,
    seen: Vec<Seen>,
    reached: Vec<u32>,
    script: Option<Arc<Script>>,
    /// More than one request was there before the first was answered.
    was_pipelined: bool,
}

/// The peer.
pub(super) struct FakePeer {
    pub(super) addr: SocketAddr,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

impl Drop for FakePeer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl FakePeer {
    /// Listens on an address of loopback. `is_ours`: it knows `SYNC_HELLO`; the reference refuses and closes.
    pub(super) async fn start(addr: SocketAddr, is_ours: bool) -> Self {
        let listener = TcpListener::bind(addr).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let state: Arc<Mutex<State>> = Arc::default();
        let shared = state.clone();
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let state = shared.clone();
                connections.spawn(async move {
                    // The other side may go at any time.
                    let _ = serve(stream, &state, is_ours).await;
                });
            }
        });
        Self { addr, state, task }
    }

    /// The peer is away.
    pub(super) async fn stop(mut self) -> BTreeMap<String, Vec<u8>> {
        self.task.abort();
        let _ = (&mut self.task).await;
        std::mem::take(&mut lock(&self.state).files)
    }

    /// From now on the script says what happens; `None` for what should.
    pub(super) fn misbehave(&self, script: impl Fn(&Seen) -> Option<Mischief> + Send + Sync + 'static) {
        lock(&self.state).script = Some(Arc::new(script));
    }

    pub(super) fn behave(&self) {
        lock(&self.state).script = None;
    }

    pub(super) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        lock(&self.state).files.clone()
    }

    pub(super) fn links(&self) -> BTreeMap<String, String> {
        lock(&self.state).links.clone()
    }

    pub(super) fn put(&self, name: &str, content: &[u8]) {
        lock(&self.state).files.insert(name.to_owned(), content.to_owned());
    }

    /// Requests so far, without greetings and idle checks.
    pub(super) fn seen(&self) -> Vec<Seen> {
        let greetings = [Command::ReportServerId, Command::SyncHello, Command::SyncReached, Command::ActiveTest];
        lock(&self.state).seen.iter().filter(|seen| !greetings.contains(&seen.command)).cloned().collect()
    }

    /// Up to when it was told to have everything, each time.
    pub(super) fn reached(&self) -> Vec<u32> {
        lock(&self.state).reached.clone()
    }

    pub(super) fn was_pipelined(&self) -> bool {
        lock(&self.state).was_pipelined
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(mut stream: TcpStream, state: &Mutex<State>, is_ours: bool) -> std::io::Result<()> {
    loop {
        let mut head = [0; HEADER_LEN];
        stream.read_exact(&mut head).await?;
        let header = Header::from_bytes(head);
        let mut body = vec![0; usize::try_from(header.body_len).unwrap()];
        stream.read_exact(&mut body).await?;
        let command = Command::from_number(header.command).unwrap();
        let has_more = !fdfs_net::socket::is_quiet(&stream);
        let seen = Seen { command, status: header.status, name: name_of(command, &body), body_len: body.len() };
        let script = {
            let mut state = lock(state);
            state.was_pipelined |= has_more;
            state.seen.push(seen.clone());
            state.script.clone()
        };
        beat();
        let (status, answer) = match script.and_then(|script| script(&seen)) {
            Some(Mischief::Answer(status)) => (status, Vec::new()),
            Some(Mischief::Rubbish(bytes)) => {
                stream.write_all(&bytes).await?;
                continue;
            }
            Some(Mischief::Close) => return Ok(()),
            Some(Mischief::Hold(until)) => {
                until.notified().await;
                apply(&mut lock(state), command, header.status, &body, is_ours)
            }
            None => apply(&mut lock(state), command, header.status, &body, is_ours),
        };
        beat();
        stream.write_all(&Header::answer(status, answer.len() as u64).to_bytes()).await?;
        stream.write_all(&answer).await?;
        if status == Status::EINVAL {
            return Ok(());
        }
    }
}

/// The file that a request is about.
fn name_of(command: Command, body: &[u8]) -> String {
    let mut reader = Reader::new(body);
    match command {
        Command::SyncCreateFile | Command::SyncUpdateFile => {
            SyncFileHead::decode(&mut reader).unwrap().file.name.to_string()
        }
        Command::SyncAppendFile | Command::SyncModifyFile => {
            SyncWriteHead::decode(&mut reader).unwrap().file.name.to_string()
        }
        Command::SyncTruncateFile => SyncTruncateFile::from_bytes(body).unwrap().file.name.to_string(),
        Command::SyncDeleteFile => SyncDeleteFile::from_bytes(body).unwrap().file.name.to_string(),
        Command::SyncCreateLink | Command::SyncRenameFile => {
            SyncTwoNames::from_bytes(body).unwrap().destination.to_string()
        }
        Command::QueryFileInfo => FileId::from_bytes(body).unwrap().name.to_string(),
        _ => String::new(),
    }
}

fn apply(state: &mut State, command: Command, status: u8, body: &[u8], is_ours: bool) -> (Status, Vec<u8>) {
    let mut reader = Reader::new(body);
    let answer = match command {
        Command::ReportServerId | Command::ActiveTest => Status::OK,
        Command::SyncHello if is_ours => return (Status::OK, vec![SyncHelloAnswer::VERSION]),
        Command::SyncReached if is_ours => {
            state.reached.push(SyncReached::from_bytes(body).unwrap().unix_secs);
            Status::OK
        }
        Command::SyncCreateFile | Command::SyncUpdateFile => {
            let head = SyncFileHead::decode(&mut reader).unwrap();
            let name = head.file.name.to_string();
            if status != 0 {
                return (Status::EEXIST, Vec::new());
            }
            assert_eq!(head.content_len(), reader.remaining() as u64);
            let has_same_size = state.files.get(&name).is_some_and(|file| file.len() == reader.remaining());
            if command == Command::SyncCreateFile && has_same_size {
                Status::EEXIST
            } else {
                state.files.insert(name, reader.rest().to_owned());
                Status::OK
            }
        }
        Command::SyncAppendFile | Command::SyncModifyFile => {
            let head = SyncWriteHead::decode(&mut reader).unwrap();
            write(state, command, &head, reader.rest())
        }
        Command::SyncTruncateFile => {
            let request = SyncTruncateFile::from_bytes(body).unwrap();
            match state.files.get_mut(request.file.name.as_str()) {
                None => Status::ENOENT,
                Some(file) if file.len() as u64 != request.old_size => Status::EEXIST,
                Some(file) => {
                    file.resize(usize::try_from(request.new_size).unwrap(), 0);
                    Status::OK
                }
            }
        }
        Command::SyncDeleteFile => {
            let name = SyncDeleteFile::from_bytes(body).unwrap().file.name.to_string();
            let is_gone = state.files.remove(&name).is_some() | state.links.remove(&name).is_some();
            if is_gone { Status::OK } else { Status::ENOENT }
        }
        Command::SyncCreateLink => {
            let names = SyncTwoNames::from_bytes(body).unwrap();
            state.links.insert(names.destination.to_string(), names.source.to_string());
            Status::OK
        }
        Command::SyncRenameFile => {
            let names = SyncTwoNames::from_bytes(body).unwrap();
            if state.files.contains_key(names.destination.as_str()) {
                Status::EEXIST
            } else if let Some(content) = state.files.remove(names.source.as_str()) {
                state.files.insert(names.destination.to_string(), content);
                // The reference sends the request back.
                return (Status::OK, body.to_owned());
            } else {
                Status::ENOENT
            }
        }
        Command::QueryFileInfo => {
            let name = FileId::from_bytes(body).unwrap().name;
            let Some(file) = state.files.get(name.as_str()) else { return (Status::ENOENT, Vec::new()) };
            let crc32 = if status & 1 == 0 { crc32fast::hash(file) } else { 0 };
            let info = FileInfo { file_size: file.len() as u64, mtime: 0, crc32, source: IpText::EMPTY };
            let mut out = Vec::new();
            info.encode(&mut out, AddrSize::V4);
            return (Status::OK, out);
        }
        _ => Status::EINVAL,
    };
    (answer, Vec::new())
}

fn write(state: &mut State, command: Command, head: &SyncWriteHead, content: &[u8]) -> Status {
    let Some(file) = state.files.get_mut(head.file.name.as_str()) else { return Status::ENOENT };
    let (size, start) = (file.len(), usize::try_from(head.offset).unwrap());
    let end = start + content.len();
    match command {
        Command::SyncAppendFile if size == start => {
            file.extend_from_slice(content);
            Status::OK
        }
        Command::SyncAppendFile if size >= end => Status::EEXIST,
        Command::SyncModifyFile if size >= start => {
            file.resize(size.max(end), 0);
            file[start..end].copy_from_slice(content);
            Status::OK
        }
        _ => Status::ENOENT,
    }
}
