//! What goes over connections, kept for a test to read; and our own commands kept from servers, so that they speak as they do
//! with servers of the reference.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fdfs_proto::{Command, HEADER_LEN, Header, Status};

use super::Node;

/// Bytes of one direction of one connection that are kept; a test that sends more has to look at less.
const KEPT_MAX_BYTES: usize = 32 << 20;
/// Commands of our own begin here.
const FIRST_OF_OURS: u8 = 240;

/// One connection.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Who opened it. A tracker that calls a storage does not bind its address, so it counts as a client.
    pub caller: Node,
    /// Who was called.
    pub called: Node,
    /// What the caller sent; of a server, without commands of our own.
    pub sent: Vec<u8>,
    /// What came back.
    pub answered: Vec<u8>,
}

/// Both directions of a connection as they grow.
#[derive(Debug, Default)]
pub(super) struct Reel {
    sent: Mutex<Vec<u8>>,
    answered: Mutex<Vec<u8>>,
    /// A command of our own was taken out: the answer is a refusal, and the connection ends.
    refused: AtomicBool,
}

/// All connections of a cluster.
#[derive(Debug, Default)]
pub(super) struct Tape(Mutex<Vec<(Node, Node, Arc<Reel>)>>);

impl Tape {
    /// A new connection: ears for both of its directions.
    pub(super) fn begin(&self, caller: Node, called: Node) -> (Ear, Ear) {
        let reel = Arc::<Reel>::default();
        lock(&self.0).push((caller, called, reel.clone()));
        // Clients may say what they like.
        let requests = (caller != Node::Client).then(Requests::default);
        let of_requests = Ear { reel: Some(reel.clone()), is_of_answers: false, requests };
        (of_requests, Ear { reel: Some(reel), is_of_answers: true, requests: None })
    }

    /// Everything so far.
    pub(super) fn read(&self) -> Vec<Recorded> {
        let one = |(caller, called, reel): &(Node, Node, Arc<Reel>)| Recorded {
            caller: *caller,
            called: *called,
            sent: lock(&reel.sent).clone(),
            answered: lock(&reel.answered).clone(),
        };
        lock(&self.0).iter().map(one).collect()
    }
}

/// Listens to one direction; without a tape, to nothing.
#[derive(Debug, Default)]
pub(super) struct Ear {
    reel: Option<Arc<Reel>>,
    is_of_answers: bool,
    /// Where commands of our own are refused.
    requests: Option<Requests>,
}

impl Ear {
    /// Keeps a piece; how many of its bytes may go on.
    pub(super) fn hear(&mut self, bytes: &[u8]) -> usize {
        let Some(reel) = &self.reel else { return bytes.len() };
        let own = self.requests.as_mut().and_then(|requests| requests.own_in(bytes));
        let bytes = &bytes[..own.unwrap_or(bytes.len())];
        let mut kept = lock(if self.is_of_answers { &reel.answered } else { &reel.sent });
        assert!(kept.len() + bytes.len() <= KEPT_MAX_BYTES, "more is sent than is recorded");
        kept.extend_from_slice(bytes);
        if own.is_some() {
            reel.refused.store(true, Ordering::Release);
        }
        bytes.len()
    }

    /// What stands at the end of this direction: the refusal of a command of our own, as the reference gives it.
    pub(super) fn last_words(&self) -> Option<[u8; HEADER_LEN]> {
        let is_refusal = self.is_of_answers && self.reel.as_ref()?.refused.load(Ordering::Acquire);
        let refusal = Header { body_len: 0, command: Command::Resp.number(), status: Status::EINVAL.0 };
        is_refusal.then(|| refusal.to_bytes())
    }
}

/// Cuts a direction into requests.
#[derive(Debug, Default)]
struct Requests {
    header: Vec<u8>,
    body_left: u64,
}

impl Requests {
    /// Where the first command of our own begins in this piece.
    fn own_in(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while at < bytes.len() {
            let rest = &bytes[at..];
            if self.body_left > 0 {
                let len = self.body_left.min(rest.len() as u64);
                self.body_left -= len;
                at += len as usize;
                continue;
            }
            let len = rest.len().min(HEADER_LEN - self.header.len());
            self.header.extend_from_slice(&rest[..len]);
            let begins = (at + len).saturating_sub(self.header.len());
            at += len;
            if let Some(header) = self.header.first_chunk::<HEADER_LEN>() {
                let header = Header::from_bytes(*header);
                if header.command >= FIRST_OF_OURS {
                    return Some(begins);
                }
                self.body_left = header.body_len.max(0) as u64;
                self.header.clear();
            }
        }
        None
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(command: u8, body_len: usize) -> Vec<u8> {
        let header = Header { body_len: body_len as i64, command, status: 0 };
        [&header.to_bytes()[..], &vec![243; body_len]].concat()
    }

    #[test]
    fn the_first_command_of_our_own_is_found_wherever_pieces_end() {
        let before = [packet(9, 16), packet(111, 0)].concat();
        let all = [before.clone(), packet(243, 0), packet(16, 5)].concat();
        for cut in 1..all.len() {
            let mut requests = Requests::default();
            let first = requests.own_in(&all[..cut]);
            let found = first.or_else(|| requests.own_in(&all[cut..]).map(|at| at + cut));
            // A header in two pieces: its first bytes have gone on.
            let is_cut = (before.len()..before.len() + HEADER_LEN).contains(&cut);
            assert_eq!(found, Some(if is_cut { cut } else { before.len() }), "cut at {cut}");
        }
        assert_eq!(Requests::default().own_in(&before), None);
    }
}
