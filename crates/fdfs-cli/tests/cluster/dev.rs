//! `fdfs dev` and `fdfs dev --try`.

use std::fs;
use std::net::TcpListener;
use std::process::Command;

use crate::{Dev, FDFS, names, text};

/// `fdfs dev --try` in a directory of its own, whose `tmp` is the temporary directory.
fn try_file(args: &[&str]) -> (tempfile::TempDir, std::process::Output) {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("tmp")).unwrap();
    fs::write(dir.path().join("hello.txt"), "hello\n".repeat(50_000)).unwrap();
    let mut command = Command::new(FDFS);
    command.arg("dev").args(args).current_dir(dir.path()).env("TMPDIR", dir.path().join("tmp"));
    let output = command.output().unwrap();
    (dir, output)
}

#[test]
fn a_trial_tells_the_id_and_where_the_bytes_lie() {
    let (dir, output) = try_file(&["--try", "hello.txt", "--port-base", "0", "--durability", "none"]);
    let stdout = text(&output.stdout);
    assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(0), ""), "{stdout}");
    let lines: Vec<&str> = stdout.lines().collect();
    assert!(lines[0].starts_with("group1/M00/0") && lines[0].ends_with(".txt"), "{stdout}");
    assert_eq!(lines[1], "300000 bytes stored, read back and compared: the same");
    assert_eq!(lines.len(), 4, "on both storages: {stdout}");
    for line in &lines[2..] {
        let path = line.rsplit(' ').next().unwrap();
        assert!(path.ends_with(lines[0].strip_prefix("group1/M00").unwrap()), "{stdout}");
        assert_eq!(fs::read_to_string(path).unwrap(), "hello\n".repeat(50_000));
    }
    assert_eq!(names(dir.path()), ["fdfs-dev", "hello.txt", "tmp"]);
    assert_eq!(names(&dir.path().join("tmp")), [""; 0]);
}

#[test]
fn a_temporary_trial_leaves_nothing_behind() {
    let (dir, output) = try_file(&["--try", "hello.txt", "--temp", "--port-base", "0"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(names(dir.path()), ["hello.txt", "tmp"]);
    assert_eq!(names(&dir.path().join("tmp")), [""; 0]);
}

#[test]
fn a_trial_of_a_missing_file_ends_with_2_and_starts_nothing() {
    let (dir, output) = try_file(&["--try", "no-such-file", "--port-base", "0"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).starts_with("fdfs: open no-such-file: "), "{}", text(&output.stderr));
    assert_eq!(names(dir.path()), ["hello.txt", "tmp"]);
}

#[test]
fn a_port_in_use_is_named_with_the_option() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let (_dir, output) = try_file(&["--try", "hello.txt", "--temp", "--port-base", &port]);
    assert_eq!(output.status.code(), Some(98));
    let stderr = text(&output.stderr);
    assert!(stderr.contains(&format!("port {port} ")) && stderr.contains("--port-base"), "{stderr}");
}

#[test]
fn it_says_what_runs_ends_with_ctrl_c_and_finds_its_files_again() {
    let mut dev = Dev::start();
    let banner = dev.banner();
    assert!(banner.iter().any(|line| line.starts_with("storage   127.0.0.1:")), "{banner:?}");
    let commands = banner.iter().filter(|line| line.starts_with("  ") && line.contains(" --tracker ")).count();
    assert_eq!(commands, 3, "{banner:?}");
    assert!(dev.conf().is_file());

    // A second one in the same directory is refused.
    let second = Command::new(FDFS)
        .args(["dev", "--port-base", "0", "--dir", "data"])
        .current_dir(dev.dir.path())
        .output()
        .unwrap();
    assert_eq!(second.status.code(), Some(17));
    assert!(text(&second.stderr).contains("another fdfs dev is running in data"), "{}", text(&second.stderr));

    let runtime = tokio::runtime::Runtime::new().unwrap();
    let client = |dev: &Dev| fdfs_client::Client::builder().tracker(&dev.tracker).build().unwrap();
    let id = runtime.block_on(client(&dev).upload(b"still there", &fdfs_client::UploadOptions::new())).unwrap();
    let (dir, code) = dev.interrupt();
    assert_eq!(code, Some(0));

    let mut dev = Dev::start_in(dir);
    assert!(dev.banner().iter().any(|line| line.contains("with the files of earlier runs")));
    assert_eq!(runtime.block_on(client(&dev).download(&id)).unwrap(), b"still there");
    assert_eq!(dev.interrupt().1, Some(0));
}

#[test]
fn what_to_try_can_be_typed_as_it_stands() {
    let mut dev = Dev::start();
    fs::write(dev.dir.path().join("README.md"), "read me").unwrap();
    let banner = dev.banner();
    let upload = banner.iter().find(|line| line.contains(" upload README.md ")).expect("an upload to try").trim();
    let output = Command::new("sh").args(["-c", upload]).current_dir(dev.dir.path()).output().unwrap();
    assert!(output.status.success(), "{upload}: {}", text(&output.stderr));
    assert!(text(&output.stdout).starts_with("group1/M00/"), "{}", text(&output.stdout));
}
