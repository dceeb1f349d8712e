//! Many clients at the same time, in a group of both kinds.

use fdfs_testkit::mixed::Work;

use crate::{LEFT, RIGHT, TRACKER, run_with_others};

/// Clients at the same time.
const CLIENTS: u32 = 6;
/// What each of them does, one thing after the other.
const ROUNDS: usize = 40;

#[test]
fn many_clients_work_with_storages_of_both_kinds() {
    run_with_others("many clients", |lab| {
        let (left, right) = (lab.left.clone(), lab.right.clone());
        lab.tracker(TRACKER, &left);
        lab.storage(LEFT, &left);
        lab.storage(RIGHT, &right);
        let shared = &*lab;
        let done: Vec<Work> = std::thread::scope(|scope| {
            let clients = (0..CLIENTS).map(|number| scope.spawn(move || one_client(shared, number)));
            let clients: Vec<_> = clients.collect();
            clients.into_iter().map(|client| client.join().unwrap()).collect()
        });
        let mut work = Work::default();
        done.into_iter().for_each(|other| work.merge(other));
        work.check(lab);
        work.check_by_trackers(lab);
    });
}

fn one_client(lab: &fdfs_testkit::mixed::Lab, number: u32) -> Work {
    let mut work = Work::of_client(number + 1);
    for round in 0..ROUNDS {
        let host = if (round + number as usize).is_multiple_of(2) { LEFT } else { RIGHT };
        match round % 5 {
            0 => work.appender(lab, host, round % 10 == 0),
            1 => {
                let id = work.kept[round / 2].id;
                work.delete(lab, &id);
            }
            _ => {
                work.upload(lab, host, 100 + round * 911);
            }
        }
    }
    work
}
