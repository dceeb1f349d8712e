//! `fdfs dev --try FILE`: one file through the whole cluster.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use fdfs_client::{Client, DownloadOptions, FileId, UploadOptions};
use fdfs_proto::Status;
use tokio_util::sync::CancellationToken;

use super::cluster::Cluster;
use crate::exit::failure;

/// How long the other storages may take to have the file.
const REPLICA_PATIENCE: Duration = Duration::from_secs(10);
/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(2);

/// Uploads the file, downloads it, and compares. Gives what to tell about it.
pub(crate) fn run(cluster: &Cluster, file: &Path, cancel: &CancellationToken) -> anyhow::Result<String> {
    let client = cluster.client()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let (id, size_bytes) = runtime.block_on(async {
        tokio::select! {
            done = there_and_back(&client, file) => done,
            () = cancel.cancelled() => Err(failure(Status::EINTR, "interrupted")),
        }
    })?;
    let mut text = format!("{id}\n{size_bytes} bytes stored, read back and compared: the same\n");
    let copies = copies_on_disk(cluster, &id, cancel)?;
    if copies.is_empty() {
        return Err(failure(Status::ENOENT, format!("{id} was read back, but no storage has it on its disk")));
    }
    for copy in copies {
        text.push_str(&copy);
        text.push('\n');
    }
    Ok(text)
}

async fn there_and_back(client: &Client, file: &Path) -> anyhow::Result<(FileId, u64)> {
    let id = client.upload_file(file, &UploadOptions::new()).await.context("upload")?;
    let dir = tempfile::tempdir().context("make a temporary directory")?;
    let copy = dir.path().join("copy");
    let size_bytes = client.download_to(&id, &copy, &DownloadOptions::new()).await.context("download")?;
    let open = |path: &Path| File::open(path).with_context(|| path.display().to_string());
    if !is_same(open(file)?, open(&copy)?).context("compare")? {
        return Err(failure(Status::EIO, format!("{id}: what came back differs from {}", file.display())));
    }
    Ok((id, size_bytes))
}

/// Whether two files hold the same bytes.
fn is_same(left: impl Read, right: impl Read) -> io::Result<bool> {
    let (mut left, mut right) = (BufReader::new(left).bytes(), BufReader::new(right).bytes());
    loop {
        match (left.next().transpose()?, right.next().transpose()?) {
            (None, None) => return Ok(true),
            (one, other) if one == other => {}
            _ => return Ok(false),
        }
    }
}

/// A line for each storage that has the file; replicas are waited for.
fn copies_on_disk(cluster: &Cluster, id: &FileId, cancel: &CancellationToken) -> anyhow::Result<Vec<String>> {
    let name = id.logic_name()?;
    let deadline = Instant::now() + REPLICA_PATIENCE;
    loop {
        let copies = cluster.storages().iter().filter_map(|storage| {
            let path = storage.dir.join("data").join(name.true_name());
            path.is_file().then(|| format!("on storage {}: {}", storage.addr(), path.display()))
        });
        let copies: Vec<_> = copies.collect();
        if copies.len() == cluster.storages().len() || Instant::now() > deadline || cancel.is_cancelled() {
            return Ok(copies);
        }
        std::thread::sleep(PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_the_same_only_in_every_byte() {
        let same = |left: &[u8], right: &[u8]| is_same(left, right).unwrap();
        assert!(same(b"", b""));
        assert!(same(b"abc", b"abc"));
        assert!(!same(b"abc", b"abd"));
        assert!(!same(b"abc", b"ab"));
        assert!(!same(b"", b"a"));
    }
}
