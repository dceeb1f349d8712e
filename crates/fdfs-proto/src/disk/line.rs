//! Lines and columns of the files that have no keys.

use super::error::shown;
use super::number::{self, DiskNumber};
use super::{DiskError, LineFault, ValueFault};
use crate::WireError;

/// One line of a file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'a> {
    /// Its number, from 1.
    pub(super) number: usize,
    /// Its bytes, without the newline.
    pub(super) text: &'a [u8],
    /// Whether its newline is there; only the last line can lack it.
    pub(super) finished: bool,
}

impl<'a> Line<'a> {
    /// The line's bytes.
    ///
    /// # Errors
    /// [`DiskError::Unfinished`] when the newline is missing.
    pub(super) fn whole(&self, file: &'static str) -> Result<&'a [u8], DiskError> {
        if self.finished { Ok(self.text) } else { Err(DiskError::Unfinished { file, line: self.number }) }
    }

    /// Names file and line of a fault.
    pub(super) fn error(&self, file: &'static str, fault: LineFault) -> DiskError {
        DiskError::BadLine { file, line: self.number, fault }
    }
}

/// The lines of a file, in order.
pub(super) fn lines(bytes: &[u8]) -> impl Iterator<Item = Line<'_>> {
    bytes.split_inclusive(|&b| b == b'\n').enumerate().map(|(index, text)| {
        let whole = text.strip_suffix(b"\n");
        Line { number: index + 1, text: whole.unwrap_or(text), finished: whole.is_some() }
    })
}

/// The finished lines of a piece of a growing file: where each begins in the piece, and its bytes without the newline.
/// What stands behind the last newline is still being written and is left out.
pub(super) fn finished_lines(piece: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut end = 0;
    piece.split_inclusive(|&b| b == b'\n').filter_map(move |line| {
        let start = end;
        end += line.len();
        line.strip_suffix(b"\n").map(|text| (start, text))
    })
}

/// The columns of one line, taken one after the other.
#[derive(Debug, Clone)]
pub(super) struct Columns<'a> {
    rest: Option<&'a [u8]>,
    separator: u8,
    taken: usize,
    trim: bool,
}

impl<'a> Columns<'a> {
    /// The columns of `line`, with exactly one `separator` between two of them.
    pub(super) const fn new(line: &'a [u8], separator: u8) -> Self {
        Self { rest: Some(line), separator, taken: 0, trim: false }
    }

    /// As [`Columns::new`]; blanks at both ends of each column do not count.
    pub(super) const fn trimmed(line: &'a [u8], separator: u8) -> Self {
        Self { rest: Some(line), separator, taken: 0, trim: true }
    }

    /// The next column as it is, if there is one.
    pub(super) fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest?;
        let mut parts = rest.splitn(2, |&b| b == self.separator);
        let column = parts.next().map(|column| if self.trim { column.trim_ascii() } else { column });
        self.rest = parts.next();
        self.taken += 1;
        column
    }

    /// The next column, which must be there.
    pub(super) fn bytes(&mut self, name: &'static str) -> Result<&'a [u8], LineFault> {
        let column = self.taken + 1;
        self.next().ok_or(LineFault::MissingColumn { column, name })
    }

    /// The next column as a number.
    pub(super) fn number<T: DiskNumber>(&mut self, name: &'static str) -> Result<T, LineFault> {
        let bytes = self.bytes(name)?;
        number::parse(bytes).map_err(|fault| self.fault(name, fault))
    }

    /// The next column as a text; `new` is the constructor of the text.
    pub(super) fn text<T>(
        &mut self,
        name: &'static str,
        new: impl FnOnce(&[u8]) -> Result<T, WireError>,
    ) -> Result<T, LineFault> {
        let bytes = self.bytes(name)?;
        new(bytes).map_err(|error| self.fault(name, error.into()))
    }

    /// As [`Columns::text`]; an empty column is a fault.
    pub(super) fn name<T>(
        &mut self,
        name: &'static str,
        new: impl FnOnce(&[u8]) -> Result<T, WireError>,
    ) -> Result<T, LineFault> {
        let bytes = self.bytes(name)?;
        if bytes.is_empty() {
            return Err(self.fault(name, ValueFault::Empty));
        }
        new(bytes).map_err(|error| self.fault(name, error.into()))
    }

    /// A fault of the column that was taken last.
    pub(super) const fn fault(&self, name: &'static str, fault: ValueFault) -> LineFault {
        LineFault::Column { column: self.taken, name, fault }
    }

    /// How many columns are left.
    pub(super) fn left(&self) -> usize {
        self.rest.map_or(0, |rest| rest.iter().filter(|&&b| b == self.separator).count() + 1)
    }

    /// Checks that no column is left.
    pub(super) fn finish(&self) -> Result<(), LineFault> {
        match self.left() {
            0 => Ok(()),
            left => Err(LineFault::TooManyColumns { columns: self.taken + left, max: self.taken }),
        }
    }
}

/// An operation's letter that no one knows.
pub(super) fn unknown_op(letter: &[u8]) -> LineFault {
    LineFault::UnknownOp { letter: shown(letter) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_counted() {
        let mut columns = Columns::new(b"1,,x,", b',');
        assert_eq!(columns.left(), 4);
        assert_eq!(columns.number::<u8>("a"), Ok(1));
        assert_eq!(columns.bytes("b"), Ok(&b""[..]));
        assert_eq!(
            columns.number::<u8>("c"),
            Err(LineFault::Column { column: 3, name: "c", fault: ValueFault::NotANumber { text: "x".into() } })
        );
        assert_eq!(columns.finish(), Err(LineFault::TooManyColumns { columns: 4, max: 3 }));
        assert_eq!(columns.bytes("d"), Ok(&b""[..]));
        assert_eq!(columns.finish(), Ok(()));
        assert_eq!(columns.bytes("e"), Err(LineFault::MissingColumn { column: 5, name: "e" }));
    }

    #[test]
    fn only_the_last_line_can_be_unfinished() {
        let all: Vec<_> = lines(b"a\n\nb").map(|l| (l.number, l.text.to_vec(), l.finished)).collect();
        assert_eq!(all, [(1, b"a".to_vec(), true), (2, vec![], true), (3, b"b".to_vec(), false)]);
        assert_eq!(lines(b"").count(), 0);
    }
}
