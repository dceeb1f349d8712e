//! What one of our storages knows of the group's trunk files: asked when the trunk server changes.

use crate::limits::GROUP_NAME_LEN;
use crate::{Command, GroupName, Put, Reader, Request, Wire, WireError};

/// Why a [`TrunkLogRequest`] is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrunkLogPurpose {
    /// "The leader of the trackers made me the trunk server; I go by this generation." A trunk server of a smaller one
    /// gives up the role before it answers.
    TakeOver,
    /// "The log that I send you is of this generation."
    Log,
    /// "The log that I sent you is all there is: I stop."
    Complete,
}

impl TrunkLogPurpose {
    const fn number(self) -> u8 {
        match self {
            Self::TakeOver => 1,
            Self::Log => 2,
            Self::Complete => 3,
        }
    }
}

/// Request of `TRUNK_LOG` (246). The reference answers `EINVAL` and closes.
///
/// | offset | size | field      | unit                                                    |
/// |-------:|-----:|------------|---------------------------------------------------------|
/// |      0 |   16 | group      | text, NUL-padded                                        |
/// |     16 |    1 | purpose    | 1, 2, 3: [`TrunkLogPurpose`]                            |
/// |     17 |    8 | generation | u64 big-endian                                          |
/// |     25 |    8 | offset     | where lines of the log are wanted from, bytes           |
/// |     33 |    4 | max        | bytes of lines that are wanted at most; 0: none         |
/// |     37 |    4 | doubtful   | trunk files below this number are in doubt; 0: none     |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrunkLogRequest {
    /// The group.
    pub group: GroupName,
    /// Why.
    pub purpose: TrunkLogPurpose,
    /// The asker's generation.
    pub generation: u64,
    /// Where lines are wanted from.
    pub offset: u64,
    /// Bytes of lines at most.
    pub max: u32,
    /// Trunk files below this number are in doubt by the asker's log: what is free in them may be in use. 0: none.
    pub doubtful_below: u32,
}

impl Wire for TrunkLogRequest {
    fn encode(&self, out: &mut Vec<u8>) {
        self.group.put(out, GROUP_NAME_LEN);
        out.put_u8(self.purpose.number());
        out.put_size(self.generation);
        out.put_size(self.offset);
        out.put_u32(self.max);
        out.put_u32(self.doubtful_below);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let group = GroupName::read(reader, GROUP_NAME_LEN)?;
        let number = reader.u8("purpose")?;
        let purpose = match number {
            1 => TrunkLogPurpose::TakeOver,
            2 => TrunkLogPurpose::Log,
            3 => TrunkLogPurpose::Complete,
            _ => return Err(WireError::OutOfRange { field: "purpose", value: number.into(), low: 1, high: 3 }),
        };
        let (generation, offset) = (reader.size("generation")?, reader.size("offset")?);
        let max = reader.u32("max")?;
        Ok(Self { group, purpose, generation, offset, max, doubtful_below: reader.u32("doubtful below")? })
    }
}

impl Request for TrunkLogRequest {
    const COMMAND: Command = Command::TrunkLog;
}

/// Answer of `TRUNK_LOG`.
///
/// | offset | size | field      | unit                                                      |
/// |-------:|-----:|------------|-----------------------------------------------------------|
/// |      0 |    8 | generation | of the log that this storage has, u64 big-endian          |
/// |      8 |    8 | size       | of it, bytes                                              |
/// |     16 |    1 | serves     | 1: it gives out space in that generation, and goes on     |
/// |     17 |    4 | doubtful   | trunk files below this number are in doubt by that log    |
/// |     21 |    … | lines      | whole lines of the log from the wanted offset on          |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrunkLogAnswer {
    /// Of the log that it has.
    pub generation: u64,
    /// Bytes of that log.
    pub size: u64,
    /// It is a trunk server of that generation, and goes on.
    pub serves: bool,
    /// Trunk files below this number are in doubt by that log; 0: none.
    pub doubtful_below: u32,
    /// Whole lines.
    pub lines: Vec<u8>,
}

impl TrunkLogAnswer {
    /// Bytes without the lines.
    pub const FIXED_LEN: usize = 21;
    /// Bytes of lines that are given at most.
    pub const LINES_MAX: usize = 64 << 10;

    /// Appends the body.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.put_size(self.generation);
        out.put_size(self.size);
        out.put_u8(u8::from(self.serves));
        out.put_u32(self.doubtful_below);
        out.put_bytes(&self.lines);
    }

    /// Reads the body.
    ///
    /// # Errors
    /// [`WireError`].
    pub fn decode(body: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new(body);
        let (generation, size) = (reader.size("generation")?, reader.size("size")?);
        let serves = reader.u8("serves")? != 0;
        let doubtful_below = reader.u32("doubtful below")?;
        Ok(Self { generation, size, serves, doubtful_below, lines: body[Self::FIXED_LEN..].to_vec() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn requests_and_answers_round_trip(
            purpose in 1..=3u8, generation in 0..=i64::MAX as u64, offset in 0..=i64::MAX as u64, max: u32,
            serves: bool, lines in proptest::collection::vec(any::<u8>(), 0..40),
        ) {
            let purpose = [TrunkLogPurpose::TakeOver, TrunkLogPurpose::Log, TrunkLogPurpose::Complete][usize::from(purpose) - 1];
            let doubtful_below = max;
            let request = TrunkLogRequest { group: "g".parse().unwrap(), purpose, generation, offset, max, doubtful_below };
            let bytes = request.to_bytes();
            prop_assert!((0..bytes.len()).all(|len| TrunkLogRequest::from_bytes(&bytes[..len]).is_err()));
            prop_assert_eq!(TrunkLogRequest::from_bytes(&bytes), Ok(request));
            let answer = TrunkLogAnswer { generation, size: offset, serves, doubtful_below, lines };
            let mut bytes = Vec::new();
            answer.encode(&mut bytes);
            prop_assert!((0..TrunkLogAnswer::FIXED_LEN).all(|len| TrunkLogAnswer::decode(&bytes[..len]).is_err()));
            prop_assert_eq!(TrunkLogAnswer::decode(&bytes), Ok(answer));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = TrunkLogRequest::from_bytes(&bytes);
            let _ = TrunkLogAnswer::decode(&bytes);
        }
    }
}
