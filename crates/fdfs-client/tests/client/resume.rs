//! Uploads that are cut, and gone on with.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use fdfs_client::{Client, ClientError, FileId, Metadata, Progress, ResumeOptions, Resumed, Status, UploadOptions};
use fdfs_proto::Command;

use crate::fake::{Cluster, FakeStorage, Mood};

const PIECE: usize = 100_000;
const PIECE_COUNT: usize = 6;

/// A file that is a little longer than some pieces, and its state.
struct Local {
    dir: tempfile::TempDir,
    content: Vec<u8>,
}

impl Local {
    fn new() -> Self {
        let content: Vec<u8> = (0..PIECE * (PIECE_COUNT - 1) + 7).map(|n| (n * 31 % 251) as u8).collect();
        let local = Self { dir: tempfile::tempdir().unwrap(), content };
        local.write();
        local
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("big.log")
    }

    fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    fn write(&self) {
        std::fs::write(self.path(), &self.content).unwrap();
    }

    async fn upload(&self, client: &Client, options: &UploadOptions) -> Result<Resumed, ClientError> {
        let resume = ResumeOptions::new().piece_bytes(PIECE as u32);
        client.upload_resumable(self.path(), self.state(), options, &resume).await
    }

    async fn check(&self, client: &Client, done: &Resumed) {
        assert!(client.download(&done.file).await.unwrap() == self.content, "{}", done.file);
        assert!(!self.state().exists(), "nothing stays of a finished upload");
    }
}

fn count(storage: &FakeStorage, command: Command) -> usize {
    storage.asked().iter().filter(|&&asked| asked == command).count()
}

#[tokio::test]
async fn a_large_file_goes_in_pieces_and_a_small_one_at_once() {
    let cluster = Cluster::start(1).await;
    let client = cluster.client();
    let (local, storage) = (Local::new(), &cluster.storages[0]);
    let moved = Arc::new(AtomicU64::new(0));
    let listener = Arc::clone(&moved);
    let progress = Progress::new(move |bytes| assert!(listener.swap(bytes, Ordering::SeqCst) <= bytes));
    let metadata = Metadata::new().with("author", "me");
    let options = UploadOptions::new().progress(progress).metadata(metadata.clone());
    let done = local.upload(&client, &options).await.unwrap();
    local.check(&client, &done).await;
    assert_eq!((done.resumed_bytes, done.begun_anew), (0, None));
    assert_eq!(moved.load(Ordering::SeqCst), local.content.len() as u64);
    assert_eq!(client.metadata(&done.file).await.unwrap(), metadata);
    assert_eq!(count(storage, Command::ModifyFile), PIECE_COUNT);
    assert_eq!(storage.file_count(), 1);

    let small = Local { content: b"small".to_vec(), ..local };
    small.write();
    let done = small.upload(&client, &UploadOptions::new()).await.unwrap();
    small.check(&client, &done).await;
    assert_eq!(count(storage, Command::UploadFile), 1);
}

#[tokio::test]
async fn a_broken_connection_in_any_piece_is_no_interruption() {
    let cluster = Cluster::start(1).await;
    let client = cluster.client();
    let (local, storage) = (Local::new(), &cluster.storages[0]);
    let moods = [Mood::Good, Mood::ClosesInRequest, Mood::ClosesBeforeAnswer, Mood::ClosesInAnswerHead];
    storage.set(|s| s.moods_for_changes.extend(moods));
    let done = local.upload(&client, &UploadOptions::new()).await.unwrap();
    local.check(&client, &done).await;
    assert_eq!(count(storage, Command::ModifyFile), PIECE_COUNT + 3);
}

/// Interrupts an upload after so many pieces: every try of the next one fails.
async fn interrupted(cluster: &Cluster, client: &Client, local: &Local, pieces: usize, mood: Mood) {
    let storage = &cluster.storages[0];
    storage.set(|s| {
        // The first change makes the file.
        s.moods_for_changes.extend(vec![Mood::Good; pieces + 1]);
        s.moods_for_changes.extend([mood; 5]);
    });
    local.upload(client, &UploadOptions::new()).await.unwrap_err();
    storage.set(|s| s.moods_for_changes.clear());
}

#[tokio::test]
async fn an_interrupted_upload_goes_on_where_it_stopped() {
    for pieces in 0..PIECE_COUNT {
        // Refused at once, so that the test need not wait for further tries.
        let cluster = Cluster::start(1).await;
        let client = cluster.client();
        let local = Local::new();
        interrupted(&cluster, &client, &local, pieces, Mood::Refuses(Status::EROFS)).await;
        let before = count(&cluster.storages[0], Command::ModifyFile);
        let done = local.upload(&client, &UploadOptions::new()).await.unwrap();
        local.check(&client, &done).await;
        assert_eq!((done.resumed_bytes, done.begun_anew), ((pieces * PIECE) as u64, None));
        assert_eq!(count(&cluster.storages[0], Command::ModifyFile) - before, PIECE_COUNT - pieces);
        assert_eq!(cluster.storages[0].file_count(), 1);
    }
}

#[tokio::test]
async fn a_run_that_is_dropped_halfway_goes_on_too() {
    let cluster = Cluster::start(1).await;
    let client = cluster.client();
    let (local, storage) = (Local::new(), &cluster.storages[0]);
    let options = UploadOptions::new();
    storage.set(|s| s.moods_for_changes.extend([Mood::Good, Mood::Good, Mood::Silent]));
    let upload = local.upload(&client, &options);
    tokio::select! {
        result = upload => panic!("{result:?}"),
        () = crate::fake::until("the second piece arrives", || count(storage, Command::ModifyFile) == 2) => {}
    }
    let done = local.upload(&client, &options).await.unwrap();
    local.check(&client, &done).await;
    assert_eq!(done.resumed_bytes, PIECE as u64);
}

#[tokio::test]
async fn what_was_applied_without_an_answer_is_sent_again_at_the_same_place() {
    let cluster = Cluster::start(1).await;
    let client = cluster.client();
    let local = Local::new();
    interrupted(&cluster, &client, &local, 2, Mood::ClosesBeforeAnswer).await;
    let done = local.upload(&client, &UploadOptions::new()).await.unwrap();
    local.check(&client, &done).await;
    assert_eq!(done.resumed_bytes, 2 * PIECE as u64, "the third piece was there, but nobody had confirmed it");
}

#[tokio::test]
async fn a_local_file_that_changed_meanwhile_begins_anew() {
    for (change, why) in [(17, "not the one"), (usize::MAX, "shorter")] {
        let cluster = Cluster::start(1).await;
        let client = cluster.client();
        let mut local = Local::new();
        interrupted(&cluster, &client, &local, 3, Mood::Refuses(Status::EROFS)).await;
        match local.content.get_mut(change) {
            Some(byte) => *byte ^= 1,
            None => local.content.truncate(2 * PIECE),
        }
        local.write();
        let done = local.upload(&client, &UploadOptions::new()).await.unwrap();
        local.check(&client, &done).await;
        assert!(done.begun_anew.is_some_and(|text| text.contains(why)), "{done:?}");
        assert_eq!(done.resumed_bytes, 0);
        assert_eq!(cluster.storages[0].file_count(), 1, "what was sent before is deleted");
    }
}

#[tokio::test]
async fn a_local_file_that_changed_behind_what_was_sent_goes_on() {
    let cluster = Cluster::start(1).await;
    let client = cluster.client();
    let mut local = Local::new();
    interrupted(&cluster, &client, &local, 3, Mood::Refuses(Status::EROFS)).await;
    local.content.extend_from_slice(b"and more");
    local.content[3 * PIECE] ^= 1;
    local.write();
    let done = local.upload(&client, &UploadOptions::new()).await.unwrap();
    local.check(&client, &done).await;
    assert_eq!(done.resumed_bytes, 3 * PIECE as u64);
}

#[tokio::test]
async fn what_the_storage_lost_is_sent_again() {
    let cluster = Cluster::start(1).await;
    let client = cluster.client();
    let local = Local::new();
    interrupted(&cluster, &client, &local, 3, Mood::Refuses(Status::EROFS)).await;
    let file: FileId = cluster.storages[0].set(|s| *s.files.keys().next().unwrap());
    // A piece that was confirmed and is gone.
    cluster.storages[0].set(|s| s.files.get_mut(&file).unwrap().truncate(PIECE + 5));
    interrupted(&cluster, &client, &local, 0, Mood::Refuses(Status::EROFS)).await;
    // All of it.
    client.delete(&file).await.unwrap();
    let done = local.upload(&client, &UploadOptions::new()).await.unwrap();
    local.check(&client, &done).await;
    assert!(done.begun_anew.is_some_and(|why| why.contains("no longer")), "{done:?}");
}

#[tokio::test]
async fn a_storage_that_does_not_answer_keeps_the_state() {
    let cluster = Cluster::start(1).await;
    let client = cluster.client();
    let local = Local::new();
    interrupted(&cluster, &client, &local, 3, Mood::Refuses(Status::EROFS)).await;
    cluster.storages[0].is(Mood::Refuses(Status::EBUSY));
    local.upload(&client, &UploadOptions::new()).await.unwrap_err();
    cluster.tracker.set(|t| t.refuses = Some(Status::ENOENT));
    local.upload(&client, &UploadOptions::new()).await.unwrap_err();
    cluster.tracker.set(|t| t.refuses = None);
    cluster.storages[0].is(Mood::Good);
    let done = local.upload(&client, &UploadOptions::new()).await.unwrap();
    assert_eq!(done.resumed_bytes, 3 * PIECE as u64);
}

#[tokio::test]
async fn content_that_is_wrong_at_the_end_is_an_error() {
    let cluster = Cluster::start(1).await;
    let client = cluster.client();
    let local = Local::new();
    cluster.storages[0].set(|s| s.damages_regenerated = true);
    let error = local.upload(&client, &UploadOptions::new()).await.unwrap_err();
    let ClientError::ResumedWrong { expected, expected_bytes, .. } = &error else { panic!("{error}") };
    assert_eq!((*expected, *expected_bytes), (crc32fast::hash(&local.content), local.content.len() as u64));
    assert!(error.to_string().contains("should be deleted") && error.errno() == 5, "{error}");
}

#[tokio::test]
async fn metadata_that_failed_is_set_by_the_next_run() {
    let cluster = Cluster::start(1).await;
    let client = cluster.client();
    let (local, storage) = (Local::new(), &cluster.storages[0]);
    let options = UploadOptions::new().metadata(Metadata::new().with("a", "b"));
    storage.set(|s| s.refuses_metadata = true);
    let error = local.upload(&client, &options).await.unwrap_err();
    let ClientError::MetadataNotSet { file, deleted: false, .. } = error else { panic!("{error}") };
    storage.set(|s| s.refuses_metadata = false);
    let before = storage.asked().len();
    let done = local.upload(&client, &options).await.unwrap();
    local.check(&client, &done).await;
    assert_eq!((done.file, storage.asked().len()), (*file, before + 2), "metadata and the download of this test");
}

#[tokio::test]
async fn an_appender_file_stays_one_when_that_is_wanted() {
    let cluster = Cluster::start(1).await;
    let client = cluster.client();
    let local = Local::new();
    let done = local.upload(&client, &UploadOptions::new().appender(true)).await.unwrap();
    local.check(&client, &done).await;
    client.append(&done.file, b"!").await.unwrap();
}
