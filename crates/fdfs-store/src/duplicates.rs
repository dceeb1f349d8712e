//! Contents that are stored already: an index from a content's signature to the name of a file that has it.
//!
//! The index only proposes. Whoever uses it compares the bytes, and the file system counts the names of a file; so an
//! index that is lost, old or wrong costs space and never a file.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use fdfs_proto::FileName;
use fdfs_proto::md5::Md5;
use redb::{Database, Durability, TableDefinition, TableError};

/// How contents are told apart (`file_signature_method`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// The size and four hashes of 32 bits.
    Hash,
    /// MD5.
    Md5,
}

/// What tells equal contents: 24 bytes with [`Method::Hash`], 16 with [`Method::Md5`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentSignature(Vec<u8>);

/// Computes a signature piece by piece.
#[derive(Debug)]
pub enum Signer {
    /// [`Method::Hash`]: bytes so far, CRC32, FNV-1a with 64 bits, and times 33.
    Hash(u64, crc32fast::Hasher, u64, u32),
    /// [`Method::Md5`].
    Md5(Box<Md5>),
}

impl Signer {
    /// Begins a content.
    #[must_use]
    pub fn new(method: Method) -> Self {
        match method {
            Method::Hash => Self::Hash(0, crc32fast::Hasher::new(), 0xcbf2_9ce4_8422_2325, 5381),
            Method::Md5 => Self::Md5(Box::default()),
        }
    }

    /// Goes on with a piece.
    pub fn update(&mut self, piece: &[u8]) {
        match self {
            Self::Hash(len, crc, fnv, times33) => {
                *len += piece.len() as u64;
                crc.update(piece);
                for &byte in piece {
                    *fnv = (*fnv ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
                    *times33 = times33.wrapping_mul(33).wrapping_add(byte.into());
                }
            }
            Self::Md5(md5) => md5.update(piece),
        }
    }

    /// The content is complete.
    #[must_use]
    pub fn finish(self) -> ContentSignature {
        ContentSignature(match self {
            Self::Hash(len, crc, fnv, times33) => {
                [&len.to_be_bytes()[..], &crc.finalize().to_be_bytes(), &fnv.to_be_bytes(), &times33.to_be_bytes()]
                    .concat()
            }
            Self::Md5(md5) => md5.finish().to_vec(),
        })
    }
}

/// The index file, below `<base>/data`; one of our own, which the reference never looks at.
pub const FILE: &str = ".fdfs_duplicates";
/// Changes that may be lost when the process is killed: they cost space only, and saving each would cost a flush.
const UNSAVED_MAX: u64 = 512;

/// What can go wrong with the index.
#[derive(Debug, thiserror::Error)]
#[error("the index of duplicates: {0}")]
pub struct IndexError(#[from] Box<redb::Error>);

fn index_error(error: impl Into<redb::Error>) -> IndexError {
    IndexError(Box::new(error.into()))
}

/// The index of a storage.
#[derive(Debug)]
pub struct Duplicates {
    db: Database,
    method: Method,
    /// Signature to name, and back, so that a deleted file leaves nothing behind.
    names_table: String,
    contents_table: String,
    changes: AtomicU64,
}

impl Duplicates {
    /// Opens the index in the folder `dir`, and makes it when it is missing. Each name space (`key_namespace`) has
    /// contents of its own.
    ///
    /// # Errors
    /// [`IndexError`]; the file may be removed then.
    pub fn open(dir: &Path, namespace: &str, method: Method) -> Result<Self, IndexError> {
        let db = Database::create(dir.join(FILE)).map_err(index_error)?;
        let (names_table, contents_table) = (format!("names {namespace}"), format!("contents {namespace}"));
        Ok(Self { db, method, names_table, contents_table, changes: AtomicU64::new(0) })
    }

    /// Begins the signature of a content.
    #[must_use]
    pub fn signer(&self) -> Signer {
        Signer::new(self.method)
    }

    /// A file that probably has this content.
    ///
    /// # Errors
    /// [`IndexError`].
    pub fn find(&self, content: &ContentSignature) -> Result<Option<FileName>, IndexError> {
        let read = self.db.begin_read().map_err(index_error)?;
        let names = match read.open_table(table(&self.names_table)) {
            Err(TableError::TableDoesNotExist(_)) => return Ok(None),
            other => other.map_err(index_error)?,
        };
        let found = names.get(&content.0[..]).map_err(index_error)?;
        Ok(found.and_then(|name| FileName::new(name.value()).ok()))
    }

    /// The newest file with this content: the older ones may be deleted before it.
    ///
    /// # Errors
    /// [`IndexError`].
    pub fn remember(&self, content: &ContentSignature, name: &FileName) -> Result<(), IndexError> {
        self.write(|names, contents| {
            if let Some(before) = names.insert(&content.0[..], name.as_bytes())? {
                contents.remove(before.value())?;
            }
            contents.insert(name.as_bytes(), &content.0[..])?;
            Ok(())
        })
    }

    /// A file was deleted.
    ///
    /// # Errors
    /// [`IndexError`].
    pub fn forget(&self, name: &FileName) -> Result<(), IndexError> {
        self.write(|names, contents| {
            if let Some(content) = contents.remove(name.as_bytes())? {
                names.remove(content.value())?;
            }
            Ok(())
        })
    }

    /// Makes all changes so far durable.
    ///
    /// # Errors
    /// [`IndexError`].
    pub fn save(&self) -> Result<(), IndexError> {
        self.change(Durability::Immediate, |_, _| Ok(()))
    }

    fn write(
        &self,
        change: impl FnOnce(&mut Rows<'_>, &mut Rows<'_>) -> Result<(), redb::StorageError>,
    ) -> Result<(), IndexError> {
        let count = self.changes.fetch_add(1, Ordering::Relaxed) + 1;
        let durability = if count.is_multiple_of(UNSAVED_MAX) { Durability::Immediate } else { Durability::None };
        self.change(durability, change)
    }

    fn change(
        &self,
        durability: Durability,
        change: impl FnOnce(&mut Rows<'_>, &mut Rows<'_>) -> Result<(), redb::StorageError>,
    ) -> Result<(), IndexError> {
        let mut write = self.db.begin_write().map_err(index_error)?;
        write.set_quick_repair(matches!(durability, Durability::Immediate));
        write.set_durability(durability);
        {
            let mut names = write.open_table(table(&self.names_table)).map_err(index_error)?;
            let mut contents = write.open_table(table(&self.contents_table)).map_err(index_error)?;
            change(&mut names, &mut contents).map_err(index_error)?;
        }
        write.commit().map_err(index_error)
    }
}

/// Bytes to bytes.
type Rows<'t> = redb::Table<'t, &'static [u8], &'static [u8]>;

fn table(name: &str) -> TableDefinition<'_, &'static [u8], &'static [u8]> {
    TableDefinition::new(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sign(method: Method, pieces: &[&[u8]]) -> ContentSignature {
        let mut signer = Signer::new(method);
        pieces.iter().for_each(|piece| signer.update(piece));
        signer.finish()
    }

    fn name(text: &str) -> FileName {
        text.parse().unwrap()
    }

    #[test]
    fn signatures_do_not_depend_on_pieces_and_have_the_lengths_of_the_reference() {
        for (method, len) in [(Method::Hash, 24), (Method::Md5, 16)] {
            let whole = sign(method, &[b"hello world"]);
            assert_eq!((&whole, whole.0.len()), (&sign(method, &[b"hello", b" ", b"world"]), len));
            assert_ne!(whole, sign(method, &[b"hello worle"]));
        }
        let empty = [0xd4, 0x1d, 0x8c, 0xd9, 0x8f, 0x00, 0xb2, 0x04, 0xe9, 0x80, 0x09, 0x98, 0xec, 0xf8, 0x42, 0x7e];
        assert_eq!(sign(Method::Md5, &[]).0, empty);
    }

    #[test]
    fn the_newest_name_is_proposed_and_deleted_ones_are_forgotten() {
        let temp = tempfile::tempdir().unwrap();
        let open = |namespace| Duplicates::open(temp.path(), namespace, Method::Hash).unwrap();
        let content = sign(Method::Hash, &[b"hello world"]);
        let index = open("FastDFS");
        assert_eq!(index.find(&content).unwrap(), None);
        index.remember(&content, &name("M00/00/00/one")).unwrap();
        index.remember(&content, &name("M00/00/00/two")).unwrap();
        index.forget(&name("M00/00/00/one")).unwrap();
        assert_eq!(index.find(&content).unwrap(), Some(name("M00/00/00/two")));
        index.save().unwrap();
        drop(index);
        let other = open("other");
        assert_eq!(other.find(&content).unwrap(), None, "another name space");
        drop(other);
        let index = open("FastDFS");
        assert_eq!(index.find(&content).unwrap(), Some(name("M00/00/00/two")));
        index.forget(&name("M00/00/00/two")).unwrap();
        assert_eq!(index.find(&content).unwrap(), None);
    }

    #[test]
    fn rubbish_is_no_index() {
        let temp = tempfile::tempdir().unwrap();
        std::fs::write(temp.path().join(FILE), [7; 8192]).unwrap();
        assert!(Duplicates::open(temp.path(), "FastDFS", Method::Md5).is_err());
    }
}
