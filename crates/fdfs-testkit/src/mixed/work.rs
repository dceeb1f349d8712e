//! What a client does with storages, and what every storage must have afterwards.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use fdfs_client::{Client, ClientError, FileId, MetaMode, Metadata, SlaveOptions, UploadOptions};
use fdfs_proto::cmd::storage::{DownloadFile, InfoFlags, Signature};
use fdfs_proto::{Command, Status, Wire};

use super::lab::Lab;
use crate::raw::{RawConn, RawReply};

/// Sizes of contents: one byte, one of a slot, one of several buffers.
const SIZES: [usize; 3] = [1, 3_000, 700_000];

/// So often in a row a storage of the reference may refuse an upload with 17: a trunk server of the reference gives out the slot
/// of a deleted file at once, also to a storage that has not heard of the deletion yet, and its header is in the way.
const TAKEN_SLOTS_MAX: usize = 20;

/// A file and what it must be.
#[derive(Debug, Clone)]
pub struct Kept {
    /// Its id.
    pub id: FileId,
    /// Its bytes.
    pub content: Vec<u8>,
    /// Its metadata, sorted by name.
    pub metadata: Metadata,
}

/// All files of a scenario.
#[derive(Debug, Default)]
pub struct Work {
    /// Those that are there.
    pub kept: Vec<Kept>,
    /// Those that were deleted, or got another name.
    pub gone: Vec<FileId>,
    made: u64,
}

impl Work {
    /// The work of one of several clients at the same time, told by a number.
    #[must_use]
    pub fn of_client(number: u32) -> Self {
        Self { made: u64::from(number) << 32, ..Self::default() }
    }

    /// Takes over what another client did.
    pub fn merge(&mut self, other: Self) {
        self.kept.extend(other.kept);
        self.gone.extend(other.gone);
    }

    /// Bytes that no other file has.
    pub fn content(&mut self, size: usize) -> Vec<u8> {
        self.made += 1;
        let mut random = fastrand::Rng::with_seed(self.made);
        std::iter::repeat_with(|| random.u8(..)).take(size).collect()
    }

    /// Uploads a file to the storage of a host.
    ///
    /// # Panics
    /// When it is refused; but see [`TAKEN_SLOTS_MAX`].
    pub fn upload(&mut self, lab: &Lab, host: u8, size: usize) -> FileId {
        let content = self.content(size);
        let mut refused = 0;
        loop {
            match lab.block_on(lab.client().upload(&content, &to(lab, host))) {
                Ok(id) => return self.keep(id, content),
                Err(error) if error.status() == Status::EEXIST && !lab.server(host).is_ours() => {
                    refused += 1;
                    assert!(refused <= TAKEN_SLOTS_MAX, "upload to storage {host}: {error}, {refused} times");
                }
                Err(error) => panic!("upload to storage {host}: {error}"),
            }
        }
    }

    /// Uploads to whatever storage the trackers name, as soon as they name one.
    pub fn upload_anywhere(&mut self, lab: &mut Lab, size: usize) -> FileId {
        self.upload_until_taken(lab, size, &UploadOptions::new().ext("any".parse().unwrap()))
    }

    /// Uploads to the storage of a host, as soon as it takes files.
    pub fn upload_soon(&mut self, lab: &mut Lab, host: u8, size: usize) -> FileId {
        let options = to(lab, host);
        self.upload_until_taken(lab, size, &options)
    }

    fn upload_until_taken(&mut self, lab: &mut Lab, size: usize, options: &UploadOptions) -> FileId {
        let content = self.content(size);
        let mut last = String::new();
        let id = lab.wait("an upload", |lab| match lab.block_on(lab.client().upload(&content, options)) {
            Ok(id) => Some(id),
            Err(error) => {
                if last != error.to_string() {
                    last = error.to_string();
                    println!("upload: {last}");
                }
                None
            }
        });
        self.keep(id, content)
    }

    fn keep(&mut self, id: FileId, content: Vec<u8>) -> FileId {
        self.kept.push(Kept { id, content, metadata: Metadata::new() });
        id
    }

    /// Deletes a file.
    ///
    /// # Panics
    /// When it is refused.
    pub fn delete(&mut self, lab: &Lab, id: &FileId) {
        change(lab, "delete", async |client| client.delete(id).await);
        self.kept.retain(|kept| kept.id != *id);
        self.gone.push(*id);
    }

    /// Everything a client can do, with files of the storage of a host, but for links.
    ///
    /// # Panics
    /// When something is refused.
    pub fn everything(&mut self, lab: &Lab, host: u8) {
        let ids = SIZES.map(|size| self.upload(lab, host, size));
        self.metadata(lab, &ids[1]);
        self.slave(lab, &ids[2]);
        let doomed = self.upload(lab, host, 5_000);
        self.delete(lab, &doomed);
        self.appender(lab, host, false);
        self.appender(lab, host, true);
    }

    /// Sets metadata, merges some, and replaces all of another file.
    pub fn metadata(&mut self, lab: &Lab, id: &FileId) {
        let first = Metadata::new().with("width", "160").with("height", "80");
        let more = Metadata::new().with("width", "320").with("colour", "gr\u{fc}n");
        change(lab, "metadata", async |client| client.set_metadata(id, &first, MetaMode::Overwrite).await);
        change(lab, "metadata", async |client| client.set_metadata(id, &more, MetaMode::Merge).await);
        let all = Metadata::new().with("colour", "gr\u{fc}n").with("height", "80").with("width", "320");
        self.entry(id).metadata = all;
    }

    /// Uploads a slave of a file.
    pub fn slave(&mut self, lab: &Lab, master: &FileId) {
        let content = self.content(2_000);
        let options = SlaveOptions::new().ext("jpg".parse().unwrap());
        let prefix = "_small".parse().unwrap();
        let id = change(lab, "slave", async |client| client.upload_slave(master, prefix, &content, &options).await);
        self.keep(id, content);
    }

    /// An appender file that is appended to, modified and cut; and, if wanted, made a regular one.
    pub fn appender(&mut self, lab: &Lab, host: u8, is_made_regular: bool) {
        let mut content = self.content(10_000);
        let options = to(lab, host).appender(true);
        let id = change(lab, "upload an appender", async |client| client.upload(&content, &options).await);
        let more = self.content(5_000);
        change(lab, "append", async |client| client.append(&id, &more).await);
        content.extend(&more);
        let other = self.content(100);
        change(lab, "modify", async |client| client.modify(&id, 4_000, &other).await);
        content[4_000..4_100].copy_from_slice(&other);
        change(lab, "truncate", async |client| client.truncate(&id, 12_345).await);
        content.truncate(12_345);
        let id = if is_made_regular {
            self.gone.push(id);
            change(lab, "regenerate", async |client| client.regenerate(&id).await)
        } else {
            id
        };
        self.keep(id, content);
    }

    /// Appends to a file that is there.
    pub fn append(&mut self, lab: &Lab, id: &FileId, size: usize) {
        let more = self.content(size);
        change(lab, "append", async |client| client.append(id, &more).await);
        self.entry(id).content.extend(more);
    }

    /// A link to a file.
    ///
    /// # Panics
    /// When it is refused.
    pub fn link(&mut self, lab: &Lab, source: &FileId) -> FileId {
        let signature = Signature::new(b"mixed").unwrap();
        let ext = "lnk".parse().unwrap();
        let id = change(lab, "link", async |client| client.create_link(source, &signature, ext).await);
        let content = self.entry(source).content.clone();
        self.keep(id, content)
    }

    fn entry(&mut self, id: &FileId) -> &mut Kept {
        self.kept.iter_mut().find(|kept| kept.id == *id).expect("the file was kept")
    }

    /// Waits until every storage that runs has every file as it must be, and none that is gone.
    pub fn check(&self, lab: &mut Lab) {
        for host in lab.storages() {
            self.check_storage(lab, host);
        }
    }

    /// The same for one storage.
    pub fn check_storage(&self, lab: &mut Lab, host: u8) {
        let addr = lab.server(host).addr;
        for kept in &self.kept {
            // Asked silently first, or it would log each look.
            let what = format!("{} on storage {host}", kept.id);
            lab.wait(&what, |lab| is_there(lab, addr, &kept.id).then_some(()));
            let what = format!("{what}, {} bytes", kept.content.len());
            lab.wait(&what, |_| (download(addr, &kept.id)? == kept.content).then_some(()));
            if !kept.metadata.is_empty() {
                lab.wait(&format!("{what}, metadata"), |_| (metadata(addr, &kept.id)? == kept.metadata).then_some(()));
            }
        }
        for id in &self.gone {
            lab.wait(&format!("{id} to be gone from storage {host}"), |lab| (!is_there(lab, addr, id)).then_some(()));
        }
    }

    /// Every file comes from where trackers say.
    ///
    /// # Panics
    /// When one does not.
    pub fn check_by_trackers(&self, lab: &Lab) {
        for kept in &self.kept {
            let content = lab.block_on(lab.client().download(&kept.id)).unwrap_or_else(|e| panic!("{}: {e}", kept.id));
            assert!(content == kept.content, "{}: {} bytes", kept.id, content.len());
        }
    }
}

/// Uploads to the storage of a host; the extension tells which one it was.
fn to(lab: &Lab, host: u8) -> UploadOptions {
    UploadOptions::new().storage(lab.server(host).addr).ext(format!("h{host}").parse().unwrap())
}

/// A change. A tracker of the reference that does not take the file's storage for ACTIVE names another one, which may not have
/// the file yet; then nothing is done, and it is asked again.
fn change<T>(lab: &Lab, what: &str, work: impl AsyncFn(&Client) -> Result<T, ClientError>) -> T {
    let is_named_elsewhere = lab.trackers().iter().any(|tracker| !lab.server(*tracker).is_ours());
    let patience = if is_named_elsewhere { lab.patience } else { Duration::ZERO };
    let (client, begun) = (lab.client(), Instant::now());
    loop {
        match lab.block_on(work(&client)) {
            Ok(done) => return done,
            Err(error) if error.is_not_found() && begun.elapsed() < patience => {}
            Err(error) => panic!("{what}: {error}"),
        }
    }
}

fn is_there(lab: &Lab, storage: SocketAddr, id: &FileId) -> bool {
    lab.block_on(lab.client().file_info_of(storage, id, InfoFlags::EXISTS)).is_ok()
}

/// The content of a file as one storage has it.
#[must_use]
pub fn download(storage: SocketAddr, id: &FileId) -> Option<Vec<u8>> {
    let body = DownloadFile { offset: 0, wanted: 0, file: *id }.to_bytes();
    whole(RawConn::connect(storage).ask(Command::DownloadFile.number(), &body))
}

fn metadata(storage: SocketAddr, id: &FileId) -> Option<Metadata> {
    let text = whole(RawConn::connect(storage).ask(Command::GetMetadata.number(), &id.to_bytes()))?;
    let records = fdfs_proto::cmd::storage::Metadata::parse(&text);
    Some(records.items().iter().fold(Metadata::new(), |all, item| all.with(item.name, item.value)))
}

fn whole(reply: RawReply) -> Option<Vec<u8>> {
    match reply {
        RawReply::Whole { status: 0, body } => Some(body),
        _ => None,
    }
}
