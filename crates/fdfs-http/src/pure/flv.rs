//! Seeking in FLV files: `?start=` and `?end=`.
//!
//! Source: HTTP, 12.

use super::answer::Part;
use super::query::Query;

/// What comes in front of a piece that does not begin with the file.
const HEADER: [u8; 13] = [0x46, 0x4C, 0x56, 1, 1, 0, 0, 0, 9, 0, 0, 0, 9];

/// The piece that the arguments ask for; `None` when they ask for none, an error when it is not in the file.
///
/// # Errors
/// The piece is not in the file: 400.
#[allow(clippy::result_unit_err)]
pub fn part(query: &Query, size: u64) -> Result<Option<Part>, ()> {
    let whole = |name: &str| query.text(name).and_then(|text| text.parse::<i64>().ok());
    let Some(start) = whole("start") else { return Ok(None) };
    let size_i = i64::try_from(size).map_err(|_| ())?;
    // The reference keeps the last byte: what is 0 then has no end.
    let last = match whole("end") {
        Some(1) | None => size_i - 1,
        Some(end) => (end - 1).min(size_i - 1),
    };
    let first = if start < 0 { size_i.saturating_add(start).max(0) } else { start };
    if first >= size_i || first > last {
        return Err(());
    }
    let head = if start > 0 { HEADER.to_vec() } else { Vec::new() };
    Ok(Some(Part { head, offset: first as u64, len: (last - first + 1) as u64 }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_those_of_the_reference() {
        for (query, expected) in [
            ("start=100", Some((13, 100, 900))),
            ("start=0", Some((0, 0, 1000))),
            ("start=-100", Some((0, 900, 100))),
            ("start=100&end=150", Some((13, 100, 50))),
            ("start=0&end=1", Some((0, 0, 1000))),
            ("start=999999", None),
            ("start=100&end=0", None),
        ] {
            let part = part(&Query::parse(query.as_bytes()), 1000);
            let expected = expected.map(|(head, offset, len)| Some((head, offset, len)));
            assert_eq!(part.ok().map(|part| part.map(|p| (p.head.len(), p.offset, p.len))), expected, "{query}");
        }
        assert_eq!(part(&Query::parse(b"start=abc"), 1000), Ok(None));
        assert_eq!(part(&Query::parse(b"end=100"), 1000), Ok(None));
        assert_eq!(part(&Query::parse(b"start=0"), 0), Err(()));
    }
}
