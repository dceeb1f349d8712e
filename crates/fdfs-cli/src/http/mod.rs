//! `fdfs http CONF`: files of all groups over HTTP. `fdfs url`: URLs that let somebody read.

pub(crate) mod url;

use fdfs_conf::LogLevel;
use fdfs_http::configure::Configured;
use fdfs_http::gateway::GatewayServer;
use fdfs_http::start::HttpStartError;
use fdfs_proto::Status;
use tokio_util::sync::CancellationToken;

use crate::conf_loader::{FileLoader, host_env};
use crate::daemon::logs::{DaemonLog, level_of};
use crate::daemon::modern::LogFormat;
use crate::daemon::signals::{self, Signal};
use crate::exit::failure;
use crate::out;

/// What `fdfs http` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
CONF is a mod_fastdfs.conf as it is, or a file with nothing but tracker_server and http.server_port. Any file of any group
is served; the trackers say where it is. TERM, INT and QUIT end it in good order. HUP begins a new file of http.access_log
and reads CONF again: trackers, access, keys and all that is no port, limit or time-out is taken over.

Example:
  printf 'tracker_server = 10.0.0.1:22122\\nhttp.server_port = 8080\\n' > http.conf && fdfs http http.conf")]
pub(crate) struct Args {
    /// The configuration file
    conf: String,
    /// How lines on standard error look
    #[arg(long, value_name = "FORMAT", env = "FDFS_LOG_FORMAT", default_value = "classic")]
    log_format: LogFormat,
}

/// Runs the gateway.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let cancel = CancellationToken::new();
    let received = signals::listen(cancel)?;
    let log = match args.log_format {
        LogFormat::Classic => DaemonLog::on_stderr(LogLevel::Info),
        LogFormat::Json => DaemonLog::json_on_stderr(LogLevel::Info),
    };
    let _entered = log.log.enter();
    let refused = |error: HttpStartError| failure(Status(error.errno()), error.to_string());
    let (configured, conf) =
        Configured::load(&args.conf, &FileLoader, &host_env()).map_err(|error| refused(error.into()))?;
    log.log.set_level(level_of(conf.log_level));
    let server = GatewayServer::start(configured, &conf, &log.log)
        .map_err(|error| failure(Status(error.errno()), error.to_string()))?;
    if let Some(addr) = server.addr() {
        out::line(&format!("HTTP is served on {addr}"));
    }
    loop {
        match received.recv() {
            Ok(Signal::HangUp) => {
                server.hang_up();
                let read = Configured::load(&args.conf, &FileLoader, &host_env()).map_err(anyhow::Error::from);
                match read.and_then(|(configured, conf)| Ok(server.reload(configured, &conf).map(|()| conf)?)) {
                    Ok(conf) => {
                        log.log.set_level(level_of(conf.log_level));
                        tracing::info!("the configuration was read again");
                    }
                    Err(error) => tracing::error!("the configuration stays as it was: {error:#}"),
                }
            }
            Ok(Signal::Stop(_)) | Err(_) => break,
            Ok(_) => {}
        }
    }
    server.stop();
    Ok(())
}
