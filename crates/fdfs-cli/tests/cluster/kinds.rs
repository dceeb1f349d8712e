//! Appender files, slave files and interrupted uploads through the modern commands.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use fdfs_testkit::wait::wait_for;

use crate::{Dev, FDFS, text};

/// Commands in the directory of a cluster.
struct Shell {
    dev: Dev,
}

impl Shell {
    fn new() -> Self {
        let shell = Self { dev: Dev::start() };
        fs::write(shell.path("a.txt"), "abc").unwrap();
        fs::write(shell.path("b.txt"), "defgh").unwrap();
        shell
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.dev.dir.path().join(name)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(FDFS);
        command.args(args).current_dir(self.dev.dir.path()).env("FDFS_TRACKER", &self.dev.tracker);
        command.env("XDG_STATE_HOME", self.path("state")).stdin(Stdio::null());
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// A run that succeeds; what it printed, without its line feed.
    #[track_caller]
    fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert_eq!(output.status.code(), Some(0), "{args:?}: {}", text(&output.stderr));
        text(&output.stdout).trim_end().to_owned()
    }

    /// A run that fails; its exit code and what it says.
    #[track_caller]
    fn fails(&self, args: &[&str], code: i32, says: &str) {
        let output = self.run(args);
        let stderr = text(&output.stderr);
        assert_eq!((output.status.code(), stderr.contains(says)), (Some(code), true), "{args:?}: {stderr}");
        assert_eq!(text(&output.stdout), "", "{args:?}");
    }
}

#[test]
fn an_appender_file_lives_through_the_commands() {
    let shell = Shell::new();
    let id = shell.ok(&["upload", "--appender", "a.txt"]);
    assert_eq!(shell.ok(&["append", &id, "b.txt", "a.txt"]), "");
    assert_eq!(shell.ok(&["download", &id, "-"]), "abcdefghabc");
    shell.ok(&["modify", &id, "1", "a.txt"]);
    shell.ok(&["modify", &id, "11", "a.txt"]);
    assert_eq!(shell.ok(&["download", &id, "-"]), "aabcefghabcabc");
    let json: serde_json::Value = serde_json::from_str(&shell.ok(&["truncate", "--json", &id, "4"])).unwrap();
    assert_eq!(json["size_bytes"], 4);
    assert!(shell.ok(&["info", &id]).contains("kind:     appender\nsize:     4 bytes"));
    let regular = shell.ok(&["regenerate", &id]);
    assert_eq!(shell.ok(&["download", &regular, "-"]), "aabc");

    shell.fails(&["append", &id, "a.txt"], 2, "No such file");
    shell.fails(&["append", &regular, "a.txt"], 22, "is a regular file, and only appender files can be changed");
    shell.fails(&["regenerate", &regular], 22, "only appender files");
    shell.fails(&["append", "no-id", "a.txt"], 2, "no-id");
    shell.fails(&["append", &regular, "missing.txt"], 2, "missing.txt");
    let again = shell.ok(&["upload", "--appender", "a.txt"]);
    shell.fails(&["modify", &again, "4", "a.txt"], 22, "behind the end of the file");
}

#[test]
fn a_slave_lies_beside_its_master() {
    let shell = Shell::new();
    let master = shell.ok(&["upload", "a.txt"]);
    let slave = shell.ok(&["upload", "b.txt", "--slave-of", &master, "--prefix", "_150x150"]);
    assert_eq!(slave, master.replace(".txt", "_150x150.txt"));
    assert_eq!(shell.ok(&["download", &slave, "-"]), "defgh");
    assert!(shell.ok(&["info", &slave]).contains("kind:     slave\nsize:     5 bytes"));
    shell.fails(&["upload", "b.txt", "--slave-of", &master, "--prefix", "_150x150"], 17, "another prefix");
    shell.fails(&["upload", "b.txt", "--slave-of", &master], 2, "--prefix");
    shell.fails(&["upload", "a.txt", "b.txt", "--slave-of", &master, "--prefix", "_x"], 22, "one file at a time");
    shell.fails(&["upload", "b.txt", "--slave-of", &master, "--prefix", "a b"], 2, "a b");
    shell.ok(&["delete", &master]);
    shell.fails(&["upload", "b.txt", "--slave-of", &master, "--prefix", "_y"], 2, "its master is not there");
}

#[test]
fn an_upload_that_is_killed_goes_on() {
    let shell = Shell::new();
    let content: Vec<u8> = (0..16u32 << 20).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    fs::write(shell.path("big.bin"), &content).unwrap();
    let upload = ["upload", "--resume", "--piece-bytes", "65536", "--json", "big.bin"];
    let mut child = shell.command(&upload).stdout(Stdio::piped()).spawn().unwrap();
    let state = wait_for("some pieces are confirmed", || {
        let state = fs::read_dir(shell.path("state/fdfs")).ok()?.next()?.ok()?.path();
        fs::read_to_string(&state).ok()?.contains("done 262144\n").then_some(state)
    });
    child.kill().unwrap();
    let ended = child.wait().unwrap();
    assert!(!ended.success(), "it was over before it could be killed");
    shell.fails(
        &["upload", "--resume", "--state", state.to_str().unwrap(), "a.txt"],
        22,
        "belongs to the upload of another",
    );

    let done: serde_json::Value = serde_json::from_str(&shell.ok(&upload)).unwrap();
    let resumed_bytes = done["resumed_bytes"].as_u64().unwrap();
    assert!((262_144..content.len() as u64).contains(&resumed_bytes), "{done}");
    let id = done["id"].as_str().unwrap();
    assert!(shell.ok(&["info", id]).contains("kind:     regular"), "{id}");
    shell.ok(&["download", id, "copy.bin"]);
    assert!(fs::read(shell.path("copy.bin")).unwrap() == content);
    assert!(!Path::new(&state).exists(), "nothing stays of a finished upload");
    shell.fails(&["upload", "--resume", "-"], 22, "--resume needs a file");
}

#[test]
fn without_servers_the_commands_say_which_one_is_gone() {
    let shell = Shell::new();
    let id = shell.ok(&["upload", "--appender", "a.txt"]);
    let gone = ["--tracker", "127.0.0.1:1"];
    for args in
        [&["append", &id, "a.txt"][..], &["modify", &id, "0", "a.txt"], &["truncate", &id, "0"], &["regenerate", &id]]
    {
        shell.fails(&[args, &gone].concat(), 111, "no tracker answers: ");
    }
}
