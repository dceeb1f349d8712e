//! The table of the sender's rules, behaviour 4.12, with our differences.

use super::*;

const NAME: &str = "M00/00/00/Ck4BC2sAEACAOnlIAAAACw1KEYU319.txt";
const SLAVE: &str = "M00/01/01/Ck4BC2sAEASAX_e9AAAAC9yobGc248_150x150.jpg";
const CRC: u32 = 0x0d4a_1185;

fn record(line: &str) -> BinlogRecord {
    BinlogRecord::parse(line.as_bytes()).unwrap()
}

fn old() -> FileName {
    "M00/00/03/Ck4BC2sAEAKEAj2qAAAAADUkQcI950.log".parse().unwrap()
}

const HERE: Local = Local::File { len: 11 };

fn begins(op: &str, local: Local) -> Option<Step> {
    let (letter, more) = op.split_once(' ').map_or((op, String::new()), |(op, more)| (op, format!(" {more}")));
    first(&record(&format!("1 {letter} {NAME}{more}")), local, false)
}

#[test]
fn what_is_gone_here_is_passed_over() {
    for op in ["C", "U", "A 0 5", "M 0 5", "T 20 11", "L", "R"] {
        assert_eq!(begins(op, Local::Missing), None, "{op}");
    }
    assert_eq!(begins("D", HERE), None, "it exists again");
    for op in ["A 10 2", "M 11 1", &format!("A 1 {}", i64::MAX)] {
        assert_eq!(begins(op, HERE), Some(Step::Update), "{op} is beyond the end: it was cut from elsewhere");
    }
    assert_eq!(begins("L", HERE), None, "no link any more");
}

#[test]
fn what_is_there_is_sent_as_it_is() {
    assert_eq!(begins("C", HERE), Some(Step::Create));
    assert_eq!(begins("c", HERE), Some(Step::Create));
    assert_eq!(begins("U", HERE), Some(Step::Update));
    assert_eq!(begins("A 10 1", HERE), Some(Step::Append { offset: 10, length: 1 }));
    assert_eq!(begins("M 0 11", HERE), Some(Step::Modify { offset: 0, length: 11 }));
    assert_eq!(begins("T 20 11", HERE), Some(Step::Truncate { old_size: 20, new_size: 11 }));
    assert_eq!(begins("D", Local::Missing), Some(Step::Delete));
    let link = Local::Link { len: Some(3), target: Some(old()) };
    assert_eq!(begins("L", link), Some(Step::Link { target: old() }));
    assert_eq!(begins(&format!("L {SLAVE}"), link), Some(Step::Link { target: SLAVE.parse().unwrap() }));
    let of_slave = first(&record(&format!("1 L {SLAVE} {NAME}")), link, false);
    assert_eq!(of_slave, Some(Step::Link { target: old() }), "made anew since, to something else");
    assert_eq!(begins("L", Local::Link { len: None, target: None }), None);
    assert_eq!(begins(&format!("R {}", old()), HERE), Some(Step::AskOld { old_name: old() }));
    assert_eq!(begins(&format!("r {}", old()), HERE), Some(Step::Create), "an old file, under its new name");
    assert_eq!(first(&record(&format!("1 C {NAME}")), HERE, true), Some(Step::AskSize(Then::Create)));
}

fn after(step: Step, status: Status) -> Next {
    next(&record(&format!("1 C {NAME}")), step, Answer::status(status), Some(11))
}

fn after_info(op: &str, step: Step, size: u64, crc32: u32) -> Next {
    let answer = Answer { status: Status::OK, info: Some((size, crc32)) };
    let (letter, more) = op.split_once(' ').unwrap_or((op, ""));
    next(&record(format!("1 {letter} {NAME} {more}").trim_end()), step, answer, Some(11))
}

const APPEND: Step = Step::Append { offset: 0, length: 5 };
const MODIFY: Step = Step::Modify { offset: 0, length: 5 };
const TRUNCATE: Step = Step::Truncate { old_size: 20, new_size: 11 };

#[test]
fn w08_a_file_that_the_peer_lost_is_sent_as_a_whole() {
    for step in [APPEND, MODIFY, TRUNCATE] {
        assert_eq!(after(step, Status::ENOENT), Next::Then(Step::Update), "{step:?}");
    }
}

#[test]
fn what_the_peer_has_or_lacks_already_is_done() {
    let link = Step::Link { target: old() };
    for step in [Step::Create, Step::Announce, APPEND, MODIFY, link] {
        assert_eq!(after(step, Status::EEXIST), Next::Done, "{step:?}");
    }
    for step in [Step::Delete, Step::DeleteOld { old_name: old() }, link] {
        assert_eq!(after(step, Status::ENOENT), Next::Done, "{step:?}");
    }
    for name in [SLAVE, &format!("{NAME}-m")] {
        let record = record(&format!("1 C {name}"));
        let exists = Answer::status(Status::EEXIST);
        assert_eq!(next(&record, Step::Create, exists, Some(1)), Next::Then(Step::Update), "{name}");
    }
}

#[test]
fn w06_a_cut_that_was_not_made_is_compared() {
    let ask = Step::AskSize(Then::Compare);
    assert_eq!(after(TRUNCATE, Status::EEXIST), Next::Then(ask));
    assert_eq!(after_info("T 20 11", ask, 11, 0), Next::Done);
    assert_eq!(after_info("T 20 11", ask, 20, 0), Next::Then(Step::Update));
    assert_eq!(after(ask, Status::ENOENT), Next::Then(Step::Update));
    assert_eq!(after(ask, Status::EIO), Next::SetAside(Why::Refused(Status::EIO)));
}

#[test]
fn a_large_file_is_asked_for_first_where_the_peer_has_others() {
    let ask = Step::AskSize(Then::Create);
    assert_eq!(after_info("C", ask, 11, CRC), Next::Then(Step::Announce));
    assert_eq!(after_info("C", ask, 10, CRC), Next::Then(Step::Update));
    assert_eq!(after(ask, Status::ENOENT), Next::Then(Step::Create));
    assert_eq!(after(ask, Status::EINVAL), Next::Then(Step::Create));
}

#[test]
fn a_rename_is_sent_only_where_the_peer_has_the_same_bytes() {
    let (ask, rename) = (Step::AskOld { old_name: old() }, Step::Rename { old_name: old() });
    let delete_old = Next::Then(Step::DeleteOld { old_name: old() });
    assert_eq!(after_info("R", ask, 11, CRC), Next::Then(rename));
    // An append or a change before the rename was skipped, because the old name was gone here.
    for (size, crc32) in [(5, CRC), (11, 7)] {
        assert_eq!(after_info("R", ask, size, crc32), Next::Then(Step::Replace { old_name: old() }));
    }
    assert_eq!(after(ask, Status::ENOENT), Next::Then(Step::Create));
    assert_eq!(after(ask, Status::EIO), Next::Then(rename));
    assert_eq!(after(rename, Status::OK), Next::Done);
    assert_eq!(after(rename, Status::ENOENT), Next::Then(Step::Create));
    assert_eq!(after(rename, Status::EEXIST), delete_old);
    assert_eq!(after(Step::Replace { old_name: old() }, Status::OK), delete_old);
    assert_eq!(after(Step::DeleteOld { old_name: old() }, Status::OK), Next::Done);
}

#[test]
fn the_old_name_of_a_rename_goes_whatever_became_of_the_new_one() {
    let delete_old = Step::DeleteOld { old_name: old() };
    assert_eq!(begins(&format!("R {}", old()), Local::Missing), Some(delete_old), "the new name was deleted since");
    assert_eq!(begins(&format!("r {}", old()), Local::Missing), None);
    let renamed = record(&format!("1 R {NAME} {}", old()));
    for status in [Status::OK, Status::EEXIST] {
        // The peer had no old name: somebody else may still send it one.
        assert_eq!(next(&renamed, Step::Create, Answer::status(status), Some(11)), Next::Then(delete_old));
        assert_eq!(after(Step::Create, status), Next::Done, "no rename");
    }
}

#[test]
fn w11_every_other_answer_sets_the_record_aside() {
    for status in [Status::EINVAL, Status::ENOSPC, Status::EIO, Status::EAGAIN, Status(200)] {
        for step in
            [Step::Create, Step::Update, APPEND, MODIFY, TRUNCATE, Step::Delete, Step::Rename { old_name: old() }]
        {
            assert_eq!(after(step, status), Next::SetAside(Why::Refused(status)), "{step:?}");
        }
    }
    assert!(Why::Refused(Status::EINVAL).is_for_good() && !Why::Refused(Status::ENOSPC).is_for_good());
}
