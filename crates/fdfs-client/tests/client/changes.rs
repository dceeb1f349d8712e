//! Appender files, slave files and links: what goes where, and what is never done twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use fdfs_client::{
    Client, ClientError, FileId, Metadata, NameError, Progress, Signature, SlaveOptions, Status, UploadOptions,
};
use fdfs_proto::Command;

use crate::fake::{Cluster, Mood};
use crate::transfers::big;

async fn appender(client: &Client, content: &[u8]) -> FileId {
    let options = UploadOptions::new().appender(true).ext("log".parse().unwrap());
    client.upload(content, &options).await.unwrap()
}

#[tokio::test]
async fn an_appender_file_grows_changes_shrinks_and_becomes_a_regular_one() {
    let cluster = Cluster::start(1).await;
    let client = cluster.client();
    let id = appender(&client, b"abc").await;
    client.append(&id, b"def").await.unwrap();
    client.modify(&id, 1, b"XY").await.unwrap();
    client.modify(&id, 6, b"end").await.unwrap();
    assert_eq!(client.download(&id).await.unwrap(), b"aXYdefend");
    client.truncate(&id, 4).await.unwrap();
    assert_eq!(client.download(&id).await.unwrap(), b"aXYd");

    let content = big();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("more");
    std::fs::write(&path, &content).unwrap();
    let moved = Arc::new(AtomicU64::new(0));
    let listener = Arc::clone(&moved);
    let progress = Progress::new(move |bytes| listener.store(bytes, Ordering::SeqCst));
    client.append_file(&id, &path, &progress).await.unwrap();
    assert_eq!(moved.swap(0, Ordering::SeqCst), content.len() as u64);
    client.append_reader(&id, content.as_slice(), 5, &progress).await.unwrap();
    client.modify_file(&id, 0, &path, &progress).await.unwrap();
    client.modify_reader(&id, 1, &b"stream"[..], 6, &progress).await.unwrap();
    let mut expected = [b"aXYd", content.as_slice(), &content[..5]].concat();
    expected[..content.len()].copy_from_slice(&content);
    expected[1..7].copy_from_slice(b"stream");
    assert!(client.download(&id).await.unwrap() == expected);

    let regular = client.regenerate(&id).await.unwrap();
    assert!(client.download(&regular).await.unwrap() == expected, "its new id tells its CRC-32");
    assert!(client.download(&id).await.unwrap_err().is_not_found());
    let asked = cluster.tracker.asked();
    let updates = asked.iter().filter(|&&command| command == Command::QueryUpdate).count();
    assert_eq!(updates, 9, "every change asked where to go");
}

#[tokio::test]
async fn changes_of_files_that_are_no_appender_files_say_so() {
    let cluster = Cluster::start(1).await;
    let client = cluster.client();
    let regular = client.upload(b"a", &UploadOptions::new()).await.unwrap();
    let errors = [
        client.append(&regular, b"x").await.unwrap_err(),
        client.modify(&regular, 0, b"x").await.unwrap_err(),
        client.truncate(&regular, 0).await.unwrap_err(),
        client.regenerate(&regular).await.unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error, ClientError::NotAppender { .. }) && error.errno() == 22, "{error}");
        assert!(error.to_string().contains("is a regular file, and only appender files can be changed"), "{error}");
    }
    let id = appender(&client, b"abc").await;
    let error = client.modify(&id, 4, b"x").await.unwrap_err();
    assert!(error.errno() == 22 && error.to_string().contains("behind the end of the file"), "{error}");
    client.delete(&id).await.unwrap();
    assert!(client.append(&id, b"x").await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn w36_a_change_is_never_sent_twice_once_a_byte_of_it_went_out() {
    let cluster = Cluster::start(2).await;
    let client = cluster.client();
    let id = appender(&client, b"abc").await;
    // After an upload the other storage's turn has come.
    let [other, storage] = &cluster.storages[..] else { panic!() };
    storage.put(id, b"abc");
    let content = big();
    for mood in [Mood::ClosesBeforeAnswer, Mood::ClosesInRequest, Mood::ClosesAtHead, Mood::ClosesInAnswerHead] {
        for bytes in [&b"x"[..], &content] {
            let before = storage.asked().len();
            storage.set(|s| s.moods_for_changes.push_back(mood));
            let error = client.append(&id, bytes).await.unwrap_err();
            assert!(matches!(&error, ClientError::OutcomeUnknown { file, .. } if **file == id), "{mood:?}: {error}");
            assert!(!error.is_retryable() && error.to_string().contains("before you repeat it"), "{error}");
            assert_eq!(storage.asked().len(), before + 1, "{mood:?}");
        }
    }
    assert_eq!(other.asked(), [Command::UploadAppenderFile], "another storage must not see it either");
    for change in [client.truncate(&id, 1).await.err(), client.regenerate(&id).await.err()] {
        assert!(change.is_none(), "{change:?}");
    }
}

#[tokio::test]
async fn a_kept_connection_that_was_closed_costs_no_change() {
    let cluster = Cluster::start(1).await;
    let client = cluster.client();
    let id = appender(&client, b"a").await;
    for _ in 0..3 {
        cluster.storages[0].server.close_connections().await;
        client.append(&id, b"b").await.unwrap();
    }
    assert_eq!(client.download(&id).await.unwrap(), b"abbb");
}

#[tokio::test]
async fn bodies_that_are_echoed_are_ignored() {
    let cluster = Cluster::start(1).await;
    let client = cluster.client();
    let id = appender(&client, b"abc").await;
    cluster.storages[0].is(Mood::Echoes);
    client.append(&id, b"").await.unwrap();
    client.truncate(&id, 3).await.unwrap();
    client.modify(&id, 0, b"").await.unwrap();
    assert_eq!(client.download(&id).await.unwrap(), b"abc");
}

#[tokio::test]
async fn a_stream_that_is_too_short_appends_nothing() {
    let cluster = Cluster::start(1).await;
    let client = cluster.client();
    let id = appender(&client, b"abc").await;
    let error = client.append_reader(&id, &b"12"[..], 3, &Progress::default()).await.unwrap_err();
    assert!(matches!(error, ClientError::Content(_)), "{error}");
    assert_eq!(client.download(&id).await.unwrap(), b"abc");
}

#[tokio::test]
async fn slaves_lie_beside_their_master_and_exist_once() {
    let cluster = Cluster::start(1).await;
    let client = cluster.client();
    let master = client.upload(b"master", &UploadOptions::new().ext("jpg".parse().unwrap())).await.unwrap();
    let (prefix, jpg) = ("_150x150".parse().unwrap(), SlaveOptions::new().ext("jpg".parse().unwrap()));
    let slave = client.upload_slave(&master, prefix, b"small", &jpg).await.unwrap();
    assert_eq!(slave.to_string(), master.to_string().replace(".jpg", "_150x150.jpg"));
    assert_eq!(client.download(&slave).await.unwrap(), b"small");
    let with_meta = jpg.clone().metadata(Metadata::new().with("width", "150"));
    let other = client.upload_slave(&master, "-big".parse().unwrap(), b"b", &with_meta).await.unwrap();
    assert_eq!(client.metadata(&other).await.unwrap().get_text("width").as_deref(), Some("150"));

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.png");
    std::fs::write(&path, b"png").unwrap();
    let png = client.upload_slave_file(&master, prefix, &path, &SlaveOptions::new()).await.unwrap();
    assert!(png.to_string().ends_with("_150x150.png"), "{png}");
    let plain = client.upload_slave_reader(&master, prefix, &b"xyz"[..], 3, &SlaveOptions::new()).await.unwrap();
    assert!(plain.to_string().ends_with("_150x150"), "{plain}");

    let error = client.upload_slave(&master, prefix, b"again", &jpg).await.unwrap_err();
    assert!(error.status() == Status::EEXIST && error.to_string().contains("another prefix"), "{error}");
    client.delete(&master).await.unwrap();
    let error = client.upload_slave(&master, "_x".parse().unwrap(), b"", &jpg).await.unwrap_err();
    assert!(error.is_not_found() && error.to_string().contains("master is not there"), "{error}");
}

#[tokio::test]
async fn impossible_slaves_are_refused_before_anything_is_sent() {
    let cluster = Cluster::start(1).await;
    let client = cluster.client();
    let master = client.upload(b"master", &UploadOptions::new()).await.unwrap();
    let asked = cluster.storages[0].asked().len();
    let options = SlaveOptions::new();
    let error = client.upload_slave(&master, "".parse().unwrap(), b"a", &options).await.unwrap_err();
    assert!(matches!(error, ClientError::BadFileId(NameError::NoPrefix)), "{error}");
    let error = client.upload_slave(&master, "-m".parse().unwrap(), b"a", &options).await.unwrap_err();
    assert!(matches!(error, ClientError::BadFileId(NameError::MetadataName)), "{error}");
    let bad = SlaveOptions::new().metadata(Metadata::new().with("a\0", "b"));
    let error = client.upload_slave(&master, "_a".parse().unwrap(), b"a", &bad).await.unwrap_err();
    assert!(matches!(error, ClientError::BadMetadata { .. }), "{error}");
    assert_eq!(cluster.storages[0].asked().len(), asked);
}

#[tokio::test]
async fn a_slave_whose_answer_is_lost_is_named() {
    let cluster = Cluster::start(1).await;
    let client = cluster.client();
    let master = client.upload(b"master", &UploadOptions::new()).await.unwrap();
    cluster.storages[0].set(|s| s.moods_for_changes.push_back(Mood::ClosesBeforeAnswer));
    let error = client.upload_slave(&master, "_s".parse().unwrap(), b"s", &SlaveOptions::new()).await.unwrap_err();
    let ClientError::OutcomeUnknown { file, .. } = error else { panic!("{error}") };
    assert_eq!(client.download(&file).await.unwrap(), b"s");
}

#[tokio::test]
async fn links_have_the_content_of_their_source() {
    let cluster = Cluster::start(1).await;
    let client = cluster.client();
    let source = client.upload(b"content", &UploadOptions::new()).await.unwrap();
    let signature = Signature::new(b"sig").unwrap();
    let link = client.create_link(&source, &signature, "txt".parse().unwrap()).await.unwrap();
    assert_ne!(link, source);
    let slave = client
        .create_slave_link(&source, "_l".parse().unwrap(), &source, &signature, "txt".parse().unwrap())
        .await
        .unwrap();
    assert!(slave.to_string().ends_with("_l.txt"), "{slave}");
    for id in [link, slave] {
        assert_eq!(client.download(&id).await.unwrap(), b"content");
    }
    client.delete(&source).await.unwrap();
    assert!(client.create_link(&source, &signature, "".parse().unwrap()).await.unwrap_err().is_not_found());
}
