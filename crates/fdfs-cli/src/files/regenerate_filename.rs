//! `fdfs_regenerate_filename CONFIG APPENDER_FILE_ID`: prints the new id.
//!
//! Source: tools, 4.

use std::ffi::OsString;
use std::process::ExitCode;

use fdfs_client::FileId;
use fdfs_proto::Status;

use super::classic_client::{ClassicClient, failure, file_id, log, texts};
use crate::classic::called_as;
use crate::out;

/// The program. `args` come without the program's name.
pub(crate) fn main(args: &[OsString]) -> ExitCode {
    let words = texts(args);
    let [conf, id, ..] = words.as_slice() else {
        eprintln!(
            "regenerate filename for the appender file.\nNOTE: the regenerated file will be a normal file!\n\
             Usage: {} <config_file> <appender_file_id>",
            called_as()
        );
        return ExitCode::from(1);
    };
    let classic = match ClassicClient::open(conf).and_then(|classic| classic.connect_tracker().map(|()| classic)) {
        Ok(classic) => classic,
        Err(code) => return code,
    };
    match regenerate(&classic, id) {
        Ok(new) => {
            out::line(&new.to_string());
            ExitCode::SUCCESS
        }
        Err(status) => {
            eprintln!("{}", failure(&format!("regenerate file {id}"), status));
            ExitCode::from(status.0)
        }
    }
}

fn regenerate(classic: &ClassicClient, id: &str) -> Result<FileId, Status> {
    let id = file_id(id)?;
    classic.runtime.block_on(classic.client.regenerate(&id)).map_err(|error| {
        log(&error);
        error.status()
    })
}
