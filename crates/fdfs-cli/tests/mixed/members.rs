//! Storages leave the group, come back, and move.

use std::fs;

use fdfs_proto::shared::StorageStatus;
use fdfs_testkit::mixed::lab::GROUP;
use fdfs_testkit::mixed::tools::Tools;

use crate::{LEFT, RIGHT, TRACKER, group_at_work, run_with_others, work_on};

/// Where the right storage moves to.
const NEW_HOST: u8 = 6;

#[test]
fn a_deleted_storage_comes_back_empty_and_gets_everything() {
    run_with_others("deleted and back", |lab| {
        let (left, right) = (lab.left.clone(), lab.right.clone());
        let mut work = group_at_work(lab);
        lab.stop(RIGHT);
        let tools = Tools::new(lab, &right);
        let id = lab.server(RIGHT).addr.ip().to_string();
        lab.wait("the storage to be deleted", |_| {
            tools.run("fdfs_monitor", &["delete", GROUP, &id]).out.contains("success").then_some(())
        });
        work.everything(lab, LEFT);
        // The other storage hears of it with one of its beats, and sets its mark aside.
        let mark = format!("data/sync/{}_{}.mark", lab.network.ip(RIGHT), lab.network.storage_port());
        let mark = lab.server(LEFT).base.join(mark);
        lab.wait("the mark to be set aside", |_| (!mark.exists()).then_some(()));
        let server = lab.server(RIGHT);
        for path in server.store_paths.iter().chain([&server.base]) {
            fs::remove_dir_all(path.join("data")).unwrap();
        }
        lab.start(RIGHT, &right);
        if !left.is_ours() {
            // A storage of the reference whose sender has ended begins no other one when the deleted storage comes back, not
            // for one of its own kind either, until it is started again.
            lab.stop(LEFT);
            lab.start(LEFT, &left);
        }
        lab.wait_active(RIGHT);
        work.check(lab);
        work_on(lab, &mut work);
    });
}

#[test]
fn a_storage_gets_another_address_and_is_known_under_it() {
    run_with_others("another address", |lab| {
        let right = lab.right.clone();
        let mut work = group_at_work(lab);
        lab.stop(RIGHT);
        work.upload(lab, LEFT, 2_000);
        lab.move_server(RIGHT, NEW_HOST);
        lab.start(NEW_HOST, &right);
        lab.wait_active(NEW_HOST);
        work.everything(lab, NEW_HOST);
        work.everything(lab, LEFT);
        work.check(lab);
        work.check_by_trackers(lab);
        let records = lab.records_of(TRACKER);
        let active = records.iter().filter(|record| record.status == StorageStatus::Active).count();
        assert_eq!(active, 2, "{records:?}");
    });
}
