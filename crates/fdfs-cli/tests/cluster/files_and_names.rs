//! `fdfs conf check`, `fdfs link` and the dispatch by name.

use std::fs;
use std::process::{Command, Output};

/// The program under test.
const FDFS: &str = env!("CARGO_BIN_EXE_fdfs");

fn fdfs(dir: &tempfile::TempDir, args: &[&str]) -> Output {
    Command::new(FDFS).args(args).current_dir(dir.path()).output().unwrap_or_else(|e| panic!("{args:?}: {e}"))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_check_names_file_line_and_key_and_its_exit_code_tells_whether_the_server_would_start() {
    let dir = tempfile::tempdir().unwrap();
    let conf = dir.path().join("tracker.conf");
    fs::write(&conf, "base_path = /tmp\nno_such_key = 1\n").unwrap();
    let output = fdfs(&dir, &["conf", "check", "tracker.conf"]);
    let stdout = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{stdout}");
    assert!(stdout.starts_with("tracker.conf:2: warning: no_such_key: "), "{stdout}");
    assert!(stdout.ends_with("tracker.conf (tracker.conf): 0 errors, 1 warnings, 0 notes\n"), "{stdout}");

    fs::write(&conf, "base_path = /tmp\nstore_lookup = 7\nwork_threads = 0\n").unwrap();
    let output = fdfs(&dir, &["conf", "check", "tracker.conf"]);
    let stdout = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{stdout}");
    let lines: Vec<&str> = stdout.lines().collect();
    assert!(
        lines[0].starts_with("tracker.conf:2: error: store_lookup: 7 is not allowed (allowed: 0, 1, 2"),
        "{stdout}"
    );
    assert!(lines[1].starts_with("tracker.conf:3: error: work_threads: "), "{stdout}");
}

#[test]
fn a_check_knows_the_kind_or_is_told_and_speaks_json() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("settings"), "base_path = /tmp\n").unwrap();
    let output = fdfs(&dir, &["conf", "check", "settings", "--kind", "storage", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&json["kind"], &json["ok"]), (&"storage.conf".into(), &false.into()));
    let keys: Vec<_> = json["findings"].as_array().unwrap().iter().map(|finding| finding["key"].clone()).collect();
    assert!(keys.contains(&"tracker_server".into()), "{json}");

    assert_eq!(fdfs(&dir, &["conf", "check", "missing.conf"]).status.code(), Some(1));
    let output = fdfs(&dir, &["conf", "check", "settings", "--kind", "nonsense"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("one of tracker, storage, client"), "{}", text(&output.stderr));
}

/// What keeps HTTP from being served is no single value: the check says it all the same, of the file that a server names, too.
#[test]
fn a_check_knows_what_keeps_http_from_being_served() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, content: &str| fs::write(dir.path().join(name), content).unwrap();
    let tls = "http.tls_port = 8443\nhttp.tls_certificate = no.pem\nhttp.tls_key = no.key\n";
    write("tracker.conf", "base_path = /tmp\nhttp.enabled = true\nhttp.config = mod_fastdfs.conf\n");
    write("off.conf", "base_path = /tmp\nhttp.config = mod_fastdfs.conf\n");
    for (lines, needle) in [
        ("http.anti_steal.check_token = true\nhttp.anti_steal.secret_key = FastDFS1234567890\n", "everybody knows"),
        ("http.access = /group1 signed\n", "http.signing_key is needed"),
        ("http.admin_addr = 9899\n", "http.admin_addr = 9899: address:port"),
        ("http.mime_types_filename = no.types\nhttp.default_content_type = a/b\n", "no.types: No such file"),
        (tls, "http.tls_certificate = no.pem: "),
    ] {
        write("mod_fastdfs.conf", &format!("tracker_server = 10.0.0.1\n{lines}"));
        for file in ["mod_fastdfs.conf", "tracker.conf"] {
            let output = fdfs(&dir, &["conf", "check", file]);
            let stdout = text(&output.stdout);
            assert_eq!(output.status.code(), Some(1), "{lines}{stdout}");
            let told = |line: &str| line.starts_with("mod_fastdfs.conf: error: ") && line.contains(needle);
            assert!(stdout.lines().any(told), "{lines}{stdout}");
        }
        let output = fdfs(&dir, &["conf", "check", "off.conf", "--kind", "tracker"]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    }
    write("mod_fastdfs.conf", "tracker_server = 10.0.0.1\nhttp.max_age = 5\n");
    assert_eq!(fdfs(&dir, &["conf", "check", "tracker.conf"]).status.code(), Some(0));
}

#[test]
fn linked_names_are_the_classic_programs() {
    let dir = tempfile::tempdir().unwrap();
    let output = fdfs(&dir, &["link", "."]);
    let stdout = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(stdout.contains("./fdfs_trackerd -> /"), "{stdout}");
    let version = Command::new(dir.path().join("fdfs_trackerd")).arg("-V").output().unwrap();
    assert_eq!(text(&version.stdout), "\nfdfs_trackerd V6.16.1\n\n");
    let again = text(&fdfs(&dir, &["link", "."]).stdout);
    assert!(again.starts_with("0 links made, "), "{again}");

    let name = dir.path().join("fdfs_monitor");
    fs::remove_file(&name).unwrap();
    fs::write(&name, "another program").unwrap();
    let output = fdfs(&dir, &["link", "."]);
    assert_eq!(output.status.code(), Some(17));
    assert!(text(&output.stderr).contains("fdfs_monitor is a file of another program"), "{}", text(&output.stderr));
}

#[test]
fn every_command_explains_itself() {
    let dir = tempfile::tempdir().unwrap();
    for args in [
        &["--help"][..],
        &["dev", "--help"],
        &["trackerd", "--help"],
        &["monitor", "--help"],
        &["conf", "check", "--help"],
    ] {
        let output = fdfs(&dir, args);
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        let stdout = text(&output.stdout);
        assert!(stdout.contains("fdfs dev") || stdout.contains("Example"), "{args:?}: {stdout}");
    }
    assert_eq!(fdfs(&dir, &[]).status.code(), Some(2));
}
