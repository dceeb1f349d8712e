//! `fdfs_delete_file CONFIG FILE_ID`.
//!
//! Source: tools, 4.

use std::ffi::OsString;
use std::process::ExitCode;

use super::classic_client::{ClassicClient, failure, file_id, log, texts, usage_of};
use crate::out;

const USAGE: &str = "<config_file> <file_id>";

/// The program. `args` come without the program's name.
pub(crate) fn main(args: &[OsString]) -> ExitCode {
    let words = texts(args);
    let [conf, id, ..] = words.as_slice() else { return usage_of(USAGE) };
    let classic = match ClassicClient::open(conf).and_then(|classic| classic.connect_tracker().map(|()| classic)) {
        Ok(classic) => classic,
        Err(code) => return code,
    };
    let deleted = file_id(id).and_then(|id| {
        classic.runtime.block_on(classic.client.delete(&id)).map_err(|error| {
            log(&error);
            error.status()
        })
    });
    match deleted {
        Ok(()) => ExitCode::SUCCESS,
        Err(status) => {
            out::line(&failure("delete file", status));
            ExitCode::from(status.0)
        }
    }
}
