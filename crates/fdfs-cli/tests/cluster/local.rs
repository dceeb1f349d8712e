//! `fdfs ls` and `fdfs verify` on the store paths of a running cluster; completions and manual pages.

use std::fs;
use std::process::Command;

use crate::{Dev, FDFS, fdfs, names, text};

/// The store path of the storage that has a file of this content.
fn store_path_with(dir: &std::path::Path, id: &str) -> Option<std::path::PathBuf> {
    let below = id.split_once("/M00/")?.1;
    if dir.join("data").join(below).exists() {
        return Some(dir.to_owned());
    }
    let entries = fs::read_dir(dir).ok()?.flatten().filter(|entry| entry.path().is_dir());
    entries.map(|entry| entry.path()).find_map(|path| store_path_with(&path, id))
}

#[test]
fn files_of_a_running_storage_are_listed_and_verified() {
    let dev = Dev::start();
    let local = dev.dir.path().join("a.txt");
    let run = |args: &[&str], code: i32| {
        let output = fdfs(args);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {}", text(&output.stderr));
        (text(&output.stdout), text(&output.stderr))
    };
    let mut ids = Vec::new();
    for n in 0..8 {
        fs::write(&local, format!("content {n}")).unwrap();
        let (id, _) = run(&["upload", "--tracker", &dev.tracker, local.to_str().unwrap()], 0);
        ids.push(id.trim_end().to_owned());
    }
    // Whoever of the two has the first one; it has others, too, and perhaps all.
    let path = store_path_with(&dev.dir.path().join("data"), &ids[0]).unwrap();
    let conf = dev.dir.path().join("storage.conf");
    let lines = [
        format!("base_path = {}", path.display()),
        format!("store_path0 = {}", path.display()),
        "group_name = group1".to_owned(),
        format!("tracker_server = {}", dev.tracker),
    ];
    fs::write(&conf, lines.join("\n")).unwrap();
    let conf = conf.to_str().unwrap();

    let (listed, _) = run(&["ls", conf], 0);
    let listed: Vec<&str> = listed.lines().collect();
    assert!(
        listed.contains(&ids[0].as_str()) && listed.iter().all(|id| ids.iter().any(|known| known == id)),
        "{listed:?}"
    );
    // Nobody reads: the end of the program, without a word.
    for command in ["ls", "find"] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = Command::new(FDFS).args([command, conf]).stdout(writer).output().unwrap();
        assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(32), ""), "{command}");
    }
    let (stdout, stderr) = run(&["verify", conf], 0);
    let summary = format!("{} files read", listed.len());
    assert!(stdout.is_empty() && stderr.starts_with(&summary) && stderr.contains(", 0 bad, "), "{stdout}{stderr}");

    let file = path.join("data").join(ids[0].split_once("/M00/").unwrap().1);
    fs::write(&file, "content X").unwrap();
    let (stdout, stderr) = run(&["verify", "--json", conf], 5);
    let bad: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(bad["id"], ids[0]);
    assert!(
        bad["problem"].as_str().unwrap().starts_with("CRC-32 ") && stderr.contains(", 1 bad, "),
        "{stdout}{stderr}"
    );
    let (_, stderr) = run(&["verify", "/no/such.conf"], 2);
    assert!(stderr.contains("/no/such.conf"), "{stderr}");
}

#[test]
fn completions_and_manual_pages_are_written() {
    for shell in ["bash", "zsh", "fish"] {
        let output = fdfs(&["completions", shell]);
        assert!(output.status.success() && text(&output.stdout).contains("regenerate"), "{shell}");
    }
    assert_eq!(fdfs(&["completions", "tcsh"]).status.code(), Some(2));
    let dir = tempfile::tempdir().unwrap();
    let pages = dir.path().join("man1");
    let output = fdfs(&["man", pages.to_str().unwrap()]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let pages = names(&pages);
    assert!(pages.contains(&"fdfs.1".to_owned()) && pages.contains(&"fdfs-upload.1".to_owned()), "{pages:?}");
    assert_eq!(text(&output.stdout).split(' ').next(), Some(pages.len().to_string().as_str()));
}
