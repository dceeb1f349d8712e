//! The names the servers give to files: what they say, how they are made, where they lead.
//!
//! * [`id`]: a file id as people and programs write it, `group1/M00/00/00/...`;
//! * [`logic_name`]: the checked name without the group, the only form that may reach a disk;
//! * [`fields`], [`size_word`], [`source`], [`trunk_part`], [`kind`]: what a name says about its file;
//! * [`new_name`], [`ext`], [`slave`], [`subdirs`]: how names are made;
//! * [`trunk_header`]: the 24 bytes in front of a file in a trunk file, which a name must match.
//!
//! Source: wire specification, 3; disk formats, A.7.

pub mod base64;
pub mod error;
pub mod ext;
pub mod fields;
pub mod id;
pub mod kind;
pub mod logic_name;
pub mod new_name;
pub mod size_word;
pub mod slave;
pub mod source;
pub mod subdirs;
pub mod trunk_header;
pub mod trunk_part;

pub use error::NameError;
pub use ext::{FormattedExt, ext_of_local_file};
pub use fields::Fields;
pub use id::FileId;
pub use kind::Kind;
pub use logic_name::LogicName;
pub use new_name::{NewKind, NewName};
pub use size_word::SizeWord;
pub use slave::slave_name;
pub use source::Source;
pub use subdirs::subdirs_by_hash;
pub use trunk_header::{BlockType, TrunkHeader};
pub use trunk_part::TrunkPart;
