//! Changes of a part of a file: append (25), modify (35), truncate (37).

use fdfs_proto::StorageId;

use super::{By, LastChange, NameFacts, stays_deleted};

/// A change that has come in, and what is here of its file.
#[derive(Debug, Clone, Copy)]
pub struct Change {
    /// What the name tells.
    pub name: NameFacts,
    /// The time in the sender's record, unix seconds.
    pub at: u32,
    /// Who sends, if that is known.
    pub sender: Option<StorageId>,
    /// What is here, in bytes, and its last change; `None`: no file.
    pub here: Option<(u64, LastChange)>,
    /// The deletion of the name that is remembered.
    pub deleted: Option<LastChange>,
}

/// What happens to a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeVerdict {
    /// It is made. With `repair` it came out of order, and the others must get the whole file from here: they may have
    /// made the same changes the other way round.
    Apply {
        /// Whether the file is to be sent from here again.
        repair: bool,
    },
    /// It has been made already.
    IsHere,
    /// What is here is newer and different: the change is dropped, and the file is sent from here again.
    Keep,
    /// It does not fit what is here, or nothing is here: the whole file is needed.
    NeedsWhole,
    /// The file was deleted since.
    StaysDeleted,
}

impl Change {
    /// What is here, or what a change of nothing leads to.
    fn file(&self) -> Result<(u64, LastChange), ChangeVerdict> {
        self.here.ok_or_else(|| match self.deleted {
            Some(deleted) if stays_deleted(&self.name, deleted, self.at, self.sender) => ChangeVerdict::StaysDeleted,
            _ => ChangeVerdict::NeedsWhole,
        })
    }

    /// What is here is newer, and the sender may have made it: only the whole file tells.
    fn may_be_sent_again(&self, last: LastChange) -> bool {
        last.may_be_of(self.sender) && last.at > self.at
    }

    /// It does not fit.
    fn conflict(&self, last: LastChange) -> ChangeVerdict {
        if last.is_newer_than(self.at, self.sender) && !last.may_be_of(self.sender) {
            ChangeVerdict::Keep
        } else {
            ChangeVerdict::NeedsWhole
        }
    }

    /// It fits by its numbers. That the file was changed here meanwhile may not show in them.
    fn apply(&self, last: LastChange) -> ChangeVerdict {
        if self.may_be_sent_again(last) {
            return ChangeVerdict::NeedsWhole;
        }
        let is_own_second = last.by == By::Own && last.at == self.at;
        ChangeVerdict::Apply { repair: is_own_second || last.is_newer_than(self.at, self.sender) }
    }
}

/// What happens to `len` bytes that were appended at `offset`. `is_equal` looks whether the same bytes are there already,
/// and is asked only when the file is long enough.
///
/// # Errors
/// Those of `is_equal`.
pub fn append<E>(
    change: &Change,
    offset: u64,
    len: u64,
    is_equal: impl FnOnce() -> Result<bool, E>,
) -> Result<ChangeVerdict, E> {
    let (size, last) = match change.file() {
        Ok(file) => file,
        Err(verdict) => return Ok(verdict),
    };
    if size == offset {
        return Ok(change.apply(last));
    }
    let is_long_enough = offset.checked_add(len).is_some_and(|end| size >= end);
    if is_long_enough && is_equal()? {
        return Ok(ChangeVerdict::IsHere);
    }
    Ok(change.conflict(last))
}

/// What happens to bytes that were overwritten from `offset`.
#[must_use]
pub fn modify(change: &Change, offset: u64) -> ChangeVerdict {
    match change.file() {
        Err(verdict) => verdict,
        Ok((size, last)) if size < offset => change.conflict(last),
        Ok((_, last)) => change.apply(last),
    }
}

/// What happens to a file whose size was changed.
#[must_use]
pub fn truncate(change: &Change, old_size: u64, new_size: u64) -> ChangeVerdict {
    match change.file() {
        Err(verdict) => verdict,
        Ok((size, last)) if size == new_size && size != old_size && change.at <= last.at => ChangeVerdict::IsHere,
        // Cut it would lack what was written since.
        Ok((_, last)) if last.is_newer_than(change.at, change.sender) => change.conflict(last),
        Ok((size, last)) if size == old_size => change.apply(last),
        Ok((_, last)) => change.conflict(last),
    }
}

#[cfg(test)]
mod tests {
    use super::ChangeVerdict::{Apply, IsHere, Keep, NeedsWhole, StaysDeleted};
    use super::*;

    fn change(at: u32, here: Option<(u64, LastChange)>) -> Change {
        let name = NameFacts::of(&"M00/00/03/Ck4BC2sAEAKEAj2qAAAAADUkQcI950.log".parse().unwrap());
        Change { name, at, sender: Some("a".parse().unwrap()), here, deleted: None }
    }

    fn own(size: u64, at: u32) -> Option<(u64, LastChange)> {
        Some((size, LastChange { at, by: By::Own }))
    }

    fn append_at(change: &Change, offset: u64, is_equal: bool) -> ChangeVerdict {
        append(change, offset, 5, || Ok::<_, ()>(is_equal)).unwrap()
    }

    #[test]
    fn w06_an_append_is_made_only_where_it_fits() {
        assert_eq!(append_at(&change(20, own(10, 10)), 10, false), Apply { repair: false });
        assert_eq!(append_at(&change(20, own(15, 10)), 10, true), IsHere);
        assert_eq!(append_at(&change(20, own(15, 10)), 10, false), NeedsWhole, "other bytes");
        assert_eq!(append_at(&change(20, own(9, 10)), 10, true), NeedsWhole, "a gap");
        assert_eq!(append_at(&change(20, own(12, 10)), 10, true), NeedsWhole, "half of it is there");
        assert_eq!(append_at(&change(20, None), 0, true), NeedsWhole, "no file");
        assert_eq!(append_at(&change(20, own(u64::MAX, 10)), u64::MAX - 1, true), NeedsWhole, "no such end");
    }

    #[test]
    fn w07_an_older_change_that_does_not_fit_is_dropped_and_ours_sent_again() {
        assert_eq!(append_at(&change(9, own(15, 10)), 10, false), Keep);
        assert_eq!(modify(&change(9, own(15, 10)), 20), Keep);
        assert_eq!(truncate(&change(9, own(15, 10)), 20, 3), Keep);
        let unknown = Some((15, LastChange { at: 10, by: By::Unknown }));
        assert_eq!(truncate(&change(9, unknown), 20, 3), NeedsWhole, "the sender may have made it, and sends it again");
        assert_eq!(modify(&change(9, unknown), 3), NeedsWhole);
        assert_eq!(truncate(&change(9, unknown), 15, 3), NeedsWhole);
        assert_eq!(append_at(&change(9, unknown), 15, false), NeedsWhole);
        let by_a = Some((15, LastChange { at: 10, by: By::sender(Some("a".parse().unwrap())) }));
        assert_eq!(truncate(&change(9, by_a), 20, 3), NeedsWhole);
    }

    #[test]
    fn a_change_that_fits_but_is_not_the_newest_is_made_and_ours_sent_again() {
        assert_eq!(modify(&change(20, own(15, 10)), 15), Apply { repair: false });
        assert_eq!(modify(&change(10, own(15, 10)), 3), Apply { repair: true });
        let by_b = Some((15, LastChange { at: 10, by: By::sender(Some("b".parse().unwrap())) }));
        assert_eq!(modify(&change(9, by_b), 3), Apply { repair: true });
        assert_eq!(append_at(&change(9, by_b), 15, false), Apply { repair: true });
        assert_eq!(truncate(&change(10, own(15, 10)), 15, 3), Apply { repair: true });
        assert_eq!(truncate(&change(9, own(15, 10)), 15, 3), Keep, "what was written since stays");
    }

    #[test]
    fn w08_a_change_of_a_missing_file_asks_for_the_whole_unless_it_was_deleted() {
        assert_eq!(modify(&change(9, None), 0), NeedsWhole);
        assert_eq!(truncate(&change(9, None), 5, 0), NeedsWhole);
        let deleted = Some(LastChange { at: 5, by: By::Unknown });
        let late = Change { deleted, ..change(9, None) };
        assert_eq!(truncate(&late, 5, 0), StaysDeleted);
        assert_eq!(append_at(&late, 0, false), StaysDeleted);
    }

    #[test]
    fn a_repeated_truncate_is_done() {
        assert_eq!(truncate(&change(10, own(3, 10)), 15, 3), IsHere);
        assert_eq!(truncate(&change(11, own(3, 10)), 15, 3), NeedsWhole);
    }
}
