//! The reference's programs for trying a cluster out: `fdfs_test`, `fdfs_test1`, `fdfs_appender_test`,
//! `fdfs_appender_test1`. Those with a 1 at the end speak of file ids, the others of group and name apart.
//!
//! Source: tools, 5.

mod appender;
mod operations;
mod upload;

use std::ffi::OsString;
use std::process::ExitCode;

use fdfs_client::{ClientError, FileId, FileInfo};
use fdfs_proto::Status;
use fdfs_proto::limits::PROTOCOL_VERSION;
use fdfs_proto::token::token;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::files::classic_client::{ClassicClient, failure, log};
use crate::out;

/// How a program speaks of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Naming {
    /// Group and name are two arguments.
    Apart,
    /// One argument, the file id.
    Id,
}

/// How a file is sent, as the last argument says it. It shows in the output only: here all are sent from the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    File,
    Buffer,
    Callback,
}

impl Way {
    /// Any other word is `FILE`.
    fn of(word: Option<&OsString>) -> Self {
        match word.and_then(|word| word.to_str()) {
            Some("BUFF") => Self::Buffer,
            Some("CALLBACK") => Self::Callback,
            _ => Self::File,
        }
    }

    /// The end of the names of the library's functions.
    const fn function(self) -> &'static str {
        match self {
            Self::File => "filename",
            Self::Buffer => "filebuff",
            Self::Callback => "callback",
        }
    }
}

pub(crate) fn test(args: &[OsString]) -> ExitCode {
    operations::main(args, Naming::Apart)
}

pub(crate) fn test1(args: &[OsString]) -> ExitCode {
    operations::main(args, Naming::Id)
}

pub(crate) fn appender_test(args: &[OsString]) -> ExitCode {
    appender::main(args, Naming::Apart)
}

pub(crate) fn appender_test1(args: &[OsString]) -> ExitCode {
    appender::main(args, Naming::Id)
}

/// What all of them say first.
fn banner() {
    out::print(&format!(
        "This is FastDFS client test program v{PROTOCOL_VERSION}\n\nCopyright (C) 2008, Happy Fish / YuQing\n\n\
         FastDFS may be copied only under the terms of the GNU General\n\
         Public License V3, which may be found in the FastDFS source kit.\n\
         Please visit the FastDFS Home Page http://www.fastken.com/ \nfor more detail.\n\n"
    ));
}

/// A client that has found a tracker.
fn open(conf: &str) -> Result<ClassicClient, ExitCode> {
    let classic = ClassicClient::open(conf)?;
    classic.connect_tracker()?;
    Ok(classic)
}

/// Logs an error and gives its status.
fn told(error: &ClientError) -> Status {
    log(error);
    error.status()
}

/// A failure that ends the program.
fn fails(what: &str, error: &ClientError) -> ExitCode {
    let status = told(error);
    out::line(&failure(what, status));
    ExitCode::from(status.0)
}

/// `source ip address`, `file timestamp`, `file size`, and, where wanted, `file crc32` with an unsigned number.
fn info_lines(info: &FileInfo, with_crc32: bool) -> String {
    let source_ip = info.source_ip.map(|ip| ip.to_string()).unwrap_or_default();
    let time = match Timestamp::from_second(info.created_unix_secs) {
        Ok(time) => time.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string(),
        Err(_) => info.created_unix_secs.to_string(),
    };
    let crc32 = if with_crc32 { format!("file crc32={}\n", info.crc32.unwrap_or_default()) } else { String::new() };
    format!("source ip address: {source_ip}\nfile timestamp={time}\nfile size={}\n{crc32}", info.size_bytes)
}

/// `http://HOST/ID`, with a token where the configuration asks for one.
///
/// Differs from C: the token is that of the name without its group, which is what web servers check.
fn url(classic: &ClassicClient, host: &str, file: &FileId) -> String {
    let conf = &classic.conf;
    if !conf.anti_steal_check_token {
        return format!("http://{host}/{file}");
    }
    let now = Timestamp::now().as_second().unsigned_abs();
    let token = token(file.name.as_str(), &conf.anti_steal_secret_key, now);
    format!("http://{host}/{file}?token={token}&ts={now}")
}
