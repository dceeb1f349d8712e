//! `fdfs_health_checker CONFIG [-d|--daemon] [-i SECONDS]`: looks at the whole cluster again and again and says what is
//! wrong.
//!
//! Source: tools, 9.

mod alert;
mod judge;

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Duration;

use fdfs_client::{Client, ClientError};
use fdfs_log::Level;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::signal::unix::{SignalKind, signal};

use crate::classic::called_as;
use crate::daemon::background;
use crate::files::classic_client::{ClassicClient, texts};
use crate::{classic_log, out};
use alert::Alerts;
use judge::{Health, Report};

const DEFAULT_INTERVAL_SECS: u64 = 30;
const MIN_INTERVAL_SECS: u64 = 10;

/// What stands on the command line.
#[derive(Debug, PartialEq, Eq)]
struct CommandLine {
    conf: String,
    interval_secs: u64,
    as_daemon: bool,
}

impl CommandLine {
    /// `None`: no configuration is named. Unknown words are passed over.
    fn parse(words: &[String]) -> Option<Self> {
        let mut words = words.iter();
        let mut line = Self { conf: words.next()?.clone(), interval_secs: DEFAULT_INTERVAL_SECS, as_daemon: false };
        while let Some(word) = words.next() {
            match word.as_str() {
                "-d" | "--daemon" => line.as_daemon = true,
                // What is no number is 0, and so too small.
                "-i" => line.interval_secs = words.next().and_then(|secs| secs.parse().ok()).unwrap_or(0),
                _ => {}
            }
        }
        Some(line)
    }
}

/// The program. `args` come without the program's name.
pub(crate) fn main(args: &[OsString]) -> ExitCode {
    let words = texts(args);
    let line = CommandLine::parse(&words);
    if line.as_ref().is_some_and(|line| line.as_daemon) && !background::is_daemon() {
        return background::start_again(args);
    }
    out::line("FastDFS Health Check Service\n============================\n");
    let Some(mut line) = line else {
        let program = called_as();
        out::line(&format!(
            "Usage: {program} <config_file> [options]\nOptions:\n  -d or --daemon Run as daemon\n  \
             -i <seconds> Check interval (default: 30)\n\nFor example:\n  {program} /etc/fdfs/client.conf -i 60\n"
        ));
        return ExitCode::from(1);
    };
    if line.interval_secs < MIN_INTERVAL_SECS {
        out::line(&format!("Check interval too small, using minimum: {MIN_INTERVAL_SECS} seconds"));
        line.interval_secs = MIN_INTERVAL_SECS;
    }
    let classic = match ClassicClient::open(&line.conf) {
        Ok(classic) => classic,
        Err(code) => {
            out::line("ERROR: Failed to initialize FastDFS client");
            return code;
        }
    };
    out::line(&format!(
        "FastDFS client initialized successfully\nTracker server count: {}\nCheck interval: {} seconds\nMode: {}\n",
        classic.client.trackers().len(),
        line.interval_secs,
        if line.as_daemon { "daemon" } else { "foreground" }
    ));
    let ended = classic.runtime.block_on(run(&classic.client, Duration::from_secs(line.interval_secs), line.as_daemon));
    if let Err(error) = ended {
        classic_log::error(&format!("listen for signals: {error}"));
        return ExitCode::from(1);
    }
    out::line("\nShutting down health check service...\nHealth check service exited");
    ExitCode::SUCCESS
}

/// Looks until a signal ends it.
async fn run(client: &Client, interval: Duration, as_daemon: bool) -> std::io::Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    if as_daemon {
        background::serves();
    }
    let mut alerts = Alerts::default();
    loop {
        let round = async {
            look(client, &mut alerts).await;
            tokio::time::sleep(interval).await;
        };
        tokio::select! {
            () = round => {}
            _ = terminate.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
        }
    }
}

/// One look at everything.
async fn look(client: &Client, alerts: &mut Alerts) {
    let now = Timestamp::now().as_second();
    match report(client, now).await {
        Ok(report) => {
            for problem in &report.problems {
                let text = problem.to_string();
                classic_log::line(problem.health.level(), &text);
                alerts.raise(now, problem.health, &text);
            }
            out::print(&report.text(&TimeZone::system(), now));
        }
        Err(error @ ClientError::NoTrackerAnswers { .. }) => {
            classic_log::error(&error.to_string());
            classic_log::line(Level::Error, "Failed to connect to tracker server");
            alerts.raise(now, Health::Critical, "Cannot connect to tracker server");
        }
        Err(error) => classic_log::error(&error.to_string()),
    }
}

async fn report(client: &Client, now: i64) -> Result<Report, ClientError> {
    let mut report = Report::default();
    for group in client.groups().await? {
        report.add(group.group, &client.storages(group.group, None).await?, now);
    }
    Ok(report)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_lines_read_as_the_reference_reads_them() {
        let parse = |line: &str| {
            let words: Vec<_> = line.split_ascii_whitespace().map(str::to_owned).collect();
            CommandLine::parse(&words).map(|line| (line.conf, line.interval_secs, line.as_daemon))
        };
        assert_eq!(parse(""), None);
        assert_eq!(parse("c"), Some(("c".into(), 30, false)));
        assert_eq!(parse("c -i 60 -d"), Some(("c".into(), 60, true)));
        assert_eq!(parse("c --daemon -i"), Some(("c".into(), 0, true)));
        assert_eq!(parse("c -i x"), Some(("c".into(), 0, false)));
    }
}
