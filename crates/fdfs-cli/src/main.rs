//! The program `fdfs`, and by their names the classic programs of FastDFS.
//!
//! Never: a decision of the cluster or a byte of a format; it parses arguments, runs servers and clients, and prints.

mod admin;
mod bench;
mod classic;
mod classic_log;
mod conf_check;
mod conf_loader;
mod daemon;
mod dev;
mod doctor;
mod exit;
mod exporter;
mod files;
mod health;
mod http;
mod human;
mod link;
mod local;
mod manual;
mod monitor;
mod out;
mod root;
mod stat_programs;
mod sync;
mod takeover;
mod test_programs;
mod top;
mod transfer;

use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().collect();
    let program = args.first().and_then(|argv0| classic::find(argv0));
    match program {
        Some(program) => (program.main)(args.get(1..).unwrap_or_default()),
        None => root::main(),
    }
}
