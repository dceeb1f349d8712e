//! What users do with files, through the client library.

use fdfs_client::{ByteRange, DownloadOptions, FileId, InfoFlags, MetaMode, Metadata, UploadOptions};
use fdfs_testkit::{Cluster, RawReply, wait_for};

fn ext(ext: &str) -> UploadOptions {
    UploadOptions::new().ext(ext.parse().unwrap())
}

fn content(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 7 + i / 251) as u8).collect()
}

#[test]
fn a_file_is_uploaded_downloaded_described_and_deleted() {
    let cluster = Cluster::small();
    let client = cluster.client();
    cluster.block_on(async {
        // Empty, small, just around a buffer, and more than several buffers.
        for len in [0, 1, 4096, 262_143, 262_144, 262_145, 3_000_000] {
            let bytes = content(len);
            let id = client.upload(&bytes, &ext("bin")).await.unwrap();
            assert_eq!(client.query_fetch(&id).await.unwrap().group, id.group);
            let info = client.file_info_from_server(&id, InfoFlags::default()).await.unwrap();
            assert_eq!(info.size_bytes, len as u64);
            assert_eq!(client.download(&id).await.unwrap(), bytes, "{len} bytes");
            client.delete(&id).await.unwrap();
            assert!(client.delete(&id).await.unwrap_err().is_not_found());
            assert!(client.download(&id).await.unwrap_err().is_not_found());
            assert!(!client.exists(&id).await.unwrap());
        }
    });
}

#[test]
fn ranges_of_a_file_are_downloaded() {
    let cluster = Cluster::small();
    let client = cluster.client();
    cluster.block_on(async {
        let bytes = content(500_000);
        let id = client.upload(&bytes, &ext("bin")).await.unwrap();
        for (from, to) in [(0, 1), (0, 10), (262_140, 262_150), (499_999, 500_000), (1, 499_999)] {
            let range = from as u64..to as u64;
            assert_eq!(client.download_range(&id, range).await.unwrap(), bytes[from..to], "{from} to {to}");
        }
        assert_eq!(client.download_range(&id, 499_000..).await.unwrap(), bytes[499_000..]);
        assert!(client.download_range(&id, 500_000..).await.is_err());
    });
}

#[test]
fn a_file_goes_from_disk_to_disk() {
    let cluster = Cluster::small();
    let client = cluster.client();
    let (from, to) = (cluster.scratch().join("from.tar.gz"), cluster.scratch().join("to"));
    std::fs::write(&from, content(1_000_000)).unwrap();
    cluster.block_on(async {
        let id = client.upload_file(&from, &UploadOptions::new()).await.unwrap();
        assert!(id.to_string().ends_with(".tar.gz"), "{id}");
        client.download_to(&id, &to, &DownloadOptions::new()).await.unwrap();
    });
    assert_eq!(std::fs::read(&to).unwrap(), content(1_000_000));
}

#[test]
fn metadata_are_set_merged_and_go_with_their_file() {
    let cluster = Cluster::small();
    let client = cluster.client();
    let pairs =
        |metadata: &Metadata| metadata.texts().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>();
    cluster.block_on(async {
        let first = Metadata::default().with("width", "160").with("author", "anna");
        let id = client.upload(b"picture", &ext("jpg").metadata(first)).await.unwrap();
        assert_eq!(pairs(&client.metadata(&id).await.unwrap()), ["author=anna", "width=160"]);
        let more = Metadata::default().with("width", "80").with("height", "40");
        client.set_metadata(&id, &more, MetaMode::Merge).await.unwrap();
        assert_eq!(pairs(&client.metadata(&id).await.unwrap()), ["author=anna", "height=40", "width=80"]);
        client.set_metadata(&id, &more, MetaMode::Overwrite).await.unwrap();
        assert_eq!(pairs(&client.metadata(&id).await.unwrap()), ["height=40", "width=80"]);
        client.delete(&id).await.unwrap();
        assert!(client.metadata(&id).await.is_err());
    });
    let path = cluster.storages[0].plan.store_paths[0].join("data/00/00");
    assert_eq!(std::fs::read_dir(path).unwrap().count(), 0, "neither file nor metadata is left");
}

#[test]
fn a_restart_of_everything_keeps_files_metadata_and_ids() {
    let mut cluster = Cluster::builder().group("group1", 1).group("group2", 1).store_paths(2).start();
    let metadata = Metadata::default().with("a", "1");
    let ids: Vec<FileId> = cluster.block_on(async {
        let mut ids = Vec::new();
        for i in 0..24 {
            let group = if i % 2 == 0 { "group1" } else { "group2" };
            let options = ext("txt").group(group.parse().unwrap()).metadata(metadata.clone());
            ids.push(cluster.client().upload(&content(i * 1000 + 1), &options).await.unwrap());
        }
        ids
    });
    for _ in 0..2 {
        cluster.restart_all();
        cluster.block_on(async {
            for (i, id) in ids.iter().enumerate() {
                assert_eq!(cluster.client().download(id).await.unwrap(), content(i * 1000 + 1), "{id}");
                assert_eq!(cluster.client().metadata(id).await.unwrap().get("a"), Some(&b"1"[..]), "{id}");
            }
        });
    }
    let groups: std::collections::BTreeSet<_> = ids.iter().map(|id| id.group).collect();
    assert_eq!(groups.len(), 2, "both groups were used");
    let paths: std::collections::BTreeSet<_> = ids.iter().map(|id| id.name.as_str()[..3].to_owned()).collect();
    assert_eq!(paths.into_iter().collect::<Vec<_>>(), ["M00", "M01"], "both store paths were used");
}

#[test]
fn groups_take_turns_and_each_serves_its_own_files() {
    let cluster = Cluster::builder().group("group1", 1).group("group2", 1).start();
    let client = cluster.client();
    cluster.block_on(async {
        let mut counts = std::collections::BTreeMap::new();
        for _ in 0..20 {
            let id = client.upload(b"turn", &ext("txt")).await.unwrap();
            *counts.entry(id.group.to_string()).or_insert(0) += 1;
            assert_eq!(client.download(&id).await.unwrap(), b"turn");
        }
        assert_eq!(counts.into_iter().collect::<Vec<_>>(), [("group1".to_owned(), 10), ("group2".to_owned(), 10)]);
    });
}

#[test]
fn both_storages_of_a_group_take_uploads_and_serve_them() {
    let cluster = Cluster::builder().group("group1", 2).start();
    let client = cluster.client();
    let mut sources = std::collections::BTreeSet::new();
    for i in 0..10 {
        let bytes = content(1000 + i);
        cluster.block_on(async {
            let id = client.upload(&bytes, &ext("txt")).await.unwrap();
            sources.insert(client.query_update(&id).await.unwrap().server.ip);
            assert_eq!(client.download(&id).await.unwrap(), bytes);
        });
    }
    assert_eq!(sources.len(), 2, "uploads went to {sources:?}");
}

#[test]
fn many_clients_at_once_get_what_they_stored() {
    let cluster = Cluster::builder().group("group1", 2).start();
    cluster.block_on(async {
        let tasks: Vec<_> = (0..16)
            .map(|task: usize| {
                let client = cluster.client().clone();
                tokio::spawn(async move {
                    for i in 0..25 {
                        let bytes = content(task * 1000 + i);
                        let id = client.upload(&bytes, &ext("txt")).await.unwrap();
                        assert_eq!(client.download(&id).await.unwrap(), bytes);
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    let stored = |i: usize| cluster.record(&cluster.storages[i]).map_or(0, |record| record.stat.upload_count.success);
    wait_for("400 uploads to be reported", || (stored(0) + stored(1) == 400).then_some(()));
}

#[test]
fn a_range_says_what_it_is() {
    assert_eq!(ByteRange::of(5..10), ByteRange::of(5..=9));
}

#[test]
fn new_9_only_valid_records_of_metadata_are_kept() {
    let cluster = Cluster::small();
    let client = cluster.client();
    let id = cluster.block_on(client.upload(b"described", &UploadOptions::new())).unwrap();
    let sent = [&b"good\x021\x01no separator\x01"[..], &[b'n'; 70], b"\x02v\x01last\x02", &[b'v'; 300]].concat();
    let mut body = Vec::new();
    body.extend_from_slice(&(id.name.as_str().len() as u64).to_be_bytes());
    body.extend_from_slice(&(sent.len() as u64).to_be_bytes());
    body.push(b'O');
    body.extend_from_slice(&[id.group.as_str().as_bytes(), &[0; 10]].concat()[..16]);
    body.extend_from_slice(id.name.as_str().as_bytes());
    body.extend_from_slice(&sent);
    let storage = (0..cluster.storages.len()).find(|&i| cluster.to_storage(i).ask(13, &body).status() == Some(0));
    let mut asked = [id.group.as_str().as_bytes(), &[0; 10]].concat()[..16].to_vec();
    asked.extend_from_slice(id.name.as_str().as_bytes());
    let answer = cluster.to_storage(storage.unwrap()).ask(15, &asked);
    let kept = [&b"good\x021\x01last\x02"[..], &[b'v'; 256], b"\x01", &[b'n'; 64], b"\x02v"].concat();
    assert_eq!(answer, RawReply::Whole { status: 0, body: kept });
}
