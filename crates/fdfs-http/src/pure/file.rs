//! The answer with a file that was found.
//!
//! Source: HTTP, 6 to 12.

use fdfs_proto::file_id::{Kind, LogicName};

use super::access::Access;
use super::answer::{Answer, Body, Part};
use super::conditional::{Validators, Verdict, range_counts, weigh};
use super::digits::{put_decimal, put_hex};
use super::range::{Span, Wanted, wanted};
use super::request::Request;
use super::settings::Settings;
use super::target::Target;
use super::{date, disposition, flv};
use crate::source::Found;

/// The longest entity tag: two numbers in hex, a dash and quotes.
const ETAG_BYTES_MAX: usize = 35;
/// The length of a name with its store path that is surely no slave's; a file in a slot has 16 more.
const NORMAL_LEN: usize = 44;

/// Whether the content of a file never changes, so that its id says all of it.
fn is_fixed(name: &LogicName) -> bool {
    match name.kind() {
        Kind::Trunk => true,
        Kind::Regular => name.len_with_store_path() == NORMAL_LEN && name.fields().is_some(),
        Kind::Appender | Kind::Slave => false,
    }
}

/// What tells this state of a file from others. Regular files: what their id says, so it is the same everywhere.
#[must_use]
pub fn validators(name: &LogicName, len_bytes: u64, modified: i64) -> Validators {
    let fixed = name.fields().filter(|_| is_fixed(name));
    let (state, digits, last_modified) = match fixed {
        Some(fields) => (fields.crc32.into(), 8, fields.created.into()),
        None => (modified as u64, 1, modified),
    };
    let mut etag = String::with_capacity(ETAG_BYTES_MAX);
    etag.push('"');
    put_hex(&mut etag, state, digits);
    etag.push('-');
    put_hex(&mut etag, len_bytes, 1);
    etag.push('"');
    Validators { etag, last_modified, is_fixed: fixed.is_some() }
}

/// The answer with a file that was found. `saved_as` is the name from its metadata that `?download` asked for.
#[must_use]
pub fn answer(
    settings: &Settings,
    request: &Request<'_>,
    target: &Target<'_>,
    name: &LogicName,
    found: Found,
    access: Access,
    saved_as: Option<&str>,
) -> Answer {
    let size = found.len_bytes;
    let have = validators(name, size, found.modified_unix_secs);
    match weigh(&request.fields, &have) {
        Verdict::Failed => return Answer::error(412),
        Verdict::NotModified => {
            let mut answer = Answer::new(304);
            tell_state(settings, &mut answer, &have, access);
            return answer;
        }
        Verdict::Go => {}
    }
    let content_type = settings.content_type(name.file_name());
    let range = request.fields.first("range").filter(|_| range_counts(&request.fields, &have));
    let wanted = range.map_or(Wanted::Whole, |value| wanted(value, size, settings.multi_range));
    let piece = match &settings.flv_extension {
        Some(ext) if range.is_none() && name.file_name().rsplit_once('.').is_some_and(|(_, have)| have == ext) => {
            flv::part(&target.query, size)
        }
        _ => Ok(None),
    };
    let mut answer = Answer::new(200);
    let (parts, tail) = match (wanted, piece) {
        (_, Err(())) => return Answer::error(400),
        (Wanted::Nothing, _) => {
            let mut answer = Answer::error(416);
            answer.field("Content-Range", format!("bytes */{size}"));
            return answer;
        }
        (Wanted::Whole, Ok(Some(part))) => {
            answer.field("Content-Type", content_type);
            (vec![part], Vec::new())
        }
        (Wanted::Whole, Ok(None)) => {
            answer.field("Content-Type", content_type);
            (vec![Part { head: Vec::new(), offset: 0, len: size }], Vec::new())
        }
        (Wanted::Parts(spans), _) => {
            answer.status = 206;
            match spans.as_slice() {
                [span] => {
                    answer.field("Content-Type", content_type);
                    answer.field("Content-Range", format!("bytes {}-{}/{size}", span.first, span.last));
                    (vec![Part { head: Vec::new(), offset: span.first, len: span.len() }], Vec::new())
                }
                spans => {
                    let boundary = format!("{:016}", request.now_us);
                    answer.field("Content-Type", format!("multipart/byteranges; boundary={boundary}"));
                    multi(spans, &boundary, content_type, size)
                }
            }
        }
    };
    tell_state(settings, &mut answer, &have, access);
    answer.field("Accept-Ranges", "bytes");
    if let Some(value) = saved_under(target, name, saved_as) {
        answer.field("Content-Disposition", value);
    }
    answer.body = Body::File { source: found.source, parts, tail };
    answer
}

/// The name under which the client shall save it, if one was asked for.
fn saved_under(target: &Target<'_>, name: &LogicName, saved_as: Option<&str>) -> Option<String> {
    if let Some(asked) = target.query.get("filename") {
        return Some(disposition::attachment(asked));
    }
    target.query.get("download")?;
    Some(disposition::attachment(saved_as.unwrap_or(name.file_name()).as_bytes()))
}

/// What all of 200, 206 and 304 tell.
fn tell_state(settings: &Settings, answer: &mut Answer, have: &Validators, access: Access) {
    answer.fields.add_with("Last-Modified", |out| date::put(out, have.last_modified));
    answer.field("ETag", &have.etag);
    if settings.max_age_secs == 0 {
        return;
    }
    // What not everybody may read must not be given away by a cache in between.
    let is_public = access == Access::Public;
    match (have.is_fixed, is_public) {
        (false, true) => answer.field("Cache-Control", "no-cache"),
        (false, false) => answer.field("Cache-Control", "private, no-cache"),
        (true, _) => answer.fields.add_with("Cache-Control", |out| {
            out.push_str(if is_public { "public, max-age=" } else { "private, max-age=" });
            put_decimal(out, settings.max_age_secs, 1);
            out.push_str(", immutable");
        }),
    }
}

/// Several parts, as the reference writes them.
fn multi(spans: &[Span], boundary: &str, content_type: &str, size: u64) -> (Vec<Part>, Vec<u8>) {
    let part = |span: &Span| Part {
        head: format!(
            "\r\n--{boundary}\r\nContent-type: {content_type}\r\nContent-range: bytes {}-{}/{size}\r\n\r\n",
            span.first, span.last
        )
        .into_bytes(),
        offset: span.first,
        len: span.len(),
    };
    (spans.iter().map(part).collect(), format!("\r\n--{boundary}--\r\n").into_bytes())
}
