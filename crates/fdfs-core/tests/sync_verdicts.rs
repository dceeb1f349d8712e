//! W-07: a few storages, one file, changes on all sides of a break in any order, clocks apart: in the end all have the
//! same bytes, and what was deleted stays deleted.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

use fdfs_core::sync::verdict::{
    By, Change, ChangeVerdict, Content, DeleteVerdict, LastChange, NameFacts, WholeFile, WholeVerdict, append, delete,
    modify, truncate, whole_file,
};
use fdfs_proto::StorageId;
use proptest::prelude::*;

const APPENDER: &str = "M00/00/03/Ck4BC2sAEAKEAj2qAAAAADUkQcI950.log";
const SLAVE: &str = "M00/01/01/Ck4BC2sAEASAX_e9AAAAC9yobGc248_150x150.jpg";
const START: u32 = 1000;
/// Rounds in which every record is delivered; each can only make records of repair, which end.
const ROUNDS_MAX: usize = 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Op {
    Create,
    Update,
    Append { offset: u64, len: u64 },
    Modify { offset: u64, len: u64 },
    Truncate { old: u64, new: u64 },
    Delete,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Append(u8, u8),
    Modify(u8, u8),
    Truncate(u8),
    /// All of it becomes another, as metadata do.
    Overwrite(u8, u8),
    Delete,
    /// Made again after a deletion: only names that can be given again.
    Create(u8),
    /// Sends the next record to the node so many places on, which takes it in later, whatever happens meanwhile.
    Send(u8),
    /// What was sent to the node so many places on is taken in there; was nothing sent, then the next record.
    Deliver(u8),
    /// The node's clock goes on.
    Tick,
    /// The node forgets who deleted, as the log does not say; who changed a file last stands at the file.
    Restart,
    /// What the node sent to the node so many places on is not confirmed, back to so many records: it is sent again.
    Resend(u8, u8),
}

/// A record with the bytes of the moment when it was sent.
#[derive(Debug, Clone)]
struct Message {
    at: u32,
    op: Op,
    body: Vec<u8>,
}

#[derive(Debug)]
struct Node {
    id: StorageId,
    clock: u32,
    name: NameFacts,
    file: Option<(Vec<u8>, LastChange)>,
    deleted: Option<LastChange>,
    log: Vec<(u32, Op)>,
    sent: Vec<usize>,
    /// What is on its way to each of the others: with a file's record the one before is done.
    on_its_way: Vec<Option<Message>>,
    repaired_at: Option<u32>,
}

fn content(bytes: &[u8]) -> Content {
    // Any function of the bytes will do.
    let crc32 = bytes.iter().fold(17, |sum: u32, &b| sum.wrapping_mul(31).wrapping_add(u32::from(b)));
    Content { len_bytes: bytes.len() as u64, crc32 }
}

impl Node {
    /// A change by a client here.
    fn own(&mut self, step: Step) {
        let now = self.clock;
        if let (Step::Create(byte), None) = (step, &self.file) {
            let at = self.deleted.map_or(now, |deleted| deleted.next_create(now));
            self.file = Some((vec![byte; 3], LastChange { at, by: By::Own }));
            self.deleted = None;
            self.log.push((at, Op::Create));
            return;
        }
        let Some((bytes, last)) = &mut self.file else { return };
        let at = last.next_own(now);
        let size = bytes.len() as u64;
        let op = match step {
            Step::Append(byte, len) => {
                bytes.extend(std::iter::repeat_n(byte, len.into()));
                Op::Append { offset: size, len: len.into() }
            }
            Step::Modify(byte, place) => {
                let offset = usize::from(place) % (bytes.len() + 1);
                bytes.resize(bytes.len().max(offset + 2), 0);
                bytes[offset..offset + 2].fill(byte);
                Op::Modify { offset: offset as u64, len: 2 }
            }
            Step::Truncate(new) => {
                bytes.resize(new.into(), 0);
                Op::Truncate { old: size, new: new.into() }
            }
            Step::Overwrite(byte, len) => {
                *bytes = vec![byte; len.into()];
                Op::Update
            }
            Step::Delete => {
                self.file = None;
                self.deleted = Some(LastChange { at, by: By::Own });
                self.log.push((at, Op::Delete));
                return;
            }
            Step::Create(_) | Step::Send(_) | Step::Deliver(_) | Step::Tick | Step::Restart | Step::Resend(..) => {
                return;
            }
        };
        *last = LastChange { at, by: By::Own };
        self.repaired_at = None;
        self.log.push((at, op));
    }

    fn restart(&mut self) {
        if let Some(deleted) = &mut self.deleted
            && let By::Peer(_) = deleted.by
        {
            deleted.by = By::Unknown;
        }
        self.repaired_at = None;
        for (sent, on_its_way) in self.sent.iter_mut().zip(&mut self.on_its_way) {
            *sent -= usize::from(on_its_way.take().is_some());
        }
    }

    /// What is sent for a record, as the sender's rules say; `None`: nothing.
    fn message(&self, at: u32, op: Op) -> Option<Message> {
        let file = self.file.as_ref().map(|(bytes, _)| bytes);
        let (op, body) = match (op, file) {
            (Op::Delete, None) => (op, vec![]),
            (Op::Delete, Some(_)) | (_, None) => return None,
            (Op::Create | Op::Update, Some(bytes)) => (op, bytes.clone()),
            (Op::Append { offset, len } | Op::Modify { offset, len }, Some(bytes)) => {
                // Cut since, perhaps from elsewhere: the others must get to know what is left.
                let range = bytes.get(offset as usize..(offset + len) as usize);
                range.map_or_else(|| (Op::Update, bytes.clone()), |range| (op, range.to_vec()))
            }
            (Op::Truncate { .. }, Some(_)) => (op, vec![]),
        };
        Some(Message { at, op, body })
    }

    /// Whether the whole file is needed.
    fn receive(&mut self, from: StorageId, at: u32, op: Op, body: &[u8]) -> bool {
        let sender = Some(from);
        let after = |last: Option<LastChange>| LastChange::after(last, at, sender);
        if op == Op::Delete {
            let verdict = self.file.as_ref().map(|(_, last)| delete(&self.name, at, sender, *last));
            if verdict != Some(DeleteVerdict::Keep) {
                self.file = None;
                self.deleted = Some(after(self.deleted));
            }
            return false;
        }
        let here = self.file.as_ref().map(|(bytes, last)| (bytes.len() as u64, *last));
        let change = Change { name: self.name, at, sender, here, deleted: self.deleted };
        let verdict = match op {
            Op::Append { offset, len } => {
                let same = || {
                    let (bytes, _) = self.file.as_ref().unwrap();
                    Ok::<_, ()>(bytes[offset as usize..(offset + len) as usize] == *body)
                };
                append(&change, offset, len, same).unwrap()
            }
            Op::Modify { offset, .. } => modify(&change, offset),
            Op::Truncate { old, new } => truncate(&change, old, new),
            Op::Create | Op::Update | Op::Delete => {
                self.receive_whole(from, at, body);
                return false;
            }
        };
        let mut repair = false;
        match verdict {
            ChangeVerdict::Apply { repair: wanted } => {
                let (bytes, last) = self.file.as_mut().unwrap();
                match op {
                    Op::Append { offset, .. } | Op::Modify { offset, .. } => {
                        let (start, end) = (offset as usize, offset as usize + body.len());
                        bytes.resize(bytes.len().max(end), 0);
                        bytes[start..end].copy_from_slice(body);
                    }
                    Op::Truncate { new, .. } => bytes.resize(new as usize, 0),
                    Op::Create | Op::Update | Op::Delete => unreachable!(),
                }
                *last = after(Some(*last));
                self.repaired_at = None;
                repair = wanted;
            }
            ChangeVerdict::IsHere => {
                let (_, last) = self.file.as_mut().unwrap();
                *last = after(Some(*last));
            }
            ChangeVerdict::Keep => repair = !self.is_repaired_after(at),
            ChangeVerdict::NeedsWhole => return true,
            ChangeVerdict::StaysDeleted => {}
        }
        self.repair(repair);
        false
    }

    fn receive_whole(&mut self, from: StorageId, at: u32, body: &[u8]) {
        let here = self.file.as_ref().map(|(bytes, last)| (content(bytes), *last));
        let incoming = content(body);
        let file = WholeFile { name: self.name, at, sender: Some(from), incoming, here, deleted: self.deleted };
        match whole_file(&file) {
            verdict @ (WholeVerdict::Place | WholeVerdict::Replace { .. } | WholeVerdict::IsHere) => {
                let last = LastChange::after(here.map(|(_, last)| last), at, Some(from));
                self.file = Some((body.to_vec(), last));
                self.deleted = None;
                self.repaired_at = self.repaired_at.filter(|_| verdict == WholeVerdict::IsHere);
                self.repair(verdict == WholeVerdict::Replace { repair: true });
            }
            // What is newer, and stays as it is, is sent again once.
            WholeVerdict::Keep => self.repair(!self.is_repaired_after(at)),
            WholeVerdict::StaysDeleted => {}
        }
    }

    fn is_repaired_after(&self, at: u32) -> bool {
        self.file.as_ref().is_some_and(|(_, last)| last.at > at && self.repaired_at == Some(last.at))
    }

    fn repair(&mut self, wanted: bool) {
        if let Some((_, last)) = self.file.as_mut().filter(|_| wanted) {
            *last = last.repaired();
            self.repaired_at = Some(last.at);
            self.log.push((last.at, Op::Update));
        }
    }
}

struct Group {
    nodes: Vec<Node>,
}

impl Group {
    fn new(name: &str, clocks: &[u32]) -> Self {
        let name = NameFacts::of(&name.parse().unwrap());
        let node = |(index, clock): (usize, &u32)| Node {
            id: format!("10000{index}").parse().unwrap(),
            clock: START + clock,
            name,
            file: None,
            deleted: None,
            log: vec![],
            sent: vec![0; clocks.len()],
            on_its_way: vec![None; clocks.len()],
            repaired_at: None,
        };
        let mut group = Self { nodes: clocks.iter().enumerate().map(node).collect() };
        group.nodes[0].own(Step::Create(1));
        group.settle();
        group
    }

    /// Whether there was something to send.
    fn send(&mut self, from: usize, to: usize) -> bool {
        let node = &mut self.nodes[from];
        if node.on_its_way[to].is_some() {
            return true;
        }
        let Some(&(at, op)) = node.log.get(node.sent[to]) else { return false };
        node.sent[to] += 1;
        node.on_its_way[to] = node.message(at, op);
        true
    }

    /// Whether there was something on its way or to send.
    fn deliver(&mut self, from: usize, to: usize) -> bool {
        if !self.send(from, to) {
            return false;
        }
        let id = self.nodes[from].id;
        if let Some(Message { at, op, body }) = self.nodes[from].on_its_way[to].take()
            && self.nodes[to].receive(id, at, op, &body)
        {
            self.nodes[from].on_its_way[to] = self.nodes[from].message(at, Op::Update);
        }
        true
    }

    fn shown(&self) -> String {
        let shown = |node: &Node| format!("{}: {:?}, {:?}, {:?}\n", node.id, node.file, node.deleted, node.log);
        self.nodes.iter().map(shown).collect()
    }

    fn settle(&mut self) {
        let count = self.nodes.len();
        for _ in 0..ROUNDS_MAX {
            let mut is_quiet = true;
            for from in 0..count {
                for to in (0..count).filter(|&to| to != from) {
                    while self.deliver(from, to) {
                        is_quiet = false;
                    }
                }
            }
            if is_quiet {
                return;
            }
        }
        panic!("the storages never stop sending:\n{}", self.shown());
    }
}

fn any_step(with_create: bool) -> impl Strategy<Value = Step> {
    let deletes = if with_create { 2 } else { 1 };
    let creates = u32::from(with_create) * 2;
    prop_oneof![
        4 => (2..9u8, 1..4u8).prop_map(|(byte, len)| Step::Append(byte, len)),
        4 => (10..19u8, any::<u8>()).prop_map(|(byte, place)| Step::Modify(byte, place)),
        3 => (0..6u8).prop_map(Step::Truncate),
        4 => (30..39u8, 1..6u8).prop_map(|(byte, len)| Step::Overwrite(byte, len)),
        deletes => Just(Step::Delete),
        creates => (20..29u8).prop_map(Step::Create),
        10 => (1..3u8, 0..3u8).prop_map(|(places, kind)| if kind == 0 { Step::Send(places) } else { Step::Deliver(places) }),
        3 => Just(Step::Tick),
        4 => Just(Step::Restart),
        4 => (1..3u8, 1..6u8).prop_map(|(places, back)| Step::Resend(places, back)),
    ]
}

/// What is left in the end, on all storages.
fn run(name: &str, clocks: &[u32], steps: &[(usize, Step)]) -> Option<Vec<u8>> {
    let mut group = Group::new(name, clocks);
    let count = clocks.len();
    for &(node, step) in steps {
        let node = node % count;
        match step {
            Step::Send(places) | Step::Deliver(places) => {
                let to = (node + usize::from(places)) % count;
                if to != node {
                    let _ = if matches!(step, Step::Send(_)) { group.send(node, to) } else { group.deliver(node, to) };
                }
            }
            Step::Resend(places, back) => {
                let to = (node + usize::from(places)) % count;
                let node = &mut group.nodes[node];
                node.on_its_way[to] = None;
                node.sent[to] = node.sent[to].saturating_sub(back.into());
            }
            Step::Tick => group.nodes[node].clock += 1,
            Step::Restart => group.nodes[node].restart(),
            step => group.nodes[node].own(step),
        }
    }
    let was_deleted = group.nodes.iter().any(|node| node.log.iter().any(|(_, op)| *op == Op::Delete));
    group.settle();
    let bytes = |node: &Node| node.file.as_ref().map(|(bytes, _)| bytes.clone());
    let first = bytes(&group.nodes[0]);
    for node in &group.nodes {
        assert_eq!(bytes(node), first, "{}:\n{}", node.id, group.shown());
    }
    if was_deleted && name == APPENDER {
        assert_eq!(first, None, "back from the dead");
    }
    first
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 800, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn w07_an_appender_file_changed_on_both_sides_of_a_break_ends_equal(
        skew in 0..4u32, steps in proptest::collection::vec((0..2usize, any_step(false)), 0..24),
    ) {
        run(APPENDER, &[0, skew], &steps);
    }

    #[test]
    fn w07_a_file_that_can_be_made_again_ends_equal(
        skew in 0..4u32, steps in proptest::collection::vec((0..2usize, any_step(true)), 0..24),
    ) {
        run(SLAVE, &[0, skew], &steps);
    }

    #[test]
    fn w07_three_storages_end_equal(
        skew in 0..4u32, steps in proptest::collection::vec((0..3usize, any_step(false)), 0..24),
    ) {
        run(APPENDER, &[0, skew, 1], &steps);
    }

    #[test]
    fn what_one_storage_alone_changes_is_never_lost_whoever_restarts(
        skew in 0..4u32, steps in proptest::collection::vec((0..3usize, any_step(true)), 0..24),
    ) {
        let is_change = |step| !matches!(step, Step::Send(_) | Step::Deliver(_) | Step::Tick | Step::Restart | Step::Resend(..));
        let steps: Vec<_> = steps.into_iter().map(|(node, step)| (if is_change(step) { 0 } else { node }, step)).collect();
        let alone: Vec<_> = steps.iter().copied().filter(|(node, _)| *node == 0).collect();
        let clocks = [1, skew, 3];
        prop_assert_eq!(run(SLAVE, &clocks, &steps), run(SLAVE, &clocks[..1], &alone));
    }
}
