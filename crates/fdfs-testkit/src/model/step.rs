//! One request of any kind, and what it makes of the map.

use std::collections::BTreeMap;

use fdfs_proto::Wire;
use fdfs_proto::cmd::storage::{
    AppendHead, CreateLink, MetaMode, ModifyHead, RegenerateAppender, SetMetadataHead, Signature, TruncateFile,
    UploadHead, UploadSlaveHead,
};
use fdfs_proto::file_id::{FileId, Kind, slave_name};
use fdfs_proto::{ExtName, FileName, SlavePrefix};

use super::ask::{EEXIST, EINVAL, ENOENT, OK, ask, packed};
use super::{Entry, FILES_WANTED, Meta, Model};
use crate::raw::RawConn;

/// Sizes up to this one fit every buffer; every eighth content is larger than that.
const SMALL_BYTES: usize = 3000;
/// The largest content: more than one buffer.
const LARGE_BYTES: usize = 400_000;
/// The largest file that is still appended to.
const GROWN_BYTES: usize = 1 << 20;

impl Model {
    /// Makes one request; whether it came out as it should, and whether the connection is closed now.
    pub(super) fn step(&mut self, conn: &mut RawConn) -> (Result<(), String>, bool) {
        let roll = self.random.u32(..100);
        let outcome = match roll {
            _ if self.files.len() < 5 => self.upload(conn),
            0..16 if self.files.len() < FILES_WANTED => self.upload(conn),
            16..26 if self.files.len() < FILES_WANTED => self.upload_slave(conn),
            0..26 => self.delete(conn),
            26..44 => self.append(conn),
            44..52 => self.modify(conn),
            52..58 => self.truncate(conn),
            58..61 => self.regenerate(conn),
            61..71 => self.set_meta(conn),
            71..76 => self.link(conn),
            76..80 => self.delete(conn),
            80..90 => self.with_any(conn, Self::check_content),
            90..96 => self.with_any(conn, Self::check_info),
            _ => self.with_any(conn, Self::check_meta),
        };
        match outcome {
            Ok(is_closed) => (Ok(()), is_closed),
            Err(what) => (Err(what), false),
        }
    }

    fn with_any(
        &mut self,
        conn: &mut RawConn,
        check: fn(&Self, &mut RawConn, &str) -> super::Outcome,
    ) -> super::Outcome {
        let name = self.any_name();
        check(self, conn, &name)
    }

    /// A name that is there, or, seldom, one that is no more.
    fn any_name(&mut self) -> String {
        if self.random.u32(..20) == 0 && !self.gone.is_empty() {
            return self.gone[self.random.usize(..self.gone.len())].clone();
        }
        let at = self.random.usize(..self.files.len());
        self.files.keys().nth(at).unwrap().clone()
    }

    /// An appender file, or, seldom, any name.
    fn any_appender(&mut self) -> String {
        let appenders: Vec<_> =
            self.files.keys().filter(|name| Self::logic(name).kind() == Kind::Appender).cloned().collect();
        if appenders.is_empty() || self.random.u32(..10) == 0 {
            return self.any_name();
        }
        appenders[self.random.usize(..appenders.len())].clone()
    }

    /// Equal contents are not seldom.
    fn bytes(&mut self) -> Vec<u8> {
        let most = if self.random.u32(..8) == 0 { LARGE_BYTES } else { SMALL_BYTES };
        let (len, first) = match self.random.u32(..4) {
            0 => (self.random.usize(..4) * 1000, 7),
            1 => (self.random.usize(..20), self.random.u8(..)),
            _ => (self.random.usize(..most), self.random.u8(..)),
        };
        (0..len).map(|i| (i * 31 + i / 253) as u8 ^ first).collect()
    }

    fn ext(&mut self) -> ExtName {
        ["", "txt", "jpg", "log", "tar.gz", "c"][self.random.usize(..6)].parse().unwrap()
    }

    /// What a request for a file in place must answer: `None` when it is to be done.
    fn refusal(&self, name: &str) -> Option<u8> {
        match self.files.get(name) {
            // The commands want longer names; some slaves have shorter ones.
            _ if name.len() < 44 => Some(EINVAL),
            None => Some(ENOENT),
            // The content of such a slave lies somewhere else.
            Some(Entry::File(_)) if self.is_linked_slave(name) => Some(EINVAL),
            Some(Entry::File(_)) if Self::logic(name).kind() == Kind::Appender => None,
            // A file in a trunk file is none that these commands would find.
            Some(Entry::File(_)) if Self::logic(name).kind() == Kind::Trunk && !self.slaves.contains(name) => {
                Some(ENOENT)
            }
            Some(_) => Some(EINVAL),
        }
    }

    fn named(answer: &[u8]) -> String {
        String::from_utf8(answer[16..].to_vec()).unwrap()
    }

    fn upload(&mut self, conn: &mut RawConn) -> super::Outcome {
        let (content, ext) = (self.bytes(), self.ext());
        let is_appender = self.random.bool();
        let head = UploadHead { store_path: None, file_size: content.len() as u64, ext };
        let body = [head.to_bytes(), content.clone()].concat();
        let name = Self::named(&ask(conn, if is_appender { 23 } else { 11 }, &body, OK)?);
        let logic = Self::logic(&name);
        let kind = if is_appender { Kind::Appender } else { Kind::Regular };
        let is_in_slot = self.has_slots && !is_appender && logic.kind() == Kind::Trunk;
        if !(is_in_slot || logic.kind() == kind) || logic.fields().unwrap().crc32 != crc32fast::hash(&content) {
            return Err(format!("the name {name} for {} bytes, {:08x}", content.len(), crc32fast::hash(&content)));
        }
        match self.files.insert(name, Entry::File(content)) {
            None => Ok(false),
            Some(_) => Err("a name was given twice".into()),
        }
    }

    fn upload_slave(&mut self, conn: &mut RawConn) -> super::Outcome {
        let (master, content) = (self.any_name(), self.bytes());
        let prefix: SlavePrefix = ["-big", "_150x150", "-m"][self.random.usize(..3)].parse().unwrap();
        let ext: ExtName = ["", "jpg"][self.random.usize(..2)].parse().unwrap();
        let head = UploadSlaveHead { file_size: content.len() as u64, prefix, ext, master: master.parse().unwrap() };
        let body = [head.to_bytes(), content.clone()].concat();
        let expected = slave_name(&Self::logic(&master), &prefix, &ext).map(|name| name.to_string());
        let status = match &expected {
            _ if self.content(&master).is_none() => ENOENT,
            Err(_) => EINVAL,
            Ok(name) if self.files.contains_key(name) => EEXIST,
            // Its metadata would have a name that is too long, or the record of a link.
            Ok(name) if name.len() > 120 => return Ok(false),
            Ok(_) => OK,
        };
        let answer = ask(conn, 21, &body, status)?;
        if status == OK {
            let name = expected.unwrap();
            if Self::named(&answer) != name {
                return Err(format!("expected the slave {name}, got {}", answer.escape_ascii()));
            }
            self.gone.retain(|gone| *gone != name);
            // Neither a name that could be a regular file's, nor one that is too long for the record of a link.
            if self.has_linked_slaves && (45..=82).contains(&name.len()) {
                self.linked.insert(name.clone());
            }
            self.slaves.insert(name.clone());
            self.files.insert(name, Entry::File(content));
        }
        Ok(status == EINVAL)
    }

    fn append(&mut self, conn: &mut RawConn) -> super::Outcome {
        let (name, content) = (self.any_appender(), self.bytes());
        if self.content(&name).is_some_and(|file| file.len() > GROWN_BYTES) {
            return Ok(false);
        }
        let head = AppendHead { len: content.len() as u64, name: name.parse().unwrap() };
        let status = self.refusal(&name).unwrap_or(OK);
        ask(conn, 24, &[head.to_bytes(), content.clone()].concat(), status)?;
        if let (OK, Some(Entry::File(file))) = (status, self.files.get_mut(&name)) {
            file.extend_from_slice(&content);
        }
        Ok(status == EINVAL)
    }

    fn modify(&mut self, conn: &mut RawConn) -> super::Outcome {
        let (name, content) = (self.any_appender(), self.bytes());
        let len = self.content(&name).map_or(0, Vec::len);
        // Inside, at the end, or, seldom, behind it.
        let offset = if self.random.bool() { self.random.usize(..len + 1) } else { len + self.random.usize(..10) / 9 };
        let head = ModifyHead { offset: offset as u64, len: content.len() as u64, name: name.parse().unwrap() };
        let status = self.refusal(&name).unwrap_or(if offset > len { EINVAL } else { OK });
        ask(conn, 34, &[head.to_bytes(), content.clone()].concat(), status)?;
        if let (OK, Some(Entry::File(file))) = (status, self.files.get_mut(&name)) {
            let end = offset + content.len();
            file.resize(file.len().max(end), 0);
            file[offset..end].copy_from_slice(&content);
        }
        Ok(status == EINVAL)
    }

    fn truncate(&mut self, conn: &mut RawConn) -> super::Outcome {
        let name = self.any_appender();
        let len = self.content(&name).map_or(0, Vec::len);
        let new_size = match self.random.u32(..4) {
            0 => 0,
            1 => len,
            2 => len + self.random.usize(..1000),
            _ => self.random.usize(..len + 1),
        };
        let status = self.refusal(&name).unwrap_or(OK);
        let request = TruncateFile { new_size: new_size as u64, name: name.parse().unwrap() };
        ask(conn, 36, &request.to_bytes(), status)?;
        if let (OK, Some(Entry::File(file))) = (status, self.files.get_mut(&name)) {
            file.resize(new_size, 0);
        }
        Ok(status == EINVAL)
    }

    fn regenerate(&mut self, conn: &mut RawConn) -> super::Outcome {
        let name = self.any_appender();
        // The record of a rename has both names, in 127 bytes.
        let is_long = name.len() > 82 && self.refusal(&name).is_none();
        let status = if is_long { EINVAL } else { self.refusal(&name).unwrap_or(OK) };
        let answer = ask(conn, 38, &RegenerateAppender(name.parse().unwrap()).to_bytes(), status)?;
        if status == OK {
            let new = Self::named(&answer);
            let Some(Entry::File(content)) = self.files.get(&name).cloned() else { return Err(format!("{name}?")) };
            let fields = Self::logic(&new).fields().unwrap();
            let facts = (content.len() as u64, crc32fast::hash(&content), &name[..10], &name[name.len() - 7..]);
            if (fields.size_word.size(), fields.crc32, &new[..10], &new[new.len() - 7..]) != facts {
                return Err(format!("{name} became {new}, which should tell {facts:?}"));
            }
            let meta = self.meta.remove(&name);
            self.forget(&name);
            self.files.insert(new.clone(), Entry::File(content));
            self.meta.extend(meta.map(|meta| (new, meta)));
        }
        Ok(status == EINVAL)
    }

    fn set_meta(&mut self, conn: &mut RawConn) -> super::Outcome {
        let name = self.any_name();
        let mode = if self.random.bool() { MetaMode::Overwrite } else { MetaMode::Merge };
        let mut meta = Meta::new();
        for _ in 0..self.random.usize(..4) {
            meta.insert(vec![self.random.lowercase() as u8], vec![b'v'; self.random.usize(..40)]);
        }
        let text = packed(&meta);
        let file = FileId { group: self.group.parse().unwrap(), name: name.parse().unwrap() };
        let head = SetMetadataHead { metadata_len: text.len() as u64, mode, file };
        let status = if self.content(&name).is_some() { OK } else { ENOENT };
        ask(conn, 13, &[head.to_bytes(), text].concat(), status)?;
        if status == OK {
            let mut all = match mode {
                MetaMode::Overwrite => BTreeMap::new(),
                MetaMode::Merge => self.meta.remove(&name).unwrap_or_default(),
            };
            all.extend(meta);
            if all.is_empty() {
                self.meta.remove(&name)
            } else {
                self.meta.insert(name, all)
            };
        }
        Ok(false)
    }

    fn link(&mut self, conn: &mut RawConn) -> super::Outcome {
        let source = self.any_name();
        let master = if self.random.bool() { self.any_name() } else { String::new() };
        let (prefix, ext) = ("_link".parse::<SlavePrefix>().unwrap(), "jpg".parse::<ExtName>().unwrap());
        let slave = match master.as_str() {
            "" => None,
            master => Some(slave_name(&Self::logic(master), &prefix, &ext).map(|name| name.to_string())),
        };
        if slave.as_ref().is_some_and(|slave| slave.as_ref().is_ok_and(|name| name.len() > 80)) || source.len() > 45 {
            return Ok(false);
        }
        let status = match &slave {
            Some(Err(_)) => EINVAL,
            // The master must be on the store path of the source.
            Some(Ok(name)) if name[..3] != source[..3] => EINVAL,
            _ if self.content(&source).is_none() => ENOENT,
            Some(Ok(name)) if self.files.contains_key(name) => EEXIST,
            _ => OK,
        };
        let request = CreateLink {
            group: self.group.parse().unwrap(),
            prefix: if master.is_empty() { SlavePrefix::EMPTY } else { prefix },
            ext,
            master: if master.is_empty() { FileName::default() } else { master.parse().unwrap() },
            source: source.parse().unwrap(),
            signature: Signature::new(b"signature").unwrap(),
        };
        let answer = ask(conn, 20, &request.to_bytes(), status)?;
        if status == OK {
            let name = Self::named(&answer);
            self.gone.retain(|gone| *gone != name);
            let target = match self.files.get(&source) {
                Some(Entry::Link(target)) => target.clone(),
                _ => source,
            };
            let entry = match slave {
                // Such a link is a copy.
                Some(_) if self.has_linked_slaves => self.files.get(&target).unwrap().clone(),
                _ => Entry::Link(target),
            };
            if master.is_empty() {
                self.slaves.remove(&name)
            } else {
                self.slaves.insert(name.clone())
            };
            self.files.insert(name, entry);
        }
        Ok(status == EINVAL)
    }

    fn delete(&mut self, conn: &mut RawConn) -> super::Outcome {
        let name = self.any_name();
        let status = if self.files.contains_key(&name) { OK } else { ENOENT };
        ask(conn, 12, &self.id(&name), status)?;
        if status == OK {
            self.forget(&name);
        }
        Ok(false)
    }
}
