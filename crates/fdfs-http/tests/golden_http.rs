//! Every recorded HTTP exchange of the reference, answered by this crate: the same status, fields and body, but for what is
//! listed as better in `improved.rs` (and told to users in docs/differences.md).

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may panic as tests do")]

mod golden_record;
mod golden_world;
mod improved;

use golden_record::{Exchange, Record};
use golden_world::World;
use improved::{Other, other};

const FILES: [(&str, &str); 16] = [
    ("basic", include_str!("golden/basic.txt")),
    ("conditional", include_str!("golden/conditional.txt")),
    ("filename", include_str!("golden/filename.txt")),
    ("flv", include_str!("golden/flv.txt")),
    ("head", include_str!("golden/head.txt")),
    ("methods", include_str!("golden/methods.txt")),
    ("missing", include_str!("golden/missing.txt")),
    ("multigroup", include_str!("golden/multigroup.txt")),
    ("nginx_directives", include_str!("golden/nginx_directives.txt")),
    ("nogroup", include_str!("golden/nogroup.txt")),
    ("proxy", include_str!("golden/proxy.txt")),
    ("range", include_str!("golden/range.txt")),
    ("redirect", include_str!("golden/redirect.txt")),
    ("sync", include_str!("golden/sync.txt")),
    ("token", include_str!("golden/token.txt")),
    ("urls", include_str!("golden/urls.txt")),
];

#[tokio::test]
async fn every_recorded_case_is_answered_as_recorded_or_better() {
    let (mut same, mut better, mut notes, mut wrong) = (0, 0, 0, Vec::new());
    let mut all = 0;
    for (file, text) in FILES {
        for record in Record::all(text) {
            all += 1;
            let differs = match other(file, &record.title) {
                Some(Other::NoRequest) => {
                    notes += 1;
                    continue;
                }
                Some(Other::Better { status, fields }) => {
                    better += 1;
                    better_answer(&record, status, fields).await
                }
                None if record.exchanges.is_empty() => Some("no request in it, and not listed".to_owned()),
                None => {
                    same += 1;
                    same_answer(file, &record).await
                }
            };
            if let Some(what) = differs {
                wrong.push(format!("{file}: {}\n    {what}", record.title));
            }
        }
    }
    println!(
        "golden/http: {} of {all} cases: {same} as recorded, {better} better, {notes} are no requests",
        all - wrong.len()
    );
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(all > 200 && same > 2 * better, "{all} cases");
}

/// What differs from the record, if anything does.
async fn same_answer(file: &str, record: &Record) -> Option<String> {
    for exchange in &record.exchanges {
        let got = World::at(file, &record.title, exchange).answer(exchange).await;
        let (want_status, mut want) = (exchange.status, exchange.fields());
        let mut have = got.fields.clone();
        // Told to all readers, and better than nothing; in the list of differences once and for all.
        have.retain(|(name, _)| !matches!(name.as_str(), "etag" | "cache-control" | "access-control-allow-origin"));
        have.retain(|(name, _)| !matches!(name.as_str(), "server" | "date"));
        if got.status >= 400 {
            have.retain(|(name, _)| name != "allow");
            have.retain(|(name, value)| !(name == "content-range" && value.starts_with("bytes */")));
            let page = exchange.page();
            // The page names its maker.
            want.retain(|(name, _)| name != "content-length");
            have.retain(|(name, _)| name != "content-length");
            if !exchange.is_head() && got.body != page.as_bytes() {
                return Some(format!("the page is {:?}", String::from_utf8_lossy(&got.body)));
            }
        } else if got.status == 304 {
            // There is no body, and what the client has it knows.
            let says = |(name, _): &(String, String)| {
                !matches!(name.as_str(), "content-length" | "last-modified" | "accept-ranges")
            };
            want.retain(says);
            have.retain(says);
        } else if got.status == 302 {
            // The reference announces chunks that never come.
            if !have.contains(&("content-length".to_owned(), "0".to_owned())) {
                return Some("a redirect without a length".to_owned());
            }
            want.retain(|(name, _)| matches!(name.as_str(), "location" | "connection"));
            have.retain(|(name, _)| name != "content-length");
        }
        want.sort();
        have.sort();
        if got.status != want_status || have != want {
            return Some(format!("recorded {want_status} {want:?}\n    answered {} {have:?}", got.status));
        }
        if got.status < 300
            && !exchange.is_head()
            && let Some((bytes, md5)) = &record.body
            && (got.body.len() as u64 != *bytes
                || (md5 != golden_world::FAIL_PICTURE_MD5 && golden_world::md5(&got.body) != *md5))
        {
            return Some(format!("{} bytes of another body than the {bytes} recorded", got.body.len()));
        }
    }
    None
}

/// Whether the answer is the better one.
async fn better_answer(record: &Record, status: u16, fields: &[(&str, &str)]) -> Option<String> {
    let exchange: &Exchange = record.exchanges.first()?;
    let got = World::at("", &record.title, exchange).answer(exchange).await;
    if got.status != status {
        return Some(format!("expected {status}, answered {} {:?}", got.status, got.fields));
    }
    for (name, value) in fields {
        let have = got.fields.iter().find(|(have, _)| have == name).map(|(_, value)| value.as_str());
        if have != Some(value) {
            return Some(format!("expected {name}: {value}, answered {:?}", got.fields));
        }
    }
    let is_as_recorded = exchange.status == status
        && fields.iter().all(|(name, value)| exchange.fields().contains(&((*name).to_owned(), (*value).to_owned())));
    is_as_recorded.then(|| "listed as better, but as recorded".to_owned())
}
