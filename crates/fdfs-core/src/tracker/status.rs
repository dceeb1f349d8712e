//! Which status follows on which event: the table of the behaviour document, 3.5, one function per row group.
//!
//! Pure functions of the stored status; who calls them keeps arrays, counters and files in step.

use fdfs_proto::shared::StorageStatus::{self, *};

/// The first status of a storage that is unknown to this tracker; `None` refuses the join.
///
/// A new storage (`init_flag`) starts as INIT. One with old data continues with the status that it last heard of
/// itself, a number from the wire with -1 for "never heard"; ACTIVE must be earned by a beat again.
#[must_use]
pub fn on_first_join(init_flag: bool, own_status: i8) -> Option<StorageStatus> {
    if init_flag {
        return Some(Init);
    }
    match StorageStatus::from_number(u8::try_from(own_status).ok()?)? {
        Active => Some(Online),
        same @ (Init | WaitSync | Syncing | Offline | Online | Recovery) => Some(same),
        IpChanged | Deleted | None => Option::None,
    }
}

/// A join of a known storage (81).
#[must_use]
pub const fn on_join(status: StorageStatus) -> StorageStatus {
    match status {
        Offline | Recovery => Online,
        Deleted | IpChanged => Init,
        Init | WaitSync | Syncing | Online | Active | None => status,
    }
}

/// A beat or a disk report (83, 84). Joining storages keep their status: only sync reports move them on.
#[must_use]
pub const fn on_beat(status: StorageStatus) -> StorageStatus {
    match status {
        Offline | Online | Deleted | Recovery => Active,
        Init | WaitSync | Syncing | IpChanged | Active | None => status,
    }
}

/// The newest connection of a storage closed.
#[must_use]
pub const fn on_disconnect(status: StorageStatus) -> StorageStatus {
    match status {
        Online | Active | Offline => Offline,
        Init | WaitSync | Syncing | Deleted | IpChanged | Recovery | None => status,
    }
}

/// No beat for longer than `check_active_interval`.
#[must_use]
pub const fn on_silence(status: StorageStatus) -> StorageStatus {
    match status {
        Active => Offline,
        Init | WaitSync | Syncing | IpChanged | Deleted | Offline | Online | Recovery | None => status,
    }
}

/// The storage says that nobody has to copy old files to it (88 without a source).
#[must_use]
pub const fn on_notify_without_source(status: StorageStatus) -> StorageStatus {
    match status {
        Init | WaitSync | Syncing => Online,
        IpChanged | Deleted | Offline | Online | Active | Recovery | None => status,
    }
}

/// The storage names who copies its old files (88 with a source).
#[must_use]
pub const fn on_notify_with_source(status: StorageStatus) -> StorageStatus {
    match status {
        Init => WaitSync,
        WaitSync | Syncing | IpChanged | Deleted | Offline | Online | Active | Recovery | None => status,
    }
}

/// A peer reports a status of a storage (76, and 85 where this tracker does not lead).
#[must_use]
pub fn on_report(status: StorageStatus, reported: StorageStatus) -> StorageStatus {
    match (status, reported) {
        (_, None) => status,
        (WaitSync | Syncing | Offline | Deleted | IpChanged, Deleted | IpChanged) => reported,
        (WaitSync | Syncing | Offline, _) if reported > status => reported,
        (Init | WaitSync | Syncing | IpChanged | Deleted | Offline | Online | Active | Recovery | None, _) => status,
    }
}

/// The first status of a storage that only a peer's report makes known; `None` ignores the report.
#[must_use]
pub const fn on_first_report(reported: StorageStatus) -> Option<StorageStatus> {
    match reported {
        Init | WaitSync | Syncing | Offline | Recovery => Some(reported),
        IpChanged | Deleted | Online | Active | None => Option::None,
    }
}

/// The storage asks for a status, so that this tracker agrees with the leader (59).
#[must_use]
pub fn on_own_request(status: StorageStatus, asked: StorageStatus) -> StorageStatus {
    if status == asked || (status.is_available() && asked.is_available()) {
        return status;
    }
    match asked {
        Online | Active => Offline,
        None => status,
        Init | WaitSync | Syncing | IpChanged | Deleted | Offline | Recovery => asked,
    }
}

/// A status from the servers file after a restart; `None` drops the row.
#[must_use]
pub const fn on_restore(status: StorageStatus) -> Option<StorageStatus> {
    match status {
        Init | WaitSync | Syncing => Some(status),
        Offline | Online | Active | Recovery | None => Some(Offline),
        Deleted | IpChanged => Option::None,
    }
}

/// Whether a storage of this status is written to the servers file.
#[must_use]
pub const fn is_stored(status: StorageStatus) -> bool {
    !matches!(status, Deleted | IpChanged)
}

/// Whether a storage of this status serves or is about to: it can be neither deleted nor renamed.
#[must_use]
pub const fn is_live(status: StorageStatus) -> bool {
    matches!(status, Online | Active | Recovery)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Columns: from, join, beat, disconnect, silence, notify without and with a source.
    const TABLE: [[StorageStatus; 7]; 10] = [
        [Init, Init, Init, Init, Init, Online, WaitSync],
        [WaitSync, WaitSync, WaitSync, WaitSync, WaitSync, Online, WaitSync],
        [Syncing, Syncing, Syncing, Syncing, Syncing, Online, Syncing],
        [IpChanged, Init, IpChanged, IpChanged, IpChanged, IpChanged, IpChanged],
        [Deleted, Init, Active, Deleted, Deleted, Deleted, Deleted],
        [Offline, Online, Active, Offline, Offline, Offline, Offline],
        [Online, Online, Active, Offline, Online, Online, Online],
        [Active, Active, Active, Offline, Offline, Active, Active],
        [Recovery, Online, Active, Recovery, Recovery, Recovery, Recovery],
        [None, None, None, None, None, None, None],
    ];

    #[test]
    fn every_event_moves_every_status_as_the_table_says() {
        for [from, join, beat, disconnect, silence, without, with] in TABLE {
            assert_eq!(on_join(from), join, "join of {from}");
            assert_eq!(on_beat(from), beat, "beat of {from}");
            assert_eq!(on_disconnect(from), disconnect, "disconnect of {from}");
            assert_eq!(on_silence(from), silence, "silence of {from}");
            assert_eq!(on_notify_without_source(from), without, "notify without a source of {from}");
            assert_eq!(on_notify_with_source(from), with, "notify with a source of {from}");
        }
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

    /// One row per stored status, one column per reported status in the order of [`StorageStatus::ALL`]
    /// (`.` ignored, `=` taken).
    #[test]
    fn reports_only_move_up_or_out() {
        let table = [
            (Init, ".........."),
            (WaitSync, "..======.."),
            (Syncing, "...=====.."),
            (IpChanged, "....=....."),
            (Deleted, "...=......"),
            (Offline, "...==.==.."),
            (Online, ".........."),
            (Active, ".........."),
            (Recovery, ".........."),
            (None, ".........."),
        ];
        for (from, columns) in table {
            for (reported, mark) in StorageStatus::ALL.into_iter().zip(columns.chars()) {
                // RECOVERY is greater than every status that may be left.
                let taken = mark == '=' || (reported == Recovery && matches!(from, WaitSync | Syncing | Offline));
                let expected = if taken { reported } else { from };
                assert_eq!(on_report(from, reported), expected, "{from} reported as {reported}");
            }
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
    fn an_own_request_never_makes_a_storage_live() {
        for from in StorageStatus::ALL {
            for asked in StorageStatus::ALL {
                let expected = match (from, asked) {
                    (Offline | Online | Active, Offline | Online | Active) | (_, None) => from,
                    (_, Online | Active) => Offline,
                    _ => asked,
                };
                assert_eq!(on_own_request(from, asked), expected, "{from} asks for {asked}");
            }
        }
    }

    #[test]
    fn a_restart_keeps_only_the_states_of_the_old_data_sync() {
        for status in StorageStatus::ALL {
            let expected = match status {
                Init | WaitSync | Syncing => Some(status),
                Deleted | IpChanged => Option::None,
                _ => Some(Offline),
            };
            assert_eq!(on_restore(status), expected, "{status}");
            assert_eq!(is_stored(status), expected.is_some(), "{status}");
        }
    }
}
