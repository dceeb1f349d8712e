//! Pages of other origins: CORS.
//!
//! Source: the Fetch standard, 3.2.

use super::answer::Answer;
use super::request::Request;
use super::settings::{Origins, Settings};

/// What pages may see of an answer beside the usual fields.
const EXPOSED: &str = "Accept-Ranges, Content-Disposition, Content-Length, Content-Range, ETag";
/// Seconds that a browser may remember what it was allowed.
const PREFLIGHT_MAX_AGE: &str = "86400";

/// Adds what lets pages of other origins read.
pub fn allow(settings: &Settings, request: &Request<'_>, answer: &mut Answer) {
    let origin = request.fields.text("origin");
    match &settings.origins {
        Origins::None => return,
        // Told to everybody: a cache may keep the answer for others.
        Origins::Any => answer.field("Access-Control-Allow-Origin", "*"),
        Origins::These(list) => {
            answer.field("Vary", "Origin");
            let Some(origin) = origin.filter(|origin| list.iter().any(|o| o == origin)) else { return };
            answer.field("Access-Control-Allow-Origin", origin);
        }
    }
    if origin.is_some() {
        answer.field("Access-Control-Expose-Headers", EXPOSED);
    }
}

/// The answer to `OPTIONS` of a page that asks before it acts; `None` when it is no such question.
#[must_use]
pub fn preflight(settings: &Settings, request: &Request<'_>) -> Option<Answer> {
    request.fields.first("origin")?;
    request.fields.first("access-control-request-method")?;
    let mut answer = Answer::new(204);
    allow(settings, request, &mut answer);
    answer.get("Access-Control-Allow-Origin")?;
    let methods = if settings.writes.is_some() { "GET, HEAD, POST, PUT, DELETE" } else { "GET, HEAD" };
    answer.field("Access-Control-Allow-Methods", methods);
    answer.field("Access-Control-Allow-Headers", "Authorization, Content-Type, If-None-Match, If-Range, Range");
    answer.field("Access-Control-Max-Age", PREFLIGHT_MAX_AGE);
    Some(answer)
}
