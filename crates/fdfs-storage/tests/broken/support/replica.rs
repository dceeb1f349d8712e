//! What another storage makes of a binlog: the rules of the reference for senders and receivers.

use std::collections::BTreeMap;

use fdfs_proto::disk::binlog_record::{BinlogRecord, Op};
use fdfs_proto::file_id::LogicName;
use fdfs_store::StorePath;
use fdfs_store::sim_fs::SimFs;

/// What lies under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entry {
    /// A file.
    File(Vec<u8>),
    /// A link to a true name.
    Link(String),
}

/// Files by true names.
pub(crate) type Files = BTreeMap<String, Entry>;

/// All files of the only folder that is used.
pub(crate) fn files(fs: &SimFs, path: &StorePath<SimFs>) -> Files {
    use fdfs_store::Fs;
    let mut files = Files::new();
    for name in fs.list(path.data(), "00/01").unwrap() {
        let true_name = format!("00/01/{name}");
        let entry = match path.link_target(&true_name).unwrap() {
            Some(target) => Entry::Link(target),
            None => Entry::File(super::read(fs, &true_name).unwrap()),
        };
        files.insert(true_name, entry);
    }
    files
}

fn true_name(name: &fdfs_proto::FileName) -> String {
    LogicName::parse(name).unwrap().true_name().to_owned()
}

/// Sends one record from `source` to `replica`.
pub(crate) fn send(record: &BinlogRecord, source: &Files, replica: &mut Files) {
    let name = true_name(&record.name);
    let here = source.get(&name);
    match record.op {
        Op::Create | Op::Update => {
            if let Some(entry @ Entry::File(_)) = here {
                replica.insert(name, entry.clone());
            }
        }
        Op::Append { offset, length } => {
            let (from, end) = (offset as usize, (offset + length) as usize);
            let Some(Entry::File(bytes)) = here.filter(|e| matches!(e, Entry::File(b) if b.len() >= end)) else {
                return;
            };
            match replica.get_mut(&name) {
                Some(Entry::File(copy)) if copy.len() == from => copy.extend_from_slice(&bytes[from..end]),
                Some(Entry::File(copy)) if copy.len() >= end => {}
                _ => drop(replica.insert(name, Entry::File(bytes.clone()))),
            }
        }
        Op::Modify { offset, length } => {
            let (from, end) = (offset as usize, (offset + length) as usize);
            let Some(Entry::File(bytes)) = here.filter(|e| matches!(e, Entry::File(b) if b.len() >= end)) else {
                return;
            };
            match replica.get_mut(&name) {
                Some(Entry::File(copy)) if copy.len() >= from => {
                    copy.resize(copy.len().max(end), 0);
                    copy[from..end].copy_from_slice(&bytes[from..end]);
                }
                _ => drop(replica.insert(name, Entry::File(bytes.clone()))),
            }
        }
        Op::Truncate { old_size, new_size } => {
            if let (Some(_), Some(Entry::File(copy))) = (here, replica.get_mut(&name))
                && copy.len() as u64 == old_size
            {
                copy.resize(new_size as usize, 0);
            }
        }
        Op::Delete => {
            if here.is_none() {
                replica.remove(&name);
            }
        }
        Op::Link { source: Some(target) } => {
            if let Some(Entry::Link(_)) = here
                && replica.contains_key(&true_name(&target))
            {
                replica.entry(name).or_insert_with(|| Entry::Link(true_name(&target)));
            }
        }
        Op::Rename { old_name: Some(old) } => {
            if let (Some(here), false) = (here, replica.contains_key(&name)) {
                let entry = replica.remove(&true_name(&old)).unwrap_or_else(|| here.clone());
                replica.insert(name, entry);
            }
        }
        Op::Link { source: None } | Op::Rename { old_name: None } => panic!("half a record: {record:?}"),
    }
}
