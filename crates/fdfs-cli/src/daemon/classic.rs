//! `fdfs_trackerd` and `fdfs_storaged`: arguments, output and exit codes of the reference.
//!
//! Source: tools, 3; configuration, 2.

use std::ffi::OsString;
use std::process::ExitCode;

use fdfs_proto::Status;
use fdfs_proto::limits::PROTOCOL_VERSION;

use super::program::Program;
use super::serve::{Mode, serve};
use super::{background, conf, pid_file, stop};
use crate::classic::called_as;
use crate::{classic_log, out};

/// `fdfs_trackerd`. `args` come without the program's name.
pub(crate) fn trackerd(args: &[OsString]) -> ExitCode {
    ExitCode::from(main(Program::Tracker, args))
}

/// `fdfs_storaged`.
pub(crate) fn storaged(args: &[OsString]) -> ExitCode {
    ExitCode::from(main(Program::Storage, args))
}

fn main(program: Program, args: &[OsString]) -> u8 {
    let args: Vec<String> = args.iter().map(|arg| arg.to_string_lossy().into_owned()).collect();
    match CommandLine::parse(&args) {
        CommandLine::NoConf => {
            eprintln!("{}", usage());
            1
        }
        CommandLine::Help => {
            eprintln!("{}", usage());
            0
        }
        CommandLine::Unknown(option) => {
            eprintln!("\nError: unrecognized option: {option}\n{}", usage());
            0
        }
        CommandLine::Wrong(what) => {
            eprintln!("\nError: {what}!\n{}", usage());
            0
        }
        CommandLine::Version => {
            out::line(&format!("\n{} V{PROTOCOL_VERSION}\n", program.classic_name()));
            0
        }
        CommandLine::Run { conf, action, is_foreground } => act(program, &conf, &action, is_foreground),
    }
}

/// The usage, without its last line feed.
fn usage() -> String {
    format!(
        "
Usage: {} [options] <config_file> [start | stop | restart | status]

options:
\t-N | --no-daemon: run in foreground
\t-V | --version: show version info
\t-h | --help: for this usage
",
        called_as()
    )
}

/// What the arguments say.
#[derive(Debug, PartialEq, Eq)]
enum CommandLine {
    NoConf,
    Help,
    Unknown(String),
    Wrong(&'static str),
    Version,
    Run { conf: String, action: String, is_foreground: bool },
}

impl CommandLine {
    /// Options may stand anywhere; the first that ends the program wins.
    fn parse(args: &[String]) -> Self {
        let mut is_foreground = false;
        let mut words = Vec::new();
        for arg in args {
            match arg.as_str() {
                "-N" | "--no-daemon" => is_foreground = true,
                "-V" | "--version" => return Self::Version,
                "-h" | "--help" => return Self::Help,
                option if option.len() > 1 && option.starts_with('-') => return Self::Unknown(option.to_owned()),
                word => words.push(word.to_owned()),
            }
        }
        let mut words = words.into_iter();
        match words.next() {
            None if args.is_empty() => Self::NoConf,
            None => Self::Wrong("expect config file"),
            Some(conf) => {
                let action = words.next().unwrap_or_else(|| "start".to_owned());
                match words.next() {
                    None => Self::Run { conf, action, is_foreground },
                    Some(_) => Self::Wrong("too many arguments"),
                }
            }
        }
    }
}

fn act(program: Program, conf_path: &str, action: &str, is_foreground: bool) -> u8 {
    if action == "start" && background::is_daemon() {
        background::detach();
        return serve(program, conf_path, &Mode::Background);
    }
    let base_path = match conf::base_path_of(conf_path) {
        Ok(base_path) => base_path,
        Err(error) => {
            let Status(errno) = classic_log::conf_error(conf_path, &error);
            classic_log::exit_abnormally();
            return errno;
        }
    };
    let pid_path = program.pid_path(&base_path);
    let running = match pid_file::running(program, &pid_path) {
        Ok(running) => running,
        Err(error) => {
            classic_log::error(&format!("read {}: {error}", pid_path.display()));
            return Status::from_io(&error).0;
        }
    };
    match (action, running) {
        ("start", Some(pid)) => {
            eprintln!("process {} already running, pid: {pid}", program.classic_name());
            Status::EEXIST.0
        }
        ("start", None) => start(program, conf_path, is_foreground),
        ("stop", _) => stop::stop(program, &pid_path),
        ("restart", _) => {
            // Not running is fine; a daemon that cannot be stopped is not.
            match stop::stop(program, &pid_path) {
                code if ![0, Status::ENOENT.0, stop::ESRCH].contains(&code) => return code,
                _ => {}
            }
            eprintln!("starting ...");
            start(program, conf_path, is_foreground)
        }
        ("status", Some(pid)) => {
            out::line(&format!("Running, pid: {pid}"));
            0
        }
        ("status", None) => {
            out::line("NOT running");
            Status::ENOENT.0
        }
        (other, _) => {
            eprintln!("invalid action: {other}\n{}", usage());
            Status::EINVAL.0
        }
    }
}

fn start(program: Program, conf_path: &str, is_foreground: bool) -> u8 {
    if is_foreground {
        return serve(program, conf_path, &Mode::ClassicForeground);
    }
    background::start(program, conf_path).unwrap_or_else(|error| {
        classic_log::error(&format!("{error:#}"));
        crate::exit::code_of(&error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_may_stand_anywhere() {
        let parse =
            |line: &str| CommandLine::parse(&line.split_ascii_whitespace().map(str::to_owned).collect::<Vec<_>>());
        let run = |action: &str, is_foreground| CommandLine::Run {
            conf: "c".to_owned(),
            action: action.to_owned(),
            is_foreground,
        };
        assert_eq!(parse(""), CommandLine::NoConf);
        assert_eq!(parse("-N"), CommandLine::Wrong("expect config file"));
        assert_eq!(parse("c start x"), CommandLine::Wrong("too many arguments"));
        assert_eq!(parse("c"), run("start", false));
        assert_eq!(parse("c stop"), run("stop", false));
        assert_eq!(parse("-N c"), run("start", true));
        assert_eq!(parse("c start --no-daemon"), run("start", true));
        assert_eq!(parse("c -h"), CommandLine::Help);
        assert_eq!(parse("--version c"), CommandLine::Version);
        assert_eq!(parse("-v"), CommandLine::Unknown("-v".to_owned()));
    }
}
