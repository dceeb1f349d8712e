//! `fdfs_file_info [-n] [-s] CONFIG FILE_ID`.
//!
//! Source: tools, 4.

use std::ffi::OsString;
use std::process::ExitCode;

use fdfs_client::{ClientError, FileInfo, InfoFlags, Kind, NameError, Source};
use fdfs_proto::Status;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::classic_client::{ClassicClient, failure, file_id, log, texts};
use crate::classic::called_as;
use crate::{classic_log, out};

const USAGE: &str = "\
[options] <config_file> <file_id>
  options: 
    -s: keep silence, when this file not exist, do not log error on storage server
    -n: do NOT calculate CRC32 for appender file or slave file
";

/// The program. `args` come without the program's name.
pub(crate) fn main(args: &[OsString]) -> ExitCode {
    let words = texts(args);
    let line = match CommandLine::parse(&words) {
        Ok(line) => line,
        Err(unknown) => {
            if let Some(option) = unknown {
                eprintln!("{}: invalid option -- '{option}'", called_as());
            }
            eprintln!("Usage: {} {USAGE}", called_as());
            return ExitCode::from(1);
        }
    };
    let classic = match ClassicClient::open(line.conf) {
        Ok(classic) => classic,
        Err(code) => return code,
    };
    match ask(&classic, &line) {
        Ok(info) => out::line(&to_text(&info, &TimeZone::system())),
        Err(status) => eprintln!("{}", failure("query file info", status)),
    }
    // Also after a failure (W-38). `fdfs info` has exit codes.
    ExitCode::SUCCESS
}

/// What stands on the command line. Options may stand anywhere, and together.
#[derive(Debug, PartialEq, Eq)]
struct CommandLine<'a> {
    conf: &'a str,
    id: &'a str,
    flags: InfoFlags,
}

impl<'a> CommandLine<'a> {
    /// # Errors
    /// The unknown option, or `None` when arguments are missing.
    fn parse(words: &'a [String]) -> Result<Self, Option<char>> {
        let mut flags = InfoFlags::default();
        let (mut others, mut options_end) = (Vec::new(), false);
        for word in words {
            match word.strip_prefix('-').filter(|letters| !letters.is_empty() && !options_end) {
                Some("-") => options_end = true,
                Some(letters) => {
                    for letter in letters.chars() {
                        match letter {
                            'n' => flags.without_crc = true,
                            's' => flags.silent = true,
                            other => return Err(Some(other)),
                        }
                    }
                }
                None => others.push(word.as_str()),
            }
        }
        match others.as_slice() {
            [conf, id, ..] => Ok(Self { conf, id, flags }),
            _ => Err(None),
        }
    }
}

fn ask(classic: &ClassicClient, line: &CommandLine<'_>) -> Result<FileInfo, Status> {
    let id = file_id(line.id)?;
    let asked = classic.runtime.block_on(classic.client.file_info_with(&id, line.flags));
    asked.map_err(|error| {
        match &error {
            ClientError::BadFileId(NameError::TooShort { .. }) => {
                classic_log::error(&format!("filename is too short, length: {} < 44", id.name.as_bytes().len()));
            }
            error => log(error),
        }
        error.status()
    })
}

fn to_text(info: &FileInfo, zone: &TimeZone) -> String {
    let kind = match info.kind {
        Kind::Regular | Kind::Trunk => "normal",
        Kind::Appender => "appender",
        Kind::Slave => "slave",
    };
    let source_id = match info.source {
        Some(Source::Id(id)) => id,
        Some(Source::Ip(_)) | None => 0,
    };
    let source_ip = info.source_ip.map(|ip| ip.to_string()).unwrap_or_default();
    let created = match Timestamp::from_second(info.created_unix_secs) {
        Ok(time) => time.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string(),
        Err(_) => info.created_unix_secs.to_string(),
    };
    let crc32 = match info.crc32 {
        // A signed number and the same in hex.
        Some(crc32) => format!("file crc32: {} (0x{crc32:08x})\n", crc32 as i32),
        None => String::new(),
    };
    format!(
        "GET FROM SERVER: {}\n\nfile type: {kind}\nsource storage id: {source_id}\nsource ip address: {source_ip}\n\
         file create timestamp: {created}\nfile size: {}\n{crc32}",
        info.from_server, info.size_bytes
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_stand_anywhere() {
        let parse = |line: &str| {
            let words: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
            CommandLine::parse(&words).map(|l| (l.conf.to_owned(), l.id.to_owned(), l.flags.byte()))
        };
        let both = |flags: u8| Ok(("c".to_owned(), "i".to_owned(), flags));
        assert_eq!(parse("c i"), both(0));
        assert_eq!(parse("-n c i"), both(1));
        assert_eq!(parse("c -s i -n"), both(3));
        assert_eq!(parse("-sn c i"), both(3));
        assert_eq!(parse("-- c i"), both(0));
        assert_eq!(parse("-x c i"), Err(Some('x')));
        assert_eq!(parse("c"), Err(None));
        assert_eq!(parse(""), Err(None));
    }
}
