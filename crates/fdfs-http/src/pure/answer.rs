//! An answer, however it goes out.

use std::borrow::Cow;

use super::field_lines::FieldLines;
use super::page;
use crate::source::Source;

/// A piece of a body: bytes of our own, then bytes of the file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Part {
    /// What comes before.
    pub head: Vec<u8>,
    /// Where the file's bytes begin.
    pub offset: u64,
    /// How many there are.
    pub len: u64,
}

/// What an answer's body is.
#[derive(Debug)]
pub enum Body {
    /// None.
    Empty,
    /// Bytes of our own.
    Bytes(Cow<'static, [u8]>),
    /// Parts of a file, and what comes behind them.
    File {
        /// The file.
        source: Source,
        /// Its parts.
        parts: Vec<Part>,
        /// What comes behind them.
        tail: Vec<u8>,
    },
}

/// Where the bytes of a body come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Nowhere, or made for this answer.
    Ours,
    /// A file of this host.
    Here,
    /// A file of another storage.
    Elsewhere,
}

impl Body {
    /// Bytes in all.
    #[must_use]
    pub fn len(&self) -> u64 {
        match self {
            Self::Empty => 0,
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File { parts, tail, .. } => {
                parts.iter().map(|part| part.head.len() as u64 + part.len).sum::<u64>() + tail.len() as u64
            }
        }
    }

    /// Where its bytes come from.
    #[must_use]
    pub const fn origin(&self) -> Origin {
        match self {
            Self::File { source: Source::Disk(_), .. } => Origin::Here,
            Self::File { source: Source::Remote(_), .. } => Origin::Elsewhere,
            _ => Origin::Ours,
        }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The header fields but those of the connection: no `Connection`, `Date`, `Server`, `Content-Length`.
    pub fields: FieldLines,
    /// The body.
    pub body: Body,
    /// The request asked for the head alone: lengths are told, the body stays here.
    pub is_head: bool,
    /// The connection ends with this answer.
    pub closes: bool,
}

impl Answer {
    /// An answer without fields or body.
    #[must_use]
    pub const fn new(status: u16) -> Self {
        Self { status, fields: FieldLines::new(), body: Body::Empty, is_head: false, closes: false }
    }

    /// The page of an error. As with nginx, requests that make no sense end the connection.
    #[must_use]
    pub fn error(status: u16) -> Self {
        let mut answer = Self::new(status);
        answer.field("Content-Type", "text/html");
        answer.field("Cache-Control", "no-cache");
        answer.body = Body::Bytes(page::of(status).into_bytes().into());
        answer.closes = matches!(status, 400 | 408 | 413 | 414 | 431 | 500 | 501 | 505);
        answer
    }

    /// JSON.
    #[must_use]
    pub fn json(status: u16, text: String) -> Self {
        let mut answer = Self::new(status);
        answer.field("Content-Type", "application/json");
        answer.body = Body::Bytes(text.into_bytes().into());
        answer
    }

    /// Adds a field. What would end the line is left out of its value.
    pub fn field(&mut self, name: &'static str, value: impl AsRef<str>) {
        self.fields.add(name, value.as_ref());
    }

    /// The value of a field.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields.get(name)
    }

    /// Whose bytes go out: a head has none.
    #[must_use]
    pub const fn origin(&self) -> Origin {
        if self.is_head { Origin::Ours } else { self.body.origin() }
    }

    /// Whether a `Content-Length` is told: not with 204 and 304.
    #[must_use]
    pub const fn tells_len(&self) -> bool {
        !matches!(self.status, 204 | 304)
    }
}
