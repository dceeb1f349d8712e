//! The limit of open files.

use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Why there cannot be enough open files.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{needed} open files are needed, {allowed} are allowed: lower max_connections, or raise the limit (LimitNOFILE= of \
     the systemd unit, ulimit -Hn, /etc/security/limits.conf)"
)]
pub struct NofileError {
    /// What was asked for.
    pub needed: u64,
    /// What the process may have now.
    pub allowed: u64,
    /// The system's reason.
    #[source]
    pub source: Errno,
}

/// Raises the limit of open files of this process to `needed` where it is lower, and gives the limit in force. The hard
/// limit is raised too where the process may do that. A limit that is high enough is left alone.
///
/// # Errors
/// [`NofileError`]; the limit is then as high as it could be made.
pub fn raise_nofile(needed: u64) -> Result<u64, NofileError> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let now = current.unwrap_or(u64::MAX);
    if now >= needed {
        return Ok(now);
    }
    let hard = maximum.unwrap_or(u64::MAX);
    let wanted = Rlimit { current: Some(needed), maximum: maximum.map(|hard| hard.max(needed)) };
    let Err(source) = setrlimit(Resource::Nofile, wanted) else { return Ok(needed) };
    // Not all of it, then as much as an ordinary process may take.
    let allowed = match setrlimit(Resource::Nofile, Rlimit { current: Some(hard.min(needed)), maximum }) {
        Ok(()) => hard.min(needed),
        Err(_) => now,
    };
    if allowed >= needed { Ok(allowed) } else { Err(NofileError { needed, allowed, source }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_that_suffices_is_left_alone_and_an_impossible_one_is_reported() {
        let before = getrlimit(Resource::Nofile);
        let now = before.current.unwrap_or(u64::MAX);
        assert_eq!(raise_nofile(1), Ok(now));
        assert_eq!(getrlimit(Resource::Nofile).current, before.current);
        // More than any kernel allows (fs.nr_open).
        let error = raise_nofile(1 << 60).unwrap_err();
        assert!(error.allowed >= now && error.allowed < 1 << 60);
        assert_eq!(getrlimit(Resource::Nofile).current, Some(error.allowed));
        assert!(error.to_string().contains("lower max_connections"));
    }
}
