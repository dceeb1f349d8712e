//! A storage that keeps files in memory.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use fdfs_proto::cmd::storage::{
    AppendHead, ContentHead, CreateLink, DownloadFile, FileInfo, MetadataChange, ModifyHead, RegenerateAppender,
    SetMetadataHead, TruncateFile, UploadHead, UploadSlaveHead,
};
use fdfs_proto::file_id::{FileId, FormattedExt, Kind, NewKind, NewName, Source, slave_name};
use fdfs_proto::shared::AddrSize;
use fdfs_proto::{Command, FileName, Header, IpText, Reader, Status, Wire};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::server::{Server, answer, read_body, read_header};

/// How it behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    Good,
    /// Closes when a request has begun.
    ClosesAtHead,
    /// Carries the request out and closes instead of answering.
    ClosesBeforeAnswer,
    /// Reads half of the request, carries out nothing and closes.
    ClosesInRequest,
    /// Closes in the middle of the answer's head.
    ClosesInAnswerHead,
    /// Serves one request on a connection and closes it when the next one comes, as a server that is started anew.
    ServesOnce,
    /// Never answers.
    Silent,
    /// Answers nothing but that it is there, until it has another mood.
    Busy,
    /// Answers every request with a status, after it was read whole.
    Refuses(Status),
    /// Answers when a request has begun, and closes.
    RefusesEarly(Status),
    /// Changes a byte of what it sends.
    Damages,
    /// Sends so many bytes of content and closes.
    CutsAfter(usize),
    /// Announces and sends one byte too much.
    SendsTooMuch,
    /// Answers with the request's body where there should be none.
    Echoes,
    /// Announces a negative length.
    NegativeLength,
    /// Announces 2^62 bytes.
    HugeLength,
    /// Success, with bytes that mean nothing.
    Nonsense,
}

pub(crate) struct State {
    pub(crate) mood: Mood,
    /// How it behaves towards the next changes of appender files and new names, one after the other, before `mood`
    /// counts again.
    pub(crate) moods_for_changes: VecDeque<Mood>,
    pub(crate) refuses_metadata: bool,
    /// Changes a byte when a regular file is made of an appender file.
    pub(crate) damages_regenerated: bool,
    pub(crate) kind: NewKind,
    pub(crate) addr_size: AddrSize,
    pub(crate) files: HashMap<FileId, Vec<u8>>,
    pub(crate) metadata: HashMap<FileId, Vec<u8>>,
    pub(crate) uploads: Vec<UploadHead>,
    asked: Vec<u8>,
}

pub(crate) struct FakeStorage {
    pub(crate) server: Server,
    state: Arc<Mutex<State>>,
}

impl FakeStorage {
    pub(crate) async fn start() -> Self {
        let state = State {
            mood: Mood::Good,
            moods_for_changes: VecDeque::new(),
            refuses_metadata: false,
            damages_regenerated: false,
            kind: NewKind::Regular,
            addr_size: AddrSize::V4,
            files: HashMap::new(),
            metadata: HashMap::new(),
            uploads: Vec::new(),
            asked: Vec::new(),
        };
        let state = Arc::new(Mutex::new(state));
        let shared = Arc::clone(&state);
        let server = Server::start(move |stream| serve(stream, Arc::clone(&shared))).await;
        Self { server, state }
    }

    pub(crate) fn is(&self, mood: Mood) {
        self.set(|state| state.mood = mood);
    }

    pub(crate) fn set<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap())
    }

    /// Puts a file there, as replication would.
    pub(crate) fn put(&self, file: FileId, content: &[u8]) {
        self.set(|state| state.files.insert(file, content.to_vec()));
    }

    pub(crate) fn file_count(&self) -> usize {
        self.set(|state| state.files.len())
    }

    /// The commands it was asked, in order.
    pub(crate) fn asked(&self) -> Vec<Command> {
        self.set(|state| state.asked.iter().filter_map(|&n| Command::from_number(n)).collect())
    }
}

/// The id of a file with this content.
pub(crate) fn id_of(content: &[u8], kind: NewKind, ext: &str) -> FileId {
    let random = fastrand::u32(..);
    let name = NewName {
        store_path_index: 0,
        high: 0,
        low: 0,
        source: Source::Ip([127, 0, 0, 1].into()),
        created: 1_795_166_208,
        size: content.len() as u64,
        crc32: crc32fast::hash(content),
        kind,
        random,
        ext: FormattedExt::new(&ext.parse().unwrap(), random),
    };
    FileId { group: "group1".parse().unwrap(), name: name.build() }
}

async fn serve(mut stream: TcpStream, state: Arc<Mutex<State>>) -> Option<()> {
    for served_count in 0.. {
        let header = read_header(&mut stream).await?;
        let mood = {
            let mut state = state.lock().unwrap();
            state.asked.push(header.command);
            let is_change = Command::from_number(header.command).is_some_and(is_change);
            let next = if is_change { state.moods_for_changes.pop_front() } else { None };
            next.unwrap_or(state.mood)
        };
        match mood {
            Mood::ClosesAtHead => return None,
            Mood::ServesOnce if served_count > 0 => return None,
            Mood::Silent => std::future::pending().await,
            Mood::Busy if header.command != Command::ActiveTest.number() => {
                while state.lock().unwrap().mood == Mood::Busy {
                    tokio::task::yield_now().await;
                }
            }
            Mood::RefusesEarly(status) => {
                answer(&mut stream, status, b"").await?;
                return None;
            }
            _ => {}
        }
        if mood == Mood::ClosesInRequest {
            let half = Header { body_len: header.body_len / 2, ..header };
            read_body(&mut stream, half).await?;
            return None;
        }
        let body = read_body(&mut stream, header).await?;
        let result =
            if let Mood::Refuses(status) = mood { Err(status) } else { state.lock().unwrap().carry_out(header, &body) };
        let (status, mut content) = match result {
            Ok(content) => (Status::OK, content),
            Err(status) => (status, vec![]),
        };
        match mood {
            Mood::ClosesBeforeAnswer => return None,
            Mood::ClosesInAnswerHead => {
                stream.write_all(&Header::answer(status, 0).to_bytes()[..5]).await.ok()?;
                return None;
            }
            Mood::CutsAfter(n) if header.command == Command::DownloadFile.number() && content.len() > n => {
                stream.write_all(&Header::answer(status, content.len() as u64).to_bytes()).await.ok()?;
                stream.write_all(&content[..n]).await.ok()?;
                return None;
            }
            Mood::NegativeLength => {
                let head = Header { body_len: -1, ..Header::answer(status, 0) };
                stream.write_all(&head.to_bytes()).await.ok()?;
                continue;
            }
            Mood::HugeLength => {
                stream.write_all(&Header::answer(Status::OK, 1 << 62).to_bytes()).await.ok()?;
                continue;
            }
            Mood::Damages => content.iter_mut().take(1).for_each(|byte| *byte ^= 1),
            Mood::SendsTooMuch => content.push(b'!'),
            Mood::Echoes if content.is_empty() => content = body,
            Mood::Nonsense => content = vec![0xFF; 7],
            _ => {}
        }
        answer(&mut stream, status, &content).await?;
        // As the reference does.
        if status == Status::EINVAL {
            return None;
        }
    }
    None
}

const fn is_change(command: Command) -> bool {
    matches!(
        command,
        Command::AppendFile
            | Command::ModifyFile
            | Command::TruncateFile
            | Command::RegenerateAppenderFilename
            | Command::UploadSlaveFile
            | Command::UploadAppenderFile
            | Command::CreateLink
    )
}

/// Requests of changes name no group.
fn of_group1(name: FileName) -> FileId {
    FileId { group: "group1".parse().unwrap(), name }
}

impl State {
    /// The content of an appender file.
    fn appender(&mut self, name: FileName) -> Result<&mut Vec<u8>, Status> {
        let file = of_group1(name);
        if file.logic_name().map_err(|_| Status::EINVAL)?.kind() != Kind::Appender {
            return Err(Status::EINVAL);
        }
        self.files.get_mut(&file).ok_or(Status::ENOENT)
    }

    fn carry_out(&mut self, header: Header, body: &[u8]) -> Result<Vec<u8>, Status> {
        let bad = |_| Status::EINVAL;
        match Command::from_number(header.command).ok_or(Status::EINVAL)? {
            Command::UploadFile => {
                let mut reader = Reader::new(body);
                let head = UploadHead::decode(&mut reader).map_err(bad)?;
                head.check(body.len() as u64).map_err(bad)?;
                let content = reader.rest();
                let file = id_of(content, self.kind, head.ext.as_str());
                self.uploads.push(head);
                self.files.insert(file, content.to_vec());
                Ok(file.to_bytes())
            }
            Command::UploadAppenderFile => {
                let mut reader = Reader::new(body);
                let head = UploadHead::decode(&mut reader).map_err(bad)?;
                head.check(body.len() as u64).map_err(bad)?;
                let content = reader.rest();
                let file = id_of(content, NewKind::Appender, head.ext.as_str());
                self.uploads.push(head);
                self.files.insert(file, content.to_vec());
                Ok(file.to_bytes())
            }
            Command::UploadSlaveFile => {
                let mut reader = Reader::new(body);
                let head = UploadSlaveHead::decode(&mut reader).map_err(bad)?;
                head.check(body.len() as u64).map_err(bad)?;
                let master = of_group1(head.master);
                let master_name = master.logic_name().map_err(|_| Status::EINVAL)?;
                let name = slave_name(&master_name, &head.prefix, &head.ext).map_err(|_| Status::EINVAL)?;
                if !self.files.contains_key(&master) {
                    return Err(Status::ENOENT);
                }
                let slave = of_group1(name);
                if self.files.contains_key(&slave) {
                    return Err(Status::EEXIST);
                }
                self.files.insert(slave, reader.rest().to_vec());
                Ok(slave.to_bytes())
            }
            Command::CreateLink => {
                let request = CreateLink::from_bytes(body).map_err(bad)?;
                let content = self.files.get(&of_group1(request.source)).ok_or(Status::ENOENT)?.clone();
                let link = match request.master.is_empty() {
                    true => id_of(&content, NewKind::Regular, request.ext.as_str()),
                    false => {
                        let master = of_group1(request.master).logic_name().map_err(|_| Status::EINVAL)?;
                        of_group1(slave_name(&master, &request.prefix, &request.ext).map_err(|_| Status::EINVAL)?)
                    }
                };
                self.files.insert(link, content);
                Ok(link.to_bytes())
            }
            Command::AppendFile => {
                let mut reader = Reader::new(body);
                let head = AppendHead::decode(&mut reader).map_err(bad)?;
                head.check(body.len() as u64).map_err(bad)?;
                self.appender(head.name)?.extend_from_slice(reader.rest());
                Ok(vec![])
            }
            Command::ModifyFile => {
                let mut reader = Reader::new(body);
                let head = ModifyHead::decode(&mut reader).map_err(bad)?;
                head.check(body.len() as u64).map_err(bad)?;
                let (content, new) = (self.appender(head.name)?, reader.rest());
                let offset = usize::try_from(head.offset).map_err(|_| Status::EINVAL)?;
                if offset > content.len() {
                    return Err(Status::EINVAL);
                }
                content.resize(content.len().max(offset + new.len()), 0);
                content[offset..offset + new.len()].copy_from_slice(new);
                Ok(vec![])
            }
            Command::TruncateFile => {
                let request = TruncateFile::from_bytes(body).map_err(bad)?;
                self.appender(request.name)?.resize(request.new_size as usize, 0);
                Ok(vec![])
            }
            Command::RegenerateAppenderFilename => {
                let RegenerateAppender(name) = RegenerateAppender::from_bytes(body).map_err(bad)?;
                let mut content = std::mem::take(self.appender(name)?);
                if self.damages_regenerated {
                    content[0] ^= 1;
                }
                self.files.remove(&of_group1(name));
                let file = id_of(&content, NewKind::Regular, "log");
                self.files.insert(file, content);
                Ok(file.to_bytes())
            }
            Command::DeleteFile => {
                let file = FileId::from_bytes(body).map_err(bad)?;
                self.metadata.remove(&file);
                self.files.remove(&file).map(|_| vec![]).ok_or(Status::ENOENT)
            }
            Command::DownloadFile => {
                let request = DownloadFile::from_bytes(body).map_err(bad)?;
                let content = self.files.get(&request.file).ok_or(Status::ENOENT)?;
                let offset = usize::try_from(request.offset).map_err(|_| Status::EINVAL)?;
                let rest = content.get(offset..).filter(|rest| !rest.is_empty()).ok_or(Status::EINVAL)?;
                let wanted = if request.wanted == 0 { rest.len() } else { request.wanted as usize };
                Ok(rest[..wanted.min(rest.len())].to_vec())
            }
            Command::SetMetadata => {
                let mut reader = Reader::new(body);
                let head = SetMetadataHead::decode(&mut reader).map_err(bad)?;
                head.check(body.len() as u64).map_err(bad)?;
                if !self.files.contains_key(&head.file) {
                    return Err(Status::ENOENT);
                }
                if self.refuses_metadata {
                    return Err(Status::EIO);
                }
                let old = self.metadata.get(&head.file).map(Vec::as_slice);
                match MetadataChange::of(head.mode, old, reader.rest()) {
                    MetadataChange::Keep => {}
                    MetadataChange::Remove => drop(self.metadata.remove(&head.file)),
                    MetadataChange::Store(text) => drop(self.metadata.insert(head.file, text)),
                }
                Ok(vec![])
            }
            Command::GetMetadata => {
                let file = FileId::from_bytes(body).map_err(bad)?;
                self.metadata.get(&file).cloned().ok_or(Status::ENOENT)
            }
            Command::QueryFileInfo => {
                let file = FileId::from_bytes(body).map_err(bad)?;
                let content = self.files.get(&file).ok_or(Status::ENOENT)?;
                let crc32 = if header.status & 1 == 0 { crc32fast::hash(content) } else { 0 };
                let source: IpText = "127.0.0.1".parse().unwrap();
                let mut out = Vec::new();
                FileInfo { file_size: content.len() as u64, mtime: 77, crc32, source }.encode(&mut out, self.addr_size);
                Ok(out)
            }
            _ => Err(Status::EINVAL),
        }
    }
}
