//! Any interleaving of answers, failures and reconnects, against a model.

use super::*;
use fdfs_proto::FileName;
use fdfs_proto::disk::binlog_record::{Op, Origin};
use proptest::prelude::*;

fn name(file: u8) -> FileName {
    format!("M00/00/00/some-file-{file:03}").parse().unwrap()
}

fn record(timestamp: u32, file: u8, op: Op) -> BinlogRecord {
    BinlogRecord { timestamp, origin: Origin::Source, name: name(file), op }
}

fn place(offset: u64) -> BinlogPosition {
    BinlogPosition { file: 0, offset }
}

/// Pushes a record of 10 bytes.
fn push(flight: &mut Flight, file: u8, op: Op) {
    let at = flight.read_to();
    let record = record(u32::try_from(at.offset / 10).unwrap(), file, op);
    flight.push(at, place(at.offset + 10), record);
}

#[test]
fn records_of_one_file_follow_each_other_and_those_of_others_do_not_wait() {
    let mut flight = Flight::new(place(0));
    push(&mut flight, 1, Op::Create);
    push(&mut flight, 1, Op::Append { offset: 0, length: 5 });
    push(&mut flight, 2, Op::Create);
    assert_eq!(flight.next(0).unwrap().0, 0);
    assert_eq!(flight.next(0).unwrap().0, 2);
    assert_eq!(flight.next(0), None);
    flight.done(2);
    assert_eq!(flight.mark(), place(0));
    flight.done(0);
    assert_eq!(flight.mark(), place(10));
    assert_eq!(flight.next(0).unwrap().0, 1);
    flight.done(1);
    assert_eq!(flight.mark(), place(30));
}

#[test]
fn a_rename_waits_for_both_names_and_both_wait_for_it() {
    let mut flight = Flight::new(place(0));
    push(&mut flight, 1, Op::Create);
    push(&mut flight, 2, Op::Create);
    push(&mut flight, 2, Op::Rename { old_name: Some(name(1)) });
    push(&mut flight, 1, Op::Create);
    assert_eq!((flight.next(0).unwrap().0, flight.next(0).unwrap().0, flight.next(0)), (0, 1, None));
    flight.done(0);
    assert_eq!(flight.next(0), None);
    flight.done(1);
    assert_eq!(flight.next(0).unwrap().0, 2);
    assert_eq!(flight.next(0), None);
    flight.done(2);
    assert_eq!(flight.next(0).unwrap().0, 3);
}

#[test]
fn w11_a_refused_record_keeps_only_its_own_file_back() {
    let mut flight = Flight::new(place(0));
    push(&mut flight, 1, Op::Create);
    push(&mut flight, 2, Op::Create);
    let (refused, _) = flight.next(0).unwrap();
    let why = Why::Refused(Status::ENOSPC);
    assert_eq!(flight.set_aside(refused, why, 0), SetAside::Kept { is_news: true });
    push(&mut flight, 1, Op::Append { offset: 0, length: 5 });
    let (other, _) = flight.next(0).unwrap();
    flight.done(other);
    assert_eq!(flight.mark(), place(30), "the mark does not wait");
    assert_eq!((flight.aside_count(), flight.awaits_retries()), (2, true));
    let kept: Vec<_> = flight.aside().map(|aside| (aside.at, aside.why)).collect();
    assert_eq!(kept, [(place(0), why), (place(20), Why::Behind)]);
    assert!(flight.take_aside_changed());
    assert_eq!((flight.next(999), flight.next_retry_ms()), (None, Some(1000)));
    // What was kept over a restart goes on in its order.
    let mut restarted = Flight::new(flight.mark());
    restarted.restore(flight.aside());
    for flight in [&mut flight, &mut restarted] {
        let (again, record) = flight.next(1000).unwrap();
        assert_eq!((record.op, flight.next(1000)), (Op::Create, None));
        flight.done(again);
        let (last, record) = flight.next(1000).unwrap();
        assert_eq!(record.op, Op::Append { offset: 0, length: 5 });
        flight.done(last);
        assert_eq!((flight.aside_count(), flight.take_aside_changed()), (0, true));
    }
}

#[test]
fn w11_what_is_refused_for_good_is_given_up_in_the_end_and_a_full_disk_never() {
    for (status, gives_up) in [(Status::EINVAL, true), (Status::ENOSPC, false)] {
        let mut flight = Flight::new(place(0));
        push(&mut flight, 1, Op::Create);
        let mut now_ms = 0;
        let mut outcomes = Vec::new();
        for _ in 0..TRIES_MAX + 5 {
            let Some((seq, _)) = flight.next(now_ms) else { break };
            outcomes.push(flight.set_aside(seq, Why::Refused(status), now_ms));
            now_ms = flight.next_retry_ms().unwrap_or(now_ms);
        }
        assert_eq!(outcomes.last() == Some(&SetAside::GivenUp), gives_up, "{status}");
        assert_eq!(flight.aside_count(), usize::from(!gives_up));
        assert_eq!(outcomes[1], SetAside::Kept { is_news: false });
    }
}

#[test]
fn a_record_that_breaks_each_connection_is_found() {
    let mut flight = Flight::new(place(0));
    push(&mut flight, 1, Op::Create);
    push(&mut flight, 2, Op::Create);
    for turn in 1..=BREAKS_MAX {
        let under_way = [flight.next(0).unwrap().0, flight.next(0).unwrap().0];
        assert_eq!(flight.broke(&under_way), (turn == BREAKS_MAX).then_some(0));
    }
    flight.set_aside(0, Why::Breaks, 0);
    assert_eq!(flight.next(0).unwrap().0, 1);
    assert!(!flight.awaits_retries(), "a new member does not wait for it");
}

#[test]
fn there_is_a_limit_to_what_is_read_ahead_and_to_what_is_set_aside() {
    let mut flight = Flight::new(place(0));
    for _ in 0..WINDOW_MAX {
        assert!(flight.has_room());
        push(&mut flight, 1, Op::Create);
    }
    assert!(!flight.has_room());
    let (seq, _) = flight.next(0).unwrap();
    flight.set_aside(seq, Why::Refused(Status::EIO), 0);
    assert!(flight.has_room());
    while flight.has_room() {
        push(&mut flight, 1, Op::Create);
    }
    assert_eq!(flight.aside_count(), ASIDE_MAX);
}

/// What a peer and the network do with what is under way.
#[derive(Debug, Clone, Copy)]
enum Event {
    Push {
        file: u8,
        other: Option<u8>,
    },
    Skip,
    Send,
    Confirm(usize),
    Refuse(usize, bool),
    /// The connection breaks with so many of the oldest under way.
    Break(usize),
    Wait(u16),
    /// The process is killed: what was confirmed since the last save is sent again.
    Restart,
}

fn any_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (0..4u8, proptest::option::weighted(0.2, 0..4u8)).prop_map(|(file, other)| Event::Push { file, other }),
        1 => Just(Event::Skip),
        4 => Just(Event::Send),
        3 => any::<usize>().prop_map(Event::Confirm),
        1 => (any::<usize>(), any::<bool>()).prop_map(|(n, for_good)| Event::Refuse(n, for_good)),
        1 => any::<usize>().prop_map(Event::Break),
        1 => any::<u16>().prop_map(Event::Wait),
        1 => Just(Event::Restart),
    ]
}

/// The world outside of the flight: the log, the peer, the disk.
#[derive(Default)]
struct World {
    /// The whole log: `None` for what does not go to the peer.
    log: Vec<Option<BinlogRecord>>,
    under_way: Vec<(Seq, BinlogRecord)>,
    /// By the timestamps, which number the records.
    applied: BTreeSet<u32>,
    given_up: BTreeSet<u32>,
    now_ms: u64,
}

impl World {
    fn settled(&self, record: &BinlogRecord) -> bool {
        self.applied.contains(&record.timestamp) || self.given_up.contains(&record.timestamp)
    }

    /// All records of the same file before this one must be settled when it is sent.
    fn check_order(&self, sent: &BinlogRecord) {
        let mine: BTreeSet<Key> = keys(sent).map(|(key, _)| key).collect();
        for before in self.log.iter().flatten().filter(|record| record.timestamp < sent.timestamp) {
            let is_same_file = keys(before).any(|(key, _)| mine.contains(&key));
            assert!(!is_same_file || self.settled(before), "{sent:?} was sent before {before:?} was done");
        }
    }

    /// Everything before the mark is settled or set aside.
    fn check_mark(&self, flight: &Flight) {
        let aside: BTreeSet<u32> = flight.aside().map(|aside| aside.record.timestamp).collect();
        let before = usize::try_from(flight.mark().offset / 10).unwrap();
        for record in self.log[..before].iter().flatten() {
            assert!(self.settled(record) || aside.contains(&record.timestamp), "the mark passed {record:?}");
        }
    }

    fn send(&mut self, flight: &mut Flight) -> bool {
        let Some((seq, record)) = flight.next(self.now_ms) else { return false };
        self.check_order(&record);
        self.under_way.push((seq, record));
        true
    }

    fn confirm(&mut self, flight: &mut Flight, index: usize) {
        let (seq, record) = self.under_way.remove(index);
        self.applied.insert(record.timestamp);
        flight.done(seq);
    }

    fn step(&mut self, flight: &mut Flight, event: Event) {
        let chosen = |n: usize, len: usize| if len == 0 { None } else { Some(n % len) };
        let at = flight.read_to();
        match event {
            Event::Push { file, other } => {
                let number = u32::try_from(at.offset / 10).unwrap();
                let op = other.map_or(Op::Create, |other| Op::Rename { old_name: Some(name(other)) });
                // After a restart the log is read again from the mark.
                let index = self.log.len().min(number as usize);
                if index == self.log.len() {
                    self.log.push(Some(record(number, file, op)));
                }
                match self.log[index] {
                    Some(record) => flight.push(at, place(at.offset + 10), record),
                    None => flight.skip(place(at.offset + 10)),
                }
            }
            Event::Skip if at.offset / 10 == self.log.len() as u64 => {
                self.log.push(None);
                flight.skip(place(at.offset + 10));
            }
            Event::Skip => {}
            Event::Send => drop(self.send(flight)),
            Event::Confirm(n) => {
                if let Some(index) = chosen(n, self.under_way.len()) {
                    self.confirm(flight, index);
                }
            }
            Event::Refuse(n, for_good) => {
                if let Some(index) = chosen(n, self.under_way.len()) {
                    let (seq, record) = self.under_way.remove(index);
                    let why = Why::Refused(if for_good { Status::EINVAL } else { Status::EIO });
                    if flight.set_aside(seq, why, self.now_ms) == SetAside::GivenUp {
                        self.given_up.insert(record.timestamp);
                    }
                }
            }
            Event::Break(n) => {
                let count = chosen(n, self.under_way.len()).map_or(0, |n| n + 1);
                let lost: Vec<_> = self.under_way.drain(..count).collect();
                let seqs: Vec<_> = lost.iter().map(|(seq, _)| *seq).collect();
                if let Some(seq) = flight.broke(&seqs)
                    && flight.set_aside(seq, Why::Breaks, self.now_ms) == SetAside::GivenUp
                {
                    self.given_up.insert(lost[0].1.timestamp);
                }
            }
            Event::Wait(ms) => self.now_ms += u64::from(ms) * 10,
            Event::Restart => {
                let mut next = Flight::new(flight.mark());
                next.restore(flight.aside());
                *flight = next;
                self.under_way.clear();
            }
        }
    }
}

proptest! {
    #[test]
    fn w06_any_interleaving_keeps_the_order_of_each_file_and_loses_nothing(
        events in proptest::collection::vec(any_event(), 0..200),
    ) {
        let mut world = World::default();
        let mut flight = Flight::new(place(0));
        for event in events {
            world.step(&mut flight, event);
            world.check_mark(&flight);
        }
        // In the end the peer takes everything.
        for _ in 0..10_000 {
            if flight.read_to().offset / 10 < world.log.len() as u64 {
                world.step(&mut flight, Event::Push { file: 0, other: None });
            }
            while world.send(&mut flight) {}
            while !world.under_way.is_empty() {
                world.confirm(&mut flight, 0);
            }
            world.now_ms += RETRY_LONGEST_MS;
            if flight.entries.is_empty() && flight.read_to().offset / 10 == world.log.len() as u64 {
                break;
            }
        }
        prop_assert_eq!(flight.mark(), place(world.log.len() as u64 * 10));
        prop_assert!(flight.chains.is_empty() && flight.ready.is_empty() && flight.sleeping.is_empty());
        for record in world.log.iter().flatten() {
            prop_assert!(world.settled(record), "{:?} was lost", record);
        }
    }
}
