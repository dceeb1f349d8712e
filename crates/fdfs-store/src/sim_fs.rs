//! A file system in memory for tests: it stops, fails or writes short at the n-th call, and forgets what was not synced.
//!
//! A crash of the process keeps everything that was written; a power cut keeps only what was synced, and of the rest what
//! a seed says: a disk may have written any part of it.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::fs::{FileKind, FileStat, FileTime, Fs, FsFile, Space};

/// What goes wrong, counted in calls that change something or make it durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// From this call on every call fails: the process or the machine is gone.
    StopsAfter(u64),
    /// This one call fails with this errno; those after it succeed.
    FailsAt(u64, i32),
    /// This one call writes half of its bytes, if it writes.
    WritesShortAt(u64),
}

type NodeId = u64;

#[derive(Debug, Clone)]
enum Node {
    File { data: Vec<u8>, synced: Vec<u8>, modified: FileTime },
    Link { target: String },
    Dir { entries: BTreeMap<String, NodeId>, synced: BTreeMap<String, NodeId> },
}

#[derive(Debug, Clone)]
struct State {
    nodes: BTreeMap<NodeId, Node>,
    next: NodeId,
    calls: u64,
    fault: Fault,
}

/// A file system in memory; clones are the same one.
#[derive(Debug, Clone)]
pub struct SimFs {
    state: Arc<Mutex<State>>,
    /// Whether calls hang just now, and how many do.
    gate: Arc<(Mutex<Gate>, Condvar)>,
}

#[derive(Debug, Default)]
struct Gate {
    is_closed: bool,
    waiting: usize,
}

/// An open directory of a [`SimFs`].
#[derive(Debug)]
pub struct SimDir(NodeId);

/// An open file of a [`SimFs`].
#[derive(Debug)]
pub struct SimFile {
    fs: SimFs,
    node: NodeId,
}

/// What a disk writes as a whole; small, so that small files of tests have several.
const SECTOR_BYTES: usize = 64;
const ROOT: NodeId = 0;
/// The time of every file.
const NOW_UNIX_SECS: i64 = 1_795_166_208;

fn not_found() -> io::Error {
    io::Error::from_raw_os_error(2)
}

impl SimFs {
    /// An empty file system in which `fault` happens.
    #[must_use]
    pub fn new(fault: Fault) -> Self {
        let root = Node::Dir { entries: BTreeMap::new(), synced: BTreeMap::new() };
        let state = State { nodes: BTreeMap::from([(ROOT, root)]), next: ROOT + 1, calls: 0, fault };
        Self::of(state)
    }

    fn of(state: State) -> Self {
        Self { state: Arc::new(Mutex::new(state)), gate: Arc::default() }
    }

    /// From now on every call hangs, as on a disk that answers no more, until [`SimFs::answer_again`].
    pub fn hang(&self) {
        self.gate.0.lock().unwrap_or_else(PoisonError::into_inner).is_closed = true;
    }

    /// All calls that hang go on.
    pub fn answer_again(&self) {
        self.gate.0.lock().unwrap_or_else(PoisonError::into_inner).is_closed = false;
        self.gate.1.notify_all();
    }

    /// Calls that hang now: so many threads are held.
    #[must_use]
    pub fn hanging_count(&self) -> usize {
        self.gate.0.lock().unwrap_or_else(PoisonError::into_inner).waiting
    }

    /// Plans another fault, counted from now on.
    pub fn set_fault(&self, fault: Fault) {
        let mut state = self.lock();
        (state.fault, state.calls) = (fault, 0);
    }

    /// Calls so far that changed something or made it durable.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.lock().calls
    }

    /// What a new process finds after this one was killed: everything that was written.
    #[must_use]
    pub fn after_crash(&self) -> Self {
        let mut state = self.lock().clone();
        (state.fault, state.calls) = (Fault::None, 0);
        Self::of(state)
    }

    /// What is found after a power cut: what was synced. With a `seed`, of what was not synced some names and some
    /// first bytes are there all the same.
    #[must_use]
    pub fn after_power_cut(&self, seed: Option<u64>) -> Self {
        let mut state = self.lock().clone();
        let mut random = seed.map(fastrand::Rng::with_seed);
        for node in state.nodes.values_mut() {
            match node {
                Node::Link { .. } => {}
                Node::File { data, synced, .. } => {
                    if let Some(random) = &mut random
                        && random.bool()
                        && data.len() >= synced.len()
                    {
                        data.truncate(random.usize(synced.len()..=data.len()));
                        // Of what was written over older bytes, some sectors are there.
                        for (data, synced) in data.chunks_mut(SECTOR_BYTES).zip(synced.chunks(SECTOR_BYTES)) {
                            if data[..synced.len()] != *synced && random.bool() {
                                data[..synced.len()].copy_from_slice(synced);
                            }
                        }
                    } else {
                        *data = synced.clone();
                    }
                    synced.clone_from(data);
                }
                Node::Dir { entries, synced } => {
                    let written = std::mem::replace(entries, synced.clone());
                    if let Some(random) = &mut random {
                        for (name, id) in written {
                            if random.bool() {
                                entries.insert(name, id);
                            }
                        }
                    }
                    synced.clone_from(entries);
                }
            }
        }
        (state.fault, state.calls) = (Fault::None, 0);
        Self::of(state)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        let (gate, opened) = &*self.gate;
        let mut at_gate = gate.lock().unwrap_or_else(PoisonError::into_inner);
        if at_gate.is_closed {
            at_gate.waiting += 1;
            at_gate = opened.wait_while(at_gate, |gate| gate.is_closed).unwrap_or_else(PoisonError::into_inner);
            at_gate.waiting -= 1;
        }
        drop(at_gate);
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Counts a call; whether it writes short.
    fn call(&mut self) -> io::Result<bool> {
        self.calls += 1;
        match self.fault {
            Fault::StopsAfter(n) if self.calls > n => Err(io::Error::other("the machine has stopped")),
            Fault::FailsAt(n, errno) if self.calls == n => Err(io::Error::from_raw_os_error(errno)),
            Fault::WritesShortAt(n) => Ok(self.calls == n),
            _ => Ok(false),
        }
    }

    fn add(&mut self, node: Node) -> NodeId {
        let id = self.next;
        self.next += 1;
        self.nodes.insert(id, node);
        id
    }

    fn entries(&mut self, dir: NodeId) -> io::Result<&mut BTreeMap<String, NodeId>> {
        match self.nodes.get_mut(&dir) {
            Some(Node::Dir { entries, .. }) => Ok(entries),
            Some(Node::File { .. } | Node::Link { .. }) => Err(io::Error::from_raw_os_error(20)),
            None => Err(not_found()),
        }
    }

    /// The directory that holds the last part of a name, and that part.
    fn parent<'n>(&mut self, dir: NodeId, name: &'n str) -> io::Result<(NodeId, &'n str)> {
        match name.rsplit_once('/') {
            Some((folder, last)) => Ok((self.find(dir, folder)?, last)),
            None => Ok((dir, name)),
        }
    }

    fn find(&mut self, dir: NodeId, name: &str) -> io::Result<NodeId> {
        let mut at = dir;
        for part in name.split('/').filter(|part| !part.is_empty() && *part != ".") {
            at = *self.entries(at)?.get(part).ok_or_else(not_found)?;
        }
        Ok(at)
    }

    fn create(&mut self, dir: NodeId, name: &str, is_new: bool) -> io::Result<NodeId> {
        let (folder, last) = self.parent(dir, name)?;
        match self.entries(folder)?.get(last) {
            Some(_) if is_new => Err(io::Error::from_raw_os_error(17)),
            Some(&id) => Ok(id),
            None => {
                let id = self.add(Node::File { data: Vec::new(), synced: Vec::new(), modified: NOW_UNIX_SECS.into() });
                self.entries(folder)?.insert(last.to_owned(), id);
                Ok(id)
            }
        }
    }

    fn make_dir(&mut self, dir: NodeId, name: &str) -> io::Result<NodeId> {
        let (folder, last) = self.parent(dir, name)?;
        if self.entries(folder)?.contains_key(last) {
            return Err(io::Error::from_raw_os_error(17));
        }
        let id = self.add(Node::Dir { entries: BTreeMap::new(), synced: BTreeMap::new() });
        self.entries(folder)?.insert(last.to_owned(), id);
        Ok(id)
    }

    fn stat(&self, id: NodeId) -> io::Result<FileStat> {
        let (kind, len_bytes, modified) = match self.nodes.get(&id).ok_or_else(not_found)? {
            Node::File { data, modified, .. } => (FileKind::Regular, data.len() as u64, *modified),
            Node::Link { target } => (FileKind::Symlink, target.len() as u64, NOW_UNIX_SECS.into()),
            Node::Dir { .. } => (FileKind::Directory, 0, NOW_UNIX_SECS.into()),
        };
        let names_in = |node: &Node| match node {
            Node::Dir { entries, .. } => entries.values().filter(|entry| **entry == id).count() as u64,
            Node::File { .. } | Node::Link { .. } => 0,
        };
        let link_count = self.nodes.values().map(names_in).sum();
        Ok(FileStat {
            kind,
            len_bytes,
            modified_unix_secs: modified.unix_secs,
            modified_nanos: modified.nanos,
            device: 1,
            link_count,
            inode: id,
        })
    }

    /// Gives a new name to what is there.
    fn add_name(&mut self, dir: NodeId, name: &str, id: NodeId) -> io::Result<()> {
        let (folder, last) = self.parent(dir, name)?;
        match self.entries(folder)?.entry(last.to_owned()) {
            Entry::Occupied(_) => Err(io::Error::from_raw_os_error(17)),
            Entry::Vacant(entry) => {
                entry.insert(id);
                Ok(())
            }
        }
    }

    /// Finds what is no link: links are not followed here.
    fn find_no_link(&mut self, dir: NodeId, name: &str) -> io::Result<NodeId> {
        let id = self.find(dir, name)?;
        match self.nodes.get(&id) {
            Some(Node::Link { .. }) => Err(io::Error::from_raw_os_error(40)),
            _ => Ok(id),
        }
    }

    fn rename(&mut self, dir: NodeId, from: &str, to: &str, is_new: bool) -> io::Result<()> {
        let (from_dir, from) = self.parent(dir, from)?;
        let (to_dir, to) = self.parent(dir, to)?;
        let id = *self.entries(from_dir)?.get(from).ok_or_else(not_found)?;
        if is_new && self.entries(to_dir)?.contains_key(to) {
            return Err(io::Error::from_raw_os_error(17));
        }
        self.entries(from_dir)?.remove(from);
        self.entries(to_dir)?.insert(to.to_owned(), id);
        Ok(())
    }
}

impl Fs for SimFs {
    type Dir = SimDir;
    type File = SimFile;

    fn open_dir(&self, path: &Path) -> io::Result<SimDir> {
        Ok(SimDir(self.lock().find(ROOT, &path.to_string_lossy())?))
    }

    fn make_dirs(&self, path: &Path) -> io::Result<()> {
        let mut state = self.lock();
        let mut at = ROOT;
        for part in path.to_string_lossy().split('/').filter(|part| !part.is_empty()) {
            at = match state.find(at, part) {
                Ok(id) => id,
                Err(_) => {
                    state.call()?;
                    state.make_dir(at, part)?
                }
            };
        }
        Ok(())
    }

    fn make_dir(&self, dir: &SimDir, name: &str) -> io::Result<()> {
        let mut state = self.lock();
        state.call()?;
        state.make_dir(dir.0, name).map(|_| ())
    }

    fn create_new(&self, dir: &SimDir, name: &str) -> io::Result<SimFile> {
        let mut state = self.lock();
        state.call()?;
        let node = state.create(dir.0, name, true)?;
        Ok(SimFile { fs: self.clone(), node })
    }

    fn create_unnamed(&self, dir: &SimDir, folder: &str) -> io::Result<SimFile> {
        let mut state = self.lock();
        state.call()?;
        let folder = state.find(dir.0, folder)?;
        state.entries(folder)?;
        let node = state.add(Node::File { data: Vec::new(), synced: Vec::new(), modified: NOW_UNIX_SECS.into() });
        Ok(SimFile { fs: self.clone(), node })
    }

    fn give_name(&self, dir: &SimDir, file: &SimFile, name: &str) -> io::Result<()> {
        let mut state = self.lock();
        state.call()?;
        state.add_name(dir.0, name, file.node)
    }

    fn create_or_empty(&self, dir: &SimDir, name: &str) -> io::Result<SimFile> {
        let mut state = self.lock();
        state.call()?;
        let node = state.create(dir.0, name, false)?;
        if let Some(Node::File { data, .. }) = state.nodes.get_mut(&node) {
            data.clear();
        }
        Ok(SimFile { fs: self.clone(), node })
    }

    fn open_write(&self, dir: &SimDir, name: &str) -> io::Result<SimFile> {
        let mut state = self.lock();
        state.call()?;
        let node = state.create(dir.0, name, false)?;
        Ok(SimFile { fs: self.clone(), node })
    }

    fn open_read_write(&self, dir: &SimDir, name: &str) -> io::Result<SimFile> {
        let node = self.lock().find_no_link(dir.0, name)?;
        Ok(SimFile { fs: self.clone(), node })
    }

    fn open_no_follow(&self, dir: &SimDir, name: &str) -> io::Result<SimFile> {
        self.open_read_write(dir, name)
    }

    fn hard_link(&self, dir: &SimDir, name: &str, new_name: &str) -> io::Result<()> {
        let mut state = self.lock();
        state.call()?;
        let id = state.find(dir.0, name)?;
        state.add_name(dir.0, new_name, id)
    }

    fn symlink(&self, dir: &SimDir, target: &str, name: &str) -> io::Result<()> {
        let mut state = self.lock();
        state.call()?;
        let (folder, last) = state.parent(dir.0, name)?;
        if state.entries(folder)?.contains_key(last) {
            return Err(io::Error::from_raw_os_error(17));
        }
        let id = state.add(Node::Link { target: target.to_owned() });
        state.add_name(dir.0, name, id)
    }

    fn read_link(&self, dir: &SimDir, name: &str) -> io::Result<String> {
        let mut state = self.lock();
        let id = state.find(dir.0, name)?;
        match state.nodes.get(&id) {
            Some(Node::Link { target }) => Ok(target.clone()),
            _ => Err(io::Error::from_raw_os_error(22)),
        }
    }

    fn open_read(&self, dir: &SimDir, name: &str) -> io::Result<SimFile> {
        let node = self.lock().find(dir.0, name)?;
        Ok(SimFile { fs: self.clone(), node })
    }

    fn stat(&self, dir: &SimDir, name: &str) -> io::Result<FileStat> {
        let mut state = self.lock();
        let id = state.find(dir.0, name)?;
        state.stat(id)
    }

    fn list(&self, dir: &SimDir, name: &str) -> io::Result<Vec<String>> {
        let mut state = self.lock();
        let id = state.find(dir.0, name)?;
        Ok(state.entries(id)?.keys().cloned().collect())
    }

    fn rename(&self, dir: &SimDir, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.lock();
        state.call()?;
        state.rename(dir.0, from, to, false)
    }

    fn rename_new(&self, dir: &SimDir, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.lock();
        state.call()?;
        state.rename(dir.0, from, to, true)
    }

    fn remove(&self, dir: &SimDir, name: &str) -> io::Result<()> {
        let mut state = self.lock();
        state.call()?;
        let (folder, last) = state.parent(dir.0, name)?;
        state.entries(folder)?.remove(last).map(|_| ()).ok_or_else(not_found)
    }

    fn sync_dir(&self, dir: &SimDir, name: &str) -> io::Result<()> {
        let mut state = self.lock();
        state.call()?;
        let id = state.find(dir.0, name)?;
        if let Some(Node::Dir { entries, synced }) = state.nodes.get_mut(&id) {
            synced.clone_from(entries);
        }
        Ok(())
    }

    fn sync_all(&self, _: &SimDir) -> io::Result<()> {
        let mut state = self.lock();
        state.call()?;
        for node in state.nodes.values_mut() {
            match node {
                Node::File { data, synced, .. } => synced.clone_from(data),
                Node::Dir { entries, synced } => synced.clone_from(entries),
                Node::Link { .. } => {}
            }
        }
        Ok(())
    }

    fn space(&self, _: &SimDir) -> io::Result<Space> {
        Ok(Space { total_bytes: 1 << 40, free_bytes: 1 << 40 })
    }
}

impl FsFile for SimFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let state = self.fs.lock();
        let Some(Node::File { data, .. }) = state.nodes.get(&self.node) else { return Err(not_found()) };
        let from = data.get(usize::try_from(offset).unwrap_or(usize::MAX)..).unwrap_or_default();
        let len = from.len().min(buf.len());
        buf[..len].copy_from_slice(&from[..len]);
        Ok(len)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let mut state = self.fs.lock();
        let is_short = state.call()?;
        let bytes = if is_short && bytes.len() > 1 { &bytes[..bytes.len() / 2] } else { bytes };
        let Some(Node::File { data, .. }) = state.nodes.get_mut(&self.node) else { return Err(not_found()) };
        let start = usize::try_from(offset).map_err(io::Error::other)?;
        data.resize(data.len().max(start + bytes.len()), 0);
        data[start..start + bytes.len()].copy_from_slice(bytes);
        Ok(bytes.len())
    }

    fn write_two_at(&self, head: &[u8], content: &[u8], offset: u64) -> io::Result<usize> {
        self.write_at(&[head, content].concat(), offset)
    }

    fn set_len(&self, len_bytes: u64) -> io::Result<()> {
        let mut state = self.fs.lock();
        state.call()?;
        let Some(Node::File { data, .. }) = state.nodes.get_mut(&self.node) else { return Err(not_found()) };
        data.resize(usize::try_from(len_bytes).map_err(io::Error::other)?, 0);
        Ok(())
    }

    fn stat(&self) -> io::Result<FileStat> {
        self.fs.lock().stat(self.node)
    }

    fn set_modified(&self, to: FileTime) -> io::Result<()> {
        let mut state = self.fs.lock();
        state.call()?;
        if let Some(Node::File { modified, .. }) = state.nodes.get_mut(&self.node) {
            *modified = to;
        }
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.fs.lock();
        state.call()?;
        if let Some(Node::File { data, synced, .. }) = state.nodes.get_mut(&self.node) {
            synced.clone_from(data);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_synced_is_gone_after_a_power_cut_but_not_after_a_crash() {
        let fs = SimFs::new(Fault::None);
        fs.make_dirs(Path::new("/a")).unwrap();
        let root = fs.open_dir(Path::new("/")).unwrap();
        fs.sync_dir(&root, "").unwrap();
        let dir = fs.open_dir(Path::new("/a")).unwrap();
        let file = fs.create_new(&dir, "x").unwrap();
        file.write_all_at(b"data", 0).unwrap();
        file.sync().unwrap();
        assert!(fs.after_crash().open_read(&dir, "x").is_ok());
        assert!(fs.after_power_cut(None).open_read(&dir, "x").is_err(), "its name was not synced");
        fs.sync_dir(&dir, "").unwrap();
        file.write_all_at(b"DATA", 0).unwrap();
        let mut seen = [0; 4];
        fs.after_power_cut(None).open_read(&dir, "x").unwrap().read_at(&mut seen, 0).unwrap();
        assert_eq!(&seen, b"data");
    }

    #[test]
    fn faults_happen_when_they_are_planned() {
        let fs = SimFs::new(Fault::FailsAt(2, 28));
        let dir = fs.open_dir(Path::new("/")).unwrap();
        let file = fs.create_new(&dir, "x").unwrap();
        assert_eq!(file.write_at(b"abcd", 0).unwrap_err().raw_os_error(), Some(28));
        fs.set_fault(Fault::WritesShortAt(1));
        assert_eq!(file.write_at(b"abcd", 0).unwrap(), 2);
        fs.set_fault(Fault::StopsAfter(1));
        assert!(file.write_at(b"abcd", 0).is_ok());
        assert!(file.sync().is_err() && file.sync().is_err());
    }
}
