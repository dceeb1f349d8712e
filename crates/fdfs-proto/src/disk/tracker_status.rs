//! `.tracker_status`: how long a tracker has run, and until when.

use super::ini::{Ini, IniWriter};
use super::{DiskError, StateFile};

/// The file `.tracker_status`; both times in unix seconds.
///
/// The reference writes it in place, so it can be empty or cut off; such a file is an error, and a tracker goes on
/// without it, as the reference does.
///
/// Source: disk formats, B.6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TrackerStatus {
    /// When the tracker was started.
    pub up_time: i64,
    /// When the file was written.
    pub last_check_time: i64,
}

const UP_TIME: &str = "up_time";
const LAST_CHECK: &str = "last_check_time";

impl StateFile for TrackerStatus {
    const FILE: &'static str = ".tracker_status";

    fn encode(&self, out: &mut Vec<u8>) {
        let mut ini = IniWriter::new(out);
        ini.signed(UP_TIME, self.up_time);
        ini.signed(LAST_CHECK, self.last_check_time);
    }

    fn decode(bytes: &[u8]) -> Result<Self, DiskError> {
        let ini = Ini::parse(bytes);
        ini.whole(Self::FILE)?;
        let keys = ini.keys(Self::FILE);
        Ok(Self {
            up_time: keys.required(UP_TIME, keys.number(UP_TIME)?)?,
            last_check_time: keys.required(LAST_CHECK, keys.number(LAST_CHECK)?)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_round_trips_and_every_cut_is_refused(up_time: i64, last_check_time: i64) {
            let status = TrackerStatus { up_time, last_check_time };
            let bytes = status.to_bytes();
            for len in 0..bytes.len() {
                prop_assert!(TrackerStatus::decode(&bytes[..len]).is_err(), "cut at {}", len);
            }
            prop_assert_eq!(TrackerStatus::decode(&bytes), Ok(status));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = TrackerStatus::decode(&bytes);
        }
    }
}
