//! 64: how fit a tracker is to lead.

use crate::{Put, Reader, Wire, WireError};

empty_request! {
    /// Request of `TRACKER_GET_STATUS` (64): empty; the answer is the [`TrackerStatus`], `ENOENT` before the tracker has
    /// a group.
    ///
    /// Source: wire specification, 2.4.
    TrackerStatusRequest = TrackerGetStatus
}

/// Answer of 64; 17 bytes.
///
/// | offset | size | field            | unit                              |
/// |-------:|-----:|------------------|-----------------------------------|
/// |      0 |    1 | is leader        | 0 or 1                            |
/// |      1 |    8 | running time     | seconds, i64 big-endian           |
/// |      9 |    8 | restart interval | seconds, i64 big-endian           |
///
/// Both times are rounded down to multiples of 300, see [`TrackerStatus::rounded`].
///
/// Source: wire specification, 2.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TrackerStatus {
    /// Whether it is the leader.
    pub is_leader: bool,
    /// How long it has been running.
    pub running_secs: i64,
    /// How long it was down before that.
    pub restart_interval_secs: i64,
}

impl TrackerStatus {
    /// A time as it is told: rounded down to 300 s, so that small differences between trackers do not matter.
    #[must_use]
    pub const fn rounded(secs: i64) -> i64 {
        secs / 300 * 300
    }
}

impl Wire for TrackerStatus {
    fn encode(&self, out: &mut Vec<u8>) {
        out.put_u8(u8::from(self.is_leader));
        out.put_i64(self.running_secs);
        out.put_i64(self.restart_interval_secs);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self {
            is_leader: reader.u8("is leader")? != 0,
            running_secs: reader.i64("running time")?,
            restart_interval_secs: reader.i64("restart interval")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::tracker::check;
    use hex_literal::hex;
    use proptest::prelude::*;

    #[test]
    fn the_recorded_answer_reads_and_writes_back() {
        check::fixed(&TrackerStatusRequest, b"");
        let status = TrackerStatus { is_leader: true, running_secs: 300, restart_interval_secs: 0 };
        check::fixed(&status, &hex!("01 000000000000012c 0000000000000000"));
        assert_eq!(
            (TrackerStatus::rounded(299), TrackerStatus::rounded(600), TrackerStatus::rounded(899)),
            (0, 600, 600)
        );
    }

    proptest! {
        #[test]
        fn any_answer_round_trips(is_leader: bool, running_secs: i64, restart_interval_secs: i64) {
            check::round_trip(&TrackerStatus { is_leader, running_secs, restart_interval_secs });
        }
    }
}
