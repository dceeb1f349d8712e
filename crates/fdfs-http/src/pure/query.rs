//! The arguments behind the `?`.
//!
//! Source: HTTP, 11.

/// The most arguments that are read.
const ARGUMENTS_MAX: usize = 32;

/// The arguments of a URL.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query(Vec<(Vec<u8>, Vec<u8>)>);

impl Query {
    /// Reads arguments. One without `=` or without a name is dropped; values are decoded and `+` is a blank; names stay as
    /// they are.
    #[must_use]
    pub fn parse(text: &[u8]) -> Self {
        let mut arguments = Vec::new();
        if text.is_empty() {
            return Self(arguments);
        }
        for part in text.split(|&b| b == b'&') {
            let Some(at) = part.iter().position(|&b| b == b'=').filter(|&at| at > 0) else { continue };
            if arguments.len() == ARGUMENTS_MAX {
                break;
            }
            arguments.push((part[..at].to_vec(), decode(&part[at + 1..])));
        }
        Self(arguments)
    }

    /// The value of an argument; the first of equal names counts.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.0.iter().find(|(have, _)| have == name.as_bytes()).map(|(_, value)| value.as_slice())
    }

    /// The value of an argument, if it is text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(|value| std::str::from_utf8(value).ok())
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A value: `%HH` and `+` undone; a `%` that is no escape stays.
fn decode(text: &[u8]) -> Vec<u8> {
    let digit = |b: u8| char::from(b).to_digit(16).map(|digit| digit as u8);
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        let escaped = match text.get(at..at + 3) {
            Some(&[b'%', high, low]) => digit(high).zip(digit(low)).map(|(high, low)| high << 4 | low),
            _ => None,
        };
        match (escaped, byte) {
            (Some(byte), _) => out.push(byte),
            (None, b'+') => out.push(b' '),
            (None, byte) => out.push(byte),
        }
        at += if escaped.is_some() { 3 } else { 1 };
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_read_as_the_reference_reads_them() {
        let query = Query::parse(b"a=1&b&=c&a=2&d=x%20y+z%&e=");
        assert_eq!(query.get("a"), Some(&b"1"[..]));
        assert_eq!(query.get("b"), None);
        assert_eq!(query.text("d"), Some("x y z%"));
        assert_eq!(query.get("e"), Some(&b""[..]));
        let many = (1..=33).map(|n| format!("a{n}=1")).collect::<Vec<_>>().join("&");
        let query = Query::parse(many.as_bytes());
        assert!(query.get("a32").is_some() && query.get("a33").is_none());
    }
}
