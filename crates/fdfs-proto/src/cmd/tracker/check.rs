//! Checks and example values that the tests of all bodies share.

use std::fmt::Debug;

use proptest::prelude::*;

use crate::cmd::tracker::{HostAddrs, HostPort};
use crate::shared::{StorageBrief, StorageStat, StorageStatus};
use crate::{FileName, GroupName, IpText, StorageId, VersionText, Wire, WireError};

/// A body of one length: `value` and `bytes` are the same, and every other length is refused.
pub(super) fn fixed<T: Wire + PartialEq + Debug>(value: &T, bytes: &[u8]) {
    variable(value, bytes, &[]);
    assert!(T::from_bytes(&[bytes, &[0]].concat()).is_err(), "one byte more");
}

/// A body of several lengths: `value` and `bytes` are the same, and cuts are refused unless they are in `legal_cuts`.
pub(super) fn variable<T: Wire + PartialEq + Debug>(value: &T, bytes: &[u8], legal_cuts: &[usize]) {
    assert_eq!(value.to_bytes(), bytes);
    assert_eq!(T::from_bytes(bytes).as_ref(), Ok(value));
    cuts(T::from_bytes, bytes, legal_cuts);
}

/// Every shorter body is refused unless its length is in `legal`, and nothing panics.
pub(super) fn cuts<T: Debug>(decode: impl Fn(&[u8]) -> Result<T, WireError>, bytes: &[u8], legal: &[usize]) {
    for len in 0..bytes.len() {
        let read = decode(&bytes[..len]);
        assert_eq!(read.is_ok(), legal.contains(&len), "cut at {len}: {read:?}");
    }
}

/// A body of `len` zeros with `parts` written over it at their offsets.
pub(super) fn laid_out(len: usize, parts: &[(usize, &[u8])]) -> Vec<u8> {
    let mut bytes = vec![0; len];
    for (at, part) in parts {
        bytes[*at..at + part.len()].copy_from_slice(part);
    }
    bytes
}

/// The value comes back from its bytes.
pub(super) fn round_trip<T: Wire + PartialEq + Debug>(value: &T) {
    assert_eq!(T::from_bytes(&value.to_bytes()).as_ref(), Ok(value));
}

pub(super) fn group() -> impl Strategy<Value = GroupName> {
    "[A-Za-z0-9]{1,16}".prop_map(|text| text.parse().unwrap())
}

pub(super) fn id() -> impl Strategy<Value = StorageId> {
    "[!-~]{1,15}".prop_map(|text| text.parse().unwrap())
}

pub(super) fn maybe_id() -> impl Strategy<Value = StorageId> {
    "[!-~]{0,15}".prop_map(|text| text.parse().unwrap())
}

pub(super) fn ipv4() -> impl Strategy<Value = IpText> {
    any::<std::net::Ipv4Addr>().prop_map(|ip| ip.to_string().parse().unwrap())
}

pub(super) fn ip() -> impl Strategy<Value = IpText> {
    any::<std::net::IpAddr>().prop_map(|ip| ip.to_string().parse().unwrap())
}

pub(super) fn version() -> impl Strategy<Value = VersionText> {
    "[0-9.]{0,8}".prop_map(|text| text.parse().unwrap())
}

pub(super) fn file_name() -> impl Strategy<Value = FileName> {
    "[!-~]{22,127}".prop_map(|text| text.parse().unwrap())
}

pub(super) fn host() -> impl Strategy<Value = HostPort> {
    (ip(), 1..=u16::MAX).prop_map(|(ip, port)| HostPort { ip, port })
}

pub(super) fn addrs() -> impl Strategy<Value = HostAddrs> {
    (ip(), proptest::option::of(ip())).prop_map(|(first, second)| HostAddrs { first, second })
}

pub(super) fn status() -> impl Strategy<Value = StorageStatus> {
    proptest::sample::select(StorageStatus::ALL.to_vec())
}

pub(super) fn brief() -> impl Strategy<Value = StorageBrief> {
    (status(), any::<u32>(), maybe_id(), ip()).prop_map(|(status, port, id, ip)| StorageBrief { status, port, id, ip })
}

pub(super) fn stat() -> impl Strategy<Value = StorageStat> {
    proptest::collection::vec(any::<u8>(), StorageStat::LEN).prop_map(|bytes| StorageStat::from_bytes(&bytes).unwrap())
}

/// A size or count as the wire can carry it.
pub(super) fn size() -> impl Strategy<Value = u64> {
    0..=i64::MAX as u64
}
