//! `fdfs_tracker_stat`, `fdfs_storage_stat`, `fdfs_volumn_stat`: what the leader of the trackers sees, a line for each.
//!
//! Differs from C: `log_level` is not looked at; errors are always written.
//!
//! Source: tools, 7.

mod getopt;
mod storage_stat;
#[cfg(test)]
mod tests;
mod tracker_stat;
mod volumn_stat;

use std::ffi::OsString;
use std::process::ExitCode;

use fdfs_client::{Client, ClientError};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::classic::called_as;
use crate::files::classic_client::{ClassicClient, log, texts};
use crate::out;
use getopt::{GetOpt, Wrong};

pub(crate) use getopt::parse as parse_options;

/// The configuration when none is named.
const DEFAULT_CONF: &str = "/etc/fdfs/client.conf";

/// One of these programs.
trait Stat: Default {
    /// Its option letters, `c` and `h` left out.
    const LETTERS: &'static str;

    /// The usage; `program` is how it was called.
    fn usage(program: &str) -> String;

    /// Takes an option.
    fn option(&mut self, letter: char);

    /// Asks and gives what is printed.
    async fn text(&self, client: &Client, zone: &TimeZone) -> Result<String, ClientError>;
}

pub(crate) fn tracker_stat(args: &[OsString]) -> ExitCode {
    main::<tracker_stat::TrackerStat>(args)
}

pub(crate) fn storage_stat(args: &[OsString]) -> ExitCode {
    main::<storage_stat::StorageStat>(args)
}

pub(crate) fn volumn_stat(args: &[OsString]) -> ExitCode {
    main::<volumn_stat::VolumnStat>(args)
}

fn main<S: Stat>(args: &[OsString]) -> ExitCode {
    let usage = |code: u8| {
        eprintln!("{}", S::usage(&called_as()));
        ExitCode::from(code)
    };
    let line = match Line::<S>::parse(&texts(args)) {
        Ok(Some(line)) => line,
        Ok(None) => return usage(0),
        Err(wrong) => {
            eprintln!("{}: {wrong}", called_as());
            return usage(1);
        }
    };
    let classic = match ClassicClient::open(&line.conf).and_then(|classic| classic.connect_tracker().map(|()| classic))
    {
        Ok(classic) => classic,
        Err(code) => return code,
    };
    match classic.runtime.block_on(line.stat.text(&classic.client, &TimeZone::system())) {
        Ok(text) => out::print(&text),
        // Told, and no more: the exit code is 0 all the same.
        Err(error) => log(&error),
    }
    ExitCode::SUCCESS
}

/// A command line.
struct Line<S> {
    conf: String,
    stat: S,
}

impl<S: Stat> Line<S> {
    /// `None`: it asks for the usage.
    fn parse(words: &[String]) -> Result<Option<Self>, Wrong> {
        let mut line = Self { conf: DEFAULT_CONF.to_owned(), stat: S::default() };
        for option in parse_options(&format!("hc:{}", S::LETTERS), words)? {
            match option {
                GetOpt { letter: 'h', .. } => return Ok(None),
                GetOpt { letter: 'c', value } => line.conf = value.unwrap_or_default(),
                GetOpt { letter, .. } => line.stat.option(letter),
            }
        }
        Ok(Some(line))
    }
}

/// A local time.
fn time(secs: i64, zone: &TimeZone) -> String {
    match Timestamp::from_second(secs) {
        Ok(time) => time.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string(),
        Err(_) => secs.to_string(),
    }
}
