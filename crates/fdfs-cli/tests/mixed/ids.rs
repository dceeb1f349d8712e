//! Storages with ids (`use_storage_id`), which are in the names of files instead of addresses.

use std::fs;

use fdfs_testkit::mixed::lab::GROUP;

use crate::{LEFT, RIGHT, TRACKER, group_at_work, run};

#[test]
fn storages_of_both_kinds_have_ids() {
    run("storage ids", |lab| {
        let (left, right) = (lab.left.clone(), lab.right.clone());
        let file = lab.dir().join("storage_ids.conf");
        let line = |host: u8| format!("10000{host} {GROUP} {}:{}\n", lab.network.ip(host), lab.network.storage_port());
        fs::write(&file, line(LEFT) + &line(RIGHT)).unwrap();
        lab.tracker_keys.set("use_storage_id", true);
        lab.tracker_keys.set("storage_ids_filename", file.display());
        lab.tracker_keys.set("id_type_in_filename", "id");
        let mut work = group_at_work(lab);
        let ids: Vec<_> = lab.records_of(TRACKER).iter().map(|record| record.id.to_string()).collect();
        assert_eq!(ids, ["100002", "100003"]);
        for (host, program) in [(RIGHT, &right), (LEFT, &left)] {
            lab.stop(host);
            lab.start(host, program);
            lab.wait_active(host);
            work.everything(lab, host);
        }
        work.check(lab);
        work.check_by_trackers(lab);
    });
}
