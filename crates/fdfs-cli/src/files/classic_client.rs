//! What the classic file programs have in common.

use std::ffi::OsString;
use std::process::ExitCode;

use fdfs_client::{Client, ClientError, FileId, Tracker, TrackerFailure};
use fdfs_conf::ClientConf;
use fdfs_proto::Status;
use tokio::runtime::Runtime;

use super::connect;
use crate::classic::called_as;
use crate::monitor::admin::first_that_answers;
use crate::{classic_log, out};

/// File ids on the command line are cut here, in bytes.
const FILE_ID_MAX: usize = 127;

/// The exit code of the reference when no tracker takes the connection, whatever the reason: `EINPROGRESS`.
const NO_TRACKER: Status = Status::EINPROGRESS;

/// A client of the cluster that a configuration file describes, and what runs it.
pub(crate) struct ClassicClient {
    pub(crate) client: Client,
    pub(crate) conf: ClientConf,
    pub(crate) runtime: Runtime,
}

impl ClassicClient {
    /// Reads the configuration.
    ///
    /// # Errors
    /// The exit code, after the log lines were written.
    pub(crate) fn open(conf_path: &str) -> Result<Self, ExitCode> {
        let conf = connect::parse(conf_path).map_err(|error| conf_failed(conf_path, &error))?;
        check_base_path(&conf)?;
        let builder = connect::builder_of(&conf).map_err(|error| conf_failed(conf_path, &error))?;
        // Connections are kept whatever the file says: this program asks two or three things and ends.
        let client = builder.max_idle_connections(4).build().map_err(|error| {
            classic_log::error(&error.to_string());
            ExitCode::from(error.errno())
        })?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| {
            classic_log::error(&format!("start the runtime: {error}"));
            ExitCode::from(Status::from_io(&error).0)
        })?;
        Ok(Self { client, conf, runtime })
    }

    /// Asks the trackers, in turn, whether they are there. The reference connects to one before all else.
    ///
    /// # Errors
    /// The exit code, after the log lines were written.
    pub(crate) fn connect_tracker(&self) -> Result<(), ExitCode> {
        let found = self.runtime.block_on(first_tracker(&self.client.trackers(), 0));
        found.map(drop).map_err(|Status(errno)| ExitCode::from(errno))
    }
}

fn conf_failed(conf_path: &str, error: &fdfs_conf::ConfError) -> ExitCode {
    ExitCode::from(classic_log::conf_error(conf_path, error).0)
}

/// Whether the directory of the configuration is there, which every program of the reference looks at.
///
/// # Errors
/// The exit code, after the log line was written.
pub(crate) fn check_base_path(conf: &ClientConf) -> Result<(), ExitCode> {
    std::fs::read_dir(&conf.base_path).map(drop).map_err(|error| {
        let status = Status::from_io(&error);
        let path = conf.base_path.display();
        classic_log::error(&format!("\"{path}\" can't be accessed, error info: {}", status.text()));
        ExitCode::from(status.0)
    })
}

/// Asks the trackers, from one of them on and round the list, which is there; a log line for each that is not.
///
/// # Errors
/// The exit code when none is there: that of a name that leads nowhere if all of them are such.
pub(crate) async fn first_tracker(trackers: &[Tracker], start_index: usize) -> Result<Tracker, Status> {
    let mut is_name_bad = true;
    let tell = |tracker: &Tracker, error: ClientError| match &error {
        ClientError::NoTrackerAnswers { failures, .. }
            if failures.iter().all(|failure| matches!(failure, TrackerFailure::Resolve(_))) =>
        {
            classic_log::error(&format!("host \"{tracker}\" is invalid, error info: Host name lookup failure"));
        }
        error => {
            is_name_bad = false;
            let (Status(errno), info) = (error.status(), error.status().text());
            classic_log::error(&format!("connect to server {tracker} fail, errno: {errno}, error info: {info}"));
        }
    };
    let found = first_that_answers(trackers, start_index, tell).await;
    found.ok_or(if is_name_bad { Status::EINVAL } else { NO_TRACKER })
}

/// Arguments as texts. No configuration, id or option of these programs is anything else; local file names may be, and
/// are taken from the arguments themselves.
pub(crate) fn texts(args: &[OsString]) -> Vec<String> {
    args.iter().map(|arg| arg.to_string_lossy().into_owned()).collect()
}

/// The usage on standard output, exit code 1.
pub(crate) fn usage(text: &str) -> ExitCode {
    out::line(text);
    ExitCode::from(1)
}

/// The usage of a program: how it was called, and what it takes.
pub(crate) fn usage_of(args: &str) -> ExitCode {
    usage(&format!("Usage: {} {args}", called_as()))
}

/// Reads a file id.
///
/// # Errors
/// `EINVAL`.
pub(crate) fn file_id(text: &str) -> Result<FileId, Status> {
    let cut = text.char_indices().map(|(at, char)| at + char.len_utf8()).take_while(|&end| end <= FILE_ID_MAX).last();
    text.get(..cut.unwrap_or(0)).unwrap_or_default().parse().map_err(|_| Status::EINVAL)
}

/// What the library of the reference would log: nothing about arguments and local files, a line about servers.
pub(crate) fn log(error: &ClientError) {
    match error {
        ClientError::LocalFile { .. } | ClientError::BadFileId(_) | ClientError::BadText(_) => {}
        error => classic_log::error(&error.to_string()),
    }
}

/// `WHAT fail, error no: N, error info: TEXT`.
pub(crate) fn failure(what: &str, status: Status) -> String {
    format!("{what} fail, error no: {}, error info: {}", status.0, status.text())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_cut_and_checked() {
        let id = "group1/M00/00/00/Ck4BC2sAEACAOnlIAAAACw1KEYU319.txt";
        assert_eq!(file_id(id).unwrap().to_string(), id);
        assert_eq!(file_id(&format!("{}{}", "g/", "x".repeat(300))).unwrap().to_string().len(), FILE_ID_MAX);
        for bad in ["abc", "", "/", "group1/", "seventeenletters1/M00/00/00/a", "group1/M00 00"] {
            assert_eq!(file_id(bad), Err(Status::EINVAL), "{bad}");
        }
    }

    #[test]
    fn failures_read_as_in_the_reference() {
        let text = "delete file fail, error no: 2, error info: No such file or directory";
        assert_eq!(failure("delete file", Status::ENOENT), text);
    }
}
