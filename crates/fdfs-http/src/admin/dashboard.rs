//! The dashboard: one page that holds everything it needs, and what it shows as JSON. Nothing can be changed with it.

use std::borrow::Cow;
use std::sync::Arc;

use fdfs_watch::Watch;

use crate::pure::answer::{Answer, Body};

const PAGE: &str = include_str!("dashboard.html");
/// The page asks its own server and nobody else; nobody may put it into a frame.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; \
                      img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// The page.
pub(super) fn page() -> Answer {
    let mut answer = Answer::new(200);
    answer.field("Content-Type", "text/html; charset=utf-8");
    answer.field("Cache-Control", "no-cache");
    answer.field("Content-Security-Policy", POLICY);
    answer.field("X-Content-Type-Options", "nosniff");
    answer.field("Referrer-Policy", "no-referrer");
    answer.body = Body::Bytes(Cow::Borrowed(PAGE.as_bytes()));
    answer
}

/// What it shows.
pub(super) async fn data(watch: &Arc<Watch>) -> Answer {
    let mut answer = Answer::new(200);
    answer.field("Content-Type", "application/json");
    answer.field("Cache-Control", "no-store");
    answer.field("X-Content-Type-Options", "nosniff");
    answer.body = Body::Bytes(watch.json().await.to_string().into_bytes().into());
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_needs_nothing_from_elsewhere() {
        for outside in ["http://", "https://", "src=", "@import", "url("] {
            let places: Vec<_> = PAGE.lines().filter(|line| line.contains(outside)).collect();
            // The name of the language of drawings is no address.
            assert!(places.iter().all(|line| line.contains("http://www.w3.org/2000/svg")), "{outside}: {places:?}");
        }
        assert!(!PAGE.contains("innerHTML"), "what servers say is text and never markup");
        assert!(PAGE.contains("prefers-color-scheme") && PAGE.contains("name=\"viewport\""));
        assert_eq!(page().status, 200);
    }
}
