//! Servers that send nonsense, too much, too little, or nothing.

use std::time::Duration;

use fdfs_client::{Client, ClientError, DownloadOptions, MetaMode, Metadata, Status, UploadOptions};
use fdfs_proto::file_id::NewKind;

use crate::fake::{Cluster, Mood, Server, id_of};

#[tokio::test]
async fn a_damaged_copy_is_noticed() {
    let cluster = Cluster::start(1).await;
    let client = cluster.client();
    let id = client.upload(b"hello", &UploadOptions::new()).await.unwrap();
    cluster.storages[0].is(Mood::Damages);
    let error = client.download(&id).await.unwrap_err();
    let damaged = crc32fast::hash(b"iello");
    assert!(
        matches!(error, ClientError::Corrupt { expected: 0x3610_a686, actual, .. } if actual == damaged),
        "{error}"
    );
    let mut out = Vec::new();
    let unchecked = DownloadOptions::new().verify_crc32(false);
    client.download_to_writer(&id, &mut out, &unchecked).await.unwrap();
    assert_eq!(out, b"iello");
    let trusting = cluster.builder().verify_crc32(false).build().unwrap();
    assert_eq!(trusting.download(&id).await.unwrap(), b"iello");
    assert_eq!(client.download_range(&id, 0..3).await.unwrap(), b"iel", "a part cannot be checked");
}

/// The reference makes links with a random CRC-32 in their names; the copies of a damaged file differ.
#[tokio::test]
async fn what_two_storages_agree_on_is_a_link_and_not_damage() {
    let cluster = Cluster::start(2).await;
    let client = cluster.client();
    let id = id_of(b"hello", NewKind::Regular, "txt");
    cluster.storages[0].put(id, b"other");
    cluster.storages[1].put(id, b"other");
    assert_eq!(client.download(&id).await.unwrap(), b"other");

    cluster.storages[1].put(id, b"third");
    assert!(matches!(client.download(&id).await, Err(ClientError::Corrupt { .. })), "they do not agree");
    cluster.storages[1].put(id, b"hello");
    assert_eq!(client.download(&id).await.unwrap(), b"hello", "one is right");

    cluster.storages.iter().for_each(|storage| storage.put(id, b"hell"));
    assert!(matches!(client.download(&id).await, Err(ClientError::WrongSize { .. })), "short everywhere is damage");
}

#[tokio::test]
async fn a_copy_of_another_size_is_noticed_before_it_is_taken() {
    let cluster = Cluster::start(1).await;
    let client = cluster.client();
    let id = client.upload(b"hello", &UploadOptions::new()).await.unwrap();
    cluster.storages[0].put(id, b"hell");
    let mut out = Vec::new();
    let error = client.download_to_writer(&id, &mut out, &DownloadOptions::new()).await.unwrap_err();
    assert!(matches!(error, ClientError::WrongSize { expected_bytes: 5, actual_bytes: 4, .. }), "{error}");
    assert_eq!(out, b"");
}

#[tokio::test]
async fn more_than_was_asked_for_is_not_taken() {
    let cluster = Cluster::start(1).await;
    let client = cluster.client();
    let id = client.upload(b"hello", &UploadOptions::new()).await.unwrap();
    cluster.storages[0].is(Mood::SendsTooMuch);
    let error = client.download_range(&id, 0..2).await.unwrap_err();
    assert!(matches!(error, ClientError::WrongSize { expected_bytes: 2, actual_bytes: 3, .. }), "{error}");
    cluster.storages[0].is(Mood::HugeLength);
    let error = client.download(&id).await.unwrap_err();
    assert!(matches!(error, ClientError::WrongSize { .. }), "{error}");
}

#[tokio::test]
async fn bodies_of_answers_that_should_be_empty_are_thrown_away() {
    let cluster = Cluster::start(1).await;
    let client = cluster.client();
    cluster.storages[0].is(Mood::Echoes);
    let id = client.upload(b"a", &UploadOptions::new().metadata(Metadata::new().with("k", "v"))).await.unwrap();
    client.set_metadata(&id, &Metadata::new().with("k", "w"), MetaMode::Merge).await.unwrap();
    assert_eq!(client.metadata(&id).await.unwrap().get("k"), Some(&b"w"[..]));
    client.delete(&id).await.unwrap();
    assert_eq!(cluster.storages[0].server.accepted(), 1, "the connection stays good");
}

#[tokio::test]
async fn answers_that_mean_nothing_are_errors_and_never_panics() {
    for mood in [Mood::Nonsense, Mood::NegativeLength, Mood::HugeLength] {
        let cluster = Cluster::start(1).await;
        let client = cluster.client();
        let id = id_of(b"hello", NewKind::Regular, "txt");
        cluster.storages[0].put(id, b"hello");
        cluster.storages[0].is(mood);
        client.upload(b"a", &UploadOptions::new()).await.unwrap_err();
        client.download(&id).await.unwrap_err();
        client.file_info_from_server(&id, Default::default()).await.unwrap_err();
        if mood != Mood::Nonsense {
            client.metadata(&id).await.unwrap_err();
        }
    }
}

#[tokio::test]
async fn a_tracker_that_tells_nonsense_is_named() {
    let cluster = Cluster::start(1).await;
    let client = cluster.client();
    let id = id_of(b"a", NewKind::Regular, "txt");
    let mut no_address = vec![0; 40];
    no_address[..6].copy_from_slice(b"group1");
    no_address[38] = 1;
    for nonsense in [vec![], vec![0xFF; 3], vec![0xFF; 39], vec![0xFF; 40], vec![0xFF; 69]] {
        cluster.tracker.set(|t| t.nonsense = Some(nonsense));
        let error = client.upload(b"a", &UploadOptions::new()).await.unwrap_err();
        assert!(matches!(error, ClientError::BadAnswer { .. }), "{error}");
        let error = client.download(&id).await.unwrap_err();
        assert!(matches!(error, ClientError::BadAnswer { .. }), "{error}");
    }
    cluster.tracker.set(|t| t.nonsense = Some(no_address));
    let error = client.upload(b"a", &UploadOptions::new()).await.unwrap_err();
    assert!(matches!(error, ClientError::BadStorageAddress { .. }), "{error}");
}

#[tokio::test]
async fn an_early_refusal_ends_a_long_upload() {
    let cluster = Cluster::start(1).await;
    cluster.storages[0].is(Mood::RefusesEarly(Status::EINVAL));
    let endless = tokio::io::repeat(7);
    let error = cluster.client().upload_reader(endless, 1 << 40, &UploadOptions::new()).await.unwrap_err();
    assert!(matches!(error, ClientError::StorageRefused { status: Status::EINVAL, .. }), "{error}");
}

#[tokio::test]
async fn a_silent_storage_costs_network_timeout() {
    let cluster = Cluster::start(1).await;
    let id = id_of(b"a", NewKind::Regular, "txt");
    cluster.storages[0].is(Mood::Silent);
    let client = cluster.builder().network_timeout(Duration::from_secs(1)).build().unwrap();
    for error in [client.download(&id).await.unwrap_err(), client.delete(&id).await.unwrap_err()] {
        assert!(matches!(&error, ClientError::Connection { .. }) && error.is_retryable(), "{error}");
        assert_eq!(error.status(), Status::ETIMEDOUT);
    }
}

#[tokio::test]
async fn a_server_that_is_no_tracker_is_an_error() {
    let server = Server::start(|mut stream| async move {
        use tokio::io::AsyncWriteExt;
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.ok()?;
        std::future::pending().await
    })
    .await;
    let client = Client::builder().tracker(&server.addr.to_string()).build().unwrap();
    client.groups().await.unwrap_err();
}
