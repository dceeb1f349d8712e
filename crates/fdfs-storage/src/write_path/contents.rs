//! Finding the content of a file, plain or in a slot, and through links.

use fdfs_net::Permits;
use fdfs_proto::file_id::LogicName;
use fdfs_store::data_file::DataFileInfo;
use fdfs_store::{Fs, StoreError, StoredFile};

use super::{PathSlot, WritePath};
use crate::error::RequestError;

/// Links in slots that lead to each other: more are a circle.
const LINKS_MAX: usize = 8;

impl<F: Fs> WritePath<F> {
    /// The store path of a name.
    ///
    /// # Errors
    /// [`RequestError::NoStorePath`].
    pub fn slot_of(&self, name: &LogicName) -> Result<&PathSlot<F>, RequestError> {
        let (index, count) = (name.store_path_index(), self.slots.len());
        self.slots.get(usize::from(index)).ok_or(RequestError::NoStorePath { index, count })
    }

    /// Opens a file for reading, plain or in a slot; links are followed.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn open_content(&self, name: &LogicName) -> Result<StoredFile<F>, RequestError> {
        Ok(self.find_content(name).await?.0)
    }

    /// The same, with the permits under which it is read while it is sent.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn open_to_send(&self, name: &LogicName) -> Result<(StoredFile<F>, Permits), RequestError> {
        let (file, slot) = self.find_content(name).await?;
        Ok((file, slot.permits.readers().clone()))
    }

    async fn find_content(&self, name: &LogicName) -> Result<(StoredFile<F>, &PathSlot<F>), RequestError> {
        let mut name = *name;
        for _ in 0..LINKS_MAX {
            let slot = self.slot_of(&name)?;
            let permit = slot.permits.read().await;
            let file = slot.path.open_content(&name)?;
            if !file.is_link() {
                return Ok((file, slot));
            }
            let target = file.link_target();
            drop(permit);
            name = target.map_err(|source| StoreError::Disk {
                action: "read the link",
                path: slot.path.data_path().join(name.true_name()),
                source,
            })?;
        }
        Err(RequestError::TooManyLinks { name: name.to_string() })
    }

    /// Size and time of a file, plain or in a slot. A link tells its own time and its target's size.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn content_info(&self, name: &LogicName) -> Result<DataFileInfo, RequestError> {
        let slot = self.slot_of(name)?;
        let permit = slot.permits.read().await;
        let file = match name.trunk_part() {
            Some(_) => slot.path.open_slot(name)?,
            None => None,
        };
        let Some(file) = file else { return Ok(slot.path.file_info(name.true_name())?) };
        drop(permit);
        let info = DataFileInfo { len_bytes: file.len_bytes, modified_unix_secs: file.modified_unix_secs };
        if !file.is_link() {
            return Ok(info);
        }
        Ok(DataFileInfo { len_bytes: self.open_content(name).await?.len_bytes, ..info })
    }
}
