//! `fdfs takeover check` on directories that the reference V6.16.1 left behind.

use std::fs;
use std::path::{Path, PathBuf};

use fdfs_testkit::golden_disk::GoldenDisk;
use serde_json::Value;

use crate::{fdfs, text};

/// A server of a recorded set in folders of this test, and its configuration.
struct Left {
    dir: tempfile::TempDir,
    conf: PathBuf,
}

impl Left {
    fn storage(set: &str, node: &str, store_path_count: usize) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store_paths: Vec<_> = (0..store_path_count).map(|index| dir.path().join(format!("p{index}"))).collect();
        GoldenDisk::read(set).restore(node, &dir.path().join("base"), &store_paths);
        let mut lines = vec![
            format!("base_path = {}", dir.path().join("base").display()),
            "group_name = group1".to_owned(),
            "tracker_server = 10.78.2.1:22122".to_owned(),
            "subdir_count_per_path = 4".to_owned(),
            format!("store_path_count = {store_path_count}"),
        ];
        lines.extend(
            store_paths.iter().enumerate().map(|(index, path)| format!("store_path{index} = {}", path.display())),
        );
        Self::with(dir, "storage.conf", &lines)
    }

    fn tracker(set: &str, node: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        GoldenDisk::read(set).restore(node, &dir.path().join("base"), &[]);
        let lines = [format!("base_path = {}", dir.path().join("base").display()), "store_lookup = 2".to_owned()];
        Self::with(dir, "tracker.conf", &lines)
    }

    fn with(dir: tempfile::TempDir, name: &str, lines: &[String]) -> Self {
        let conf = dir.path().join(name);
        fs::write(&conf, lines.join("\n") + "\n").unwrap();
        Self { dir, conf }
    }

    fn path(&self, below: &str) -> PathBuf {
        self.dir.path().join(below)
    }

    /// The findings as `severity code`, the facts, and the exit code. Nothing on the disk changes by that.
    #[track_caller]
    fn check(&self) -> (Vec<String>, String, i32) {
        let before = tree(self.dir.path());
        let output = fdfs(&["takeover", "check", "--json", self.conf.to_str().unwrap()]);
        assert_eq!(tree(self.dir.path()), before, "it only reads");
        let json: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output.stderr)));
        let word = |finding: &Value, key: &str| finding[key].as_str().unwrap().to_owned();
        let findings = json["findings"].as_array().unwrap().iter();
        let findings = findings.map(|f| format!("{} {}", word(f, "severity"), word(f, "code"))).collect();
        let facts: Vec<_> = json["facts"].as_array().unwrap().iter().map(|fact| fact.as_str().unwrap()).collect();
        (findings, facts.join("\n"), output.status.code().unwrap())
    }
}

/// All names below a directory, with lengths and times.
fn tree(dir: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
        let facts = entry.path().symlink_metadata().unwrap();
        if facts.is_dir() {
            names.extend(tree(&entry.path()));
        }
        names.push(format!("{} {} {:?}", entry.path().display(), facts.len(), facts.modified().unwrap()));
    }
    names.sort();
    names
}

fn without_notes(findings: &[String]) -> Vec<&str> {
    findings.iter().map(String::as_str).filter(|finding| !finding.starts_with("note ")).collect()
}

#[test]
fn every_recorded_storage_can_be_taken_over() {
    for (set, node, store_path_count) in [
        ("plain", "s1", 2),
        ("plain", "s2", 2),
        ("trunk", "s1", 1),
        ("trunk", "s2", 1),
        ("ids", "s1", 1),
        ("links", "s1", 2),
    ] {
        let (findings, facts, code) = Left::storage(set, node, store_path_count).check();
        // The recording has the lines that the reference writes and cannot read.
        let expected: &[&str] = if set == "links" { &["warning bad-records"] } else { &[] };
        assert_eq!(without_notes(&findings), expected, "{set} {node}: {facts}");
        assert_eq!(code, if expected.is_empty() { 0 } else { 3 }, "{set} {node}: {findings:?}");
        assert!(facts.contains("16 of 16 directories") && facts.contains("records of own changes"), "{facts}");
        assert!(facts.contains("peer 1") && facts.contains(": has everything"), "{set} {node}: {facts}");
    }
}

#[test]
fn every_recorded_tracker_can_be_taken_over() {
    for (set, node, words) in [
        ("plain", "t1", "group group1: storages: 2 OFFLINE"),
        ("ids", "t1", "group group2: storages: 1 OFFLINE"),
        ("ids", "t2", "group group1: storages: 2 OFFLINE"),
        ("trunk", "t1", "group group1: storages: 2 OFFLINE"),
        ("changelog", "t1", "storage_changelog.dat: 1 changes of storages"),
    ] {
        let (findings, facts, code) = Left::tracker(set, node).check();
        assert_eq!((without_notes(&findings), code), (vec![], 0), "{set}");
        assert!(facts.contains(words), "{set} {node}: {facts}");
    }
}

#[test]
fn what_will_be_different_is_said() {
    let left = Left::storage("plain", "s1", 2);
    let (findings, ..) = left.check();
    assert!(findings.contains(&"note durability".to_owned()), "{findings:?}");
    let conf = fs::read_to_string(&left.conf).unwrap();
    fs::write(&left.conf, format!("{conf}durability = none\ncheck_file_duplicate = true\nkey_namespace = FastDFS\n"))
        .unwrap();
    let flag = left.path("base/data/.data_init_flag");
    let text = fs::read_to_string(&flag).unwrap();
    fs::write(&flag, text.replace("compress_stage=0", "compress_stage=3")).unwrap();
    let (findings, _, code) = left.check();
    assert_eq!((findings, code), (vec!["note compression".to_owned(), "note duplicates".to_owned()], 0));

    let left = Left::tracker("plain", "t1");
    fs::write(&left.conf, fs::read_to_string(&left.conf).unwrap() + "response_ip_addr_size = IPv4\n").unwrap();
    let (findings, _, code) = left.check();
    assert_eq!((findings, code), (vec!["note narrow-addresses".to_owned()], 0));

    let left = Left::tracker("trunk", "t1");
    let conf = fs::read_to_string(&left.conf).unwrap();
    for (is_joined, expected) in [(false, vec![]), (true, vec!["warning joined-blocks".to_owned()])] {
        fs::write(&left.conf, format!("{conf}use_trunk_file = true\ntrunk_free_space_merge = {is_joined}\n")).unwrap();
        let (findings, _, code) = left.check();
        assert_eq!((findings, code), (expected, if is_joined { 3 } else { 0 }));
    }
}

#[test]
fn what_is_wrong_with_a_storage_is_said() {
    let left = Left::storage("recovery", "s2", 2);
    let (findings, ..) = left.check();
    assert!(findings.contains(&"note recovery".to_owned()), "{findings:?}");

    let left = Left::storage("plain", "s1", 2);
    let check = |expected: &str| {
        let (findings, facts, code) = left.check();
        assert!(findings.iter().any(|finding| finding == expected), "{expected}: {findings:?}, {facts}");
        assert_eq!(code, if expected.starts_with("error") { 1 } else { 3 }, "{expected}");
    };
    fs::write(left.path("base/data/fdfs_storaged.pid"), "4194301").unwrap();
    check("warning was-killed");
    let mark = fs::read_dir(left.path("base/data/sync")).unwrap().map(|entry| entry.unwrap().path());
    let mark = mark.into_iter().find(|path| path.extension().is_some_and(|ext| ext == "mark")).unwrap();
    let good = fs::read_to_string(&mark).unwrap();
    let far = good.lines().map(|line| if line.starts_with("binlog_offset=") { "binlog_offset=99999999" } else { line });
    fs::write(&mark, far.collect::<Vec<_>>().join("\n")).unwrap();
    check("warning mark-behind-end");
    fs::write(&mark, "binlog_index=x\n").unwrap();
    check("warning corrupt");
    fs::write(&mark, good).unwrap();
    fs::remove_dir_all(left.path("p1/data/01")).unwrap();
    check("error lost-directories");
    fs::rename(left.path("p0"), left.path("q0")).unwrap();
    check("error no-store-path");
    fs::rename(left.path("p1"), left.path("p0")).unwrap();
    check("error foreign-store-path");
    let left = Left::storage("plain", "s1", 2);
    fs::remove_file(left.path("base/data/.data_init_flag")).unwrap();
    let (findings, _, code) = left.check();
    assert_eq!((without_notes(&findings), code), (vec!["warning no-init-flag"], 3));
}

#[test]
fn a_storage_that_has_lost_its_log_or_all_of_its_state_is_not_called_safe() {
    let left = Left::storage("plain", "s1", 2);
    fs::remove_file(left.path("base/data/sync/binlog.000")).unwrap();
    let (findings, _, code) = left.check();
    assert_eq!((without_notes(&findings), code), (vec!["warning no-log"], 3));
    // As if the disk of base_path were not mounted.
    fs::rename(left.path("base"), left.path("elsewhere")).unwrap();
    fs::create_dir(left.path("base")).unwrap();
    let (findings, _, code) = left.check();
    assert_eq!((findings, code), (vec!["error no-state".to_owned()], 1));
    let conf = fs::read_to_string(&left.conf).unwrap();
    fs::write(&left.conf, conf + "check_store_path_mark = false\n").unwrap();
    let (findings, _, code) = left.check();
    assert_eq!((findings, code), (vec!["warning no-state".to_owned()], 3));
    for path in ["p0", "p1"] {
        fs::remove_dir_all(left.path(path)).unwrap();
    }
    let (findings, _, code) = left.check();
    assert_eq!((without_notes(&findings), code), (vec![], 0));
    assert!(findings.contains(&"note empty".to_owned()), "{findings:?}");
}

#[test]
fn what_is_no_server_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let conf = dir.path().join("client.conf");
    fs::write(&conf, "tracker_server = 10.0.0.1:22122\n").unwrap();
    let output = fdfs(&["takeover", "check", conf.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(22));
    assert!(text(&output.stderr).contains("give tracker.conf or storage.conf"), "{}", text(&output.stderr));
    let output = fdfs(&["takeover", "check", "/no/such/storage.conf"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("/no/such/storage.conf: No such file"), "{}", text(&output.stderr));
}
