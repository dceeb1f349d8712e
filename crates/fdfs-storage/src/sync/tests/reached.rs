//! Up to when a peer is told to have everything: trackers send readers by it.

use fdfs_proto::Status;
use fdfs_proto::shared::StorageStatus;

use super::any;
use super::bench::{Bench, NOW};
use super::peer::{FakePeer, Mischief};
use super::pulse::wait_for;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_not_there_yet_holds_back_what_the_peer_is_told_to_have() {
    let mut bench = Bench::new("").await;
    let mut peer = FakePeer::start(any(2), true).await;
    bench.meet(peer.addr, StorageStatus::Active);
    bench.run();
    let upload = async |bench: &mut Bench, at: u32, content: &[u8]| {
        let name = bench.new_name(content, false);
        bench.write(&name, content);
        bench.record_at(at, &format!("C {name}")).await;
        name
    };
    upload(&mut bench, NOW, b"first").await;
    wait_for("the first to be told", || peer.reached() == [NOW]).await;
    // One that the peer has no space for is set aside, and others go on.
    let full = bench.new_name(b"refused", false);
    peer.misbehave({
        let full = full.clone();
        move |seen| (seen.name == full).then_some(Mischief::Answer(Status::ENOSPC))
    });
    bench.write(&full, b"refused");
    bench.record_at(NOW + 5, &format!("C {full}")).await;
    let later = upload(&mut bench, NOW + 9, b"later").await;
    wait_for("the later one", || peer.files().contains_key(&later)).await;
    wait_for("all before the refused one to be told", || peer.reached() == [NOW, NOW + 4]).await;
    // Whoever has forgotten it is told again.
    let addr = peer.addr;
    peer.stop().await;
    peer = FakePeer::start(addr, true).await;
    wait_for("everything to be told", || peer.reached().last() == Some(&(NOW + 9))).await;
    assert!(peer.files().contains_key(&full) && peer.reached().is_sorted(), "{:?}", peer.reached());
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_was_set_back_is_told() {
    let mut bench = Bench::new("").await;
    let peer = FakePeer::start(any(2), true).await;
    bench.meet(peer.addr, StorageStatus::Active);
    bench.run();
    for at in [NOW, NOW - 600] {
        let name = bench.new_name(b"a file", false);
        bench.write(&name, b"a file");
        bench.record_at(at, &format!("C {name}")).await;
        wait_for("it to be told", || peer.reached().last() == Some(&at)).await;
    }
    bench.stop().await;
}
