//! What clients do in a storm.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use fdfs_client::FileId;
use fdfs_proto::cmd::storage::{
    AppendHead, CreateLink, DownloadFile, MetaMode, ModifyHead, RegenerateAppender, SetMetadataHead, Signature,
    TruncateFile, UploadHead, UploadSlaveHead,
};
use fdfs_proto::cmd::tracker::{FetchRequest, FetchTarget, StoreTarget};
use fdfs_proto::{Command, ExtName, FileName, GroupName, SlavePrefix, Wire};

use super::history::{Change, Content, File, History, Kind};
use super::request::{Outcome, ask};
use crate::layout::Layout;

/// Clients at the same time.
const CLIENT_COUNT: usize = 6;
/// The longest pause between two requests of a client.
const PAUSE_MAX_MS: u64 = 25;
/// An appender file is not made longer.
const APPENDER_MAX_BYTES: usize = 300_000;

/// All clients.
#[derive(Debug)]
pub struct Crew {
    clients: Vec<JoinHandle<Vec<String>>>,
}

impl Crew {
    /// They begin.
    #[must_use]
    pub fn start(layout: &Layout, seed: u64, history: &Arc<History>, is_over: &Arc<AtomicBool>) -> Self {
        let start = |number: usize| {
            let mut client = Client {
                number,
                random: fastrand::Rng::with_seed(seed.wrapping_mul(1000) + number as u64),
                trackers: layout.trackers.iter().map(|plan| plan.addr).collect(),
                storages: layout.storages.iter().map(|plan| plan.addr).collect(),
                group: layout.storages[0].group.parse().unwrap(),
                history: history.clone(),
                violations: Vec::new(),
            };
            let is_over = is_over.clone();
            std::thread::spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    client.act();
                    std::thread::sleep(Duration::from_millis(client.random.u64(..PAUSE_MAX_MS)));
                }
                client.violations
            })
        };
        Self { clients: (0..CLIENT_COUNT).map(start).collect() }
    }

    /// They have ended; what they saw that must not be.
    ///
    /// # Panics
    /// When one of them did.
    #[must_use]
    pub fn join(self) -> Vec<String> {
        self.clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    }
}

struct Client {
    number: usize,
    random: fastrand::Rng,
    trackers: Vec<SocketAddr>,
    storages: Vec<SocketAddr>,
    group: GroupName,
    history: Arc<History>,
    violations: Vec<String>,
}

impl Client {
    /// Does one thing.
    fn act(&mut self) {
        match self.random.u32(..100) {
            0..30 => self.upload(Kind::Plain),
            30..37 => self.upload(Kind::Appender),
            37..40 => self.upload_slave(),
            40..42 => self.link(),
            42..55 => self.delete(),
            55..68 => self.set_metadata(),
            68..88 => self.change_appender(),
            88..90 => self.regenerate(),
            _ => self.download(),
        }
    }

    fn content(&mut self) -> Content {
        let len = match self.random.u32(..20) {
            0 => 0,
            1 => self.random.usize(100_000..400_000),
            2..10 => self.random.usize(1..300),
            _ => self.random.usize(300..9000),
        };
        Content { seed: self.random.u64(..), len }
    }

    fn upload(&mut self, kind: Kind) {
        let Some(storage) = self.where_to_store() else { return };
        let content = self.content();
        let ext: ExtName = if kind == Kind::Plain { "bin" } else { "log" }.parse().unwrap();
        let command = if kind == Kind::Plain { Command::UploadFile } else { Command::UploadAppenderFile };
        let head = UploadHead { store_path: None, file_size: content.len as u64, ext };
        self.store(storage, kind, Some(content), command, &head.to_bytes(), &content.bytes());
    }

    fn upload_slave(&mut self) {
        let Some((_, master)) = self.pick(|file| file.kind == Kind::Plain) else { return };
        let Some(storage) = self.where_to_change(&master) else { return };
        let content = self.content();
        let head = UploadSlaveHead {
            file_size: content.len as u64,
            // No name is used twice: what came back under the name of something deleted would prove nothing.
            prefix: format!("_{:08x}", self.random.u32(..)).parse().unwrap(),
            ext: "bin".parse().unwrap(),
            master: master.id.name,
        };
        let command = Command::UploadSlaveFile;
        self.store(storage, Kind::Slave, Some(content), command, &head.to_bytes(), &content.bytes());
    }

    /// One more name for a file that stays.
    fn link(&mut self) {
        let stays = |file: &File| file.kind == Kind::Plain && !may_go(file);
        let Some((_, source)) = self.pick(stays) else { return };
        let Some(storage) = self.where_to_change(&source) else { return };
        let (prefix, ext) = (SlavePrefix::EMPTY, "bin".parse().unwrap());
        let signature = Signature::new(b"0123456789abcdef").unwrap();
        let (master, source_name) = (FileName::EMPTY, source.id.name);
        let mut request = Vec::new();
        CreateLink { group: self.group, prefix, ext, master, source: source_name, signature }.encode(&mut request);
        self.store(storage, Kind::Slave, source.content, Command::CreateLink, &request, b"");
    }

    fn store(
        &self,
        storage: usize,
        kind: Kind,
        content: Option<Content>,
        command: Command,
        head: &[u8],
        bytes: &[u8],
    ) -> Outcome {
        let outcome = ask(self.storages[storage], command, head, bytes);
        match &outcome {
            Outcome::Done(body) => {
                let id = FileId::from_bytes(body).unwrap_or_else(|e| panic!("the answer to an upload: {e}"));
                self.history.created(id, kind, content, storage);
            }
            Outcome::Unknown(_) => self.history.note_unknown_upload(),
            Outcome::Refused(_) => {}
        }
        outcome
    }

    fn delete(&mut self) {
        let Some((index, file)) = self.pick(may_go) else { return };
        self.change(index, &file, Change::Delete, Command::DeleteFile, &file.id.to_bytes(), b"");
    }

    fn set_metadata(&mut self) {
        let Some((index, file)) = self.pick(|_| true) else { return };
        let merges = self.random.bool();
        let (key, value) = (self.random.u32(..4), self.random.u32(..));
        let text = if self.random.u32(..12) == 0 { Vec::new() } else { format!("k{key}\x02{value}").into_bytes() };
        let mode = if merges { MetaMode::Merge } else { MetaMode::Overwrite };
        let head = SetMetadataHead { metadata_len: text.len() as u64, mode, file: file.id };
        let change = Change::Metadata { text: text.clone(), merges };
        self.change(index, &file, change, Command::SetMetadata, &head.to_bytes(), &text);
    }

    fn change_appender(&mut self) {
        let Some((index, file)) = self.pick(|file| file.kind == Kind::Appender) else { return };
        let (name, size) = (file.id.name, likely_size(&file));
        let mut content = self.content();
        content.len = content.len.clamp(1, 20_000);
        let len = content.len as u64;
        match self.random.u32(..10) {
            0..6 if size < APPENDER_MAX_BYTES => {
                let head = AppendHead { len, name }.to_bytes();
                self.change(index, &file, Change::Append(content), Command::AppendFile, &head, &content.bytes());
            }
            6..9 => {
                let offset = self.random.u64(..=size as u64);
                let head = ModifyHead { offset, len, name }.to_bytes();
                self.change(
                    index,
                    &file,
                    Change::Modify(offset, content),
                    Command::ModifyFile,
                    &head,
                    &content.bytes(),
                );
            }
            _ => {
                let new_size = self.random.u64(..=size as u64);
                let head = TruncateFile { new_size, name }.to_bytes();
                self.change(index, &file, Change::Truncate(new_size), Command::TruncateFile, &head, b"");
            }
        }
    }

    fn regenerate(&mut self) {
        let Some((index, file)) = self.pick(|file| file.kind == Kind::Appender) else { return };
        let head = RegenerateAppender(file.id.name).to_bytes();
        let outcome = self.change(index, &file, Change::Regenerate, Command::RegenerateAppenderFilename, &head, b"");
        if let Some((storage, Outcome::Done(body))) = outcome {
            let id = FileId::from_bytes(&body).unwrap_or_else(|e| panic!("the answer to a regeneration: {e}"));
            self.history.created(id, Kind::Plain, None, storage);
        }
    }

    /// Changes a file where the tracker says, and now and then anywhere.
    fn change(
        &mut self,
        index: usize,
        file: &File,
        change: Change,
        command: Command,
        head: &[u8],
        content: &[u8],
    ) -> Option<(usize, Outcome)> {
        let storage = self.where_to_change(file)?;
        let event = self.history.begin(index, self.number, storage, change);
        let outcome = ask(self.storages[storage], command, head, content);
        self.history.end(index, event, outcome.clone());
        Some((storage, outcome))
    }

    /// What a download gives is what was uploaded, at any time.
    fn download(&mut self) {
        let Some((_, file)) = self.pick(|file| file.kind != Kind::Appender) else { return };
        let Some(storage) = self.locate(&file, Command::QueryFetchOne) else { return };
        let request = DownloadFile { offset: 0, wanted: 0, file: file.id };
        match (ask(self.storages[storage], Command::DownloadFile, &request.to_bytes(), b""), file.content) {
            (Outcome::Done(bytes), Some(content)) if bytes != content.bytes() => {
                let what = format!("storage {storage} gave {} bytes that are not those of\n{file}", bytes.len());
                self.violations.push(what);
            }
            (Outcome::Done(_), _) => self.history.note_read(true),
            (_, _) => self.history.note_read(false),
        }
    }

    fn pick(&mut self, is_wanted: impl Fn(&File) -> bool) -> Option<(usize, File)> {
        (0..20).find_map(|_| self.history.pick(self.random.usize(..)).filter(|(_, file)| is_wanted(file)))
    }

    fn where_to_store(&mut self) -> Option<usize> {
        if self.random.u32(..10) == 0 {
            return Some(self.random.usize(..self.storages.len()));
        }
        let body = self.ask_tracker(Command::QueryStoreWithoutGroupOne, b"")?;
        self.number_of(&StoreTarget::decode(&body).ok()?.server)
    }

    fn where_to_change(&mut self, file: &File) -> Option<usize> {
        // Somebody who knows nothing of sources: two sides of a break change the same file.
        if self.random.u32(..8) == 0 {
            return Some(self.random.usize(..self.storages.len()));
        }
        self.locate(file, Command::QueryUpdate)
    }

    fn locate(&mut self, file: &File, command: Command) -> Option<usize> {
        let request = FetchRequest { group: self.group, name: file.id.name };
        let body = self.ask_tracker(command, &request.to_bytes())?;
        self.number_of(&FetchTarget::decode(&body).ok()?.server)
    }

    fn ask_tracker(&mut self, command: Command, body: &[u8]) -> Option<Vec<u8>> {
        let tracker = self.trackers[self.random.usize(..self.trackers.len())];
        match ask(tracker, command, body, b"") {
            Outcome::Done(body) => Some(body),
            Outcome::Refused(_) | Outcome::Unknown(_) => None,
        }
    }

    fn number_of(&self, server: &fdfs_proto::cmd::tracker::StorageAddr) -> Option<usize> {
        self.history.storage_at(SocketAddr::new(server.ip.as_str().parse().ok()?, server.port))
    }
}

/// Of three files two stay for ever.
const fn may_go(file: &File) -> bool {
    file.created.subsec_nanos().is_multiple_of(3)
}

/// The size of an appender file if nothing went wrong.
fn likely_size(file: &File) -> usize {
    super::expected::Expected::of(file).content.map_or(100, |content| content.len())
}
