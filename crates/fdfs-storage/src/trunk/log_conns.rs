//! Over which connection the trunk server's log comes in.
//!
//! A connection may hang and deliver later what was sent long ago, when the trunk server has given it up and sent the
//! same lines over another one. Lines that are in the log twice say that space is free which is in use. So lines are
//! taken only over the connection that announced them last (246). A storage of the reference announces nothing: what
//! comes from one is taken as it comes.

use std::collections::VecDeque;
use std::net::SocketAddr;

/// Connections that are remembered: far more than can hang at one time.
const KNOWN_MAX: usize = 64;

/// The connections that announced lines.
#[derive(Debug, Default)]
pub(super) struct LogConns {
    current: Option<SocketAddr>,
    known: VecDeque<SocketAddr>,
}

impl LogConns {
    /// From now on lines come over this one.
    pub(super) fn announced(&mut self, conn: SocketAddr) {
        self.current = Some(conn);
        self.known.retain(|known| *known != conn);
        self.known.push_back(conn);
        if self.known.len() > KNOWN_MAX {
            self.known.pop_front();
        }
    }

    /// The log begins anew: whoever sends must announce it.
    pub(super) const fn begins_anew(&mut self) {
        self.current = None;
    }

    /// Whether lines that come over it may be taken.
    pub(super) fn may_send(&self, conn: SocketAddr) -> bool {
        self.current == Some(conn) || !self.known.contains(&conn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_that_announced_and_those_that_never_do_may_send() {
        let conn = |port: u16| SocketAddr::from(([127, 0, 0, 1], port));
        let mut conns = LogConns::default();
        assert!(conns.may_send(conn(9)), "one of the reference");
        conns.announced(conn(1));
        conns.announced(conn(2));
        assert!(!conns.may_send(conn(1)) && conns.may_send(conn(2)) && conns.may_send(conn(9)));
        conns.begins_anew();
        assert!(!conns.may_send(conn(2)) && conns.may_send(conn(9)));
        conns.announced(conn(2));
        assert!(conns.may_send(conn(2)));
        (100..1000).for_each(|port| conns.announced(conn(port)));
        assert_eq!(conns.known.len(), KNOWN_MAX);
    }
}
