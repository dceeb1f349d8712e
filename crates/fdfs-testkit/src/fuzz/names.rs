//! File ids and logic file names.

use fdfs_proto::file_id::{FileId, LogicName, slave_name};
use fdfs_proto::{ExtName, SlavePrefix};

/// A file id as text, and all that its name says.
pub(super) fn file_id(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(id) = text.parse::<FileId>() {
        assert_eq!(id.to_string(), text, "a file id is kept as it was given");
        assert_eq!(id.to_string().parse(), Ok(id), "written and read again");
        let _ = id.logic_name();
    }
}

/// A name as a client sends it.
pub(super) fn logic_name(bytes: &[u8]) {
    let Ok(name) = LogicName::from_bytes(bytes) else { return };
    assert_eq!(LogicName::from_bytes(name.text().as_bytes()), Ok(name), "written and read again");
    let true_name = name.true_name();
    let parts: Vec<&[u8]> = true_name.as_bytes().split(|&b| b == b'/').collect();
    assert_eq!(parts.len(), 3, "two sub directories and a name: {true_name}");
    assert!(parts.iter().all(|part| !matches!(*part, b"" | b"." | b"..")), "no step up or aside: {true_name}");
    assert!(!bytes.contains(&0), "no name has a NUL");
    let _ = (name.fields(), name.kind(), name.trunk_part());
    if let (Ok(prefix), Ok(ext)) = ("_s".parse::<SlavePrefix>(), "jpg".parse::<ExtName>())
        && let Ok(slave) = slave_name(&name, &prefix, &ext)
    {
        assert!(LogicName::parse(&slave).is_ok(), "the name of a slave is a name: {slave}");
    }
}
