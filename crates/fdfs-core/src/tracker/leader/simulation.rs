//! Elections in one thread from a seed: links that hang one way or both, late messages, clocks of different speed, wall
//! clocks that jump, trackers that die and come back, leaders that freeze.

use std::collections::{BTreeMap, BTreeSet};

use super::{Answer, Ask, Election, PROMISE_MS, Question, Refusal};
use crate::tracker::addr::HostPort;
use crate::tracker::rank::TrackerStatus;
use crate::tracker::tests_support::ip;
use fdfs_proto::Status;

/// What a caller waits for an answer.
const CALL_TIMEOUT_MS: u64 = 1000;
/// The shell's tick.
const TICK_MS: u64 = 100;

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }
}

/// A message on its way.
#[derive(Debug, Clone)]
enum Event {
    Request { from: usize, life: u32, ask: Ask, conn: u64 },
    Answer { to: usize, life: u32, ask: Ask, answer: Answer, conn: u64 },
    Timeout { to: usize, life: u32, ask: Ask },
    Tick { node: usize, life: u32 },
}

struct Node {
    host: HostPort,
    /// `None` while it is dead.
    election: Option<Election>,
    life: u32,
    /// Thousandths: how fast its clock runs, and where it began.
    speed: u64,
    offset_ms: u64,
    /// Does nothing before this time; what comes in waits.
    frozen_until_ms: u64,
    /// The connection of its pings, made anew after each failure.
    conn: u64,
    /// What its wall clock makes it say.
    running_secs: i64,
}

pub(super) struct World {
    random: Random,
    pub(super) now_ms: u64,
    nodes: Vec<Node>,
    queue: BTreeMap<(u64, u64), Event>,
    count: u64,
    /// Messages that do not pass, by direction.
    broken: BTreeSet<(usize, usize)>,
    /// The latest that a message comes.
    latest_ms: u64,
    has_past: bool,
    next_conn: u64,
}

impl World {
    pub(super) fn new(seed: u64, node_count: usize) -> Self {
        let mut random = Random(seed);
        let node = |index: usize, random: &mut Random| Node {
            host: HostPort { ip: ip(&format!("10.0.0.{}", index + 1)), port: 22122 },
            election: None,
            life: 0,
            speed: 960 + random.below(81),
            offset_ms: random.below(100_000),
            frozen_until_ms: 0,
            conn: 0,
            running_secs: 0,
        };
        let nodes = (0..node_count).map(|index| node(index, &mut random)).collect();
        let mut world = Self {
            random,
            now_ms: 0,
            nodes,
            queue: BTreeMap::new(),
            count: 0,
            broken: BTreeSet::new(),
            latest_ms: 20,
            has_past: false,
            next_conn: 0,
        };
        (0..node_count).for_each(|node| world.start(node));
        world.has_past = true;
        world
    }

    fn clock(&self, node: usize) -> u64 {
        self.nodes[node].offset_ms + self.now_ms * self.nodes[node].speed / 1000
    }

    fn start(&mut self, node: usize) {
        let (now_ms, seed) = (self.clock(node), self.random.next());
        let mut election = Election::new(now_ms, self.has_past, seed);
        let others = self.nodes.iter().map(|other| other.host).collect::<Vec<_>>();
        election.set_members(now_ms, self.nodes[node].host, others);
        self.nodes[node].election = Some(election);
        self.nodes[node].life += 1;
        self.nodes[node].running_secs = 0;
        self.new_conn(node);
        let life = self.nodes[node].life;
        self.push(0, Event::Tick { node, life });
    }

    fn new_conn(&mut self, node: usize) {
        self.next_conn += 1;
        self.nodes[node].conn = self.next_conn;
    }

    fn push(&mut self, after_ms: u64, event: Event) {
        self.count += 1;
        self.queue.insert((self.now_ms + after_ms, self.count), event);
    }

    fn delay(&mut self) -> u64 {
        // Most are quick; a late one can be very late.
        if self.random.one_in(8) { self.random.below(self.latest_ms + 1) } else { self.random.below(5) }
    }

    /// Runs until `until_ms`; after every event nobody leads beside another one.
    pub(super) fn run_until(&mut self, until_ms: u64) {
        while let Some((&(at_ms, count), _)) = self.queue.first_key_value() {
            if at_ms > until_ms {
                break;
            }
            self.now_ms = at_ms;
            let event = self.queue.remove(&(at_ms, count)).unwrap();
            self.handle(event);
            self.check();
        }
        self.now_ms = until_ms;
        self.check();
    }

    fn handle(&mut self, event: Event) {
        let (node, life) = match &event {
            Event::Request { ask, .. } => (self.index_of(ask.to), None),
            Event::Answer { to, life, .. } | Event::Timeout { to, life, .. } => (*to, Some(*life)),
            Event::Tick { node, life } => (*node, Some(*life)),
        };
        if life.is_some_and(|life| life != self.nodes[node].life) || self.nodes[node].election.is_none() {
            return;
        }
        let frozen_until_ms = self.nodes[node].frozen_until_ms;
        if frozen_until_ms > self.now_ms {
            return self.push(frozen_until_ms - self.now_ms, event);
        }
        let now_ms = self.clock(node);
        match event {
            Event::Tick { .. } => {
                let own = TrackerStatus {
                    is_leader: false,
                    running_secs: self.nodes[node].running_secs,
                    restart_interval_secs: 0,
                };
                let asks = self.nodes[node].election.as_mut().unwrap().tick(now_ms, Some(own));
                self.send(node, asks);
                self.push(TICK_MS, Event::Tick { node, life: life.unwrap() });
            }
            Event::Request { from, life, ask, conn } => {
                let answer = self.serve(node, from, &ask, conn);
                if !self.broken.contains(&(node, from)) {
                    let delay = self.delay();
                    self.push(delay, Event::Answer { to: from, life, ask, answer, conn });
                }
            }
            Event::Answer { ask, answer, conn, .. } => {
                // A connection is given up with the first call that fails on it.
                if ask.question != Question::Ping || conn == self.nodes[node].conn {
                    let asks = self.nodes[node].election.as_mut().unwrap().on_answer(now_ms, &ask, answer);
                    self.send(node, asks);
                }
            }
            Event::Timeout { ask, .. } => {
                let election = self.nodes[node].election.as_mut().unwrap();
                let before = election.clone();
                let asks = election.on_answer(now_ms, &ask, Answer::Unreachable);
                let is_failed_ping = ask.question == Question::Ping && election.role != before.role;
                self.send(node, asks);
                if is_failed_ping {
                    self.new_conn(node);
                }
            }
        }
    }

    fn serve(&mut self, node: usize, from: usize, ask: &Ask, conn: u64) -> Answer {
        let now_ms = self.clock(node);
        let host = self.nodes[from].host;
        let running_secs = self.nodes[node].running_secs;
        let election = self.nodes[node].election.as_mut().unwrap();
        let done = |result: Result<(), Refusal>| match result {
            Ok(()) => Answer::Yes,
            Err(Refusal::NotLeader) => Answer::No(Status::EOPNOTSUPP),
            Err(_) => Answer::No(Status::EINVAL),
        };
        match ask.question {
            Question::Status => {
                let is_leader = election.leads(now_ms);
                Answer::Status(TrackerStatus { is_leader, running_secs, restart_interval_secs: 0 })
            }
            Question::Notify => done(election.on_notify(now_ms, host)),
            Question::Commit => done(election.on_commit(now_ms, host)),
            Question::Ping => done(election.on_ping(now_ms, host, conn)),
            Question::Reselect => done(election.on_reselect(now_ms)),
        }
    }

    fn send(&mut self, from: usize, asks: Vec<Ask>) {
        let (life, conn) = (self.nodes[from].life, self.nodes[from].conn);
        for ask in asks {
            let to = self.index_of(ask.to);
            if !self.broken.contains(&(from, to)) {
                let delay = self.delay();
                self.push(delay, Event::Request { from, life, ask, conn });
            }
            self.push(CALL_TIMEOUT_MS, Event::Timeout { to: from, life, ask });
        }
    }

    fn index_of(&self, host: HostPort) -> usize {
        self.nodes.iter().position(|node| node.host == host).unwrap()
    }

    pub(super) fn leading(&self) -> Vec<usize> {
        let leads = |index: &usize| {
            // A frozen process does not act; when it goes on it looks at its lease first.
            self.nodes[*index].election.as_ref().is_some_and(|election| election.leads(self.clock(*index)))
        };
        (0..self.nodes.len()).filter(leads).collect()
    }

    fn check(&self) {
        let leading = self.leading();
        if self.nodes.len() > 2 {
            assert!(leading.len() <= 1, "at {} ms {leading:?} lead", self.now_ms);
        }
    }

    /// Who leads in the eyes of all that live, if they agree.
    pub(super) fn agreed(&self) -> Option<usize> {
        let [leader] = self.leading()[..] else { return None };
        let host = self.nodes[leader].host;
        let agrees = |index: usize| match &self.nodes[index].election {
            None => true,
            Some(election) => election.leader(self.clock(index)) == Some(host),
        };
        (0..self.nodes.len()).all(agrees).then_some(leader)
    }

    /// Runs until all agree; how long that took.
    pub(super) fn run_until_agreed(&mut self, patience_ms: u64) -> Option<u64> {
        let began_ms = self.now_ms;
        while self.now_ms < began_ms + patience_ms {
            if self.agreed().is_some() {
                return Some(self.now_ms - began_ms);
            }
            self.run_until(self.now_ms + 50);
        }
        None
    }

    pub(super) fn kill(&mut self, node: usize) {
        self.nodes[node].election = None;
        self.nodes[node].life += 1;
    }

    pub(super) fn cut(&mut self, one: usize, other: usize) {
        self.broken.extend([(one, other), (other, one)]);
    }

    pub(super) fn cut_one_way(&mut self, from: usize, to: usize) {
        self.broken.insert((from, to));
    }

    pub(super) fn heal(&mut self) {
        self.broken.clear();
        self.latest_ms = 20;
        for index in 0..self.nodes.len() {
            self.nodes[index].frozen_until_ms = 0;
            if self.nodes[index].election.is_none() {
                self.start(index);
            }
        }
    }

    /// A storage that reaches all trackers and meets two leaders.
    pub(super) fn storage_meets_leaders(&mut self) {
        let leading = self.leading();
        if leading.len() > 1 {
            for node in leading {
                let now_ms = self.clock(node);
                let _ = self.nodes[node].election.as_mut().unwrap().on_reselect(now_ms);
            }
        }
    }

    /// Something goes wrong, or right again.
    pub(super) fn mischief(&mut self) {
        let count = self.nodes.len() as u64;
        let (one, other) = (self.random.below(count) as usize, self.random.below(count) as usize);
        match self.random.below(12) {
            0 => self.cut(one, other),
            1 => self.cut_one_way(one, other),
            2 | 3 => drop((self.broken.remove(&(one, other)), self.broken.remove(&(other, one)))),
            4 => (0..self.nodes.len()).filter(|node| *node != one).for_each(|node| self.cut(one, node)),
            5 => self.broken.clear(),
            6 => self.kill(one),
            7 | 8 if self.nodes[one].election.is_none() => self.start(one),
            7 | 8 => {
                // Killed and started at once: it has forgotten whom it supports.
                self.kill(one);
                self.start(one);
            }
            9 => self.latest_ms = [20, 300, 3000, 12_000][self.random.below(4) as usize],
            10 => self.nodes[one].frozen_until_ms = self.now_ms + self.random.below(6000),
            // Its wall clock jumps.
            _ => self.nodes[one].running_secs = self.random.below(5) as i64 * 300,
        }
    }
}

/// Whatever happens, nobody leads beside another one; once it is over, all agree soon and stay with it.
fn storm(seed: u64, node_count: usize) {
    let mut world = World::new(seed, node_count);
    let first = world.run_until_agreed(5000);
    assert!(first.is_some(), "seed {seed}: no leader after the start");
    for _ in 0..60 {
        world.mischief();
        let pause = world.random.below(1500);
        world.run_until(world.now_ms + pause);
    }
    world.heal();
    // Until the last late message has come.
    world.run_until(world.now_ms + PROMISE_MS);
    let took = world.run_until_agreed(5000);
    assert!(took.is_some(), "seed {seed}: no leader after the storm");
    // Late messages of the storm may still come in; then all is quiet.
    world.run_until(world.now_ms + 12_000);
    let leader = world.agreed();
    assert!(leader.is_some(), "seed {seed}: no longer agreed");
    for _ in 0..20 {
        world.run_until(world.now_ms + 500);
        assert_eq!(world.agreed(), leader, "seed {seed}: {} ms", world.now_ms);
    }
}

#[test]
fn nobody_leads_beside_another_one_whatever_happens() {
    for seed in 0..500 {
        storm(seed, 3);
    }
    for seed in 0..120 {
        storm(seed, 4);
        storm(seed, 5);
    }
}

#[test]
fn w12_a_leader_that_is_cut_off_stands_down_before_the_others_have_another() {
    for seed in 0..200 {
        let mut world = World::new(seed, 3);
        world.run_until_agreed(5000).unwrap();
        let old = world.agreed().unwrap();
        let others: Vec<_> = (0..3).filter(|node| *node != old).collect();
        others.iter().for_each(|other| world.cut(old, *other));
        let cut_ms = world.now_ms;
        let new = loop {
            world.run_until(world.now_ms + 50);
            assert!(world.now_ms < cut_ms + 5000, "seed {seed}: no new leader in time");
            if let [leader] = world.leading()[..]
                && leader != old
            {
                break leader;
            }
        };
        world.heal();
        world.run_until_agreed(5000).unwrap();
        assert_eq!(world.agreed(), Some(new), "seed {seed}: the new one stays");
    }
}

#[test]
fn when_the_leader_dies_there_is_another_one_within_five_seconds() {
    let mut slowest = 0;
    for seed in 0..500 {
        let mut world = World::new(seed, 3);
        world.run_until_agreed(5000).unwrap();
        world.run_until(world.now_ms + seed % 1000);
        let old = world.agreed().unwrap();
        world.kill(old);
        slowest = slowest.max(world.run_until_agreed(8000).unwrap());
    }
    println!("the slowest took {slowest} ms");
    assert!(slowest < 5000, "{slowest} ms");
}

#[test]
fn so_there_is_when_another_one_was_started_just_before() {
    let mut slowest = 0;
    for seed in 0..300 {
        let mut world = World::new(seed, 3);
        world.run_until_agreed(5000).unwrap();
        let old = world.agreed().unwrap();
        let other = (old + 1 + seed as usize % 2) % 3;
        world.kill(other);
        world.run_until(world.now_ms + 1000 + seed % 3000);
        world.start(other);
        world.run_until(world.now_ms + 200 + seed % 1000);
        world.kill(old);
        slowest = slowest.max(world.run_until_agreed(10_000).unwrap());
    }
    assert!(slowest < 5000, "{slowest} ms");
}

#[test]
fn a_link_that_flaps_and_a_deaf_tracker_change_nothing() {
    for seed in 0..100 {
        let mut world = World::new(seed, 3);
        world.run_until_agreed(5000).unwrap();
        let leader = world.agreed().unwrap();
        let others: Vec<_> = (0..3).filter(|node| *node != leader).collect();
        for round in 0..30 {
            match round % 3 {
                0 => world.cut(leader, others[0]),
                1 => world.cut_one_way(others[0], others[1]),
                _ => world.broken.clear(),
            }
            let pause = 200 + world.random.below(4000);
            world.run_until(world.now_ms + pause);
            assert_eq!(world.leading(), [leader], "seed {seed}");
        }
    }
}

#[test]
fn w12_of_two_trackers_the_older_leader_stays_and_the_other_stops_trying() {
    for seed in 0..50 {
        let mut world = World::new(seed, 2);
        world.run_until_agreed(5000).unwrap();
        let old = world.agreed().unwrap();
        world.cut(0, 1);
        let (mut changes, mut before) = (0, world.leading());
        // Storages that reach both look every second, for ten minutes.
        for _ in 0..600 {
            world.run_until(world.now_ms + 1000);
            world.storage_meets_leaders();
            assert!(world.leading().contains(&old), "seed {seed}: the old one stays");
            changes += usize::from(world.leading() != before);
            before = world.leading();
        }
        assert!(changes <= 12, "seed {seed}: {changes} changes in ten minutes");
        world.heal();
        world.run_until_agreed(6000).unwrap();
        assert_eq!(world.agreed(), Some(old), "seed {seed}");
    }
}

#[test]
fn of_two_trackers_the_one_that_is_left_leads() {
    for seed in 0..50 {
        let mut world = World::new(seed, 2);
        world.run_until_agreed(5000).unwrap();
        let old = world.agreed().unwrap();
        world.kill(old);
        let took = world.run_until_agreed(8000).unwrap();
        assert!(took < 6000, "seed {seed}: {took} ms");
        world.start(old);
        world.run_until_agreed(6000).unwrap();
        assert_eq!(world.agreed(), Some(1 - old), "seed {seed}: who is back follows");
    }
}
