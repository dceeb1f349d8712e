//! The token that protects URLs from being passed on ("anti-steal").

use crate::md5::{Md5, hex};

/// The token of a file's name for `ts` unix seconds: `md5(name ‖ secret ‖ decimal ts)` in lower-case hex. The name has
/// no group: `M00/00/00/….jpg`. That is what web servers check.
///
/// Source: wire specification, 4.
#[must_use]
pub fn token(name: &str, secret_key: &str, ts: u64) -> String {
    let mut md5 = Md5::new();
    for part in [name, secret_key, &ts.to_string()] {
        md5.update(part.as_bytes());
    }
    hex(&md5.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_the_hash_of_name_secret_and_time() {
        let mut md5 = Md5::new();
        md5.update(b"M00/00/00/a.jpgFastDFS12345671795166658");
        assert_eq!(token("M00/00/00/a.jpg", "FastDFS1234567", 1_795_166_658), hex(&md5.finish()));
        assert_eq!(token("", "", 0), "cfcd208495d565ef66e7dff9f98764da", "MD5 of \"0\"");
    }
}
