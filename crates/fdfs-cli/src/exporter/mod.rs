//! `fdfs_exporter`: the cluster as metrics for Prometheus.
//!
//! Differs from C: `-f` works without a configuration file, where the reference aborts; requests have a time-out and
//! are served at the same time; behind the reference's metrics stand some of our own.
//!
//! Source: tools, 8.

mod args;
mod http;
mod ours;

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;

use fdfs_client::{Client, ClientError};
use fdfs_http::admin::cluster as metrics;
use fdfs_proto::Status;
use fdfs_proto::cmd::tracker::TrackerClusterStatRequest;
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::classic::called_as;
use crate::daemon::background;
use crate::files::classic_client::{ClassicClient, texts};
use crate::{classic_log, out};
use args::{CommandLine, Settings, Wrong};

/// The program. `args` come without the program's name.
pub(crate) fn main(args: &[OsString]) -> ExitCode {
    let settings = match CommandLine::parse(&texts(args)).and_then(|line| line.settings()) {
        Ok(settings) => settings,
        Err(Wrong::Help) => {
            out::line(&usage());
            return ExitCode::SUCCESS;
        }
        Err(Wrong::Option(what)) => {
            eprintln!("{}: {what}", called_as());
            out::line(&usage());
            return ExitCode::from(Status::EINVAL.0);
        }
        Err(Wrong::Port(port)) => {
            out::line(&format!("invalid port number: {port}"));
            return ExitCode::from(Status::EINVAL.0);
        }
        Err(Wrong::Conf { status, lines }) => {
            lines.iter().for_each(|line| classic_log::error(line));
            return ExitCode::from(status.0);
        }
    };
    if settings.as_daemon && !background::is_daemon() {
        return background::start_again(args);
    }
    out::line("FastDFS Prometheus Exporter\n===========================\n");
    let classic = match ClassicClient::open(&settings.client_conf) {
        Ok(classic) => classic,
        Err(code) => return code,
    };
    classic.runtime.block_on(run(&settings, &classic.client))
}

fn usage() -> String {
    let program = called_as();
    format!(
        "\nUsage: {program} [options]\n\nOptions:\n  \
         --bind_addr or -B: bind local ip address, such as 127.0.0.1\n  \
         --config_file or -c: specify exporter config filename\n  \
         --fdfs_client_cfg or -f: specify FastDFS client config filename, default is /etc/fdfs/client.conf\n  \
         --daemon or -d: run as daemon\n  \
         --help or -h: show help\n  \
         --port or -P: specify listen port, default is 9898\n\n\
         For example:\n  \
         {program} -f /etc/fdfs/client.conf -d\n  \
         {program} --bind_addr 127.0.0.1 --daemon\n"
    )
}

/// Serves until a signal ends it.
async fn run(settings: &Settings, client: &Client) -> ExitCode {
    let failed = |what: &str, error: &std::io::Error| {
        classic_log::error(&format!("{what}: {error}"));
        ExitCode::from(Status::from_io(error).0)
    };
    let listener = match TcpListener::bind(settings.addr()).await {
        Ok(listener) => listener,
        Err(error) => return failed(&format!("listen on {}", settings.addr()), &error),
    };
    let (mut terminate, mut interrupt) = match (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) {
        (Ok(terminate), Ok(interrupt)) => (terminate, interrupt),
        (Err(error), _) | (_, Err(error)) => return failed("listen for signals", &error),
    };
    // Port 0 is whatever the system gives.
    let port = listener.local_addr().map_or(settings.port, |addr| addr.port());
    out::line(&format!(
        "FastDFS client initialized successfully\nTracker server count: {}\nMode: {}\nAuth method: {}\n\
         Listening on port {port}\nMetrics endpoint: http://localhost:{port}/metrics\n",
        client.trackers().len(),
        if settings.as_daemon { "daemon" } else { "foreground" },
        if settings.authorization.is_some() { "basic" } else { "none" },
    ));
    if settings.as_daemon {
        background::serves();
    }
    let (client, strangers) = (client.clone(), Arc::new(ours::Strangers::default()));
    let collect = move || collect(client.clone(), strangers.clone());
    tokio::select! {
        () = http::serve(&listener, settings.authorization.clone(), collect) => {}
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    out::line("\nShutting down prometheus exporter service...\nPrometheus exporter service exited.\n");
    ExitCode::SUCCESS
}

/// Asks the trackers, and the storages for what only ours say.
async fn collect(client: Client, strangers: Arc<ours::Strangers>) -> Result<String, ClientError> {
    let trackers = client.tracker_cluster(&TrackerClusterStatRequest::default()).await?.trackers;
    let mut groups = Vec::new();
    for group in client.groups().await? {
        groups.push((group, client.storages(group.group, None).await?));
    }
    let said = ours::ask_all(&groups, &strangers).await;
    Ok(metrics::text(&trackers, &groups, Timestamp::now().as_second()) + &ours::text(&said))
}
