//! Files through the classic programs, line by line as the reference prints them, and through the modern commands.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::{Dev, FDFS, text};

/// Programs that run in the directory of a cluster, with the classic names in `bin/`.
pub(crate) struct Shell {
    pub(crate) dev: Dev,
}

impl Shell {
    pub(crate) fn new() -> Self {
        let dev = Dev::start();
        let dir = dev.dir.path();
        fs::create_dir(dir.join("bin")).unwrap();
        let linked = Command::new(FDFS).args(["link", "bin"]).current_dir(dir).output().unwrap();
        assert!(linked.status.success(), "{}", text(&linked.stderr));
        let small: String = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ".chars().cycle().take(1000).collect();
        fs::write(dir.join("small.txt"), small).unwrap();
        fs::write(dir.join("empty.txt"), "").unwrap();
        Self { dev }
    }

    pub(crate) fn path(&self, name: &str) -> std::path::PathBuf {
        self.dev.dir.path().join(name)
    }

    fn command(&self, program: &Path, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(args).current_dir(self.dev.dir.path()).env("TZ", "UTC");
        command.env("FDFS_TRACKER", &self.dev.tracker).stdin(Stdio::null());
        command
    }

    pub(crate) fn classic(&self, line: &str) -> Output {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        self.command(&self.path("bin").join(words[0]), &words[1..]).output().unwrap()
    }

    fn fdfs(&self, args: &[&str]) -> Output {
        self.command(Path::new(FDFS), args).output().unwrap()
    }

    /// A classic run; `stderr` is its last line, of which log lines before it are no part.
    #[track_caller]
    pub(crate) fn check(&self, line: &str, stdout: &str, stderr: &str, code: i32) {
        let output = self.classic(line);
        let said = text(&output.stderr);
        assert_eq!((text(&output.stdout).as_str(), output.status.code()), (stdout, Some(code)), "{line}: {said}");
        match stderr {
            "" => assert!(said.lines().all(|line| line.contains("] ERROR - ")), "{line}: {said}"),
            last => assert_eq!(said.lines().last(), Some(last), "{line}: {said}"),
        }
    }
}

#[test]
fn classic_programs_print_what_the_reference_prints() {
    let shell = Shell::new();
    let output = shell.classic("fdfs_upload_file data/client.conf small.txt");
    assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(0), ""));
    let id = text(&output.stdout).trim_end().to_owned();
    assert!(id.starts_with("group1/M00/") && id.ends_with(".txt"), "{id}");
    let enoent = "error no: 2, error info: No such file or directory";
    let einval = "error no: 22, error info: Invalid argument";

    shell.check("fdfs_upload_file data/client.conf no", "", &format!("upload file fail, {enoent}"), 2);
    shell.check("fdfs_upload_file data/client.conf bin", "", &format!("upload file fail, {einval}"), 22);
    let addr = id_of_only_storage(&shell);
    let wrong_path = format!("fdfs_upload_file data/client.conf small.txt {addr} 7");
    shell.check(&wrong_path, "", &format!("upload file fail, {einval}"), 22);

    shell.check(&format!("fdfs_download_file data/client.conf {id} out.bin"), "", "", 0);
    assert_eq!(fs::read(shell.path("out.bin")).unwrap(), fs::read(shell.path("small.txt")).unwrap());
    shell.check(&format!("fdfs_download_file data/client.conf {id} part.bin 10 20"), "", "", 0);
    assert_eq!(fs::read_to_string(shell.path("part.bin")).unwrap(), "ABCDEFGHIJKLMNOPQRST");
    let failed = format!("download file fail, {einval}\n");
    shell.check(&format!("fdfs_download_file data/client.conf {id} x.bin 5000 10"), &failed, "", 0);
    assert!(!shell.path("x.bin").exists());

    let info = text(&shell.classic(&format!("fdfs_file_info data/client.conf {id}")).stdout);
    let crc = text(&shell.classic("fdfs_crc32 small.txt").stdout);
    let lines: Vec<&str> = info.lines().collect();
    assert_eq!(lines[..4], ["GET FROM SERVER: false", "", "file type: normal", "source storage id: 0"], "{info}");
    assert_eq!((lines[6], lines[8]), ("file size: 1000", ""), "{info}");
    assert!(lines[7].starts_with("file crc32: ") && lines[7].ends_with(&format!("{})", crc.trim())), "{info} {crc}");
    shell.check("fdfs_crc32 empty.txt", "0\n", "", 0);

    shell.check(&format!("fdfs_delete_file data/client.conf {id}"), "", "", 0);
    shell.check(&format!("fdfs_delete_file data/client.conf {id}"), &format!("delete file fail, {enoent}\n"), "", 2);
    let gone = format!("download file fail, {enoent}\n");
    shell.check(&format!("fdfs_download_file data/client.conf {id} x.bin"), &gone, "", 0);
    shell.check("fdfs_delete_file data/client.conf abc", &format!("delete file fail, {einval}\n"), "", 22);
}

/// The address of the first storage, as its tracker knows it.
fn id_of_only_storage(shell: &Shell) -> String {
    let output = shell.fdfs(&["monitor", "--json"]);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let storage = &json["groups"][0]["storages"][0];
    format!("{}:{}", storage["ip"].as_str().unwrap(), storage["port"])
}

#[test]
fn modern_commands_have_exit_codes_and_leave_stdout_to_scripts() {
    let shell = Shell::new();
    let run = |args: &[&str], code: i32| {
        let output = shell.fdfs(args);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {}", text(&output.stderr));
        text(&output.stdout)
    };
    let id = run(&["upload", "small.txt"], 0);
    let id = id.strip_suffix('\n').unwrap();
    assert_eq!(run(&["download", id, "-"], 0), fs::read_to_string(shell.path("small.txt")).unwrap());
    run(&["meta", "set", id, "width=160", "height=80"], 0);
    assert_eq!(run(&["meta", "get", id, "width"], 0), "160\n");
    assert!(run(&["info", id], 0).contains("1000"));
    run(&["delete", id], 0);
    run(&["delete", id], 2);
    run(&["delete", "--force", id], 0);
    run(&["download", id, "x.bin"], 2);
    assert!(!shell.path("x.bin").exists());
    run(&["download"], 2);
    run(&["upload", "no-such-file"], 2);
    run(&["monitor", "--tracker", "127.0.0.1:1"], 111);
}
