//! What survives the death of a server, and what is never done twice.

use std::time::Duration;

use fdfs_client::{Client, ClientError, MetaMode, Metadata, Status, UploadOptions};
use fdfs_proto::Command;
use fdfs_proto::file_id::NewKind;

use crate::fake::{Cluster, FakeTracker, LONG, Mood, id_of, refused_addr};
use crate::transfers::big;

async fn two_trackers(cluster: &Cluster, other: std::net::SocketAddr) -> Client {
    let client = Client::builder().tracker(&other.to_string()).tracker(&cluster.tracker.server.addr.to_string());
    client.network_timeout(LONG).build().unwrap()
}

#[tokio::test]
async fn w45_a_dead_tracker_is_passed_over_and_asked_last_for_a_while() {
    let cluster = Cluster::start(1).await;
    let dead = FakeTracker::start(vec![]).await;
    dead.set(|t| t.is_silent = true);
    let client = Client::builder()
        .tracker(&dead.server.addr.to_string())
        .tracker(&cluster.tracker.server.addr.to_string())
        .connect_timeout(Duration::from_secs(1))
        .network_timeout(LONG)
        .build()
        .unwrap();
    for _ in 0..6 {
        client.groups().await.unwrap();
    }
    assert_eq!(dead.asked().len(), 1, "it was waited for once, for connect_timeout and not for network_timeout");
    assert_eq!(cluster.tracker.asked().len(), 6);
    // When all the others fail, it is asked all the same.
    dead.set(|t| t.is_silent = false);
    cluster.tracker.server.stop().await;
    client.groups().await.unwrap();
}

#[tokio::test]
async fn the_last_tracker_is_given_all_the_time_of_network_timeout() {
    let cluster = Cluster::start(1).await;
    cluster.tracker.set(|t| t.is_silent = true);
    let builder = cluster.builder().connect_timeout(Duration::from_millis(1));
    let client = builder.network_timeout(Duration::from_millis(300)).build().unwrap();
    let begin = std::time::Instant::now();
    let error = client.groups().await.unwrap_err();
    assert!(begin.elapsed() >= Duration::from_millis(300), "{error}");
    assert_eq!(error.status(), Status::ETIMEDOUT);
}

#[tokio::test]
async fn trackers_take_turns() {
    let cluster = Cluster::start(1).await;
    let other = FakeTracker::start(vec![]).await;
    let client = two_trackers(&cluster, other.server.addr).await;
    for _ in 0..4 {
        client.groups().await.unwrap();
    }
    assert_eq!((cluster.tracker.asked().len(), other.asked().len()), (2, 2));
}

#[tokio::test]
async fn w28_a_tracker_that_knows_no_storage_is_not_believed_alone() {
    let cluster = Cluster::start(1).await;
    let new = FakeTracker::start(vec![]).await;
    let client = two_trackers(&cluster, new.server.addr).await;
    for _ in 0..4 {
        client.upload(b"a", &UploadOptions::new()).await.unwrap();
    }
    cluster.tracker.set(|t| t.storages.clear());
    let error = client.upload(b"a", &UploadOptions::new()).await.unwrap_err();
    assert!(matches!(error, ClientError::TrackerRefused { status: Status::ENOENT, .. }), "{error}");
}

#[tokio::test]
async fn no_tracker_at_all_names_them_all() {
    let (a, b) = (refused_addr(), refused_addr());
    let client = Client::builder().tracker(&a.to_string()).tracker(&b.to_string()).build().unwrap();
    let error = client.upload(b"a", &UploadOptions::new()).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains(&a.to_string()) && text.contains(&b.to_string()), "{text}");
    assert!(error.is_retryable() && error.status() == Status::ECONNREFUSED);
}

#[tokio::test]
async fn w36_an_upload_goes_to_another_storage_before_the_first_byte_of_an_answer() {
    let content = big();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("big.jpg");
    std::fs::write(&path, &content).unwrap();
    for mood in [
        Mood::ClosesAtHead,
        Mood::ClosesBeforeAnswer,
        Mood::Refuses(Status::ENOSPC),
        Mood::RefusesEarly(Status::ENOSPC),
        Mood::Refuses(Status::EROFS),
    ] {
        let cluster = Cluster::start(2).await;
        cluster.tracker.set(|t| t.store_path_index = 3);
        cluster.storages[0].is(mood);
        let client = cluster.client();
        let id = client.upload_file(&path, &UploadOptions::new()).await.unwrap();
        assert_eq!(cluster.storages[1].set(|s| s.files[&id].clone()), content, "{mood:?}");
        let elsewhere = cluster.storages[1].set(|s| s.uploads[0].store_path);
        assert_eq!(elsewhere, None, "{mood:?}: the store path was meant for the first storage");
        assert_eq!(cluster.storages[0].asked(), [Command::UploadFile], "{mood:?}: it is asked once");
    }
}

#[tokio::test]
async fn w36_a_storage_that_two_trackers_name_is_tried_once() {
    for mood in [Mood::Refuses(Status::ENOSPC), Mood::Refuses(Status::EIO), Mood::ClosesBeforeAnswer] {
        let cluster = Cluster::start(1).await;
        let storage = &cluster.storages[0];
        let second = FakeTracker::start(vec![storage.server.addr]).await;
        let client = two_trackers(&cluster, second.server.addr).await;
        storage.is(mood);
        client.upload(b"a", &UploadOptions::new()).await.unwrap_err();
        assert_eq!(storage.asked(), [Command::UploadFile], "{mood:?}");
        if mood != Mood::Refuses(Status::ENOSPC) {
            client.download(&id_of(b"a", NewKind::Regular, "txt")).await.unwrap_err();
            assert_eq!(storage.asked(), [Command::UploadFile, Command::DownloadFile], "{mood:?}");
        }
    }
}

#[tokio::test]
async fn w36_an_upload_passes_a_storage_that_is_down_and_remembers_it() {
    let mut cluster = Cluster::start(2).await;
    let down = refused_addr();
    cluster.tracker.set(|t| t.storages = vec![down, cluster.storages[1].server.addr]);
    cluster.storages.remove(0);
    let client = cluster.client();
    for _ in 0..4 {
        client.upload(b"a", &UploadOptions::new()).await.unwrap();
    }
    assert_eq!(cluster.storages[0].file_count(), 4);
}

#[tokio::test]
async fn w36_a_storage_that_times_out_is_passed_too() {
    let cluster = Cluster::start(2).await;
    cluster.storages[0].is(Mood::Silent);
    let client = cluster.builder().network_timeout(Duration::from_secs(1)).build().unwrap();
    client.upload(b"a", &UploadOptions::new()).await.unwrap();
    assert_eq!(cluster.storages[1].file_count(), 1);
}

#[tokio::test]
async fn an_upload_is_not_repeated_after_the_first_byte_of_an_answer() {
    let cluster = Cluster::start(2).await;
    cluster.storages[0].is(Mood::ClosesInAnswerHead);
    let error = cluster.client().upload(b"a", &UploadOptions::new()).await.unwrap_err();
    assert!(matches!(error, ClientError::Connection { .. }), "{error}");
    assert_eq!((cluster.storages[0].file_count(), cluster.storages[1].file_count()), (1, 0));
}

#[tokio::test]
async fn other_refusals_are_the_answer() {
    let cluster = Cluster::start(2).await;
    cluster.storages[0].is(Mood::Refuses(Status::EINVAL));
    let error = cluster.client().upload(b"a", &UploadOptions::new()).await.unwrap_err();
    assert!(matches!(error, ClientError::StorageRefused { status: Status::EINVAL, .. }), "{error}");
    assert_eq!(cluster.storages[1].asked(), []);
}

#[tokio::test]
async fn when_all_storages_refuse_the_first_refusal_is_told() {
    let cluster = Cluster::start(3).await;
    cluster.storages.iter().for_each(|storage| storage.is(Mood::Refuses(Status::ENOSPC)));
    let error = cluster.client().upload(b"a", &UploadOptions::new()).await.unwrap_err();
    let first = cluster.storages[0].server.addr;
    assert!(
        matches!(error, ClientError::StorageRefused { status: Status::ENOSPC, storage, .. } if storage == first),
        "{error}"
    );
    assert!(cluster.storages.iter().all(|storage| storage.asked().len() == 1));
}

#[tokio::test]
async fn a_stream_is_never_sent_twice_but_passes_a_storage_that_is_down() {
    let content = big();
    let cluster = Cluster::start(2).await;
    cluster.storages[0].is(Mood::ClosesAtHead);
    let client = cluster.client();
    let len = content.len() as u64;
    let error = client.upload_reader(content.as_slice(), len, &UploadOptions::new()).await.unwrap_err();
    assert!(matches!(error, ClientError::Connection { .. }), "{error}");
    assert_eq!(cluster.storages[1].asked(), []);

    let down = refused_addr();
    cluster.tracker.set(|t| t.storages = vec![down, cluster.storages[1].server.addr]);
    let id = client.upload_reader(content.as_slice(), len, &UploadOptions::new()).await.unwrap();
    assert!(cluster.storages[1].set(|s| s.files[&id] == content));

    let error = client.upload_reader(&b"abc"[..], 4, &UploadOptions::new()).await.unwrap_err();
    assert!(matches!(error, ClientError::Content(_)), "{error}");
    assert_eq!(cluster.storages[1].file_count(), 1);
}

#[tokio::test]
async fn w36_connections_that_the_server_closed_cost_nothing() {
    let cluster = Cluster::start(1).await;
    let client = cluster.client();
    let content = big();
    let mut ids = Vec::new();
    for round in 0..3 {
        ids.push(client.upload(&content, &UploadOptions::new()).await.unwrap());
        assert!(client.download(&ids[round]).await.unwrap() == content);
        cluster.storages[0].server.close_connections().await;
        cluster.tracker.server.close_connections().await;
    }
    client.delete(&ids[0]).await.unwrap();
    assert_eq!(cluster.storages[0].server.accepted(), 4);
}

#[tokio::test]
async fn w36_kept_connections_that_close_under_a_request_cost_nothing() {
    let cluster = Cluster::start(1).await;
    cluster.storages[0].is(Mood::ServesOnce);
    cluster.tracker.set(|t| t.serves_once = true);
    let client = cluster.client();
    for content in [b"small".to_vec(), big()] {
        let id = client.upload(&content, &UploadOptions::new()).await.unwrap();
        let again = client.upload(&content, &UploadOptions::new()).await.unwrap();
        assert_ne!(id, again);
        assert!(client.download(&id).await.unwrap() == content);
        client.set_metadata(&id, &Metadata::new().with("k", "v"), MetaMode::Overwrite).await.unwrap();
        assert_eq!(client.metadata(&id).await.unwrap().len(), 1);
        client.delete(&id).await.unwrap();
        assert!(!client.exists(&id).await.unwrap());
        client.upload_reader(content.as_slice(), content.len() as u64, &UploadOptions::new()).await.unwrap();
    }
    assert_eq!(cluster.storages[0].file_count(), 4);
}

#[tokio::test]
async fn downloads_go_to_another_storage_and_go_on_where_they_stopped() {
    let content = big();
    for mood in [
        Mood::ClosesAtHead,
        Mood::ClosesInAnswerHead,
        Mood::CutsAfter(0),
        Mood::CutsAfter(700_001),
        Mood::Refuses(Status::EIO),
        Mood::Damages,
        Mood::SendsTooMuch,
    ] {
        let cluster = Cluster::start(2).await;
        let id = id_of(&content, NewKind::Regular, "bin");
        cluster.storages.iter().for_each(|storage| storage.put(id, &content));
        cluster.storages[0].is(mood);
        assert!(cluster.client().download(&id).await.unwrap() == content, "{mood:?}");
        assert_eq!(cluster.storages[0].asked(), [Command::DownloadFile], "{mood:?}");
        assert_eq!(cluster.storages[1].asked(), [Command::DownloadFile], "{mood:?}");
    }
}

#[tokio::test]
async fn a_writer_gets_every_byte_once_when_a_download_goes_on_elsewhere() {
    let content = big();
    let cluster = Cluster::start(2).await;
    let id = id_of(&content, NewKind::Regular, "bin");
    cluster.storages.iter().for_each(|storage| storage.put(id, &content));
    cluster.storages[0].is(Mood::CutsAfter(1_000_000));
    let mut out = Vec::new();
    let options = fdfs_client::DownloadOptions::new().range(fdfs_client::ByteRange::of(5..1_400_000));
    cluster.client().download_to_writer(&id, &mut out, &options).await.unwrap();
    assert!(out == content[5..1_400_000]);
}

#[tokio::test]
async fn an_appender_file_begins_anew_elsewhere_for_it_may_have_grown() {
    let cluster = Cluster::start(2).await;
    let id = id_of(b"", NewKind::Appender, "log");
    cluster.storages[0].put(id, &[b'a'; 1000]);
    cluster.storages[1].put(id, &[b'b'; 1200]);
    cluster.storages[0].is(Mood::CutsAfter(500));
    assert_eq!(cluster.client().download(&id).await.unwrap(), [b'b'; 1200]);
    cluster.tracker.set(|t| t.storages.rotate_left(1));
    let mut out = Vec::new();
    let options = fdfs_client::DownloadOptions::new();
    let error = cluster.client().download_to_writer(&id, &mut out, &options).await.unwrap_err();
    assert!(matches!(error, ClientError::Connection { .. }), "what a writer got cannot be taken back: {error}");
}

#[tokio::test]
async fn a_missing_file_is_the_answer_and_not_looked_for_elsewhere() {
    let cluster = Cluster::start(3).await;
    let id = id_of(b"gone", NewKind::Regular, "bin");
    let client = cluster.client();
    assert!(client.download(&id).await.unwrap_err().is_not_found());
    assert_eq!(cluster.storages.iter().map(|storage| storage.asked().len()).sum::<usize>(), 1);
}

#[tokio::test]
async fn information_and_metadata_are_read_elsewhere_too() {
    let cluster = Cluster::start(2).await;
    let client = cluster.client();
    let id = id_of(b"", NewKind::Appender, "log");
    cluster.storages[1].put(id, b"abc");
    cluster.storages[1].set(|s| s.metadata.insert(id, b"k\x02v".to_vec()));
    for mood in [Mood::ClosesAtHead, Mood::ClosesInAnswerHead, Mood::Refuses(Status::EIO)] {
        cluster.storages[0].is(mood);
        let first = cluster.storages[0].server.addr;
        cluster.tracker.set(|t| t.storages.sort_by_key(|&addr| addr != first));
        assert_eq!(client.metadata(&id).await.unwrap().get("k"), Some(&b"v"[..]), "{mood:?}");
        assert_eq!(client.file_info(&id).await.unwrap().size_bytes, 3, "{mood:?}");
    }
}

#[tokio::test]
async fn changes_are_never_sent_twice() {
    for mood in [Mood::ClosesAtHead, Mood::ClosesBeforeAnswer, Mood::ClosesInAnswerHead] {
        let cluster = Cluster::start(2).await;
        let client = cluster.client();
        let id = id_of(b"a", NewKind::Regular, "bin");
        cluster.storages.iter().for_each(|storage| storage.put(id, b"a"));
        cluster.storages[0].is(mood);
        let error = client.delete(&id).await.unwrap_err();
        assert!(matches!(error, ClientError::Connection { .. }), "{mood:?}: {error}");
        let metadata = Metadata::new().with("k", "v");
        client.set_metadata(&id, &metadata, MetaMode::Merge).await.unwrap_err();
        assert_eq!(cluster.storages[0].asked(), [Command::DeleteFile, Command::SetMetadata], "{mood:?}");
        assert_eq!(cluster.storages[1].asked(), [], "{mood:?}");
    }
}

#[tokio::test]
async fn a_storage_that_refuses_connections_for_a_moment_is_waited_for() {
    let cluster = Cluster::start(1).await;
    let client = cluster.client();
    let good = cluster.storages[0].server.addr;
    let down = refused_addr();
    let id = id_of(b"a", NewKind::Regular, "bin");
    cluster.storages[0].put(id, b"a");
    // Asked again, the tracker names another storage: it had noticed meanwhile.
    let heal = async {
        let asked = cluster.tracker.asked().len();
        crate::fake::until("the first question", || cluster.tracker.asked().len() > asked).await;
        cluster.tracker.set(|t| t.storages = vec![good]);
    };
    cluster.tracker.set(|t| t.storages = vec![down]);
    let (deleted, ()) = tokio::join!(client.delete(&id), heal);
    deleted.unwrap();
    assert_eq!(cluster.storages[0].file_count(), 0);
}

#[tokio::test]
async fn an_unreachable_storage_is_named_with_the_tracker_that_named_it() {
    let cluster = Cluster::start(0).await;
    let down = refused_addr();
    cluster.tracker.set(|t| t.storages = vec![down]);
    let client = cluster.client();
    let id = id_of(b"a", NewKind::Regular, "bin");
    let tracker = cluster.tracker.server.addr;
    for error in [
        client.upload(b"a", &UploadOptions::new()).await.unwrap_err(),
        client.download(&id).await.unwrap_err(),
        client.delete(&id).await.unwrap_err(),
    ] {
        assert!(
            matches!(error, ClientError::StorageUnreachable { storage, tracker: Some(t), .. } if storage == down && t == tracker),
            "{error}"
        );
        assert!(error.to_string().contains(&format!("tracker {tracker} gave this address")), "{error}");
    }
}

#[tokio::test]
async fn addresses_of_another_network_can_be_translated() {
    let cluster = Cluster::start(1).await;
    let real = cluster.storages[0].server.addr;
    cluster.tracker.set(|t| t.storages = vec!["192.0.2.1:23000".parse().unwrap()]);
    let client = cluster.builder().map_storage(move |_| real).build().unwrap();
    let id = client.upload(b"hello", &UploadOptions::new()).await.unwrap();
    assert_eq!(client.download(&id).await.unwrap(), b"hello");
}

#[tokio::test]
async fn w36_a_storage_that_is_gone_without_a_word_is_left_without_waiting_for_network_timeout() {
    let cluster = Cluster::start(2).await;
    let client = cluster.builder().connect_timeout(Duration::from_millis(200)).build().unwrap();
    let id = client.upload(b"a", &UploadOptions::new()).await.unwrap();
    cluster.storages[1].put(id, b"a");
    cluster.storages[0].is(Mood::Silent);
    let first = cluster.storages[0].server.addr;
    let begun = std::time::Instant::now();
    // Each over the connection that is kept from before, and which nobody closed.
    cluster.tracker.set(|t| t.storages.sort_by_key(|&addr| addr != first));
    client.upload(b"b", &UploadOptions::new()).await.unwrap();
    assert!(cluster.storages[0].asked().contains(&Command::ActiveTest), "it was asked whether it is there");
    cluster.tracker.set(|t| t.storages.sort_by_key(|&addr| addr != first));
    assert_eq!(client.download(&id).await.unwrap(), b"a");
    assert!(client.exists(&id).await.unwrap());
    assert!(begun.elapsed() < LONG / 2, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_storage_that_is_only_slow_is_waited_for() {
    let cluster = Cluster::start(2).await;
    let client = cluster.builder().connect_timeout(Duration::from_millis(100)).build().unwrap();
    cluster.storages[0].is(Mood::Busy);
    let heal = async {
        let asked = || cluster.storages[0].asked().iter().filter(|&&command| command == Command::ActiveTest).count();
        crate::fake::until("two questions whether it is there", || asked() >= 2).await;
        cluster.storages[0].is(Mood::Good);
    };
    let options = UploadOptions::new();
    let (uploaded, ()) = tokio::join!(client.upload(b"a", &options), heal);
    uploaded.unwrap();
    assert_eq!((cluster.storages[0].file_count(), cluster.storages[1].file_count()), (1, 0));
}

#[tokio::test]
async fn w36_what_no_storage_can_have_seen_is_deleted_elsewhere() {
    let mut cluster = Cluster::start(2).await;
    let down = refused_addr();
    cluster.tracker.set(|t| t.storages = vec![down, cluster.storages[1].server.addr]);
    cluster.storages.remove(0);
    let (client, storage) = (cluster.client(), &cluster.storages[0]);
    let id = id_of(b"a", NewKind::Regular, "bin");
    storage.put(id, b"a");
    client.set_metadata(&id, &Metadata::new().with("k", "v"), MetaMode::Overwrite).await.unwrap();
    client.delete(&id).await.unwrap();
    assert_eq!(storage.file_count(), 0);
    // The changes of an appender file belong to one storage.
    let id = id_of(b"", NewKind::Appender, "log");
    storage.put(id, b"abc");
    let error = client.append(&id, b"d").await.unwrap_err();
    assert!(matches!(error, ClientError::StorageUnreachable { storage, .. } if storage == down), "{error}");
    let error = client.delete(&id).await.unwrap_err();
    assert!(matches!(error, ClientError::StorageUnreachable { .. }), "{error}");
}

#[tokio::test]
async fn w36_a_change_does_not_go_into_a_connection_that_leads_nowhere() {
    let cluster = Cluster::start(1).await;
    let builder = cluster.builder().connect_timeout(Duration::from_millis(300)).trust_idle_for(Duration::ZERO);
    let client = builder.build().unwrap();
    let id = client.upload(b"a", &UploadOptions::new()).await.unwrap();
    client.set_metadata(&id, &Metadata::new().with("k", "v"), MetaMode::Overwrite).await.unwrap();
    let asked = cluster.storages[0].asked();
    assert_eq!(asked, [Command::UploadFile, Command::ActiveTest, Command::SetMetadata]);
    // The kept connection is silent, a new one is not.
    cluster.storages[0].is(Mood::Silent);
    let heal = async {
        crate::fake::until("the question", || cluster.storages[0].asked().len() > asked.len()).await;
        cluster.storages[0].is(Mood::Good);
    };
    let (deleted, ()) = tokio::join!(client.delete(&id), heal);
    deleted.unwrap();
    assert_eq!(cluster.storages[0].file_count(), 0);
}
