//! The head of a request, read strictly: what two programs could read in two ways is refused.
//!
//! Source: RFC 9112, 2 to 6.

use crate::pure::fields::{Field, Fields};
use crate::pure::request::Method;
use crate::pure::target::TARGET_BYTES_MAX;

/// The longest head, in bytes.
pub const HEAD_BYTES_MAX: usize = 16 << 10;
/// The most fields.
pub const FIELDS_MAX: usize = 100;

/// Why a head is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeadError {
    /// It is no request.
    #[error("no HTTP request")]
    Malformed,
    /// The head is longer than [`HEAD_BYTES_MAX`], or has more than [`FIELDS_MAX`] fields.
    #[error("the head of the request is too large")]
    TooLarge,
    /// The target is longer than [`TARGET_BYTES_MAX`].
    #[error("the target of the request is too long")]
    TargetTooLong,
    /// A version that nobody speaks here.
    #[error("no HTTP/1")]
    Version,
    /// A coding of the body that is not spoken here.
    #[error("unknown transfer coding")]
    Coding,
    /// An expectation that is not known.
    #[error("unknown expectation")]
    Expectation,
}

impl HeadError {
    /// The status that answers it.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Malformed => 400,
            Self::TooLarge => 431,
            Self::TargetTooLong => 414,
            Self::Version => 505,
            Self::Coding => 501,
            Self::Expectation => 417,
        }
    }
}

/// How long the body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// So many bytes.
    Length(u64),
    /// In chunks.
    Chunked,
}

/// The head of a request.
#[derive(Debug, Clone)]
pub struct Head<'a> {
    /// The method.
    pub method: Method,
    /// Path and query.
    pub target: &'a [u8],
    /// The fields.
    pub fields: Fields<'a>,
    /// Whether the client speaks 1.1.
    pub is_11: bool,
    /// Whether the connection goes on behind this request.
    pub keeps_alive: bool,
    /// The length of the body.
    pub framing: Framing,
    /// The client waits for `100 Continue` before it sends the body.
    pub expects_continue: bool,
}

/// Where the head ends, with its empty line; `None` when it is not all there. `seen` bytes were looked at before.
#[must_use]
pub fn end_of(bytes: &[u8], seen: usize) -> Option<usize> {
    let mut ends = memchr::memchr_iter(b'\n', bytes.get(seen..)?).map(|at| seen + at + 1);
    ends.find(|&end| bytes[..end].ends_with(b"\r\n\r\n"))
}

impl<'a> Head<'a> {
    /// Reads a head with its empty line.
    ///
    /// # Errors
    /// [`HeadError`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, HeadError> {
        let mut lines = Lines(bytes);
        let line = lines.next_line()?;
        let (method, target, is_11) = request_line(line)?;
        let mut fields: Vec<Field<'a>> = Vec::with_capacity(12);
        loop {
            let line = lines.next_line()?;
            if line.is_empty() {
                break;
            }
            if fields.len() == FIELDS_MAX {
                return Err(HeadError::TooLarge);
            }
            fields.push(field(line)?);
        }
        let fields = Fields(fields);
        check_host(&fields, is_11)?;
        let framing = framing(&fields, is_11)?;
        let goes_on = is_11 || fields.has_word("connection", "keep-alive");
        let keeps_alive = goes_on && !fields.has_word("connection", "close");
        let expects_continue = match fields.first("expect") {
            None => false,
            Some(value) if value.eq_ignore_ascii_case(b"100-continue") => is_11,
            Some(_) => return Err(HeadError::Expectation),
        };
        Ok(Self { method, target, fields, is_11, keeps_alive, framing, expects_continue })
    }
}

struct Lines<'a>(&'a [u8]);

impl<'a> Lines<'a> {
    /// The next line without its end. A CR or LF on its own is no end, and none of a line either.
    fn next_line(&mut self) -> Result<&'a [u8], HeadError> {
        let at = memchr::memchr2(b'\r', b'\n', self.0).ok_or(HeadError::Malformed)?;
        let line = &self.0[..at];
        self.0 = self.0[at..].strip_prefix(b"\r\n").ok_or(HeadError::Malformed)?;
        Ok(line)
    }
}

fn request_line(line: &[u8]) -> Result<(Method, &[u8], bool), HeadError> {
    let malformed = HeadError::Malformed;
    let at = memchr::memchr(b' ', line).ok_or(malformed)?;
    let (method, rest) = (&line[..at], &line[at + 1..]);
    if method.is_empty() || method.len() > 32 || !method.iter().all(|&b| is_token(b)) {
        return Err(malformed);
    }
    let at = memchr::memchr(b' ', rest).ok_or(malformed)?;
    let (target, version) = (&rest[..at], &rest[at + 1..]);
    // The module puts two blanks before the version when it passes a request on (HTTP, 13).
    let version = version.strip_prefix(b" ").unwrap_or(version);
    let is_11 = match version {
        b"HTTP/1.1" => true,
        b"HTTP/1.0" => false,
        [b'H', b'T', b'T', b'P', b'/', major, b'.', minor] if major.is_ascii_digit() && minor.is_ascii_digit() => {
            return Err(HeadError::Version);
        }
        _ => return Err(malformed),
    };
    if target.len() > TARGET_BYTES_MAX {
        return Err(HeadError::TargetTooLong);
    }
    if target.iter().any(|&b| b <= b' ' || b == 0x7F || b == b'#') {
        return Err(malformed);
    }
    let method = Method::from_name(method);
    Ok((method, origin_form(target, method)?, is_11))
}

/// The path of `http://host/path`; other targets as they are.
fn origin_form(target: &[u8], method: Method) -> Result<&[u8], HeadError> {
    if target.starts_with(b"/") {
        return Ok(target);
    }
    if target == b"*" && method == Method::Options {
        return Ok(b"/");
    }
    let lower = |len: usize| target.get(..len).map(<[u8]>::to_ascii_lowercase);
    let rest = if lower(7).as_deref() == Some(b"http://") {
        &target[7..]
    } else if lower(8).as_deref() == Some(b"https://") {
        &target[8..]
    } else {
        return Err(HeadError::Malformed);
    };
    let at = rest.iter().position(|&b| b == b'/').ok_or(HeadError::Malformed)?;
    Ok(&rest[at..])
}

fn field(line: &[u8]) -> Result<Field<'_>, HeadError> {
    let at = line.iter().position(|&b| b == b':').ok_or(HeadError::Malformed)?;
    let (name, value) = (&line[..at], line[at + 1..].trim_ascii());
    // A blank before the colon, or at the begin of a line that goes on with the one before, is no part of a name.
    if name.is_empty() || !name.iter().all(|&b| is_token(b)) {
        return Err(HeadError::Malformed);
    }
    if value.iter().any(|&b| (b < b' ' && b != b'\t') || b == 0x7F) {
        return Err(HeadError::Malformed);
    }
    Ok((std::str::from_utf8(name).map_err(|_| HeadError::Malformed)?, value))
}

/// Whether a byte may stand in a name.
pub(super) const fn is_token(b: u8) -> bool {
    TOKEN[b as usize]
}

/// RFC 9110, 5.6.2.
const TOKEN: [bool; 256] = {
    let mut token = [false; 256];
    let mut b = 0;
    while b < token.len() {
        token[b] = (b as u8).is_ascii_alphanumeric();
        b += 1;
    }
    let mut rest: &[u8] = b"!#$%&'*+-.^_`|~";
    while let [b, tail @ ..] = rest {
        token[*b as usize] = true;
        rest = tail;
    }
    token
};

fn check_host(fields: &Fields<'_>, is_11: bool) -> Result<(), HeadError> {
    let mut hosts = fields.all("host");
    let (host, more) = (hosts.next(), hosts.next());
    let is_host = |b: &u8| b.is_ascii_alphanumeric() || b".-_:[]%~!$&'()*+,;=".contains(b) || *b >= 0x80;
    match host {
        None if is_11 => Err(HeadError::Malformed),
        Some(_) if more.is_some() => Err(HeadError::Malformed),
        Some(host) if !host.iter().all(is_host) => Err(HeadError::Malformed),
        _ => Ok(()),
    }
}

/// One length or one coding, never both, never in two ways.
fn framing(fields: &Fields<'_>, is_11: bool) -> Result<Framing, HeadError> {
    let mut lengths = fields.all("content-length");
    let (length, more_lengths) = (lengths.next(), lengths.next());
    let mut codings = fields.all("transfer-encoding");
    let (coding, more_codings) = (codings.next(), codings.next());
    if more_lengths.is_some() || more_codings.is_some() {
        return Err(HeadError::Malformed);
    }
    match (length, coding) {
        (None, None) => Ok(Framing::Length(0)),
        (Some(digits), None) => {
            let is_number = (1..=18).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
            let text = std::str::from_utf8(digits).map_err(|_| HeadError::Malformed)?;
            let len = text.parse().map_err(|_| HeadError::Malformed)?;
            if is_number { Ok(Framing::Length(len)) } else { Err(HeadError::Malformed) }
        }
        (None, Some(coding)) if is_11 && coding.eq_ignore_ascii_case(b"chunked") => Ok(Framing::Chunked),
        (None, Some(_)) if is_11 => Err(HeadError::Coding),
        _ => Err(HeadError::Malformed),
    }
}

#[cfg(test)]
mod tests;
