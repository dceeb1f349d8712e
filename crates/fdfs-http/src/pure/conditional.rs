//! Conditions of a request: what the client has already.
//!
//! Source: RFC 9110, 13.

use super::date;
use super::fields::Fields;

/// What tells one state of a file from another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Validators {
    /// The entity tag with its quotes; always a strong one.
    pub etag: String,
    /// Unix seconds.
    pub last_modified: i64,
    /// The content never changes: its id says all of it.
    pub is_fixed: bool,
}

/// What the conditions come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Answer as if there were none.
    Go,
    /// 304.
    NotModified,
    /// 412.
    Failed,
}

/// Weighs the conditions in the order of RFC 9110, 13.2.2. Dates that are none are ignored.
///
/// Differs from C: a file must be there before anything is said of it; dates are compared as dates; tags are compared.
#[must_use]
pub fn weigh(fields: &Fields<'_>, have: &Validators) -> Verdict {
    let date_of = |name: &str| fields.text(name).and_then(date::parse);
    if fields.first("if-match").is_some() {
        if !any_tag(fields, "if-match", &have.etag, false) {
            return Verdict::Failed;
        }
    } else if date_of("if-unmodified-since").is_some_and(|date| have.last_modified > date) {
        return Verdict::Failed;
    }
    if fields.first("if-none-match").is_some() {
        if any_tag(fields, "if-none-match", &have.etag, true) {
            return Verdict::NotModified;
        }
    } else if date_of("if-modified-since").is_some_and(|date| have.last_modified <= date) {
        return Verdict::NotModified;
    }
    Verdict::Go
}

/// Whether `Range` counts: it does without `If-Range`, and with one that names the state we have.
#[must_use]
pub fn range_counts(fields: &Fields<'_>, have: &Validators) -> bool {
    match fields.text("if-range") {
        None => fields.first("if-range").is_none(),
        Some(tag) if tag.starts_with('"') => tag == have.etag,
        Some(date) => date::parse(date) == Some(have.last_modified),
    }
}

/// Whether a list of tags has ours, or is `*`. Weak tags count only where `weak` allows.
fn any_tag(fields: &Fields<'_>, name: &str, etag: &str, weak: bool) -> bool {
    fields.all(name).any(|value| {
        let mut rest = value;
        loop {
            rest = rest.trim_ascii_start();
            rest = rest.strip_prefix(b",").unwrap_or(rest).trim_ascii_start();
            let (is_weak, tag) = match rest.strip_prefix(b"W/") {
                Some(tag) => (true, tag),
                None => (false, rest),
            };
            match tag {
                [b'*', ..] => return true,
                [b'"', inner @ ..] => {
                    let Some(end) = inner.iter().position(|&b| b == b'"') else { return false };
                    if (weak || !is_weak) && tag[..end + 2] == *etag.as_bytes() {
                        return true;
                    }
                    rest = &inner[end + 1..];
                }
                _ => return false,
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_weighed_in_order() {
        let have = Validators { etag: "\"a-1\"".to_owned(), last_modified: 1_795_165_751, is_fixed: true };
        let (equal, later, earlier) =
            ("Fri, 20 Nov 2026 09:09:11 GMT", "Fri, 20 Nov 2026 09:09:12 GMT", "Fri, 20 Nov 2026 09:09:10 GMT");
        for (fields, verdict) in [
            (vec![("If-Modified-Since", equal)], Verdict::NotModified),
            (vec![("If-Modified-Since", later)], Verdict::NotModified),
            (vec![("If-Modified-Since", earlier)], Verdict::Go),
            (vec![("If-Modified-Since", "nonsense")], Verdict::Go),
            (vec![("If-Unmodified-Since", earlier)], Verdict::Failed),
            (vec![("If-Unmodified-Since", equal)], Verdict::Go),
            (vec![("If-None-Match", "\"x\", W/\"a-1\"")], Verdict::NotModified),
            (vec![("If-None-Match", "\"x\"")], Verdict::Go),
            (vec![("If-None-Match", "\"x\""), ("If-Modified-Since", later)], Verdict::Go),
            (vec![("If-None-Match", "*")], Verdict::NotModified),
            (vec![("If-Match", "\"a-1\"")], Verdict::Go),
            (vec![("If-Match", "*")], Verdict::Go),
            (vec![("If-Match", "W/\"a-1\"")], Verdict::Failed),
            (vec![("If-Match", "junk")], Verdict::Failed),
            (vec![("If-Match", "\"b\""), ("If-None-Match", "\"a-1\"")], Verdict::Failed),
        ] {
            let list = Fields(fields.iter().map(|&(name, value)| (name, value.as_bytes())).collect());
            assert_eq!(weigh(&list, &have), verdict, "{fields:?}");
        }
        for (value, counts) in
            [("\"a-1\"", true), ("\"b\"", false), (equal, true), (later, false), ("W/\"a-1\"", false)]
        {
            assert_eq!(range_counts(&Fields(vec![("if-range", value.as_bytes())]), &have), counts, "{value}");
        }
    }
}
