//! What is known of files.

use fdfs_client::ClientError;
use fdfs_client::{FileId, InfoFlags, Kind, NameError, Source, Status, UploadOptions};
use fdfs_proto::file_id::NewKind;

use crate::fake::{Cluster, id_of};

#[tokio::test]
async fn regular_files_are_told_from_their_ids_and_nobody_is_asked() {
    let cluster = Cluster::start(1).await;
    let info = cluster.client().file_info(&id_of(b"hello", NewKind::Regular, "txt")).await.unwrap();
    assert_eq!((info.kind, info.size_bytes, info.crc32), (Kind::Regular, 5, Some(0x3610_a686)));
    assert_eq!(info.source, Some(Source::Ip([127, 0, 0, 1].into())));
    assert_eq!((info.created_unix_secs, info.from_server), (1_795_166_208, false));
    assert_eq!(cluster.tracker.asked(), []);
}

#[tokio::test]
async fn appender_and_slave_files_are_asked_for() {
    let cluster = Cluster::start(1).await;
    let (client, storage) = (cluster.client(), &cluster.storages[0]);
    let appender = id_of(b"", NewKind::Appender, "log");
    let regular = id_of(b"master", NewKind::Regular, "jpg");
    let master = regular.to_string().strip_suffix(".jpg").unwrap().to_owned();
    let slave: FileId = format!("{master}_150x150.jpg").parse().unwrap();
    // As long as a regular name: the reference tells its master's facts.
    let short_slave: FileId = format!("{master}-big").parse().unwrap();
    for file in [appender, slave, short_slave] {
        storage.put(file, b"hello");
        let info = client.file_info(&file).await.unwrap();
        assert_eq!((info.size_bytes, info.crc32, info.from_server), (5, Some(0x3610_a686), true), "{file}");
        assert_eq!(info.created_unix_secs, 77);
        assert_eq!(client.download(&file).await.unwrap(), b"hello");
    }
    let flags = InfoFlags { without_crc: true, silent: false };
    assert_eq!(client.file_info_with(&slave, flags).await.unwrap().crc32, None);
}

#[tokio::test]
async fn existence_is_always_asked() {
    let cluster = Cluster::start(1).await;
    let client = cluster.client();
    let id = client.upload(b"a", &UploadOptions::new()).await.unwrap();
    assert!(client.exists(&id).await.unwrap());
    client.delete(&id).await.unwrap();
    assert!(!client.exists(&id).await.unwrap());
    cluster.tracker.set(|t| t.storages.clear());
    let error = client.exists(&id).await.unwrap_err();
    assert!(matches!(error, ClientError::TrackerRefused { status: Status::ENOENT, .. }), "no storage is not no file");
}

#[tokio::test]
async fn names_that_are_too_short_are_refused_without_asking() {
    let cluster = Cluster::start(1).await;
    let error = cluster.client().file_info(&"group1/M00/00/00/short".parse().unwrap()).await.unwrap_err();
    assert!(matches!(error, ClientError::BadFileId(NameError::TooShort { len: 15, min: 44 })), "{error}");
    assert_eq!(cluster.tracker.asked(), []);
}

#[tokio::test]
async fn storage_ids_in_names_are_configured_loaded_or_asked_for() {
    let cluster = Cluster::start(1).await;
    // The source is storage id 100001.
    let file: FileId = "group1/M00/00/00/oYYBAGsAELOAIfsWAASUAL6VAk0025.txt".parse().unwrap();
    cluster.storages[0].put(file, b"hello");
    let source_ip = |text: &str| Some(text.parse().unwrap());

    let asked = cluster.client().file_info(&file).await.unwrap();
    assert_eq!((asked.from_server, asked.source, asked.size_bytes), (true, Some(Source::Id(100_001)), 5));

    let ids = [(100_001, "10.0.0.7".parse().unwrap())];
    let configured = cluster.builder().storage_ids(ids).build().unwrap().file_info(&file).await.unwrap();
    assert_eq!((configured.from_server, configured.source_ip), (false, source_ip("10.0.0.7")));

    let lines = [&b"100000 group1 10.0.0.5"[..], b"100001 group1 10.0.0.6:23000"];
    let lines = lines.map(|line| fdfs_proto::cmd::tracker::StorageIdLine::parse(line).unwrap());
    cluster.tracker.set(|t| t.ids = lines.to_vec());
    let loaded = cluster.builder().load_storage_ids(true).build().unwrap().file_info(&file).await.unwrap();
    assert_eq!((loaded.from_server, loaded.source_ip), (false, source_ip("10.0.0.6")));
}
