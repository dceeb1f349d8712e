//! Lists, and what is asked of one tracker by name.

use fdfs_client::{Client, ClientError, Status};

use crate::fake::{Cluster, FakeTracker};

#[tokio::test]
async fn groups_and_storages_are_listed() {
    let cluster = Cluster::start(2).await;
    let client = cluster.client();
    let groups = client.groups().await.unwrap();
    assert_eq!((groups.len(), groups[0].storage_count), (1, 2));
    assert_eq!(client.group("group1".parse().unwrap()).await.unwrap(), groups[0]);
    assert_eq!(client.storages("group1".parse().unwrap(), None).await.unwrap().len(), 2);
    let error = client.storages("group9".parse().unwrap(), None).await.unwrap_err();
    assert!(matches!(error, ClientError::TrackerRefused { status: Status::ENOENT, .. }));
}

#[tokio::test]
async fn administration_goes_to_the_tracker_that_is_named_and_to_no_other() {
    let trackers = [FakeTracker::start(vec![]).await, FakeTracker::start(vec![]).await];
    let [first, second] = &trackers;
    let client = Client::builder()
        .tracker(&first.server.addr.to_string())
        .tracker(&second.server.addr.to_string())
        .build()
        .unwrap();
    let named = client.trackers();
    assert_eq!(named[1].to_string(), second.server.addr.to_string());
    assert_eq!(named[1].addrs().await.unwrap(), [second.server.addr]);
    let group = "group1".parse().unwrap();
    named[1].ping().await.unwrap();
    named[1].delete_storage(group, "100001".parse().unwrap()).await.unwrap();
    assert_eq!(named[1].delete_group(group).await.unwrap_err().status(), Status::EBUSY);
    assert_eq!(named[1].set_trunk_server(group, None).await.unwrap().as_str(), "100001");
    assert_eq!(named[1].leader().await.unwrap().as_deref(), Some("127.0.0.1:22122"));
    assert_eq!(named[1].groups().await.unwrap().len(), 1);
    assert_eq!(named[1].storages(group, None).await.unwrap().len(), 0);
    assert_eq!(first.asked(), []);
    assert_eq!(second.asked().len(), 7);

    second.set(|t| t.refuses = Some(Status::ENOENT));
    assert_eq!(named[1].leader().await.unwrap(), None);
    second.server.stop().await;
    let error = named[1].groups().await.unwrap_err();
    assert!(matches!(&error, ClientError::NoTrackerAnswers { failures, .. } if failures.len() == 1), "{error}");
    assert_eq!(first.asked(), [], "not even when it is down");
}
