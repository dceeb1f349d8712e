//! Clusters in which storages have something to say to each other and to their tracker.

use fdfs_proto::cmd::storage::{
    AppendHead, CreateLink, MetaMode, ModifyHead, SetMetadataHead, Signature, TruncateFile,
};
use fdfs_proto::file_id::FileId;
use fdfs_proto::{FileName, Wire};
use fdfs_testkit::layout::LayoutBuilder;
use fdfs_testkit::node::{StorageNode, TrackerNode};
use fdfs_testkit::{Cluster, Link, Node, PATIENCE, RawReply, wait_for};

use super::packets::Packet;
use crate::support::{self, id, is_stored, stored, upload_head};

const FROM: Node = Node::Storage(0);
const TO: Node = Node::Storage(1);

/// Two storages of `group1`.
pub(crate) struct Group(LayoutBuilder);

impl Group {
    pub(crate) fn plain() -> Self {
        Self(Cluster::builder().group("group1", 2).recording())
    }

    pub(crate) fn with_ids() -> Self {
        Self(Self::plain().0.storage_ids(&[]))
    }
}

/// Every kind of change at storage 0, in the order in which the reference was recorded; all of it has arrived at storage 1.
pub(crate) fn changes(group: &Group) -> Cluster {
    let cluster = group.0.start();
    // Of the cuts that follow.
    cluster.expect_problem("127.");
    // Two records are there before the first is sent: what is sent of both is the file as it is then.
    let file = without_a_link(&cluster, || {
        let file = upload(&cluster, 23, b"0123456789", "log");
        append(&cluster, file, b"ABCDE");
        file
    });
    wait_for_content(&cluster, file, b"0123456789ABCDE");
    truncate(&cluster, file, 12);
    wait_for_content(&cluster, file, b"0123456789AB");
    truncate(&cluster, file, 20);
    wait_for_content(&cluster, file, b"0123456789AB\0\0\0\0\0\0\0\0");
    without_a_link(&cluster, || {
        truncate(&cluster, file, 0);
        append(&cluster, file, b"0123456789");
        modify(&cluster, file, 3, b"wxyz");
    });
    wait_for_content(&cluster, file, b"012wxyz789");
    modify(&cluster, file, 10, b"++");
    wait_for_content(&cluster, file, b"012wxyz789++");
    let renamed = name_in(&ask(&cluster, 38, file.as_bytes()));
    wait_for_content(&cluster, renamed, b"012wxyz789++");

    let told = upload(&cluster, 11, b"hello world", "txt");
    set_metadata(&cluster, told, b"x\x021");
    set_metadata(&cluster, told, b"width\x022\x01b\x029\x01a\x020\x01c\x023");
    wait_for("the metadata", || {
        let got = cluster.to_storage(1).ask(15, &id("group1", told.as_bytes()));
        (got == RawReply::Whole { status: 0, body: b"a\x020\x01b\x029\x01c\x023\x01width\x022".to_vec() }).then_some(())
    });
    let gone = upload(&cluster, 11, b"soon gone", "txt");
    wait_for_content(&cluster, gone, b"soon gone");
    ask(&cluster, 12, &id("group1", gone.as_bytes()));
    wait_for("the delete", || (!is_stored(&cluster, 1, &gone.to_string(), b"soon gone")).then_some(()));

    let (master, source) = (upload(&cluster, 11, b"link master", "jpg"), upload(&cluster, 11, b"link source", "jpg"));
    let link = CreateLink {
        group: "group1".parse().unwrap(),
        prefix: "_s".parse().unwrap(),
        ext: "jpg".parse().unwrap(),
        master,
        source,
        signature: Signature::new(b"0123456789abcdef").unwrap(),
    };
    wait_for_content(&cluster, name_in(&ask(&cluster, 20, &link.to_bytes())), b"link source");
    // Beats, reports, and the checks of an idle connection.
    for (to, command) in [(TO, 111), (Node::Tracker(0), 89), (Node::Tracker(0), 84), (Node::Tracker(0), 83)] {
        wait_for_command(&cluster, to, command);
    }
    cluster
}

/// A cluster that a second storage has joined.
pub(crate) struct Joined {
    pub(crate) cluster: Cluster,
    /// Files that were there before.
    pub(crate) old_names: Vec<String>,
}

/// A second storage comes into a group that has files.
pub(crate) fn a_storage_joins() -> Joined {
    let mut cluster = Group::plain().0.build();
    cluster.trackers[0].start();
    cluster.storages[0].start();
    let contents: Vec<_> = (0..5).map(|i| vec![b'a' + i; 100 + usize::from(i)]).collect();
    let old_names: Vec<_> = contents.iter().map(|content| stored(&cluster, 0, content)).collect();
    cluster.storages[1].start();
    cluster.wait_until_active();
    for (name, content) in old_names.iter().zip(&contents) {
        wait_for("the old files", || is_stored(&cluster, 1, name, content).then_some(()));
    }
    Joined { cluster, old_names }
}

/// Storage 1 comes back with an empty store path, which is filled again.
pub(crate) fn a_lost_store_path() -> Cluster {
    let mut cluster = Group::plain().0.start();
    let contents: Vec<_> = (0..5).map(|i| vec![b'a' + i; 100 + usize::from(i)]).collect();
    let names: Vec<_> = contents.iter().map(|content| stored(&cluster, 0, content)).collect();
    for (name, content) in names.iter().zip(&contents) {
        wait_for("the files", || is_stored(&cluster, 1, name, content).then_some(()));
    }
    let is_prepared = "store path 0: its sub directories are there";
    assert!(cluster.storages[1].log.wait_for(is_prepared, PATIENCE), "{is_prepared}");
    cluster.storages[1].stop();
    std::fs::remove_dir_all(cluster.storages[1].plan.store_paths[0].join("data")).unwrap();
    cluster.expect_problem("came back empty: it gets a new mark");
    cluster.storages[1].start();
    for (name, content) in names.iter().zip(&contents) {
        wait_for("the files again", || is_stored(&cluster, 1, name, content).then_some(()));
    }
    cluster.wait_until_active();
    cluster
}

/// Files in slots of trunk files come and go at the storage that has to ask for them, and at the one that is asked.
pub(crate) fn trunk_files() -> Cluster {
    let cluster = support::trunk_group(2).recording().start();
    let server =
        wait_for("a trunk server", || cluster.storages.iter().position(|node| node.inside().trunk.is_server()));
    for index in [server, 1 - server] {
        cluster.wait_for_slots(index);
        let name = stored(&cluster, index, &[b'x'; 1000]);
        wait_for("the file", || is_stored(&cluster, 1 - index, &name, &[b'x'; 1000]).then_some(()));
        let _ = cluster.to_storage(index).ask(12, &id("group1", name.as_bytes())).ok();
        wait_for("the delete", || (!is_stored(&cluster, 1 - index, &name, &[b'x'; 1000])).then_some(()));
    }
    for command in [27, 28, 29] {
        wait_for_command(&cluster, Node::Storage(server), command);
    }
    for command in [30, 33] {
        wait_for_command(&cluster, Node::Storage(1 - server), command);
    }
    for command in [72, 73, 74] {
        wait_for_command(&cluster, Node::Tracker(0), command);
    }
    for to in [FROM, TO] {
        wait_for_command(&cluster, to, 111);
    }
    cluster
}

/// Two trackers choose a leader, which chooses a trunk server; a third one comes and asks for everything; another storage
/// takes over from the trunk server.
pub(crate) fn trackers() -> Cluster {
    let mut cluster = support::trunk_group(2).trackers(3).recording().build();
    cluster.expect_lost_trackers();
    cluster.trackers[..2].iter_mut().for_each(TrackerNode::start);
    cluster.storages.iter_mut().for_each(StorageNode::start);
    cluster.wait_until_active();
    let is_server = |node: &StorageNode| node.inside().trunk.is_server();
    let server = wait_for("a trunk server", || cluster.storages.iter().position(is_server));
    cluster.trackers[2].start();
    for command in [58, 61, 62, 63, 64, 65, 66, 67] {
        wait_for(&format!("command {command} between trackers"), || {
            (0..3).any(|to| was_asked(&cluster, Node::Tracker(to), command)).then_some(())
        });
    }
    cluster.storages[server].stop();
    wait_for("another trunk server", || is_server(&cluster.storages[1 - server]).then_some(()));
    for command in [31, 32] {
        wait_for(&format!("command {command}"), || {
            (0..2).any(|to| was_asked(&cluster, Node::Storage(to), command)).then_some(())
        });
    }
    cluster
}

/// Waits until `to` was asked for this by a server.
fn wait_for_command(cluster: &Cluster, to: Node, command: u8) {
    wait_for(&format!("command {command} to {to}"), || was_asked(cluster, to, command).then_some(()));
}

fn was_asked(cluster: &Cluster, to: Node, command: u8) -> bool {
    // The last request may be on its way.
    let has = |sent: &[u8]| Packet::whole(sent).0.iter().any(|packet| packet.command == command);
    cluster.links().recorded().iter().any(|connection| connection.called == to && has(&connection.sent))
}

/// Nothing goes from storage 0 to 1 while this runs.
fn without_a_link<T>(cluster: &Cluster, run: impl FnOnce() -> T) -> T {
    cluster.links().set(FROM, TO, Link::Cut);
    let done = run();
    cluster.links().set(FROM, TO, Link::Pass);
    done
}

fn ask(cluster: &Cluster, command: u8, body: &[u8]) -> Vec<u8> {
    cluster.to_storage(0).ask(command, body).ok()
}

fn name_in(answer: &[u8]) -> FileName {
    std::str::from_utf8(&answer[16..]).unwrap().parse().unwrap()
}

fn upload(cluster: &Cluster, command: u8, content: &[u8], ext: &str) -> FileName {
    name_in(&ask(cluster, command, &[upload_head(0, content.len() as i64, ext), content.to_vec()].concat()))
}

fn append(cluster: &Cluster, name: FileName, content: &[u8]) {
    let head = AppendHead { len: content.len() as u64, name };
    ask(cluster, 24, &[head.to_bytes(), content.to_vec()].concat());
}

fn modify(cluster: &Cluster, name: FileName, offset: u64, content: &[u8]) {
    let head = ModifyHead { offset, len: content.len() as u64, name };
    ask(cluster, 34, &[head.to_bytes(), content.to_vec()].concat());
}

fn truncate(cluster: &Cluster, name: FileName, new_size: u64) {
    ask(cluster, 36, &TruncateFile { new_size, name }.to_bytes());
}

fn set_metadata(cluster: &Cluster, name: FileName, metadata: &[u8]) {
    let file = FileId { group: "group1".parse().unwrap(), name };
    let head = SetMetadataHead { metadata_len: metadata.len() as u64, mode: MetaMode::Overwrite, file };
    ask(cluster, 13, &[head.to_bytes(), metadata.to_vec()].concat());
}

/// Waits until storage 1 has this and nothing is under way to it: what comes next is not mixed with what was.
fn wait_for_content(cluster: &Cluster, name: FileName, content: &[u8]) {
    wait_for(&format!("{name} to hold {} bytes", content.len()), || {
        is_stored(cluster, 1, &name.to_string(), content).then_some(())
    });
    wait_for("nothing to be under way", || {
        let peers = cluster.storages[0].inside().sync_status();
        peers.iter().all(|peer| (peer.bytes_behind, peer.in_flight, peer.set_aside) == (0, 0, 0)).then_some(())
    });
}
