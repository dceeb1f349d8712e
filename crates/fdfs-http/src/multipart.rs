//! Forms with files: `multipart/form-data`.
//!
//! Source: RFC 7578, RFC 2046.

use std::io;

use crate::incoming::Incoming;
use crate::pure::target::decode;

/// The longest head of a part, in bytes.
const HEAD_BYTES_MAX: usize = 4 << 10;
/// The longest value of a field that is no file, in bytes.
pub const VALUE_BYTES_MAX: usize = 8 << 10;
/// The longest boundary, in bytes.
const BOUNDARY_BYTES_MAX: usize = 70;

/// Whether a `Content-Type` says that the body is a form with files.
#[must_use]
pub fn is_form(content_type: &str) -> bool {
    content_type.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("multipart/form-data"))
}

/// The boundary that a `Content-Type` names.
#[must_use]
pub fn boundary(content_type: &str) -> Option<String> {
    let value = parameter(content_type, "boundary").filter(|_| is_form(content_type))?;
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
    // Blanks may stand behind the boundary.
    for line in text.split("\r\n").filter(|line| !line.trim().is_empty()) {
        let (name, value) = line.split_once(':')?;
        let value = value.trim();
        if name.eq_ignore_ascii_case("content-type") {
            head.content_type = Some(value.to_owned());
        } else if name.eq_ignore_ascii_case("content-disposition") {
            head.name = parameter(value, "name")?;
            let extended = parameter(value, "filename*").and_then(|value| decoded(&value));
            head.filename = extended.or_else(|| parameter(value, "filename"));
        }
    }
    Some(head)
}

/// A parameter, quoted or not. Between quotes a backslash stands before a quote or another backslash; before anything else
/// it is one, as in the whole paths that some browsers send.
fn parameter(value: &str, wanted: &str) -> Option<String> {
    let (_, mut rest) = value.split_once(';')?;
    loop {
        let end = rest.find(['=', ';'])?;
        let name = rest[..end].trim();
        let Some(tail) = rest[end..].strip_prefix('=') else {
            rest = &rest[end + 1..];
            continue;
        };
        let (text, tail) = match tail.trim_start().strip_prefix('"') {
            Some(quoted) => unquoted(quoted)?,
            None => {
                let end = tail.find(';').unwrap_or(tail.len());
                (tail[..end].trim().to_owned(), &tail[end..])
            }
        };
        if name.eq_ignore_ascii_case(wanted) {
            return Some(text);
        }
        (_, rest) = tail.split_once(';')?;
    }
}

/// The text up to the closing quote, and what follows that.
fn unquoted(quoted: &str) -> Option<(String, &str)> {
    let (mut text, mut chars) = (String::new(), quoted.char_indices().peekable());
    loop {
        match chars.next()? {
            (at, '"') => return Some((text, &quoted[at + 1..])),
            (_, '\\') => {
                let escaped = chars.next_if(|(_, char)| matches!(char, '"' | '\\'));
                text.push(escaped.map_or('\\', |(_, char)| char));
            }
            (_, char) => text.push(char),
        }
    }
}

/// `utf-8'en'a%20b` (RFC 8187): clients that cannot say a name in any other way.
fn decoded(value: &str) -> Option<String> {
    let (charset, rest) = value.split_once('\'')?;
    let (_, text) = rest.split_once('\'')?;
    let bytes = decode(text.as_bytes())?;
    if charset.eq_ignore_ascii_case("iso-8859-1") {
        return Some(bytes.iter().map(|&byte| char::from(byte)).collect());
    }
    String::from_utf8(bytes.into_owned()).ok().filter(|_| charset.eq_ignore_ascii_case("utf-8"))
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
        assert_eq!(boundary("multipart/form-data; boundary=\"a;b\"; charset=x").as_deref(), Some("a;b"));
        assert_eq!(boundary("multipart/form-data; charset; boundary=ab").as_deref(), Some("ab"));
        assert_eq!(boundary("multipart/form-data"), None);
        assert!(is_form("multipart/form-data") && is_form("Multipart/Form-Data; x"));
        assert_eq!(boundary("multipart/mixed; boundary=ab"), None);
        assert!(!is_form("multipart/mixed; boundary=ab"));
        assert_eq!(boundary(&format!("multipart/form-data; boundary={}", "a".repeat(71))), None);
    }

    #[test]
    fn names_of_files_are_read_as_clients_write_them() {
        for (written, name) in [
            (r#"filename="a.txt""#, Some("a.txt")),
            ("filename=a.txt", Some("a.txt")),
            (r#"filename= "a;b.txt" "#, Some("a;b.txt")),
            (r#"filename="C:\dir\new.txt""#, Some(r"C:\dir\new.txt")),
            (r#"filename="a \"b\" \\.txt""#, Some(r#"a "b" \.txt"#)),
            ("filename*=utf-8''%E4%BD%A0%20.txt", Some("\u{4f60} .txt")),
            ("filename*=UTF-8'en'a.txt; filename=b.txt", Some("a.txt")),
            ("filename=b.txt; filename*=UTF-8'en'a.txt", Some("a.txt")),
            ("filename=b.txt; filename*=koi8-r''%C1", Some("b.txt")),
            ("filename=b.txt; filename*=utf-8''%C1", Some("b.txt")),
            ("filename*=iso-8859-1''%E4", Some("\u{e4}")),
            ("flag; filename=b.txt", Some("b.txt")),
            ("x=y", None),
        ] {
            let head = part_head(format!("  \r\nContent-Disposition: form-data; name=f; {written}\r\n\r\n").as_bytes());
            let head = head.unwrap();
            assert_eq!((head.name.as_str(), head.filename.as_deref()), ("f", name), "{written}");
        }
        assert_eq!(part_head(b"\r\nno colon\r\n\r\n"), None);
        assert_eq!(part_head(b"\r\nContent-Disposition: form-data; filename=\"a\r\n\r\n"), None);
    }
}
