//! Slave files and links: names that are given by others, so that they may be taken.
//!
//! The caller holds the locks of the names that are known before.

use fdfs_proto::FileName;
use fdfs_proto::disk::binlog_record::{BinlogRecord, Op};
use fdfs_proto::file_id::LogicName;
use fdfs_store::{Fs, NewFile, StoreError};

use super::{PathSlot, WritePath, free_name, source_record, true_name};
use crate::commit::CommitError;
use crate::error::RequestError;
use crate::names::in_name;

impl<F: Fs> WritePath<F> {
    /// Gives a file that is all here the name of a slave, which must be free (behaviour, W-15).
    ///
    /// # Errors
    /// [`RequestError`]; the file is not there then.
    pub async fn add_slave(
        &self,
        slot: &PathSlot<F>,
        mut file: NewFile<F>,
        slave: &LogicName,
    ) -> Result<(), RequestError> {
        let created = self.slave_time(slot, &file, slave).await?;
        slot.flush().await?;
        let permit = slot.permits.write().await;
        file.name(slave.true_name())?;
        drop(permit);
        self.commit_new(slot, slave.text(), created).await?;
        Ok(())
    }

    /// The same for `store_slave_file_use_link`: the content gets a name that nobody is told, made by `new_name`, and the
    /// slave is a link to it. A name that is too long for the record of a link becomes a plain slave.
    ///
    /// Differs from C: the record of the link has its name (behaviour, W-42).
    ///
    /// # Errors
    /// [`RequestError`]; neither is there then.
    pub async fn add_linked_slave(
        &self,
        slot: &PathSlot<F>,
        mut file: NewFile<F>,
        slave: &LogicName,
        mut new_name: impl FnMut() -> FileName,
    ) -> Result<(), RequestError> {
        let created = self.slave_time(slot, &file, slave).await?;
        let link_to = |target| source_record(created, slave.text(), Op::Link { source: Some(target) });
        if link_to(new_name()).encode(&mut Vec::new()).is_err() {
            return self.add_slave(slot, file, slave).await;
        }
        slot.flush().await?;
        let permit = slot.permits.write().await;
        let target = free_name(&mut new_name, |name| file.name(true_name(name)))?;
        if let Err(e) = slot.path.make_link(true_name(&target), slave.true_name()) {
            let _ = slot.path.remove(true_name(&target));
            return Err(e.into());
        }
        drop(permit);
        let records = [source_record(created, target, Op::Create), link_to(target)];
        self.commit_names(slot, &records, &[slave.true_name(), true_name(&target)]).await
    }

    /// Makes a link to a file, under a name that `new_name` makes from fresh random bits.
    ///
    /// # Errors
    /// [`RequestError`]; the link is not there then.
    pub async fn add_link(
        &self,
        slot: &PathSlot<F>,
        source: &LogicName,
        now: u32,
        mut new_name: impl FnMut() -> FileName,
    ) -> Result<FileName, RequestError> {
        slot.check_writable()?;
        let source = final_source(slot, source)?;
        let permit = slot.permits.write().await;
        let name = free_name(&mut new_name, |name| slot.path.make_link(source.true_name(), true_name(name)))?;
        drop(permit);
        let record = source_record(now, name, Op::Link { source: Some(source.text()) });
        self.commit_names(slot, &[record], &[true_name(&name)]).await?;
        Ok(name)
    }

    /// Makes a link to a file, under the name of a slave.
    ///
    /// # Errors
    /// [`RequestError`]; the link is not there then.
    pub async fn add_slave_link(
        &self,
        slot: &PathSlot<F>,
        source: &LogicName,
        now: u32,
        slave: &LogicName,
    ) -> Result<(), RequestError> {
        slot.check_writable()?;
        let source = final_source(slot, source)?;
        let permit = slot.permits.write().await;
        let at = self.own_time(slot, slave, now)?;
        drop(permit);
        let record = source_record(at, slave.text(), Op::Link { source: Some(source.text()) });
        record.encode(&mut Vec::new()).map_err(CommitError::from)?;
        let permit = slot.permits.write().await;
        slot.path.make_link(source.true_name(), slave.true_name())?;
        drop(permit);
        self.commit_names(slot, &[record], &[slave.true_name()]).await
    }

    /// The time of a slave that is about to get its name: after the deletion of an earlier one of that name.
    async fn slave_time(&self, slot: &PathSlot<F>, file: &NewFile<F>, slave: &LogicName) -> Result<u32, RequestError> {
        let _permit = slot.permits.write().await;
        let made = file.modified_unix_secs()?;
        let at = self.own_time(slot, slave, in_name(made))?;
        if i64::from(at) != made {
            file.set_modified(i64::from(at))?;
        }
        Ok(at)
    }

    /// Makes names durable as the policy asks, and records them. Without their records they are removed again.
    async fn commit_names(
        &self,
        slot: &PathSlot<F>,
        records: &[BinlogRecord],
        true_names: &[&str],
    ) -> Result<(), RequestError> {
        let committed = match slot.flush().await {
            Ok(()) => self.record_own(records).await,
            Err(e) => Err(e),
        };
        if let Err(e) = committed {
            if !matches!(e, CommitError::Flush(_)) {
                let _permit = slot.permits.write().await;
                for name in true_names {
                    // What cannot be removed is found at the next start.
                    let _ = slot.path.remove(name);
                }
            }
            return Err(e.into());
        }
        Ok(())
    }
}

/// What a link to `source` should lead to: not to another link, which may be deleted by itself.
fn final_source<F: Fs>(slot: &PathSlot<F>, source: &LogicName) -> Result<LogicName, RequestError> {
    match slot.path.link_target(source.true_name())? {
        Some(target) => Ok(on_path(slot, &target)?),
        None => Ok(*source),
    }
}

/// The logic name of a file of a store path.
///
/// # Errors
/// [`StoreError::Corrupt`] for a name that is too long to be one.
pub(crate) fn on_path<F: Fs>(slot: &PathSlot<F>, true_name: &str) -> Result<LogicName, StoreError> {
    format!("M{:02X}/{true_name}", slot.path.index()).parse().map_err(|e: fdfs_proto::file_id::NameError| {
        StoreError::Corrupt { path: slot.path.data_path().join(true_name), what: e.to_string() }
    })
}
