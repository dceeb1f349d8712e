//! One connection at work: one operation after the other.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use fdfs_net::Backoff;
use fdfs_proto::{Command, Status};

use super::content::scattered;
use super::failure::{Cause, Failure, Mismatch, Server};
use super::ids::StoredFile;
use super::operation;
use super::plan::{Kind, Work};
use super::routes::{Routes, Way};
use super::shared::Shared;
use super::tally::Tally;

/// Pauses behind failures that come back at once when they are repeated at once, and only heat the machine.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// One connection at work.
#[derive(Debug)]
pub(crate) struct Worker {
    shared: Arc<Shared>,
    routes: Routes,
    /// Where requests are put together.
    request: Vec<u8>,
    /// What it uploaded and did not delete.
    pub(crate) files: Vec<StoredFile>,
    /// What it counted, in the order of [`Kind::ALL`].
    pub(crate) tallies: [Tally; 3],
    backoff: Backoff,
}

/// What a worker did with its files at the end of the run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct CleanUp {
    /// Files that are gone.
    pub(crate) deleted_count: u64,
    /// Files that could not be deleted, or were not tried any more.
    pub(crate) left_count: u64,
}

impl Worker {
    /// A worker with its connection.
    ///
    /// # Errors
    /// What keeps it from connecting.
    pub(crate) async fn open(shared: Arc<Shared>, way: Way, index: usize) -> Result<Self, Failure> {
        let mut routes = Routes::new(way, index);
        routes.open(shared.plan.uploads()).await?;
        let backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE, index as u64);
        let (request, files) = (Vec::new(), Vec::new());
        Ok(Self { shared, routes, request, files, tallies: Default::default(), backoff })
    }

    /// Works until there is nothing more to do.
    pub(crate) async fn run(&mut self) {
        let abort = self.shared.abort.clone();
        let mut aborted = pin!(abort.cancelled());
        while let Some(number) = self.shared.next_operation() {
            let kind = self.kind_of(number);
            let begun = Instant::now();
            let done = tokio::select! {
                biased;
                done = self.operate(kind, number) => done,
                () = &mut aborted => {
                    self.routes.close();
                    return;
                }
            };
            let latency = begun.elapsed();
            let is_futile = done.as_ref().is_err_and(Failure::is_futile_to_repeat);
            self.count(kind, done, latency);
            if is_futile {
                tokio::time::sleep(self.backoff.next_pause()).await;
            } else {
                self.backoff.reset();
            }
        }
    }

    /// The kind of an operation. Where no file of this connection is left it is an upload.
    fn kind_of(&self, number: u64) -> Kind {
        match (self.shared.plan.work, self.shared.plan.work.kind_of(number)) {
            (Work::Mixed(_), _) if self.files.is_empty() => Kind::Upload,
            (_, kind) => kind,
        }
    }

    /// Carries out an operation; gives the bytes of content that it moved.
    async fn operate(&mut self, kind: Kind, number: u64) -> Result<u64, Failure> {
        match kind {
            Kind::Upload => self.upload().await,
            Kind::Download => match self.any_file(number).map(|(_, file)| file) {
                Some(file) => {
                    let addr = self.routes.place_of(&file, Command::QueryFetchOne).await?;
                    let link = self.routes.storage(addr).await?;
                    let check = self.shared.plan.verify.then_some(&self.shared.pool);
                    let done = operation::download(link, &file, check, &mut self.request).await;
                    self.forget_if_broken(addr, done)
                }
                None => Ok(0),
            },
            Kind::Delete => match self.any_file(number) {
                Some((index, file)) => {
                    let done = self.delete(&file).await;
                    if let (Some(index), Ok(())) = (index, &done) {
                        self.files.swap_remove(index);
                    }
                    done.map(|()| 0)
                }
                None => Ok(0),
            },
        }
    }

    /// The file that an operation is about: one that is given, or one of its own and the place of it.
    fn any_file(&self, number: u64) -> Option<(Option<usize>, StoredFile)> {
        if let Some(given) = self.shared.file(number) {
            return Some((None, *given));
        }
        let index = usize::try_from(scattered(number) % (self.files.len() as u64).max(1)).ok()?;
        self.files.get(index).map(|file| (Some(index), *file))
    }

    async fn upload(&mut self) -> Result<u64, Failure> {
        let number = self.shared.next_upload();
        let size_bytes = self.shared.plan.sizes.of(number);
        let (addr, store_path) = self.routes.store_place().await?;
        let link = self.routes.storage(addr).await?;
        let new = operation::NewFile { number, size_bytes, store_path, verify: self.shared.plan.verify };
        let done = operation::upload(link, &new, &self.shared.pool, &mut self.request).await;
        let id = self.forget_if_broken(addr, done)?;
        if self.shared.plan.remembers {
            self.files.push(StoredFile { id, number: Some(number), storage: Some(addr) });
        }
        match self.shared.plan.group {
            Some(wanted) if wanted != id.group => {
                let source = Mismatch::Group { is: id.group, wanted };
                Err(Failure::Wrong { server: Server::Storage, peer: addr, source })
            }
            _ => Ok(size_bytes),
        }
    }

    async fn delete(&mut self, file: &StoredFile) -> Result<(), Failure> {
        let addr = self.routes.place_of(file, Command::QueryUpdate).await?;
        let link = self.routes.storage(addr).await?;
        let done = operation::delete(link, &file.id, &mut self.request).await;
        self.forget_if_broken(addr, done)
    }

    fn forget_if_broken<T>(&mut self, addr: SocketAddr, done: Result<T, Failure>) -> Result<T, Failure> {
        if done.as_ref().is_err_and(|failure| !failure.leaves_connection_usable()) {
            self.routes.forget(addr);
        }
        done
    }

    fn count(&mut self, kind: Kind, done: Result<u64, Failure>, latency: Duration) {
        let progress = &self.shared.progress;
        let [uploads, downloads, deletes] = &mut self.tallies;
        let tally = match kind {
            Kind::Upload => uploads,
            Kind::Download => downloads,
            Kind::Delete => deletes,
        };
        match done {
            Ok(bytes) => {
                tally.succeeded(bytes, latency);
                progress.success_count.fetch_add(1, Ordering::Relaxed);
                progress.bytes.fetch_add(bytes, Ordering::Relaxed);
            }
            Err(failure) => {
                tally.failed(failure.cause(), 1);
                progress.failure_count.fetch_add(1, Ordering::Relaxed);
                self.shared.tell(kind, &failure);
            }
        }
    }

    /// Deletes what it uploaded, until that is cancelled. A file that is gone already is fine.
    pub(crate) async fn clean_up(&mut self) -> CleanUp {
        let leave = self.shared.leave.clone();
        let mut left = pin!(leave.cancelled());
        let mut done = CleanUp::default();
        while let Some(file) = self.files.pop() {
            let deleted = tokio::select! {
                biased;
                () = &mut left => {
                    self.files.push(file);
                    break;
                }
                deleted = self.delete(&file) => deleted,
            };
            match deleted {
                Err(failure) if failure.cause() != Cause::Answered(Server::Storage, Status::ENOENT) => {
                    self.shared.tell(Kind::Delete, &failure);
                    done.left_count += 1;
                    if failure.is_connect() {
                        break;
                    }
                }
                Ok(()) | Err(_) => {
                    done.deleted_count += 1;
                    self.shared.progress.cleaned_count.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
        done.left_count += self.files.len() as u64;
        done
    }
}

impl CleanUp {
    /// Adds another one.
    pub(crate) const fn merge(&mut self, other: Self) {
        self.deleted_count += other.deleted_count;
        self.left_count += other.left_count;
    }
}
