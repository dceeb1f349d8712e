//! Many requests for trunk space in one: between a storage of ours and a trunk server of ours.

use crate::cmd::storage::TrunkInfo;
use crate::limits::GROUP_NAME_LEN;
use crate::{Command, GroupName, Put, Reader, Request, Status, Wire, WireError};

/// One request of a [`TrunkBatch`]: what 27, 28 and 29 are on their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrunkAsk {
    /// A block on this store path for so many bytes, the header included.
    Allocate {
        /// Index of the store path.
        store_path_index: u8,
        /// Bytes.
        bytes: u32,
    },
    /// What became of a block on hold.
    Confirm {
        /// The block.
        block: TrunkInfo,
        /// `OK` and `EEXIST`: used; else free again.
        status: Status,
    },
    /// The file in the block was deleted.
    Free {
        /// The block.
        block: TrunkInfo,
    },
}

/// Request of `TRUNK_BATCH` (245): the requests of many uploads and deletes. The reference answers `EINVAL` and closes.
///
/// | offset | size | field    | unit                                                                       |
/// |-------:|-----:|----------|----------------------------------------------------------------------------|
/// |      0 |   16 | group    | text, NUL-padded                                                           |
/// |     16 |    2 | count    | u16 big-endian, at most [`MAX`](Self::MAX)                                 |
/// |      … |      | requests | kind (27, 28, 29); 27: store path 1, bytes u32; 28: status 1, block 15; 29: block 15 |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrunkBatch {
    /// The group.
    pub group: GroupName,
    /// The requests.
    pub asks: Vec<TrunkAsk>,
}

impl TrunkBatch {
    /// Requests in a batch.
    pub const MAX: usize = 512;
    /// The longest body in bytes, of request and answer alike.
    pub const MAX_BYTES: usize = GROUP_NAME_LEN + 2 + Self::MAX * 17;
}

fn count(reader: &mut Reader<'_>) -> Result<usize, WireError> {
    let count = usize::from(u16::from_be_bytes(reader.array("count")?));
    if count > TrunkBatch::MAX {
        let high = TrunkBatch::MAX as i64;
        return Err(WireError::OutOfRange { field: "count", value: count as i64, low: 0, high });
    }
    Ok(count)
}

fn put_count(out: &mut Vec<u8>, count: usize) {
    assert!(count <= TrunkBatch::MAX, "a batch of {count} requests");
    out.put_bytes(&(count as u16).to_be_bytes());
}

impl Wire for TrunkBatch {
    fn encode(&self, out: &mut Vec<u8>) {
        self.group.put(out, GROUP_NAME_LEN);
        put_count(out, self.asks.len());
        for ask in &self.asks {
            match ask {
                TrunkAsk::Allocate { store_path_index, bytes } => {
                    out.put_bytes(&[Command::TrunkAllocSpace.number(), *store_path_index]);
                    out.put_u32(*bytes);
                }
                TrunkAsk::Confirm { block, status } => {
                    out.put_bytes(&[Command::TrunkAllocConfirm.number(), status.0]);
                    block.encode(out);
                }
                TrunkAsk::Free { block } => {
                    out.put_u8(Command::TrunkFreeSpace.number());
                    block.encode(out);
                }
            }
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let group = GroupName::read(reader, GROUP_NAME_LEN)?;
        let mut asks = Vec::new();
        for _ in 0..count(reader)? {
            let kind = reader.u8("kind")?;
            asks.push(match Command::from_number(kind) {
                Some(Command::TrunkAllocSpace) => {
                    TrunkAsk::Allocate { store_path_index: reader.u8("store path")?, bytes: reader.u32("bytes")? }
                }
                Some(Command::TrunkAllocConfirm) => {
                    let status = Status(reader.u8("status")?);
                    TrunkAsk::Confirm { status, block: TrunkInfo::decode(reader)? }
                }
                Some(Command::TrunkFreeSpace) => TrunkAsk::Free { block: TrunkInfo::decode(reader)? },
                _ => return Err(WireError::bad_text("kind", &[kind])),
            });
        }
        Ok(Self { group, asks })
    }
}

impl Request for TrunkBatch {
    const COMMAND: Command = Command::TrunkBatch;
}

/// Answer of `TRUNK_BATCH`, in the order of the requests: a status byte each, behind the `OK` of an allocation its block.
///
/// | offset | size | field   | unit                              |
/// |-------:|-----:|---------|-----------------------------------|
/// |      0 |    2 | count   | u16 big-endian                    |
/// |      … |      | answers | status 1, has a block 1, block 15 |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrunkBatchAnswer {
    /// What each request came to.
    pub answers: Vec<Result<Option<TrunkInfo>, Status>>,
}

impl Wire for TrunkBatchAnswer {
    fn encode(&self, out: &mut Vec<u8>) {
        put_count(out, self.answers.len());
        for answer in &self.answers {
            match answer {
                Ok(Some(block)) => {
                    out.put_bytes(&[Status::OK.0, 1]);
                    block.encode(out);
                }
                Ok(None) => out.put_bytes(&[Status::OK.0, 0]),
                Err(status) => out.put_bytes(&[status.0, 0]),
            }
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let mut answers = Vec::new();
        for _ in 0..count(reader)? {
            let [status, has_block] = reader.array("status")?;
            answers.push(match (Status(status), has_block) {
                (Status::OK, 0) => Ok(None),
                (Status::OK, 1) => Ok(Some(TrunkInfo::decode(reader)?)),
                (status, 0) if status != Status::OK => Err(status),
                _ => return Err(WireError::bad_text("block mark", &[has_block])),
            });
        }
        Ok(Self { answers })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_block() -> impl Strategy<Value = TrunkInfo> {
        any::<[u8; TrunkInfo::LEN]>().prop_map(|bytes| TrunkInfo::from_bytes(&bytes).unwrap())
    }

    fn any_ask() -> impl Strategy<Value = TrunkAsk> {
        prop_oneof![
            any::<(u8, u32)>().prop_map(|(store_path_index, bytes)| TrunkAsk::Allocate { store_path_index, bytes }),
            (any_block(), any::<u8>()).prop_map(|(block, s)| TrunkAsk::Confirm { block, status: Status(s) }),
            any_block().prop_map(|block| TrunkAsk::Free { block }),
        ]
    }

    fn any_answer() -> impl Strategy<Value = Result<Option<TrunkInfo>, Status>> {
        prop_oneof![
            any_block().prop_map(|block| Ok(Some(block))),
            Just(Ok(None)),
            (1..=255u8).prop_map(|s| Err(Status(s)))
        ]
    }

    proptest! {
        #[test]
        fn batches_and_answers_round_trip(
            asks in proptest::collection::vec(any_ask(), 0..9),
            answers in proptest::collection::vec(any_answer(), 0..9),
        ) {
            let batch = TrunkBatch { group: "g".parse().unwrap(), asks };
            let bytes = batch.to_bytes();
            prop_assert!((0..bytes.len()).all(|len| TrunkBatch::from_bytes(&bytes[..len]).is_err()));
            prop_assert_eq!(TrunkBatch::from_bytes(&bytes), Ok(batch));
            let answer = TrunkBatchAnswer { answers };
            let bytes = answer.to_bytes();
            prop_assert!((0..bytes.len()).all(|len| TrunkBatchAnswer::from_bytes(&bytes[..len]).is_err()));
            prop_assert_eq!(TrunkBatchAnswer::from_bytes(&bytes), Ok(answer));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = TrunkBatch::from_bytes(&bytes);
            let _ = TrunkBatchAnswer::from_bytes(&bytes);
        }
    }

    #[test]
    fn the_largest_batch_fits_its_limit() {
        let block = TrunkInfo::from_bytes(&[1; TrunkInfo::LEN]).unwrap();
        let asks = vec![TrunkAsk::Confirm { block, status: Status::OK }; TrunkBatch::MAX];
        assert_eq!(TrunkBatch { group: "g".parse().unwrap(), asks }.to_bytes().len(), TrunkBatch::MAX_BYTES);
        let answers = vec![Ok(Some(block)); TrunkBatch::MAX];
        assert!(TrunkBatchAnswer { answers }.to_bytes().len() <= TrunkBatch::MAX_BYTES);
    }
}
