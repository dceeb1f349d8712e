//! `fdfs_append_file CONFIG APPENDER_FILE_ID LOCAL_FILE`.
//!
//! Source: tools, 4.

use std::ffi::OsString;
use std::process::ExitCode;

use fdfs_client::Progress;
use fdfs_proto::Status;

use super::classic_client::{ClassicClient, failure, file_id, log, texts, usage_of};
use crate::out;

const USAGE: &str = "<config_file> <appender_file_id> <local_filename>";

/// The program. `args` come without the program's name.
pub(crate) fn main(args: &[OsString]) -> ExitCode {
    let words = texts(args);
    let [conf, id, _, ..] = words.as_slice() else { return usage_of(USAGE) };
    let classic = match ClassicClient::open(conf).and_then(|classic| classic.connect_tracker().map(|()| classic)) {
        Ok(classic) => classic,
        Err(code) => return code,
    };
    match append(&classic, id, &args[2]) {
        Ok(()) => ExitCode::SUCCESS,
        Err(status) => {
            out::line(&failure("append file", status));
            ExitCode::from(status.0)
        }
    }
}

fn append(classic: &ClassicClient, id: &str, local_file: &OsString) -> Result<(), Status> {
    let id = file_id(id)?;
    let appended = classic.runtime.block_on(classic.client.append_file(&id, local_file, &Progress::default()));
    appended.map_err(|error| {
        log(&error);
        error.status()
    })
}
