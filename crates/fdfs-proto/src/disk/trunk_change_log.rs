//! `trunk_server_change.log`: a tracker's log of who manages the trunk files of each group. Written, never read.

use super::local_time::LocalTime;
use super::number::put_unsigned;
use crate::{GroupName, IpText, StorageId};

/// A storage as the log names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrunkServer {
    /// Its id, which is its address where there are no storage ids.
    pub id: StorageId,
    /// Its address and port; `None` if the tracker does not know the storage any more.
    pub address: Option<(IpText, u16)>,
}

/// One line, `[YYYY-MM-DD hh:mm:ss] <group>  <old>  =>  <new>\n`.
///
/// A storage is `ip:port`, or `id/ip:port` with storage ids (IPv6 without brackets); one that is not known any more is
/// its id alone; no storage is `-`, or `-/-` with storage ids.
///
/// Source: disk formats, D.5.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrunkServerChange {
    /// When.
    pub time: LocalTime,
    /// The group.
    pub group: GroupName,
    /// Who it was.
    pub old: Option<TrunkServer>,
    /// Who it is.
    pub new: Option<TrunkServer>,
    /// Whether the cluster has storage ids.
    pub use_storage_id: bool,
}

impl TrunkServerChange {
    /// Appends the line with its newline.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(b'[');
        self.time.put_log(out);
        out.extend_from_slice(b"] ");
        out.extend_from_slice(self.group.as_bytes());
        out.extend_from_slice(b"  ");
        self.put_server(out, self.old);
        out.extend_from_slice(b"  =>  ");
        self.put_server(out, self.new);
        out.push(b'\n');
    }

    fn put_server(&self, out: &mut Vec<u8>, server: Option<TrunkServer>) {
        let Some(TrunkServer { id, address }) = server else {
            return out.extend_from_slice(if self.use_storage_id { b"-/-" } else { b"-" });
        };
        let Some((ip, port)) = address else {
            return out.extend_from_slice(id.as_bytes());
        };
        if self.use_storage_id {
            out.extend_from_slice(id.as_bytes());
            out.push(b'/');
        }
        out.extend_from_slice(ip.as_bytes());
        out.push(b':');
        put_unsigned(out, port.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::local_time::EXAMPLE;

    fn server(id: &str, ip: &str) -> Option<TrunkServer> {
        Some(TrunkServer { id: id.parse().unwrap(), address: Some((ip.parse().unwrap(), 23000)) })
    }

    #[test]
    fn storages_are_named_with_and_without_ids() {
        let unknown = Some(TrunkServer { id: "10.78.2.9".parse().unwrap(), address: None });
        for (old, new, use_storage_id, line) in [
            (None, server("10.78.2.11", "10.78.2.11"), false, "group1  -  =>  10.78.2.11:23000"),
            (None, server("100001", "fd00:78::11"), true, "group1  -/-  =>  100001/fd00:78::11:23000"),
            (unknown, None, false, "group1  10.78.2.9  =>  -"),
        ] {
            let mut out = Vec::new();
            TrunkServerChange { time: EXAMPLE, group: "group1".parse().unwrap(), old, new, use_storage_id }
                .encode(&mut out);
            assert_eq!(String::from_utf8(out).unwrap(), format!("[2026-11-20 09:05:39] {line}\n"));
        }
    }
}
