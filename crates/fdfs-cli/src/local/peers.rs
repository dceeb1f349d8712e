//! The same files on the other storages of the group.

use std::net::{IpAddr, SocketAddr, TcpListener};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use fdfs_client::{Client, FileInfo, GroupName, InfoFlags};
use fdfs_proto::Status;
use fdfs_proto::shared::StorageStatus;
use tokio::runtime::Runtime;

use super::found::{Found, What};
use crate::exit::failure;

/// The other storages of the group.
#[derive(Debug)]
pub(super) struct Peers {
    client: Client,
    addrs: Vec<SocketAddr>,
    /// Files that were changed after this time may be on their way; unix seconds.
    settled_before: i64,
    runtime: Runtime,
}

impl Peers {
    /// Asks the trackers who they are. `own_port` and `bind_ips` (empty: all of this machine) tell which storage is this
    /// one.
    ///
    /// # Errors
    /// The trackers cannot be asked, or there is no other storage.
    pub(super) fn find(
        client: Client,
        group: GroupName,
        own_port: u16,
        bind_ips: &[IpAddr],
        grace_secs: u32,
    ) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let records = runtime.block_on(client.storages(group, None)).context("who are the other storages?")?;
        let mut addrs = Vec::new();
        for record in records.iter().filter(|record| record.status == StorageStatus::Active) {
            let Ok(ip) = record.ip.as_str().parse::<IpAddr>() else { continue };
            let is_own_ip = if bind_ips.is_empty() { is_of_this_machine(ip) } else { bind_ips.contains(&ip) };
            if !(is_own_ip && record.port == own_port) {
                addrs.push(SocketAddr::new(ip, record.port));
            }
        }
        if addrs.is_empty() {
            return Err(failure(
                Status::ENOENT,
                format!("{group} has no other ACTIVE storage to compare with: see fdfs monitor, or leave --peers out"),
            ));
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let settled_before = i64::try_from(now).unwrap_or(i64::MAX).saturating_sub(grace_secs.into());
        Ok(Self { client, addrs, settled_before, runtime })
    }

    /// Asks all of them for a file. How many were asked, and what is different there.
    pub(super) fn compare(&self, file: &Found, bytes: u64, crc32: u32) -> (u64, Vec<String>) {
        if file.named.max(file.changed) >= self.settled_before {
            return (0, Vec::new());
        }
        let ask = |&addr| async move { (addr, self.client.file_info_of(addr, &file.id, InfoFlags::default()).await) };
        let mut problems = Vec::new();
        for addr in &self.addrs {
            match self.runtime.block_on(ask(addr)) {
                (_, Ok(info)) => {
                    problems.extend(difference(&info, file, bytes, crc32).map(|why| format!("{addr} {why}")));
                }
                // Deleted while we were asking: then it is gone here, too.
                (_, Err(error)) if error.is_not_found() && is_gone(file) => return (0, Vec::new()),
                (_, Err(error)) if error.is_not_found() => problems.push(format!("{addr} does not have it")),
                (_, Err(error)) => problems.push(format!("{addr} cannot be asked: {error}")),
            }
        }
        (self.addrs.len() as u64, problems)
    }
}

/// How the file there differs from the one here.
fn difference(there: &FileInfo, here: &Found, bytes: u64, crc32: u32) -> Option<String> {
    // Links have the size of their targets, and the CRC-32 of their names is random.
    if there.size_bytes != bytes {
        return Some(format!("has {} bytes of it, here are {bytes}", there.size_bytes));
    }
    let theirs = there.crc32.filter(|_| here.what != What::Link)?;
    (theirs != crc32).then(|| format!("has it with CRC-32 {theirs:08x}, here it is {crc32:08x}"))
}

/// Whether it is not in its place any more.
fn is_gone(file: &Found) -> bool {
    match file.slot_offset {
        None => file.path.symlink_metadata().is_err(),
        Some(_) => super::content::Reader::new().check(file).is_err(),
    }
}

/// Whether an address is one of this machine's.
fn is_of_this_machine(ip: IpAddr) -> bool {
    TcpListener::bind((ip, 0)).is_ok()
}
