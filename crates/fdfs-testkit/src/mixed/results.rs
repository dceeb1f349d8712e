//! Runs a scenario with every combination, and says what came of it.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use super::lab::Lab;
use super::network::Network;
use super::programs::{FOLDER_B, Programs};
use super::server::Complaint;

/// A file that gets a line for each scenario and combination: name, letters, `ok` or what failed, seconds, and what the
/// other program complained of; with tabs between.
pub const TABLE: &str = "FDFS_MIXED_TABLE";
/// When a scenario runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// With ours alone as well.
    Always,
    /// Only where there are others: it takes long, and other tests do the same with ours.
    WithOthers,
}

/// A folder that gets a copy of everything that the servers of a failed scenario had on disk.
pub const KEEP: &str = "FDFS_MIXED_KEEP";

/// Runs a scenario with every combination of players.
///
/// # Panics
/// After the last one, when any failed.
pub fn run(name: &str, fdfs: &Path, when: When, scenario: impl Fn(&mut Lab) + Sync) {
    let programs = Programs::from_env(fdfs);
    if when == When::WithOthers && !programs.is_mixed() {
        println!("{name}: SKIPPED; {FOLDER_B} names a folder of other programs, the reference's say, to run with");
        return;
    }
    let mut failures = Vec::new();
    for (left, right) in programs.pairs() {
        let network = if programs.is_mixed() {
            Network::bridge()
                .unwrap_or_else(|| panic!("network namespaces cannot be made here (ip netns add, as root)"))
        } else {
            Network::loopback()
        };
        let network = Arc::new(network);
        let letters = format!("{left}{right}");
        let begun = Instant::now();
        let result = network.as_client(|| {
            let mut lab = Lab::new(Arc::clone(&network), left.clone(), right.clone());
            let outcome = lab_result(&mut lab, &scenario);
            if outcome.is_err() {
                keep(&lab, &format!("{name} {letters}"));
            }
            outcome
        });
        let secs = begun.elapsed().as_secs_f64();
        let (outcome, told) = match result {
            Ok(complaints) => ("ok".to_owned(), tell(&complaints)),
            Err((text, complaints)) => {
                failures.push(format!("{letters}: {text}"));
                (text, tell(&complaints))
            }
        };
        println!("{name} {letters}: {outcome} ({secs:.1} s)");
        told.iter().for_each(|line| println!("    {line}"));
        note(&format!("{name}\t{letters}\t{}\t{secs:.1}\t{}", outcome.replace(['\n', '\t'], " "), told.join(" | ")));
    }
    if !programs.is_mixed() {
        println!("{name}: OURS ALONE; {FOLDER_B} names a folder of other programs, the reference's say, to run with");
    }
    assert!(failures.is_empty(), "{name}: {}", failures.join("\n"));
}

type Outcome = Result<Vec<Complaint>, (String, Vec<Complaint>)>;

fn lab_result(lab: &mut Lab, scenario: &(impl Fn(&mut Lab) + Sync)) -> Outcome {
    let run = catch_unwind(AssertUnwindSafe(|| {
        scenario(lab);
        lab.finish()
    }));
    run.map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        (text.unwrap_or_default(), lab.complaints())
    })
}

/// Complaints without what differs from run to run, with how often each was made.
fn tell(complaints: &[Complaint]) -> Vec<String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for complaint in complaints {
        *counts.entry(format!("{} {}", complaint.letter, gist(&complaint.line))).or_default() += 1;
    }
    counts.into_iter().map(|(gist, count)| format!("{count} x {gist}")).collect()
}

/// A line of a log without time, source line, addresses, paths and ids.
fn gist(line: &str) -> String {
    let line = line.split_once("] ").map_or(line, |(_, rest)| rest);
    let is_special =
        |word: &&str| word.contains('/') || (word.len() > 4 && word.contains(|c: char| c.is_ascii_digit()));
    let words = line.split(' ').map(|word| if is_special(&word) { "*" } else { word });
    words.collect::<Vec<_>>().join(" ")
}

/// Copies the lab's folder, servers and all, if the environment says where to.
fn keep(lab: &Lab, name: &str) {
    let Some(folder) = env::var_os(KEEP) else { return };
    let copied = Command::new("cp").arg("-r").arg(lab.dir()).arg(Path::new(&folder).join(name)).status();
    println!("{name}: kept in {}, {copied:?}", folder.display());
}

fn note(line: &str) {
    let Some(path) = env::var_os(TABLE) else { return };
    let file = fs::OpenOptions::new().create(true).append(true).open(path);
    file.and_then(|mut file| writeln!(file, "{line}")).unwrap();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_that_say_the_same_are_told_once() {
        let line = |time: &str, ip: &str| format!("[{time}] ERROR - file: a.c, client ip: {ip}, file /d/x: errno: 2");
        let of = |line| Complaint { letter: 'B', host: 1, line };
        let complaints = [of(line("2026-01-01 00:00:00", "10.0.0.1")), of(line("2026-01-01 00:00:09", "10.0.0.2"))];
        assert_eq!(tell(&complaints), ["2 x B ERROR - file: a.c, client ip: * file * errno: 2"]);
    }
}
