//! Making the name of a slave file.

use super::{FormattedExt, LogicName, NameError};
use crate::{ExtName, FileName, SlavePrefix};

/// A master's true name has at least this many characters (`HH/HH/` and 28 more).
const MASTER_TRUE_NAME_MIN: usize = 34;

/// The name of a slave file: the master's name without its extension, the prefix, and `.` with the extension.
///
/// The slave lies beside its master and tells the master's size, time and CRC. The master may be a slave itself. An
/// extension that begins with a dot gets no second one.
///
/// # Errors
/// [`NameError::NoPrefix`]; [`NameError::MetadataName`]; [`NameError::TooShort`] for a master that is no file name of
/// this protocol; [`NameError::Text`] when the name gets longer than 127 bytes.
///
/// Source: wire specification, 3.5.
pub fn slave_name(master: &LogicName, prefix: &SlavePrefix, ext: &ExtName) -> Result<FileName, NameError> {
    if prefix.is_empty() {
        return Err(NameError::NoPrefix);
    }
    if prefix.as_bytes() == b"-m" && ext.is_empty() {
        return Err(NameError::MetadataName);
    }
    let true_name_len = master.true_name().len();
    if true_name_len < MASTER_TRUE_NAME_MIN {
        return Err(NameError::TooShort { len: true_name_len, min: MASTER_TRUE_NAME_MIN });
    }
    let dot = if ext.is_empty() || ext.as_bytes().starts_with(b".") { &b""[..] } else { b"." };
    let mut chars = [0; FileName::MAX + SlavePrefix::MAX + ExtName::MAX + 1];
    let mut len = 0;
    for part in [stem(master), prefix.as_bytes(), dot, ext.as_bytes()] {
        chars[len..len + part.len()].copy_from_slice(part);
        len += part.len();
    }
    Ok(FileName::new(&chars[..len])?)
}

/// The name up to the first dot of its last seven characters; the whole name when there is none.
fn stem(master: &LogicName) -> &[u8] {
    let name = master.as_str().as_bytes();
    let last = name.len().saturating_sub(FormattedExt::LEN);
    let dot = name[last..].iter().position(|&b| b == b'.');
    dot.map_or(name, |dot| &name[..last + dot])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slave(master: &str, prefix: &str, ext: &str) -> Result<String, NameError> {
        let name = slave_name(&master.parse()?, &prefix.parse()?, &ext.parse()?)?;
        Ok(name.as_str().to_owned())
    }

    #[test]
    fn recorded_slaves_are_named_again() {
        for (master, prefix, ext, name) in [
            (
                "M00/01/01/Ck4BC2sAEASAX_e9AAAAC9yobGc248.jpg",
                "_150x150",
                "jpg",
                "M00/01/01/Ck4BC2sAEASAX_e9AAAAC9yobGc248_150x150.jpg",
            ),
            (
                "M00/01/01/Ck4BC2sAEASAX_e9AAAAC9yobGc248.jpg",
                "-big",
                "",
                "M00/01/01/Ck4BC2sAEASAX_e9AAAAC9yobGc248-big",
            ),
            (
                "M00/01/01/Ck4BC2sAEASAX_e9AAAAC9yobGc2332122",
                "-big",
                ".jpg",
                "M00/01/01/Ck4BC2sAEASAX_e9AAAAC9yobGc2332122-big.jpg",
            ),
            (
                "M00/01/01/Ck4BC2sAEASAX_e9AAAAC9yobGc248_150x150.jpg",
                "_2",
                "png",
                "M00/01/01/Ck4BC2sAEASAX_e9AAAAC9yobGc248_150x150_2.png",
            ),
            ("M00/00/01/Ck4BC2sAEAGAC1AfAAAACw1KEYU.tar.gz", "_x", "gz", "M00/00/01/Ck4BC2sAEAGAC1AfAAAACw1KEYU_x.gz"),
        ] {
            assert_eq!(slave(master, prefix, ext).as_deref(), Ok(name));
        }
    }

    #[test]
    fn what_cannot_be_a_slave_is_refused() {
        let master = "M00/01/01/Ck4BC2sAEASAX_e9AAAAC9yobGc248.jpg";
        assert_eq!(slave(master, "", "jpg"), Err(NameError::NoPrefix));
        assert_eq!(slave(master, "-m", ""), Err(NameError::MetadataName));
        assert!(slave(master, "-m", "jpg").is_ok());
        let short = "M00/01/01/Ck4BC2sAEASAX_e9AAAAC9yobGc";
        assert_eq!(slave(short, "_x", "jpg"), Err(NameError::TooShort { len: 33, min: 34 }));
        let long = format!("M00/01/01/{}", "a".repeat(117));
        assert!(matches!(slave(&long, "_", ""), Err(NameError::Text(_))), "128 bytes");
    }
}
