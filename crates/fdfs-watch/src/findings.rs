//! From a snapshot to findings: pure, so that each rule is tested with a snapshot.

use std::collections::{BTreeMap, BTreeSet};

use crate::snapshot::{Answer, GroupSeen, Member, PeerSeen, Snapshot, StorageSeen, TrackerSeen};

/// Clocks that differ by more are worth a word: file times, sync times and logs stop to fit together.
const CLOCK_WARNING_MS: u64 = 2000;
/// Clocks that differ by more make trackers send readers to storages that do not have the file yet.
const CLOCK_ERROR_MS: u64 = 60_000;
/// A group with less of its space left for uploads is nearly full, in percent, unless one says otherwise.
pub const NEARLY_FULL_PERCENT: u8 = 5;
/// A peer whose mark stands still is stuck when the oldest record waits for longer, in seconds.
const STUCK_SECS: u64 = 10;

/// How bad a finding is; the worst is the greatest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Good to know.
    Note,
    /// Nothing fails yet.
    Warning,
    /// Something fails for somebody.
    Error,
}

impl Severity {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// One thing that was found, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// A name for scripts that stays.
    pub code: &'static str,
    /// What it is about: `tracker HOST:PORT`, `storage GROUP/ID`, `group GROUP`.
    pub about: String,
    /// What was found.
    pub what: String,
    /// What to do about it.
    pub advice: String,
}

impl Finding {
    /// One line for people.
    #[must_use]
    pub fn line(&self) -> String {
        let Self { severity, about, what, advice, .. } = self;
        format!("{}: {about} {what}. What to do: {advice}", severity.word().to_uppercase())
    }
}

/// Collects findings about one thing.
struct About<'a> {
    findings: &'a mut Vec<Finding>,
    about: String,
}

impl About<'_> {
    fn say(&mut self, severity: Severity, code: &'static str, what: impl Into<String>, advice: impl Into<String>) {
        let (what, advice) = (what.into(), advice.into());
        self.findings.push(Finding { severity, code, about: self.about.clone(), what, advice });
    }
}

/// All findings, the worst first. A group with less than `nearly_full_percent` of its space left for uploads is nearly full.
pub fn findings(snapshot: &Snapshot, nearly_full_percent: u8) -> Vec<Finding> {
    let mut all = Vec::new();
    trackers(snapshot, &mut all);
    trackers_together(snapshot, &mut all);
    groups(snapshot, nearly_full_percent, &mut all);
    for storage in &snapshot.storages {
        let about = format!("storage {}/{}", storage.group, storage.id);
        let mut about = About { findings: &mut all, about };
        addresses(storage, &mut about);
        own_words(storage, &mut about);
        replication(storage, &mut about);
    }
    clocks(snapshot, &mut all);
    versions(snapshot, &mut all);
    configurations(snapshot, &mut all);
    // Stable: within a severity the order of the rules stays.
    all.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    all
}

fn trackers(snapshot: &Snapshot, all: &mut Vec<Finding>) {
    for tracker in &snapshot.trackers {
        let mut about = About { findings: all, about: format!("tracker {}", tracker.name) };
        match &tracker.failure {
            Some(failure) => about.say(
                Severity::Error,
                "tracker-silent",
                format!("gives no answer: {failure}"),
                "start it, or take it out of tracker_server of all clients and storages",
            ),
            None if tracker.groups.is_empty() => about.say(
                Severity::Warning,
                "tracker-empty",
                "knows no group",
                "add it to tracker_server of the storages, and HUP them",
            ),
            None if tracker.leader.is_none() => about.say(
                Severity::Warning,
                "no-leader",
                "knows no leader",
                "wait some seconds; if it stays so, check that the trackers reach each other",
            ),
            None => {}
        }
    }
}

fn answering(snapshot: &Snapshot) -> impl Iterator<Item = &TrackerSeen> + Clone {
    snapshot.trackers.iter().filter(|tracker| tracker.failure.is_none())
}

/// Where trackers do not agree.
fn trackers_together(snapshot: &Snapshot, all: &mut Vec<Finding>) {
    let mut about = About { findings: all, about: "trackers".to_owned() };
    let leaders: BTreeSet<_> = answering(snapshot).filter_map(|tracker| tracker.leader.as_deref()).collect();
    if leaders.len() > 1 {
        about.say(
            Severity::Error,
            "two-leaders",
            format!("name different leaders: {}", words(leaders)),
            "check that the trackers reach each other on their ports",
        );
    }
    let keys: BTreeSet<&str> =
        answering(snapshot).flat_map(|tracker| &tracker.parameters).map(|(key, _)| key.as_str()).collect();
    for key in keys {
        let value = |tracker: &TrackerSeen| {
            let value = tracker.parameters.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone());
            value.map(|value| format!("{value} ({})", tracker.name))
        };
        let values: Vec<String> = answering(snapshot).filter_map(value).collect();
        let different: BTreeSet<&str> = values.iter().filter_map(|value| value.split(" (").next()).collect();
        if different.len() > 1 {
            about.say(
                Severity::Error,
                "trackers-configured-differently",
                format!("{key} is {}", values.join(", ")),
                "give all trackers the same tracker.conf, restart them, then the storages",
            );
        }
    }
    disagreements(snapshot, all);
}

/// Storages that trackers see differently.
fn disagreements(snapshot: &Snapshot, all: &mut Vec<Finding>) {
    for storage in &snapshot.storages {
        let status = |tracker: &TrackerSeen| {
            let member = member(tracker, storage);
            (member.map_or("unknown", |member| &member.status).to_owned(), tracker.name.clone())
        };
        let statuses: Vec<_> = answering(snapshot).filter(|t| !t.groups.is_empty()).map(status).collect();
        let different: BTreeSet<&str> = statuses.iter().map(|(status, _)| status.as_str()).collect();
        if different.len() > 1 {
            let seen: Vec<_> = statuses.iter().map(|(status, tracker)| format!("{status} ({tracker})")).collect();
            let mut about = About { findings: all, about: format!("storage {}/{}", storage.group, storage.id) };
            let advice = if different.contains("DELETED") {
                "each tracker is told of a deletion itself: fdfs admin delete-storage with all of them, or start the storage \
                 again if it should stay"
            } else {
                "check that the storage reaches each tracker, and has all of them in tracker_server"
            };
            about.say(
                Severity::Warning,
                "trackers-disagree",
                format!("is seen differently: {}", seen.join(", ")),
                advice,
            );
        }
    }
}

fn member<'a>(tracker: &'a TrackerSeen, storage: &StorageSeen) -> Option<&'a Member> {
    let group = tracker.groups.iter().find(|group| group.name == storage.group)?;
    group.members.iter().find(|member| member.id == storage.id)
}

/// The groups as the first tracker that answers sees them.
fn groups(snapshot: &Snapshot, nearly_full_percent: u8, all: &mut Vec<Finding>) {
    let Some(tracker) = answering(snapshot).find(|tracker| !tracker.groups.is_empty()) else { return };
    for group in &tracker.groups {
        let mut about = About { findings: all, about: format!("group {}", group.name) };
        let active = group.members.iter().filter(|member| member.status == "ACTIVE").count();
        if group.writable_count == 0 {
            about.say(
                Severity::Error,
                "no-uploads",
                "takes no uploads: none of its storages is ACTIVE and writable",
                "start a storage, or end draining it (fdfs admin undrain)",
            );
        } else if active == 1 {
            about.say(
                Severity::Note,
                "single-copy",
                "has one ACTIVE storage: every file is there once",
                "add a storage, or start the others",
            );
        }
        space(group, nearly_full_percent, &mut about);
        for member in &group.members {
            let mut about = About { findings: all, about: format!("storage {}/{}", group.name, member.id) };
            status(member, &mut about);
        }
    }
}

fn space(group: &GroupSeen, nearly_full_percent: u8, about: &mut About<'_>) {
    if group.writable_count == 0 {
        return;
    }
    let total_mb = group.members.iter().map(|member| member.total_mb).filter(|&mb| mb > 0).min().unwrap_or_default();
    let left_mb = group.free_mb.saturating_sub(group.reserved_mb);
    if left_mb == 0 {
        about.say(
            Severity::Error,
            "full",
            format!("takes no uploads: {} MB are free and {} MB are kept free", group.free_mb, group.reserved_mb),
            "delete files, add a store path to all of its storages, or add a group; reserved_storage_space says what is kept",
        );
    } else if left_mb.saturating_mul(100) < total_mb.saturating_mul(nearly_full_percent.into()) {
        about.say(
            Severity::Warning,
            "nearly-full",
            format!("has {left_mb} MB left for uploads of {total_mb} MB"),
            "add a store path to all of its storages, or a group",
        );
    }
}

fn status(member: &Member, about: &mut About<'_>) {
    match member.status.as_str() {
        "ACTIVE" | "ONLINE" => {}
        "OFFLINE" => about.say(
            Severity::Error,
            "offline",
            "is OFFLINE",
            "start it; if it runs, look into its log for why it does not reach the tracker",
        ),
        "DELETED" | "IP_CHANGED" => about.say(
            Severity::Note,
            "deleted",
            format!("is {}: its slot is forgotten when another storage needs it", member.status),
            "nothing to do",
        ),
        "RECOVERY" | "SYNCING" => about.say(
            Severity::Note,
            "filling",
            format!("is {}: files are being copied to it", member.status),
            "wait; fdfs sync status tells how far it is",
        ),
        other => about.say(
            Severity::Warning,
            "waiting",
            format!("is {other}: it waits for a storage that copies the old files to it"),
            "start the other storages of its group",
        ),
    }
}

/// Whether what clients are told leads to the storage.
fn addresses(storage: &StorageSeen, about: &mut About<'_>) {
    for told in &storage.told {
        match &told.answer {
            Answer::NotTried => {}
            Answer::No(why) => {
                let loopback = told.address.starts_with("127.") || told.address.starts_with("[::1]");
                let hint = if loopback {
                    "127.0.0.1 is another machine for everybody else: bind_addr of the storage, or advertise"
                } else {
                    "open the way (port, firewall, published port), or tell another address with advertise"
                };
                about.say(
                    Severity::Error,
                    "told-address-silent",
                    format!("{} are told {}, which does not answer from here: {why}", told.who, told.address),
                    format!("{hint}; see docs/networks.md"),
                );
            }
            Answer::Yes { who: Some(who) } if *who != format!("{}/{}", storage.group, storage.id) => about.say(
                Severity::Error,
                "told-address-of-another",
                format!("{} are told {}, where {who} answers", told.who, told.address),
                "correct advertise, or the forwarding of that port",
            ),
            Answer::Yes { .. } => {}
        }
    }
}

/// What a storage says of itself.
fn own_words(storage: &StorageSeen, about: &mut About<'_>) {
    let Some(report) = &storage.report else { return };
    if report.get("drained") == Some("yes") {
        about.say(Severity::Note, "drained", "is drained: no new uploads go there", "fdfs admin undrain ends it");
    }
    let paths = report.entries.iter().filter(|(key, _)| is_store_path(key));
    for (key, state) in paths {
        match state.as_str() {
            "ok" => {}
            "readonly" | "drained" => {
                about.say(Severity::Note, "store-path-closed", format!("{key} is {state}"), "nothing to do");
            }
            broken => about.say(
                Severity::Error,
                "store-path-broken",
                format!("{key} takes no writes: {broken}"),
                "look at the disk and the log of the storage; it serves the path again after a restart",
            ),
        }
    }
}

/// `store_path7`, not `store_path7_flushes_made`.
fn is_store_path(key: &str) -> bool {
    key.strip_prefix("store_path").is_some_and(|index| !index.is_empty() && index.bytes().all(|b| b.is_ascii_digit()))
}

/// Whether what it has reaches its peers.
fn replication(storage: &StorageSeen, about: &mut About<'_>) {
    let Some((before, now)) = &storage.sync else { return };
    if now.quarantined > 0 {
        about.say(
            Severity::Warning,
            "quarantine",
            format!("has {} records in quarantine that its peers will never get", now.quarantined),
            "look into data/sync/.fdfs_quarantine of the storage; upload those files anew, or delete them",
        );
    }
    for peer in &now.peers {
        if peer.set_aside > 0 {
            let error = peer.error.as_deref().unwrap_or("see its log");
            about.say(
                Severity::Warning,
                "set-aside",
                format!("{} of its records are not taken by {}: {error}", peer.set_aside, peer.id),
                "they are tried again; look into the log of that peer",
            );
        }
        let earlier = before.peers.iter().find(|earlier| earlier.id == peer.id);
        if earlier.is_some_and(|earlier| is_stuck(earlier, peer)) {
            let error = peer.error.as_deref().map(|error| format!(": {error}")).unwrap_or_default();
            about.say(
                Severity::Error,
                "mark-stands-still",
                format!(
                    "does not come on with {}: {} records behind, the oldest for {} s{error}",
                    peer.id, peer.records_behind, peer.secs_behind
                ),
                "check that the peer's port is reachable from the storage, and the logs of both",
            );
        }
    }
}

fn is_stuck(before: &PeerSeen, now: &PeerSeen) -> bool {
    let works = now.status == "ACTIVE" || now.status == "SYNCING";
    works && now.records_behind > 0 && before.mark == now.mark && now.secs_behind > STUCK_SECS
}

/// Clocks against that of this machine: what all differ by is its own fault.
fn clocks(snapshot: &Snapshot, all: &mut Vec<Finding>) {
    let of_trackers = snapshot.trackers.iter().map(|t| (format!("tracker {}", t.name), t.report.as_ref()));
    let of_storages = snapshot.storages.iter().map(|s| (format!("storage {}/{}", s.group, s.id), s.report.as_ref()));
    let mut clocks: Vec<(String, i64, u64)> = of_trackers
        .chain(of_storages)
        .filter_map(|(about, report)| {
            let report = report?;
            let took_ms = u64::try_from(report.took.as_millis()).unwrap_or(u64::MAX);
            Some((about, report.clock_off_ms?, took_ms))
        })
        .collect();
    clocks.sort_by_key(|(_, off_ms, _)| *off_ms);
    let Some(middle) = clocks.get(clocks.len().saturating_sub(1) / 2).map(|(_, off_ms, _)| *off_ms) else { return };
    for (about, off_ms, took_ms) in clocks {
        let off_ms = off_ms.saturating_sub(middle);
        let surely_ms = off_ms.unsigned_abs().saturating_sub(took_ms);
        let severity = match surely_ms {
            CLOCK_ERROR_MS.. => Severity::Error,
            CLOCK_WARNING_MS.. => Severity::Warning,
            _ => continue,
        };
        let side = if off_ms > 0 { "ahead of" } else { "behind" };
        About { findings: all, about }.say(
            severity,
            "clock",
            format!("has a clock that is {:.1} s {side} the others", off_ms.unsigned_abs() as f64 / 1000.0),
            "run a time service (chrony, ntpd) there",
        );
    }
    if middle.unsigned_abs() >= CLOCK_ERROR_MS {
        About { findings: all, about: "this machine".to_owned() }.say(
            Severity::Note,
            "own-clock",
            format!("has a clock that is {:.0} s off those of the servers", middle.unsigned_abs() as f64 / 1000.0),
            "run a time service here",
        );
    }
}

/// Different versions of one kind of server.
fn versions(snapshot: &Snapshot, all: &mut Vec<Finding>) {
    let mut seen: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for storage in &snapshot.storages {
        if let Some(program) = storage.report.as_ref().and_then(|report| report.get("program")) {
            seen.entry(program).or_default().push(format!("{}/{}", storage.group, storage.id));
        }
    }
    for tracker in &snapshot.trackers {
        if let Some(program) = tracker.report.as_ref().and_then(|report| report.get("program")) {
            seen.entry(program).or_default().push(tracker.name.clone());
        }
    }
    if seen.len() > 1 {
        let list: Vec<_> = seen.iter().map(|(program, who)| format!("{program} on {}", who.join(", "))).collect();
        About { findings: all, about: "servers".to_owned() }.say(
            Severity::Note,
            "versions",
            format!("run different versions: {}", list.join("; ")),
            "finish the upgrade",
        );
    }
}

/// Keys that the storages of a group should agree on.
fn configurations(snapshot: &Snapshot, all: &mut Vec<Finding>) {
    let groups: BTreeSet<&str> = snapshot.storages.iter().map(|storage| storage.group.as_str()).collect();
    for group in groups {
        for key in ["durability", "heart_beat_interval", "sync_window", "check_file_duplicate", "trackers"] {
            let mut values: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
            for storage in snapshot.storages.iter().filter(|storage| storage.group == group) {
                if let Some(value) = storage.report.as_ref().and_then(|report| report.get(key)) {
                    values.entry(value).or_default().push(&storage.id);
                }
            }
            if values.len() > 1 {
                let list: Vec<_> = values.iter().map(|(value, ids)| format!("{value} ({})", ids.join(", "))).collect();
                About { findings: all, about: format!("group {group}") }.say(
                    Severity::Warning,
                    "storages-configured-differently",
                    format!("has storages with different {key}: {}", list.join("; ")),
                    "give them the same storage.conf where nothing speaks against it, and restart them",
                );
            }
        }
    }
}

fn words<'a>(list: impl IntoIterator<Item = &'a str>) -> String {
    list.into_iter().collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
