//! How far the replication from a storage to each of its peers is.

use std::fmt::Write as _;

use crate::{Command, Reader, Request, Wire, WireError};

/// Request of `SYNC_STATUS` (244), "how far are your peers": empty; a storage answers with a [`SyncStatus`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SyncStatusRequest;

impl Wire for SyncStatusRequest {
    fn encode(&self, _: &mut Vec<u8>) {}
    fn decode(_: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self)
    }
}

impl Request for SyncStatusRequest {
    const COMMAND: Command = Command::SyncStatus;
}

/// Answer of `SYNC_STATUS`: lines of `key=value` pairs with tabs between them. The first line is about the storage, each
/// further one about a peer.
///
/// | line  | key            | value                                                                        |
/// |-------|----------------|------------------------------------------------------------------------------|
/// | first | `quarantined`  | records that nobody can use, or that a peer refused for good                 |
/// | peer  | `peer`         | its id                                                                       |
/// | peer  | `addr`         | where it is reached, `-` when it is not in the lists of the trackers         |
/// | peer  | `status`       | its status, as the trackers see it                                           |
/// | peer  | `mark`, `end`  | what it has confirmed, and the end of the log: `binlog.<file>:<byte>`        |
/// | peer  | `bytes_behind`, `records_behind`, `secs_behind` | what is between the two; records are estimated       |
/// | peer  | `rate`         | thousandths of records a second                                              |
/// | peer  | `eta_secs`     | until all is there at this rate, `-` when that cannot be said                |
/// | peer  | `in_flight`    | records that are read and not confirmed                                      |
/// | peer  | `set_aside`    | records that it did not take, to be tried again                              |
/// | peer  | `copying`      | 1 while old files are copied to it                                           |
/// | peer  | `error`        | what went wrong last and is not well again; empty when all is well           |
///
/// Readers ignore keys that they do not know.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SyncStatus {
    /// Records in quarantine.
    pub quarantined: u64,
    /// The peers.
    pub peers: Vec<PeerStatus>,
}

/// How far one peer is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PeerStatus {
    /// Its id.
    pub id: String,
    /// Where it is reached.
    pub addr: Option<String>,
    /// Its status.
    pub status: String,
    /// What it has confirmed.
    pub mark: String,
    /// The end of the log.
    pub end: String,
    /// Bytes of the log between the two.
    pub bytes_behind: u64,
    /// Records between the two, estimated.
    pub records_behind: u64,
    /// The age of the oldest record that is not confirmed, seconds.
    pub secs_behind: u64,
    /// Records of 1000 seconds.
    pub rate_milli: u64,
    /// Seconds until all is there.
    pub eta_secs: Option<u64>,
    /// Records that are read and not confirmed.
    pub in_flight: u64,
    /// Records that it did not take.
    pub set_aside: u64,
    /// Whether old files are copied to it.
    pub is_copying: bool,
    /// What went wrong last.
    pub error: Option<String>,
}

/// Peers that are read; the rest is ignored.
const PEERS_MAX: usize = 256;

impl SyncStatus {
    /// Appends the text to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut text = format!("quarantined={}\n", self.quarantined);
        let or_dash = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
        for peer in &self.peers {
            // A string takes everything.
            let _ = writeln!(
                text,
                "peer={}\taddr={}\tstatus={}\tmark={}\tend={}\tbytes_behind={}\trecords_behind={}\tsecs_behind={}\t\
                 rate={}\teta_secs={}\tin_flight={}\tset_aside={}\tcopying={}\terror={}",
                peer.id,
                or_dash(peer.addr.clone()),
                peer.status,
                peer.mark,
                peer.end,
                peer.bytes_behind,
                peer.records_behind,
                peer.secs_behind,
                peer.rate_milli,
                or_dash(peer.eta_secs.map(|secs| secs.to_string())),
                peer.in_flight,
                peer.set_aside,
                u8::from(peer.is_copying),
                peer.error.as_deref().unwrap_or_default().replace(char::is_control, " "),
            );
        }
        out.extend_from_slice(text.as_bytes());
    }

    /// Reads the text.
    ///
    /// # Errors
    /// [`WireError::BadText`] when it is not UTF-8.
    pub fn decode(body: &[u8]) -> Result<Self, WireError> {
        let text = std::str::from_utf8(body).map_err(|_| WireError::bad_text("sync status", body))?;
        let mut status = Self::default();
        for line in text.lines() {
            let pairs = || line.split('\t').filter_map(|pair| pair.split_once('='));
            let value = |key: &str| pairs().find(|(name, _)| *name == key).map(|(_, value)| value);
            let text = |key: &str| value(key).unwrap_or_default().to_owned();
            let number = |key: &str| value(key).and_then(|value| value.parse().ok()).unwrap_or(0);
            let Some(id) = value("peer") else {
                status.quarantined = number("quarantined");
                continue;
            };
            if status.peers.len() == PEERS_MAX {
                break;
            }
            status.peers.push(PeerStatus {
                id: id.to_owned(),
                addr: value("addr").filter(|addr| *addr != "-").map(str::to_owned),
                status: text("status"),
                mark: text("mark"),
                end: text("end"),
                bytes_behind: number("bytes_behind"),
                records_behind: number("records_behind"),
                secs_behind: number("secs_behind"),
                rate_milli: number("rate"),
                eta_secs: value("eta_secs").and_then(|value| value.parse().ok()),
                in_flight: number("in_flight"),
                set_aside: number("set_aside"),
                is_copying: number("copying") == 1,
                error: value("error").filter(|error| !error.is_empty()).map(str::to_owned),
            });
        }
        Ok(status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_status_round_trips() {
        let peer = PeerStatus {
            id: "100002".into(),
            addr: Some("10.0.0.2:23000".into()),
            status: "ACTIVE".into(),
            mark: "binlog.001:57".into(),
            end: "binlog.001:114".into(),
            bytes_behind: 57,
            records_behind: 1,
            secs_behind: 3,
            rate_milli: 1500,
            eta_secs: Some(1),
            in_flight: 1,
            set_aside: 2,
            is_copying: true,
            error: Some("the peer answers 28 ENOSPC: No space left on device".into()),
        };
        let away = PeerStatus { id: "100003".into(), ..PeerStatus::default() };
        let status = SyncStatus { quarantined: 4, peers: vec![peer, away] };
        let mut bytes = Vec::new();
        status.encode(&mut bytes);
        assert_eq!(SyncStatus::decode(&bytes), Ok(status));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = SyncStatus::decode(&bytes);
        }
    }
}
