//! Exit codes of the modern commands: the errno where one is known, 1 for other failures, 2 for a wrong command line
//! (which clap gives).

use std::io;
use std::process::ExitCode;

use fdfs_client::ClientError;
use fdfs_conf::ConfError;
use fdfs_net::{ListenError, NetError};
use fdfs_proto::Status;

use crate::monitor::admin::AdminError;

/// The exit code of a failure without errno.
const FAILURE: u8 = 1;

/// A failure that is known to be some errno.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub(crate) struct Failure {
    /// The errno.
    pub(crate) status: Status,
    /// What happened, for people.
    pub(crate) what: String,
}

/// A failure to be returned through `anyhow`.
pub(crate) fn failure(status: Status, what: impl Into<String>) -> anyhow::Error {
    Failure { status, what: what.into() }.into()
}

/// Tells the user about a failure and gives its exit code.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    eprintln!("fdfs: {error:#}");
    ExitCode::from(code_of(error))
}

/// The exit code of a failure: the errno of the outermost cause that has one.
pub(crate) fn code_of(error: &anyhow::Error) -> u8 {
    error.chain().find_map(errno_of).filter(|&errno| errno != 0).unwrap_or(FAILURE)
}

fn errno_of(cause: &(dyn std::error::Error + 'static)) -> Option<u8> {
    if let Some(error) = cause.downcast_ref::<Failure>() {
        Some(error.status.0)
    } else if let Some(error) = cause.downcast_ref::<ConfError>() {
        Some(error.status().0)
    } else if let Some(error) = cause.downcast_ref::<AdminError>() {
        Some(error.status().0)
    } else if let Some(error) = cause.downcast_ref::<ClientError>() {
        Some(error.errno())
    } else if let Some(error) = cause.downcast_ref::<NetError>() {
        Some(error.errno())
    } else if let Some(error) = cause.downcast_ref::<ListenError>() {
        Some(Status::from_io(&error.source).0)
    } else {
        cause.downcast_ref::<io::Error>().and_then(io::Error::raw_os_error).map(|errno| Status::from_errno(errno).0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context as _;

    #[test]
    fn the_errno_is_found_under_any_context() {
        let missing = std::fs::read("/no/such/file").context("read").context("start").unwrap_err();
        assert_eq!(code_of(&missing), 2);
        assert_eq!(code_of(&failure(Status::EEXIST, "running").context("start")), 17);
        assert_eq!(code_of(&anyhow::anyhow!("whatever")), FAILURE);
        assert_eq!(code_of(&io::Error::other("no number").into()), FAILURE);
    }
}
