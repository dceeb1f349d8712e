//! The classic client programs of a folder.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::lab::Lab;
use super::programs::Program;

/// What a program said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Its exit code.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

/// Classic programs with a client.conf.
#[derive(Debug)]
pub struct Tools {
    program: Program,
    conf: PathBuf,
}

impl Tools {
    /// Writes a client.conf that names the trackers that run.
    ///
    /// # Panics
    /// When it cannot be written.
    #[must_use]
    pub fn new(lab: &Lab, program: &Program) -> Self {
        let conf = lab.dir().join(format!("client{program}.conf"));
        let mut text = format!("base_path = {}\nlog_level = error\n", lab.dir().display());
        for tracker in lab.trackers() {
            text += &format!("tracker_server = {}\n", lab.server(tracker).addr);
        }
        std::fs::write(&conf, text).unwrap();
        Self { program: program.clone(), conf }
    }

    /// Runs a program with the configuration as its first argument.
    ///
    /// # Panics
    /// When there is no such program.
    #[must_use]
    pub fn run(&self, name: &str, args: &[&str]) -> Said {
        let conf = self.conf.to_string_lossy();
        self.run_plain(name, &[&[&*conf], args].concat())
    }

    /// Runs a program with these arguments alone.
    ///
    /// # Panics
    /// When there is no such program.
    #[must_use]
    pub fn run_plain(&self, name: &str, args: &[&str]) -> Said {
        let path = self.program.path(name);
        let output = Command::new(&path).args(args).stdin(Stdio::null()).output();
        let output = output.unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Said { code: output.status.code().unwrap_or(-1), out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// What a program says that takes the configuration behind `-c`.
    #[must_use]
    pub fn stat(&self, name: &str, args: &[&str]) -> String {
        let conf = self.conf.to_string_lossy();
        self.run_plain(name, &[&["-c", &*conf], args].concat()).out
    }

    /// The same, which must end with 0 and without errors; gives its output.
    ///
    /// # Panics
    /// When it does not.
    #[must_use]
    pub fn good(&self, name: &str, args: &[&str]) -> String {
        let said = self.run(name, args);
        let is_good = said.code == 0 && !said.out.contains("error no:") && !said.err.contains("rror");
        assert!(is_good, "{name} {args:?} of {}: {said:?}", self.program);
        said.out
    }
}
