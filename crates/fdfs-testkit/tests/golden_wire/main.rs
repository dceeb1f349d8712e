//! Requests recorded from the reference V6.16.1, replayed to clusters of ours that are made up like the recorded ones.
//! The status, what becomes of the connection, the length and all bytes that are not volatile must be the same.
//!
//! What trackers do when they follow another one, and the life of a storage as its tracker sees it, are replayed by the
//! tests of `fdfs-tracker`. Rows of commands that no server serves yet are in [`differs::LATER`]; rows where we do
//! better are in [`differs::BETTER`].

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may panic as tests do")]

mod differs;
mod judge;
mod names;
mod replay;
mod rows;
mod scene;

use replay::replay;
use scene::Scene;

#[test]
fn framing_agrees_with_the_reference() {
    let scene = Scene::plain();
    replay(&scene, "plain", "framing");
}

#[test]
fn storages_agree_with_the_reference() {
    let scene = Scene::plain();
    let kinds = ["storage_appender", "storage_slave", "storage_link"];
    let plain = ["storage_upload", "storage_download", "storage_metadata", "storage_query", "storage_delete"];
    for family in plain.into_iter().chain(kinds) {
        replay(&scene, "plain", family);
    }
}

#[test]
fn storages_with_ids_agree_with_the_reference() {
    let scene = Scene::with_ids_and_slots();
    let common = ["storage_upload", "storage_download", "storage_metadata", "storage_query", "storage_delete"];
    let kinds = ["storage_appender", "storage_slave", "storage_trunk"];
    for family in common.into_iter().chain(kinds) {
        replay(&scene, "ids-trunk", family);
    }
}

#[test]
fn receivers_of_replication_agree_with_the_reference() {
    let scene = Scene::plain();
    // Of the row that cuts a missing file.
    scene.cluster.expect_problem("it is not so here");
    replay(&scene, "plain", "storage_sync");
}

#[test]
fn storages_list_the_files_of_a_path_as_the_reference_does() {
    let scene = Scene::plain();
    replay(&scene, "plain", "storage_trunk");
}

#[test]
fn trackers_agree_with_the_reference() {
    let scene = Scene::plain();
    for family in ["tracker_query", "tracker_storage_info"] {
        replay(&scene, "plain", family);
    }
}

#[test]
fn trackers_with_ids_agree_with_the_reference() {
    let scene = Scene::with_ids();
    for family in ["tracker_query", "tracker_list", "tracker_storage_info", "tracker_admin"] {
        replay(&scene, "ids-trunk", family);
    }
}

#[test]
fn every_exception_is_needed() {
    let unused: Vec<_> = differs::LATER
        .iter()
        .map(|(family, name, _)| (*family, *name))
        .chain(differs::BETTER.iter().map(|row| (row.family, row.name)))
        .filter(|(family, name)| !rows::all_of_family(family).iter().any(|row| row.name == *name))
        .collect();
    assert!(unused.is_empty(), "no recorded row is called so: {unused:?}");
}
