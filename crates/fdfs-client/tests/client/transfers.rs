//! What goes up comes down.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use fdfs_client::{
    ByteRange, ClientError, DownloadOptions, FileId, MetaMode, Metadata, Progress, Status, UploadOptions,
};
use fdfs_proto::file_id::NewKind;
use fdfs_proto::shared::AddrSize;

use crate::fake::{Cluster, Mood, id_of};

/// More than a few pieces, and no multiple of one.
pub(crate) fn big() -> Vec<u8> {
    (0..1_500_007u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

#[tokio::test]
async fn bytes_files_and_streams_come_back_whole() {
    let cluster = Cluster::start(1).await;
    let client = cluster.client();
    let dir = tempfile::tempdir().unwrap();
    for content in [big(), b"x".to_vec(), vec![7; 64 * 1024], vec![8; 64 * 1024 + 1]] {
        let path = dir.path().join("two.tar.gz");
        std::fs::write(&path, &content).unwrap();
        let options = UploadOptions::new();
        let ids = [
            client.upload(&content, &options).await.unwrap(),
            client.upload_file(&path, &options).await.unwrap(),
            client.upload_reader(content.as_slice(), content.len() as u64, &options).await.unwrap(),
        ];
        for id in ids {
            assert_eq!(client.download(&id).await.unwrap(), content);
        }
        assert!(ids[1].to_string().ends_with(".tar.gz"), "{}", ids[1]);
    }
    // One connection to each server was enough but for streams, which take a new one.
    assert_eq!((cluster.tracker.server.accepted(), cluster.storages[0].server.accepted()), (1, 5));
}

#[tokio::test]
async fn wide_addresses_are_understood() {
    let cluster = Cluster::start(3).await;
    cluster.tracker.set(|t| t.addr_size = AddrSize::V6);
    let client = cluster.client();
    let id = client.upload(b"hello", &UploadOptions::new()).await.unwrap();
    for storage in &cluster.storages {
        storage.put(id, b"hello");
        storage.set(|s| s.addr_size = AddrSize::V6);
    }
    assert_eq!(client.download(&id).await.unwrap(), b"hello");
    assert_eq!(client.query_fetch_all(&id).await.unwrap().servers.len(), 3);
    assert_eq!(client.query_store_all(None).await.unwrap().servers.len(), 3);
    assert!(client.file_info_from_server(&id, Default::default()).await.unwrap().from_server);
    assert_eq!(client.storages("group1".parse().unwrap(), None).await.unwrap().len(), 3);
}

#[tokio::test]
async fn the_head_of_an_upload_says_what_the_options_say() {
    let cluster = Cluster::start(1).await;
    cluster.tracker.set(|t| t.store_path_index = 3);
    let client = cluster.client();
    let storage = &cluster.storages[0];
    let plain = UploadOptions::new();
    client.upload(b"a", &plain).await.unwrap();
    client.upload(b"a", &plain.clone().store_path_index(1).ext("c".parse().unwrap())).await.unwrap();
    client.upload(b"a", &plain.clone().storage(storage.server.addr)).await.unwrap();
    client.upload(b"a", &plain.clone().storage(storage.server.addr).store_path_index(2)).await.unwrap();
    client.upload(b"a", &plain.group("group1".parse().unwrap())).await.unwrap();
    let heads = storage.set(|s| s.uploads.clone());
    let paths: Vec<_> = heads.iter().map(|head| head.store_path).collect();
    assert_eq!(paths, [Some(3), Some(1), None, Some(2), Some(3)]);
    assert_eq!(heads[1].ext.as_str(), "c");
    let asked: Vec<u8> = cluster.tracker.asked().iter().map(|c| c.number()).collect();
    assert_eq!(asked, [101, 101, 104], "no tracker is asked for a storage that is given");
}

#[tokio::test]
async fn metadata_is_set_merged_and_read() {
    let cluster = Cluster::start(1).await;
    let client = cluster.client();
    let first = Metadata::new().with("width", "160").with("height", "80");
    let id = client.upload(b"a", &UploadOptions::new().metadata(first)).await.unwrap();
    client.set_metadata(&id, &Metadata::new().with("width", "5"), MetaMode::Merge).await.unwrap();
    let texts: Vec<_> = client.metadata(&id).await.unwrap().texts().collect();
    assert_eq!(texts, [("height".into(), "80".into()), ("width".into(), "5".into())]);
    client.set_metadata(&id, &Metadata::new(), MetaMode::Overwrite).await.unwrap();
    assert!(client.metadata(&id).await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn an_upload_whose_metadata_fails_is_deleted_again() {
    let cluster = Cluster::start(1).await;
    let client = cluster.client();
    let bad = Metadata::new().with("a\0", "b");
    let error = client.upload(b"a", &UploadOptions::new().metadata(bad)).await.unwrap_err();
    assert!(matches!(error, ClientError::BadMetadata { .. }));
    assert_eq!(cluster.storages[0].asked(), [], "bad metadata is known before anything is sent");
}

#[tokio::test]
async fn ranges_give_what_there_is() {
    let cluster = Cluster::start(1).await;
    let client = cluster.client();
    let content = big();
    let id = client.upload(&content, &UploadOptions::new()).await.unwrap();
    let end = content.len() as u64;
    assert_eq!(client.download_range(&id, 10..30).await.unwrap(), content[10..30]);
    assert_eq!(client.download_range(&id, end - 10..).await.unwrap(), content[content.len() - 10..]);
    assert_eq!(client.download_range(&id, end - 10..end + 90).await.unwrap(), content[content.len() - 10..]);
    assert_eq!(client.download_range(&id, ..1_000_000).await.unwrap(), content[..1_000_000]);
    assert_eq!(client.download_range(&id, 5..5).await.unwrap(), b"");
    for range in [end..end + 1, 1 << 40..1 << 41] {
        let error = client.download_range(&id, range).await.unwrap_err();
        assert_eq!(error.status(), Status::EINVAL, "{error}");
    }
}

#[tokio::test]
async fn w16_empty_files_come_down_although_storages_refuse_to_send_nothing() {
    let cluster = Cluster::start(1).await;
    let client = cluster.client();
    let empty = client.upload(b"", &UploadOptions::new()).await.unwrap();
    assert_eq!(client.download(&empty).await.unwrap(), b"");
    let appender = id_of(b"", NewKind::Appender, "log");
    cluster.storages[0].put(appender, b"");
    assert_eq!(client.download(&appender).await.unwrap(), b"");
    // A missing one stays missing.
    client.delete(&empty).await.unwrap();
    assert!(client.download(&empty).await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn a_local_file_appears_when_it_is_whole_and_nothing_stays_of_a_failure() {
    let cluster = Cluster::start(1).await;
    let client = cluster.client();
    let dir = tempfile::tempdir().unwrap();
    let names = || -> Vec<_> {
        std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    let content = big();
    let id = client.upload(&content, &UploadOptions::new()).await.unwrap();
    let path = dir.path().join("out");
    let options = DownloadOptions::new();
    assert_eq!(client.download_to(&id, &path, &options).await.unwrap(), content.len() as u64);
    assert_eq!(std::fs::read(&path).unwrap(), content);
    assert_eq!(names(), ["out"]);

    let part = options.clone().range(ByteRange::of(3..7));
    assert_eq!(client.download_to(&id, &path, &part).await.unwrap(), 4);
    assert_eq!(std::fs::read(&path).unwrap(), &content[3..7]);

    for mood in [Mood::Refuses(Status::ENOENT), Mood::CutsAfter(600_000), Mood::Damages] {
        cluster.storages[0].is(mood);
        client.download_to(&id, &path, &options).await.unwrap_err();
        assert_eq!(std::fs::read(&path).unwrap(), &content[3..7], "{mood:?}: the old file is untouched");
        assert_eq!(names(), ["out"], "{mood:?}");
    }
    cluster.storages[0].is(Mood::Silent);
    let download = client.download_to(&id, &path, &options);
    let asked = cluster.storages[0].asked().len();
    tokio::select! {
        result = download => panic!("{result:?}"),
        () = crate::fake::until("the request arrives", || cluster.storages[0].asked().len() > asked) => {}
    }
    assert_eq!(names(), ["out"], "a download that was given up");
}

#[tokio::test]
async fn local_paths_that_cannot_be_written_are_named() {
    let cluster = Cluster::start(1).await;
    let client = cluster.client();
    let dir = tempfile::tempdir().unwrap();
    let id = client.upload(b"abc", &UploadOptions::new()).await.unwrap();
    let options = DownloadOptions::new();
    let error = client.download_to(&id, dir.path().join("no/such"), &options).await.unwrap_err();
    assert!(error.errno() == 2 && error.to_string().contains("no/such"), "{error}");
    let error = client.download_to(&id, dir.path(), &options).await.unwrap_err();
    assert_eq!(error.status(), Status::EISDIR, "{error}");
    assert_eq!(client.download_to(&id, "/dev/null", &options).await.unwrap(), 3);

    let error = client.upload_file(dir.path().join("missing"), &UploadOptions::new()).await.unwrap_err();
    assert_eq!(error.status(), Status::ENOENT, "{error}");
    let error = client.upload_file(dir.path(), &UploadOptions::new()).await.unwrap_err();
    assert_eq!(error.status(), Status::EINVAL, "{error}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_download_keeps_links_and_permissions() {
    use std::os::unix::fs::PermissionsExt;
    let cluster = Cluster::start(1).await;
    let client = cluster.client();
    let dir = tempfile::tempdir().unwrap();
    let (file, link) = (dir.path().join("file"), dir.path().join("link"));
    std::fs::write(&file, "old").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    let id = client.upload(b"new", &UploadOptions::new()).await.unwrap();
    client.download_to(&id, &link, &DownloadOptions::new()).await.unwrap();
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(std::fs::read(&file).unwrap(), b"new");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
}

#[tokio::test]
async fn progress_ends_with_the_size() {
    let cluster = Cluster::start(1).await;
    let client = cluster.client();
    let content = big();
    let (seen, calls) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let (s, c) = (Arc::clone(&seen), Arc::clone(&calls));
    let progress = Progress::new(move |bytes| {
        assert!(s.swap(bytes, Ordering::SeqCst) <= bytes);
        c.fetch_add(1, Ordering::SeqCst);
    });
    let id = client.upload(&content, &UploadOptions::new().progress(progress.clone())).await.unwrap();
    assert_eq!(seen.swap(0, Ordering::SeqCst), content.len() as u64);
    assert!(calls.load(Ordering::SeqCst) > 3);
    let mut out = Vec::new();
    let options = DownloadOptions::new().progress(progress);
    assert_eq!(client.download_to_writer(&id, &mut out, &options).await.unwrap(), content.len() as u64);
    assert_eq!(seen.load(Ordering::SeqCst), content.len() as u64);
    assert!(out == content);
}

#[tokio::test]
async fn deleting_twice_says_not_found() {
    let cluster = Cluster::start(1).await;
    let client = cluster.client();
    let id = client.upload(b"a", &UploadOptions::new()).await.unwrap();
    client.delete(&id).await.unwrap();
    let error = client.delete(&id).await.unwrap_err();
    assert!(error.is_not_found() && error.errno() == 2, "{error}");
    let foreign: FileId = "group9/M00/00/00/Ck4BC2sAEACAOnlIAAAACw1KEYU319.txt".parse().unwrap();
    let error = client.delete(&foreign).await.unwrap_err();
    assert!(!error.is_not_found() && matches!(error, ClientError::TrackerRefused { status: Status::ENOENT, .. }));
}

#[tokio::test]
async fn many_tasks_share_a_client() {
    let cluster = Cluster::start(2).await;
    let client = cluster.client();
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..50u32 {
        let client = client.clone();
        tasks.spawn(async move {
            let content = vec![n as u8; 10_000 * n as usize];
            let id = client.upload(&content, &UploadOptions::new()).await.unwrap();
            (id, content)
        });
    }
    let files = tasks.join_all().await;
    for (id, content) in &files {
        cluster.storages.iter().for_each(|storage| storage.put(*id, content));
    }
    for (id, content) in files {
        assert!(client.download(&id).await.unwrap() == content, "{id}");
    }
}
