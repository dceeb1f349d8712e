//! `fdfs_upload_appender CONFIG LOCAL_FILE`.
//!
//! Source: tools, 4.

use std::ffi::OsString;
use std::process::ExitCode;

use fdfs_client::UploadOptions;

use super::classic_client::{ClassicClient, texts, usage_of};
use super::upload_file::upload;

const USAGE: &str = "<config_file> <local_filename>";

/// The program. `args` come without the program's name.
pub(crate) fn main(args: &[OsString]) -> ExitCode {
    let words = texts(args);
    let [conf, _, ..] = words.as_slice() else { return usage_of(USAGE) };
    let run = || {
        let classic = ClassicClient::open(conf)?;
        classic.connect_tracker()?;
        upload(&classic, &args[1], &UploadOptions::new().appender(true))
    };
    run().unwrap_or_else(|code| code)
}
