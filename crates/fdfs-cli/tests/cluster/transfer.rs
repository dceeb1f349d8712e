//! `fdfs export` and `fdfs import`.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::{Dev, fdfs, text};

/// Runs a command that must end with `code`; gives standard output and standard error.
#[track_caller]
fn run(args: &[&str], code: i32) -> (String, String) {
    let output = fdfs(args);
    assert_eq!(output.status.code(), Some(code), "{args:?}: {}", text(&output.stderr));
    (text(&output.stdout), text(&output.stderr))
}

/// A cluster with a file of each kind; their ids and contents.
fn filled() -> (Dev, Vec<(String, String)>) {
    let dev = Dev::start();
    let local = dev.dir.path().join("local.txt");
    let mut files = Vec::new();
    let mut put = |content: String, options: &[&str]| {
        fs::write(&local, &content).unwrap();
        let args = [&["upload", "--tracker", &dev.tracker, local.to_str().unwrap()], options].concat();
        let id = run(&args, 0).0.trim_end().to_owned();
        files.push((id.clone(), content));
        id
    };
    for n in 0..5 {
        put(format!("content {n}"), &["--meta", "number=one more", "--meta", "name=\u{e4}"]);
    }
    let master = put("a large picture".into(), &["--ext", "jpg"]);
    put("a small one".into(), &["--ext", "jpg", "--slave-of", &master, "--prefix", "_150x150"]);
    put("a log, line by line".into(), &["--appender", "--ext", "log"]);
    put(String::new(), &[]);
    (dev, files)
}

fn write_ids(path: &Path, files: &[(String, String)]) {
    let ids: Vec<&str> = files.iter().map(|(id, _)| id.as_str()).collect();
    fs::write(path, ids.join("\n")).unwrap();
}

/// The new ids by the old ones.
fn map_of(path: &Path) -> HashMap<String, String> {
    let word = |line: &Value, key: &str| line[key].as_str().unwrap().to_owned();
    let text = fs::read_to_string(path).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.map(|line| (word(&line, "from"), word(&line, "to"))).collect()
}

/// Every file is there under its new id, whole, of the same kind and with its metadata.
fn check(tracker: &str, files: &[(String, String)], map: &HashMap<String, String>) {
    assert_eq!(map.len(), files.len(), "{map:?}");
    for (old, content) in files {
        let new = &map[old];
        assert_ne!(old, new);
        assert_eq!(run(&["download", "--tracker", tracker, new, "-"], 0).0, *content, "{old} as {new}");
        let meta = |id: &str| text(&fdfs(&["meta", "get", "--tracker", tracker, "--json", id]).stdout);
        assert_eq!(meta(old), meta(new));
        assert_eq!(old.rsplit_once('.').map(|(_, ext)| ext), new.rsplit_once('.').map(|(_, ext)| ext));
    }
    let (slave, _) = files.iter().find(|(id, _)| id.contains("_150x150")).unwrap();
    let (master, _) = files.iter().find(|(_, content)| content.starts_with("a large")).unwrap();
    let beside = map[master].replace(".jpg", "_150x150.jpg");
    assert_eq!(map[slave], beside, "slaves lie beside their new masters");
    let (log, _) = files.iter().find(|(id, _)| id.ends_with(".log")).unwrap();
    run(&["truncate", "--tracker", tracker, &map[log], "5"], 0);
}

#[test]
fn a_cluster_goes_through_a_directory_into_another() {
    let (from, files) = filled();
    let to = Dev::start();
    let work = tempfile::tempdir().unwrap();
    let (ids, dir, map) = (work.path().join("ids"), work.path().join("out"), work.path().join("map.jsonl"));
    write_ids(&ids, &files);
    let (ids, out, map_arg) = (ids.to_str().unwrap(), dir.to_str().unwrap(), map.to_str().unwrap());

    let export = ["export", "--tracker", &from.tracker, "--json", ids, out];
    let (stdout, stderr) = run(&export, 0);
    let summary: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((&summary["exported"], &summary["failed"]), (&files.len().into(), &0.into()), "{stderr}");
    for (id, content) in &files {
        assert_eq!(fs::read_to_string(dir.join(id)).unwrap(), *content, "{id}");
    }
    // Once more: nothing is to be done, but what is gone from the directory comes again.
    fs::remove_file(dir.join(&files[2].0)).unwrap();
    // What a killed run would leave beside it goes.
    let half = dir.join(&files[2].0).with_file_name(".name.jpg.01234567.part");
    fs::write(&half, "half of it").unwrap();
    assert!(run(&export, 0).0.contains("\"exported\":1"));
    assert_eq!(fs::read_to_string(dir.join(&files[2].0)).unwrap(), files[2].1);
    assert!(!half.exists());

    // One file of the directory is not what was exported any more: it is named, and the others go.
    let damaged = dir.join(&files[1].0);
    fs::write(&damaged, "content X").unwrap();
    let import = ["import", "--tracker", &to.tracker, "--map", map_arg, out];
    let (_, stderr) = run(&import, 5);
    assert!(stderr.contains(&files[1].0) && stderr.contains("export it again"), "{stderr}");
    assert!(stderr.contains("8 files imported") && stderr.contains(", 1 failed"), "{stderr}");
    fs::write(&damaged, &files[1].1).unwrap();
    let (_, stderr) = run(&import, 0);
    assert!(stderr.starts_with("1 files imported") && stderr.contains(" 8 before, 0 failed"), "{stderr}");
    let (_, stderr) = run(&import, 0);
    assert!(stderr.starts_with("0 files imported") && stderr.contains(" 9 before"), "{stderr}");

    // Metadata and kinds are asked of the cluster that has both, so the map is checked where the files came from, too.
    let map2 = work.path().join("again.jsonl");
    run(&["import", "--tracker", &from.tracker, "--map", map2.to_str().unwrap(), out], 0);
    check(&from.tracker, &files, &map_of(&map2));
    for (old, new) in map_of(&map) {
        let content = &files.iter().find(|(id, _)| *id == old).unwrap().1;
        assert_eq!(run(&["download", "--tracker", &to.tracker, &new, "-"], 0).0, *content);
    }
}

#[test]
fn files_go_from_cluster_to_cluster_and_slaves_need_their_masters() {
    let (dev, files) = filled();
    let work = tempfile::tempdir().unwrap();
    let (ids, map) = (work.path().join("ids"), work.path().join("map.jsonl"));
    let slave = files.iter().find(|(id, _)| id.contains("_150x150")).unwrap();
    let (ids_arg, map_arg) = (ids.to_str().unwrap(), map.to_str().unwrap());
    let import = ["import", "--from", &dev.tracker, "--tracker", &dev.tracker, "--map", map_arg, ids_arg];

    write_ids(&ids, std::slice::from_ref(slave));
    let (_, stderr) = run(&import, 5);
    assert!(stderr.contains(&slave.0) && stderr.contains("its master is not in the map"), "{stderr}");
    write_ids(&ids, &files);
    run(&import, 0);
    check(&dev.tracker, &files, &map_of(&map));

    // A file that is gone is no failure of an export, unless one says so.
    let gone = &files[0].0;
    run(&["delete", "--tracker", &dev.tracker, gone], 0);
    fs::write(&ids, gone).unwrap();
    let out = work.path().join("out");
    let export = ["export", "--tracker", &dev.tracker, ids_arg, out.to_str().unwrap()];
    assert!(run(&export, 0).1.contains(", 1 gone meanwhile"));
    let (_, stderr) = run(&[&export[..], &["--strict"]].concat(), 5);
    assert!(stderr.contains(gone) && stderr.contains("No such file"), "{stderr}");
}

#[test]
fn any_directory_can_be_imported_and_mistakes_are_said() {
    let dev = Dev::start();
    let work = tempfile::tempdir().unwrap();
    let tree = work.path().join("tree");
    fs::create_dir_all(tree.join("2026/11")).unwrap();
    fs::write(tree.join("2026/11/a b.jpg"), "a picture").unwrap();
    fs::write(tree.join("readme"), "").unwrap();
    let map = tree.join("map.jsonl");
    let (tree_arg, map_arg) = (tree.to_str().unwrap(), map.to_str().unwrap());
    let import = ["import", "--tracker", &dev.tracker, "--group", "group1", "--map", map_arg, tree_arg];
    run(&import, 0);
    let new_ids = map_of(&map);
    assert_eq!(new_ids.len(), 2, "the map itself is not imported: {new_ids:?}");
    let picture = &new_ids["2026/11/a b.jpg"];
    assert!(picture.starts_with("group1/") && picture.ends_with(".jpg"), "{picture}");
    assert_eq!(run(&["download", "--tracker", &dev.tracker, picture, "-"], 0).0, "a picture");
    assert!(run(&import, 0).1.starts_with("0 files imported (0  B), 2 before, 0 failed"));

    let (_, stderr) = run(&["import", "--tracker", &dev.tracker, "--map", map_arg, "/no/such"], 20);
    assert!(stderr.contains("/no/such is no directory") && stderr.contains("--from"), "{stderr}");
    let notes = work.path().join("notes");
    fs::write(&notes, "not a journal\n").unwrap();
    let (_, stderr) = run(&["import", "--tracker", &dev.tracker, "--map", notes.to_str().unwrap(), tree_arg], 22);
    assert!(stderr.contains("line 1") && stderr.contains("no journal"), "{stderr}");
    let (_, stderr) = run(&["export", "--tracker", &dev.tracker, notes.to_str().unwrap(), tree_arg], 22);
    assert!(stderr.contains("notes, line 1: \"not a journal\""), "{stderr}");
}
