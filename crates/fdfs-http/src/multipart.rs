//! Forms with files: `multipart/form-data`.
//!
//! Source: RFC 7578, RFC 2046.

use std::io;

use crate::incoming::Incoming;

/// The longest head of a part, in bytes.
const HEAD_BYTES_MAX: usize = 4 << 10;
/// The longest value of a field that is no file, in bytes.
pub const VALUE_BYTES_MAX: usize = 8 << 10;
/// The longest boundary, in bytes.
const BOUNDARY_BYTES_MAX: usize = 70;

/// The boundary that a `Content-Type` names.
#[must_use]
pub fn boundary(content_type: &str) -> Option<String> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let value = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then(|| value.trim().trim_matches('"').to_owned())
    })?;
    (1..=BOUNDARY_BYTES_MAX).contains(&value.len()).then_some(value)
}

/// The head of a part.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PartHead {
    /// The field's name.
    pub name: String,
    /// The file's name, if it is a file.
    pub filename: Option<String>,
    /// Its type, if it tells one.
    pub content_type: Option<String>,
}

/// A form, part by part.
#[derive(Debug)]
pub struct Form<'i, I> {
    incoming: &'i mut I,
    /// What came in and was not given out.
    buffer: Vec<u8>,
    /// CR LF and the line between parts.
    delimiter: Vec<u8>,
    /// Inside of a part: its bytes come until the delimiter.
    in_part: bool,
}

fn malformed() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "malformed form")
}

/// Where `needle` begins in `bytes`.
fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    let first = *needle.first()?;
    let mut from = 0;
    while let Some(at) = bytes.get(from..)?.iter().position(|&b| b == first) {
        if bytes[from + at..].starts_with(needle) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}

impl<'i, I: Incoming> Form<'i, I> {
    /// The form in a body.
    #[must_use]
    pub fn new(incoming: &'i mut I, boundary: &str) -> Self {
        // The first line between parts has none before it: it is put there.
        let delimiter = format!("\r\n--{boundary}").into_bytes();
        Self { incoming, buffer: b"\r\n".to_vec(), delimiter, in_part: false }
    }

    async fn more(&mut self) -> io::Result<()> {
        let piece = self.incoming.next_piece().await?;
        if piece.is_empty() {
            return Err(malformed());
        }
        self.buffer.extend_from_slice(&piece);
        Ok(())
    }

    /// The head of the next part; `None` behind the last. What is left of the part before is dropped.
    ///
    /// # Errors
    /// `InvalidData`, and what the body gives.
    pub async fn next_part(&mut self) -> io::Result<Option<PartHead>> {
        self.in_part = true;
        while !self.next_bytes().await?.is_empty() {}
        while self.buffer.len() < self.delimiter.len() + 2 {
            self.more().await?;
        }
        let rest = &self.buffer[self.delimiter.len()..];
        if rest.starts_with(b"--") {
            return Ok(None);
        }
        let head_end = loop {
            let rest = &self.buffer[self.delimiter.len()..];
            if let Some(at) = find(rest, b"\r\n\r\n") {
                break self.delimiter.len() + at + 4;
            }
            if rest.len() > HEAD_BYTES_MAX {
                return Err(malformed());
            }
            self.more().await?;
        };
        let head = part_head(&self.buffer[self.delimiter.len()..head_end]);
        self.buffer.drain(..head_end);
        self.in_part = true;
        head.map(Some).ok_or_else(malformed)
    }

    /// The next bytes of the part; empty at its end.
    ///
    /// # Errors
    /// What the body gives.
    pub async fn next_bytes(&mut self) -> io::Result<Vec<u8>> {
        while self.in_part {
            if let Some(at) = find(&self.buffer, &self.delimiter) {
                self.in_part = at > 0;
                return Ok(self.buffer.drain(..at).collect());
            }
            // The end of the buffer may be the begin of the delimiter.
            let sure = self.buffer.len().saturating_sub(self.delimiter.len() - 1);
            if sure > 0 {
                return Ok(self.buffer.drain(..sure).collect());
            }
            self.more().await?;
        }
        Ok(Vec::new())
    }

    /// A short value.
    ///
    /// # Errors
    /// `InvalidData` for a long one or one that is no text, and what the body gives.
    pub async fn value(&mut self) -> io::Result<String> {
        let mut value = Vec::new();
        loop {
            let piece = self.next_bytes().await?;
            if piece.is_empty() {
                return String::from_utf8(value).map_err(|_| malformed());
            }
            value.extend_from_slice(&piece);
            if value.len() > VALUE_BYTES_MAX {
                return Err(malformed());
            }
        }
    }
}

fn part_head(bytes: &[u8]) -> Option<PartHead> {
    let text = String::from_utf8_lossy(bytes);
    let mut head = PartHead::default();
    for line in text.split("\r\n").filter(|line| !line.is_empty()) {
        let Some((name, value)) = line.split_once(':') else { return line.trim().is_empty().then_some(head) };
        let value = value.trim();
        if name.eq_ignore_ascii_case("content-type") {
            head.content_type = Some(value.to_owned());
        } else if name.eq_ignore_ascii_case("content-disposition") {
            head.name = parameter(value, "name")?;
            head.filename = parameter(value, "filename");
        }
    }
    Some(head)
}

/// A parameter, quoted or not.
fn parameter(value: &str, wanted: &str) -> Option<String> {
    let mut rest = value;
    while let Some((_, tail)) = rest.split_once(';') {
        let (name, tail) = tail.split_once('=')?;
        let (text, tail) = match tail.strip_prefix('"') {
            Some(quoted) => {
                let mut text = String::new();
                let mut chars = quoted.char_indices();
                let end = loop {
                    match chars.next()? {
                        (at, '"') => break at + 1,
                        (_, '\\') => text.push(chars.next()?.1),
                        (_, char) => text.push(char),
                    }
                };
                (text, &quoted[end..])
            }
            None => {
                let end = tail.find(';').unwrap_or(tail.len());
                (tail[..end].trim().to_owned(), &tail[end..])
            }
        };
        if name.trim().eq_ignore_ascii_case(wanted) {
            return Some(text);
        }
        rest = tail;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Pieces(Vec<u8>, usize);

    impl Incoming for Pieces {
        fn bytes_left(&self) -> Option<u64> {
            None
        }

        async fn next_piece(&mut self) -> io::Result<Vec<u8>> {
            let n = self.1.min(self.0.len());
            Ok(self.0.drain(..n).collect())
        }
    }

    const BODY: &[u8] = b"--xyz\r\nContent-Disposition: form-data; name=\"ext\"\r\n\r\ntxt\r\n--xyz\r\n\
        Content-Disposition: form-data; name=\"file\"; filename=\"a \\\"b\\\".txt\"\r\nContent-Type: text/plain\r\n\r\n\
        one\r\n--xy\r\ntwo\r\n--xyz--\r\n";

    #[tokio::test]
    async fn a_form_is_read_however_its_bytes_come() {
        for size in 1..BODY.len() {
            let mut pieces = Pieces(BODY.to_vec(), size);
            let mut form = Form::new(&mut pieces, "xyz");
            let head = form.next_part().await.unwrap().unwrap();
            assert_eq!((head.name.as_str(), head.filename), ("ext", None));
            assert_eq!(form.value().await.unwrap(), "txt");
            let head = form.next_part().await.unwrap().unwrap();
            assert_eq!(head.filename.as_deref(), Some("a \"b\".txt"));
            assert_eq!(head.content_type.as_deref(), Some("text/plain"));
            assert_eq!(form.value().await.unwrap(), "one\r\n--xy\r\ntwo", "in pieces of {size}");
            assert_eq!(form.next_part().await.unwrap(), None);
        }
    }

    #[tokio::test]
    async fn a_cut_form_is_an_error() {
        for len in 0..BODY.len() - 4 {
            let mut pieces = Pieces(BODY[..len].to_vec(), 7);
            let mut form = Form::new(&mut pieces, "xyz");
            let all = async {
                while form.next_part().await?.is_some() {
                    form.value().await?;
                }
                io::Result::Ok(())
            };
            assert!(all.await.is_err(), "cut at {len}");
        }
    }

    #[test]
    fn boundaries_are_found() {
        assert_eq!(boundary("multipart/form-data; boundary=\"a b\"").as_deref(), Some("a b"));
        assert_eq!(boundary("Multipart/Form-Data; charset=x; Boundary=ab").as_deref(), Some("ab"));
        assert_eq!(boundary("multipart/mixed; boundary=ab"), None);
        assert_eq!(boundary(&format!("multipart/form-data; boundary={}", "a".repeat(71))), None);
    }
}
