//! Whole files (16, 18) and deletions (17).

use fdfs_proto::StorageId;

use super::{By, Content, LastChange, NameFacts, NameUse, stays_deleted};

/// A whole file that has come in, and what is here of its name.
#[derive(Debug, Clone, Copy)]
pub struct WholeFile {
    /// What the name tells.
    pub name: NameFacts,
    /// The time in the sender's record, unix seconds.
    pub at: u32,
    /// Who sends, if that is known.
    pub sender: Option<StorageId>,
    /// What has come in.
    pub incoming: Content,
    /// What is here; `None`: nothing.
    pub here: Option<(Content, LastChange)>,
    /// The deletion of the name that is remembered.
    pub deleted: Option<LastChange>,
}

/// What happens to a whole file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WholeVerdict {
    /// It gets its name, which is free.
    Place,
    /// It takes the place of what is here. With `repair` that was a change made here, which a third storage may have
    /// and the sender not: so all must get the file from here again.
    Replace {
        /// Whether the file is to be sent from here again.
        repair: bool,
    },
    /// The same bytes are here.
    IsHere,
    /// What is here stays, because it is what the name promises, or newer; and it is sent from here again, as the others
    /// may have something else.
    Keep,
    /// The name was deleted since.
    StaysDeleted,
}

/// What happens to a whole file, by `SYNC_CREATE_FILE` and `SYNC_UPDATE_FILE` alike.
#[must_use]
pub fn whole_file(file: &WholeFile) -> WholeVerdict {
    let Some((here, last)) = file.here else {
        return match file.deleted {
            Some(deleted) if stays_deleted(&file.name, deleted, file.at, file.sender) => WholeVerdict::StaysDeleted,
            _ => WholeVerdict::Place,
        };
    };
    if here == file.incoming {
        return WholeVerdict::IsHere;
    }
    if let Some(promised) = file.name.promised {
        if here == promised {
            return WholeVerdict::Keep;
        }
        if file.incoming == promised {
            return WholeVerdict::Replace { repair: false };
        }
    }
    // Was it somebody else who made what is here, and is that newer, then its own state meets this one at its maker's, and
    // comes again from there. To claim it for this storage could undo what the sender has made of it meanwhile.
    let may_follow = file.at == last.at && file.incoming.wins_over(here);
    let is_newer = last.is_of(file.sender) || last.may_be_of(file.sender) || file.at > last.at || may_follow;
    if is_newer { WholeVerdict::Replace { repair: last.by == By::Own } } else { WholeVerdict::Keep }
}

/// What is to be done about a link that has come in, where something else is under its name: whether it takes the place
/// of that. Of the same second the other stays, as a file that comes in takes the place of a link.
#[must_use]
pub fn link_replaces(name: &NameFacts, at: u32, sender: Option<StorageId>, last: LastChange) -> bool {
    match name.used {
        NameUse::Once => false,
        NameUse::Again => last.is_of(sender) || last.may_be_of(sender) || at > last.at,
    }
}

/// What happens to a deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeleteVerdict {
    /// The file goes.
    Delete,
    /// It was made anew since.
    Keep,
}

/// What happens to a file that is here and is deleted elsewhere: `last` is its last change here.
#[must_use]
pub fn delete(name: &NameFacts, at: u32, sender: Option<StorageId>, last: LastChange) -> DeleteVerdict {
    match name.used {
        NameUse::Again if last.is_newer_than(at, sender) => DeleteVerdict::Keep,
        NameUse::Again | NameUse::Once => DeleteVerdict::Delete,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: Content = Content { len_bytes: 11, crc32: 0x0d4a_1185 };
    const BAD: Content = Content { len_bytes: 11, crc32: 7 };
    const OTHER: Content = Content { len_bytes: 12, crc32: 9 };

    fn facts(name: &str) -> NameFacts {
        NameFacts::of(&name.parse().unwrap())
    }

    fn regular() -> NameFacts {
        facts("M00/00/00/Ck4BC2sAEACAOnlIAAAACw1KEYU319.txt")
    }

    fn slave() -> NameFacts {
        facts("M00/01/01/Ck4BC2sAEASAX_e9AAAAC9yobGc248_150x150.jpg")
    }

    fn peer(id: &str) -> Option<StorageId> {
        Some(id.parse().unwrap())
    }

    fn last(at: u32, by: By) -> LastChange {
        LastChange { at, by }
    }

    fn whole(name: NameFacts, at: u32, incoming: Content, here: Option<(Content, LastChange)>) -> WholeFile {
        WholeFile { name, at, sender: peer("a"), incoming, here, deleted: None }
    }

    fn of(name: NameFacts, at: u32, incoming: Content, here: Option<(Content, LastChange)>) -> WholeVerdict {
        whole_file(&whole(name, at, incoming, here))
    }

    #[test]
    fn w14_a_copy_that_is_not_what_its_name_promises_is_replaced_and_a_good_one_never() {
        let here = |content| Some((content, last(500, By::Own)));
        assert_eq!(
            of(regular(), 5, GOOD, here(BAD)),
            WholeVerdict::Replace { repair: false },
            "though the change here is newer"
        );
        assert_eq!(of(regular(), 900, BAD, here(GOOD)), WholeVerdict::Keep);
        assert_eq!(of(regular(), 5, GOOD, here(GOOD)), WholeVerdict::IsHere);
    }

    #[test]
    fn the_newer_one_stays_and_one_of_the_same_second_by_its_content() {
        let own = |content| Some((content, last(10, By::Own)));
        assert_eq!(of(slave(), 11, BAD, own(OTHER)), WholeVerdict::Replace { repair: true });
        assert_eq!(of(slave(), 9, OTHER, own(BAD)), WholeVerdict::Keep);
        assert_eq!(of(slave(), 10, OTHER, own(BAD)), WholeVerdict::Replace { repair: true });
        assert_eq!(of(slave(), 10, BAD, own(OTHER)), WholeVerdict::Keep);
        let by_b = Some((OTHER, last(10, By::sender(Some("b".parse().unwrap())))));
        assert_eq!(of(slave(), 9, BAD, by_b), WholeVerdict::Keep);
    }

    #[test]
    fn what_is_here_is_replaced_and_not_claimed_when_its_maker_is_forgotten() {
        let by_somebody = |at| Some((OTHER, last(at, By::Unknown)));
        assert_eq!(of(slave(), 10, BAD, by_somebody(10)), WholeVerdict::Replace { repair: false });
        assert_eq!(of(slave(), 9, BAD, by_somebody(10)), WholeVerdict::Replace { repair: false });
        let of_nobody = WholeFile { sender: None, ..whole(slave(), 9, BAD, by_somebody(10)) };
        assert_eq!(whole_file(&of_nobody), WholeVerdict::Keep);
    }

    #[test]
    fn what_one_storage_sends_is_in_order_whatever_its_clock_says() {
        let by_a = Some((OTHER, last(10, By::sender(Some("a".parse().unwrap())))));
        assert_eq!(of(slave(), 10, BAD, by_a), WholeVerdict::Replace { repair: false });
        assert_eq!(of(slave(), 3, BAD, by_a), WholeVerdict::Replace { repair: false });
    }

    #[test]
    fn a_link_takes_the_place_of_what_was_under_its_name_before() {
        let by = |at, by| link_replaces(&slave(), 10, peer("a"), last(at, by));
        assert!(by(12, By::sender(Some("a".parse().unwrap()))) && by(12, By::Unknown) && by(9, By::Own));
        assert!(!by(10, By::Own) && !by(11, By::sender(Some("b".parse().unwrap()))));
        assert!(!link_replaces(&regular(), 10, peer("a"), last(9, By::Unknown)), "a name that is given once");
    }

    #[test]
    fn a_deleted_name_stays_deleted_unless_it_can_be_given_again() {
        let by_b = Some(last(10, By::sender(Some("b".parse().unwrap()))));
        let by_a = Some(last(10, By::sender(Some("a".parse().unwrap()))));
        let dead = |name, at, deleted| {
            let file = WholeFile { name, at, sender: peer("a"), incoming: GOOD, here: None, deleted };
            whole_file(&file) == WholeVerdict::StaysDeleted
        };
        let appender = facts("M00/00/03/Ck4BC2sAEAKEAj2qAAAAADUkQcI950.log");
        assert!(dead(regular(), 9, by_b) && dead(appender, 9, by_b) && dead(appender, 11, by_b));
        assert!(dead(slave(), 9, by_b) && dead(slave(), 10, by_b) && !dead(slave(), 11, by_b));
        assert!(!dead(slave(), 10, by_a), "deleted and made again in the same second");
        assert!(!dead(regular(), 9, None));
    }

    #[test]
    fn a_deletion_spares_only_what_was_made_anew() {
        let own = last(10, By::Own);
        assert_eq!(delete(&slave(), 9, peer("a"), own), DeleteVerdict::Keep);
        assert_eq!(delete(&slave(), 10, peer("a"), own), DeleteVerdict::Delete);
        assert_eq!(
            delete(&slave(), 9, peer("a"), last(10, By::sender(Some("a".parse().unwrap())))),
            DeleteVerdict::Delete
        );
        assert_eq!(delete(&regular(), 9, peer("a"), own), DeleteVerdict::Delete);
    }
}
