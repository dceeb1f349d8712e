//! 83: the heart beat of a joined storage.

use crate::shared::StorageStat;
use crate::{Command, Reader, Request, Wire, WireError};

/// Request of `STORAGE_BEAT` (83), empty or 348 bytes; the answer is a [`BeatAnswer`](super::BeatAnswer).
///
/// | offset | size    | field    | unit                                                    |
/// |-------:|--------:|----------|---------------------------------------------------------|
/// |      0 | 0 / 348 | counters | [`StorageStat`], left out when nothing changed          |
///
/// The tracker ignores the last two of the counters and sets them itself.
///
/// Source: wire specification, 2.1.3, 2.3.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Beat {
    /// The storage's counters, if they changed.
    pub stat: Option<StorageStat>,
}

impl Wire for Beat {
    fn encode(&self, out: &mut Vec<u8>) {
        if let Some(stat) = &self.stat {
            stat.encode(out);
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let stat = if reader.remaining() == 0 { None } else { Some(StorageStat::decode(reader)?) };
        Ok(Self { stat })
    }
}

impl Request for Beat {
    const COMMAND: Command = Command::StorageBeat;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::tracker::check;
    use proptest::prelude::*;

    #[test]
    fn a_beat_has_348_bytes_or_none() {
        check::fixed(&Beat::default(), b"");
        let beat = Beat { stat: Some(StorageStat { last_source_update: 1, ..StorageStat::default() }) };
        let mut bytes = [0; 348];
        bytes[323] = 1;
        check::variable(&beat, &bytes, &[0]);
        assert!(Beat::from_bytes(&[0; 349]).is_err());
    }

    proptest! {
        #[test]
        fn any_beat_round_trips(stat in proptest::option::of(check::stat())) {
            check::round_trip(&Beat { stat });
        }
    }
}
