//! `fdfs admin drain` and `undrain`: each storage is told itself, and keeps it over restarts.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use anyhow::Context as _;
use fdfs_client::{Client, StorageRecord};
use fdfs_net::{CallOptions, Caller};
use fdfs_proto::ours::Drain;
use fdfs_proto::shared::StorageStatus;
use fdfs_proto::{Command, GroupName, Status, Wire as _};
use serde_json::json;

use super::DrainArgs;
use crate::exit::failure;
use crate::monitor::text::host_port;
use crate::out;

/// How long a storage may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest answer of a tracker.
const ANSWER_MAX_BYTES: usize = 1 << 20;

pub(super) async fn run(args: DrainArgs, drained: bool) -> anyhow::Result<()> {
    let client = args.how.connect.client()?;
    let storages = storages(&client, &args).await?;
    let what = |storage: &StorageRecord| match args.store_path {
        Some(index) => format!("store path {index} of storage {} of {}", storage.id, args.group),
        None => format!("storage {} of {}", storage.id, args.group),
    };
    let mut warnings = Vec::new();
    if drained {
        warnings.extend(warning(&client, args.group, &storages, args.store_path).await?);
        // A drained store path has no free space, which they understand.
        if args.store_path.is_none() {
            warnings.extend(reference_trackers(&client).await);
        }
    }
    for warning in &warnings {
        eprintln!("fdfs: {warning}");
    }
    for storage in &storages {
        if !args.how.dry_run {
            tell(storage, Drain { store_path: args.store_path, drained }).await.with_context(|| what(storage))?;
        }
        if !args.how.json {
            let would = if args.how.dry_run { "would be told: " } else { "" };
            let does = if drained { "takes no new uploads" } else { "takes uploads again" };
            out::line(&format!("{would}{} {does}", what(storage)));
        }
    }
    if args.how.json {
        let ids: Vec<_> = storages.iter().map(|storage| storage.id.as_str().to_owned()).collect();
        let answer = json!({
            "group": args.group.as_str(),
            "storages": ids,
            "store_path": args.store_path,
            "drained": drained,
            "dry_run": args.how.dry_run,
            "warnings": warnings,
        });
        out::line(&answer.to_string());
    }
    Ok(())
}

/// The storages that are meant; each must be there to be told.
async fn storages(client: &Client, args: &DrainArgs) -> anyhow::Result<Vec<StorageRecord>> {
    let mut storages = client.storages(args.group, args.id).await.context("list the storages")?;
    storages.retain(|storage| !matches!(storage.status, StorageStatus::Deleted | StorageStatus::IpChanged));
    if storages.is_empty() {
        return Err(failure(Status::ENOENT, format!("group {} has no such storage: see fdfs monitor", args.group)));
    }
    for storage in &storages {
        if let Some(index) = args.store_path.filter(|&index| usize::from(index) >= storage.store_path_count as usize) {
            let (id, count) = (storage.id, storage.store_path_count);
            return Err(failure(
                Status::EINVAL,
                format!("storage {id} has {count} store paths, none has index {index}"),
            ));
        }
    }
    Ok(storages)
}

/// What an administrator should hear before no storage takes uploads any more.
async fn warning(
    client: &Client,
    group: GroupName,
    drained: &[StorageRecord],
    store_path: Option<u8>,
) -> anyhow::Result<Option<String>> {
    if store_path.is_some_and(|_| drained.iter().any(|storage| storage.store_path_count > 1)) {
        return Ok(None);
    }
    let all = client.storages(group, None).await.context("list the storages")?;
    let takes = |storage: &&StorageRecord| storage.status == StorageStatus::Active && storage.rw_mode.can_write();
    let left = all.iter().filter(takes).any(|storage| drained.iter().all(|other| other.id != storage.id));
    Ok((!left).then(|| format!("no storage of {group} takes uploads then: clients that ask for this group get errors")))
}

/// Trackers of the reference are not told by anybody that a storage is drained.
async fn reference_trackers(client: &Client) -> Option<String> {
    let mut found = Vec::new();
    for tracker in client.trackers() {
        let Ok(addrs) = tracker.addrs().await else { continue };
        let Some(addr) = addrs.first() else { continue };
        if is_reference(*addr).await {
            found.push(tracker.to_string());
        }
    }
    let them = found.join(", ");
    (!found.is_empty()).then(|| {
        format!(
            "{them} is a tracker of the reference and knows nothing of draining: it goes on sending uploads to the drained \
             storage, which takes them; use rw=read in storage_ids.conf there, or replace the tracker first"
        )
    })
}

/// Whether a tracker does not know a command of ours. One that gives no answer is not called names.
async fn is_reference(addr: SocketAddr) -> bool {
    let options = CallOptions { connect_timeout: PATIENCE, network_timeout: PATIENCE, bind: None };
    let Ok(mut caller) = Caller::connect(addr, &options).await else { return false };
    let answer = caller.call(Command::SelfReport, 0, &[], ANSWER_MAX_BYTES).await;
    answer.is_ok_and(|answer| answer.status == Status::EINVAL)
}

async fn tell(storage: &StorageRecord, drain: Drain) -> anyhow::Result<()> {
    let host = host_port(storage.ip.as_str(), storage.port);
    let ip: IpAddr = storage.ip.as_str().parse().with_context(|| format!("{host} is no address"))?;
    let options = CallOptions { connect_timeout: PATIENCE, network_timeout: PATIENCE, bind: None };
    let mut caller = Caller::connect(SocketAddr::new(ip, storage.port), &options).await?;
    match caller.call(Command::Drain, 0, &drain.to_bytes(), 0).await?.status {
        Status::OK => Ok(()),
        Status::EINVAL => Err(failure(
            Status::EOPNOTSUPP,
            format!(
                "{host} is a storage of the reference, which cannot be drained: with storage ids give it rw=read in \
                 storage_ids.conf and restart the trackers"
            ),
        )),
        status => Err(failure(status, format!("{host} answers {status}"))),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use fdfs_proto::{HEADER_LEN, Header};

    use super::*;

    /// A server that gives this status to whatever it is asked, once.
    fn answering(status: u8) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.read_exact(&mut [0; HEADER_LEN]).unwrap();
            stream.write_all(&Header { body_len: 0, command: 100, status }.to_bytes()).unwrap();
        });
        addr
    }

    #[tokio::test]
    async fn a_tracker_that_does_not_know_the_command_is_named() {
        assert!(is_reference(answering(22)).await);
        assert!(!is_reference(answering(0)).await);
        let addr = answering(22);
        let client = Client::builder().tracker(&addr.to_string()).build().unwrap();
        let warning = reference_trackers(&client).await.unwrap();
        assert!(warning.starts_with(&format!("{addr} is a tracker of the reference")), "{warning}");
    }
}
