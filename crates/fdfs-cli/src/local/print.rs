//! How a file is printed, and the way through all files of a storage that `fdfs ls` and `fdfs find` share.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;

use super::filter::Filter;
use super::found::Found;
use super::store::Store;
use crate::exit::failure;
use fdfs_proto::Status;

/// How a file is printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Form {
    /// The id alone.
    #[default]
    Id,
    /// With kind, size and times.
    Long,
    /// One JSON object.
    Json,
}

impl Form {
    /// Of the two options.
    pub(super) const fn of(long: bool, json: bool) -> Self {
        match (long, json) {
            (_, true) => Self::Json,
            (true, _) => Self::Long,
            _ => Self::Id,
        }
    }

    /// A file as a line, without its newline.
    pub(super) fn line(self, file: &Found, zone: &TimeZone) -> String {
        let id = file.id.to_string();
        match self {
            Self::Id => id,
            Self::Json => {
                let mut line = json!({
                    "id": id,
                    "kind": file.what.word(),
                    "size_bytes": file.size_bytes,
                    "named_unix_secs": file.named,
                    "changed_unix_secs": file.changed,
                });
                if let Some(offset) = file.slot_offset {
                    line["trunk_file"] = file.path.display().to_string().into();
                    line["trunk_offset_bytes"] = offset.into();
                }
                line.to_string()
            }
            Self::Long => {
                let named = match Timestamp::from_second(file.named) {
                    Ok(time) => time.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string(),
                    Err(_) => file.named.to_string(),
                };
                format!("{:8} {:>13} {named} {id}", file.what.word(), file.size_bytes)
            }
        }
    }
}

/// Tells `each` of all files that are wanted: those on their own in the order of their ids, then those in slots of trunk
/// files in the order in which they were stored, so that `--after` goes on in either part.
///
/// # Errors
/// Something cannot be read; and what `each` returns.
pub(super) fn each_wanted(
    store: &Store,
    filter: &Filter,
    mut each: impl FnMut(&Found) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let after = filter.after();
    let mut skipping = after.filter(is_in_slot);
    if skipping.is_none() {
        for dir in store.dirs()? {
            for file in store.files(dir)? {
                let is_behind = after.is_none_or(|after| file.id.name.as_str() > after.name.as_str());
                if is_behind && filter.wants(&file) {
                    each(&file)?;
                }
            }
        }
    }
    let gaps = store.each_in_slots(|file| {
        if let Some(after) = skipping {
            if file.id == after {
                skipping = None;
            }
            return Ok(());
        }
        if filter.wants(&file) { each(&file) } else { Ok(()) }
    })?;
    match gaps.first() {
        None => Ok(()),
        Some(gap) => Err(failure(Status::EIO, format!("files in trunk files may be missing from the list: {gap}"))),
    }
}

/// Whether an id is that of a file in a slot.
fn is_in_slot(id: &fdfs_client::FileId) -> bool {
    id.logic_name().is_ok_and(|name| fdfs_store::Slot::of(&name).is_some())
}
