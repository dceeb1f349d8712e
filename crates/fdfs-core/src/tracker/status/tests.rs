use super::StatusEvent::{self as E, *};
use super::*;

/// The statuses in the order of their numbers: one letter for each.
const LETTERS: &str = "IWSPDONARX";

/// Every event, and what it makes of INIT, WAIT_SYNC, SYNCING, IP_CHANGED, DELETED, OFFLINE, ONLINE, ACTIVE, RECOVERY and
/// NONE: I, W, S, P, D, O, N, A, R, X.
const TABLE: &[(E, &str)] = &[
    (Join, "IWSIINNANX"),
    (Beat, "IWSPDAAAAX"),
    (Disconnect, "IWSPDOOORX"),
    (Silence, "IWSPDONORX"),
    (NobodyElse, "NNNPDNNNNX"),
    (SourceChosen, "WWWPDWWWWX"),
    (ToldNoSource, "NNNPDONARX"),
    (ToldSource, "WWSPDONARX"),
    (E::Deleted, "DDDPDDNARX"),
    (AddressLeft, "PPPPDPNARX"),
    (Restart, "IWSPDOOOOO"),
    (Reported(Init), "IWSPDONARX"),
    (Reported(WaitSync), "IWSPDONARX"),
    (Reported(Syncing), "ISSPDONARX"),
    (Reported(IpChanged), "IPPPPPNARX"),
    (Reported(StorageStatus::Deleted), "IDDDDDNARX"),
    (Reported(Offline), "IOOPDONARX"),
    (Reported(Online), "INNPDNNARX"),
    (Reported(Active), "IAAPDANARX"),
    (Reported(Recovery), "IRRPDRNARX"),
    (Reported(None), "IWSPDONARX"),
    (Asked(Init), "IIIIIIIIII"),
    (Asked(WaitSync), "WWWWWWWWWW"),
    (Asked(Syncing), "SSSSSSSSSS"),
    (Asked(IpChanged), "PPPPPPPPPP"),
    (Asked(StorageStatus::Deleted), "DDDDDDDDDD"),
    (Asked(Offline), "OOOOOONAOO"),
    (Asked(Online), "OOOOOONAOO"),
    (Asked(Active), "OOOOOONAOO"),
    (Asked(Recovery), "RRRRRRRRRR"),
    (Asked(None), "IWSPDONARX"),
];

#[test]
fn every_event_moves_every_status_as_the_table_says() {
    for (event, expected) in TABLE {
        let letter = |status: StorageStatus| {
            let index = StorageStatus::ALL.iter().position(|&other| other == status).unwrap();
            LETTERS.chars().nth(index).unwrap()
        };
        let becomes: String = StorageStatus::ALL.iter().map(|&status| letter(after(status, *event))).collect();
        assert_eq!(becomes, *expected, "{event:?}");
    }
}

#[test]
fn the_table_has_every_event_once() {
    // A new event must be given a row: this match makes the compiler ask for it.
    let rows_of = |event: E| match event {
        Join
        | Beat
        | Disconnect
        | Silence
        | NobodyElse
        | SourceChosen
        | ToldNoSource
        | ToldSource
        | E::Deleted
        | AddressLeft
        | Restart => 1,
        Reported(_) | Asked(_) => StorageStatus::ALL.len(),
    };
    let kinds: std::collections::BTreeMap<String, usize> = TABLE
        .iter()
        .map(|(event, _)| (format!("{event:?}").split('(').next().unwrap().to_owned(), rows_of(*event)))
        .collect();
    assert_eq!((kinds.len(), kinds.values().sum::<usize>()), (13, TABLE.len()));
    for (index, (event, _)) in TABLE.iter().enumerate() {
        assert!(TABLE[..index].iter().all(|(other, _)| other != event), "{event:?} twice");
    }
}

/// Whatever happens, a storage that waits for its old files serves only when its source says that they are there, a peer
/// says that it serves already, or nobody has to copy any.
#[test]
fn nobody_becomes_active_before_its_old_files_are_there() {
    for (event, _) in TABLE {
        for status in [Init, WaitSync, Syncing] {
            let next = after(status, *event);
            let may_leave = matches!(event, NobodyElse | ToldNoSource | Reported(_) | Asked(_));
            assert!(is_joining(next) || !next.is_available() || may_leave, "{event:?}: {status} => {next}");
        }
    }
    assert_eq!(after(StorageStatus::Deleted, Beat), StorageStatus::Deleted);
}

#[test]
fn a_first_join_continues_only_a_status_that_can_be_continued() {
    for own in i8::MIN..=i8::MAX {
        assert_eq!(on_first_join(true, own), Some(Init), "new storage, own status {own}");
        let continued = match own {
            0 => Some(Init),
            1 => Some(WaitSync),
            2 => Some(Syncing),
            5 => Some(Offline),
            6 | 7 => Some(Online),
            9 => Some(Recovery),
            _ => Option::None,
        };
        assert_eq!(on_first_join(false, own), continued, "old storage, own status {own}");
    }
}

#[test]
fn a_first_report_makes_no_live_and_no_dead_storage() {
    for status in StorageStatus::ALL {
        let expected = matches!(status, Init | WaitSync | Syncing | Offline | Recovery).then_some(status);
        assert_eq!(on_first_report(status), expected, "{status}");
    }
}

#[test]
fn only_what_a_restart_would_bring_back_is_stored() {
    for status in StorageStatus::ALL {
        assert_eq!(is_stored(status), !matches!(status, StorageStatus::Deleted | IpChanged), "{status}");
    }
}
