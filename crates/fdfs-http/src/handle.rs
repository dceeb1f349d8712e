//! A request for a file, from its first byte to its answer.
//!
//! Source: HTTP, 6.

use std::net::IpAddr;

use fdfs_conf::ResponseMode;
use fdfs_proto::file_id::{FileId, LogicName, Source as Uploader};

use crate::json;
use crate::pure::answer::{Answer, Body};
use crate::pure::request::{Method, Request};
use crate::pure::settings::Settings;
use crate::pure::target::{Target, TargetError, is_metadata_name};
use crate::pure::{access, cors, file};
use crate::site::{Absent, Site};
use crate::source::Source;

/// Answers a request without a body: `GET`, `HEAD`, `OPTIONS`, and what is not allowed.
pub async fn handle(site: &impl Site, settings: &Settings, request: &Request<'_>) -> Answer {
    let mut answer = match request.method {
        Method::Get | Method::Head => read(site, settings, request).await,
        Method::Options => match cors::preflight(settings, request) {
            Some(answer) => return answer,
            None => not_allowed(settings),
        },
        Method::Post | Method::Put | Method::Delete | Method::Other => not_allowed(settings),
    };
    cors::allow(settings, request, &mut answer);
    answer.is_head = request.method == Method::Head;
    answer
}

/// 405.
#[must_use]
pub fn not_allowed(settings: &Settings) -> Answer {
    let mut answer = Answer::error(405);
    let methods =
        if settings.writes.is_some() { "GET, HEAD, POST, PUT, DELETE, OPTIONS" } else { "GET, HEAD, OPTIONS" };
    answer.field("Allow", methods);
    answer
}

/// The answer to a target that names nothing.
#[must_use]
pub fn refuse_target(error: TargetError) -> Answer {
    match error {
        TargetError::TooLong => Answer::error(414),
        TargetError::Malformed | TargetError::NoFile => Answer::error(400),
    }
}

async fn read(site: &impl Site, settings: &Settings, request: &Request<'_>) -> Answer {
    let target = match Target::parse(request.target) {
        Ok(target) => target,
        Err(error) => return refuse_target(error),
    };
    let (id, name) = match target.file(&settings.form) {
        Ok(named) => named,
        Err(error) => return refuse_target(error),
    };
    let access = match access::check(settings, request, &target, &id) {
        Ok(access) => access,
        Err(answer) => return answer,
    };
    let own = settings.own_groups.iter().find(|own| own.0 == id.group);
    if own.is_some_and(|own| usize::from(name.store_path_index()) >= own.1) {
        return Answer::error(400);
    }
    // Differs from C: the metadata are not given away as a file unless somebody wants it so.
    if is_metadata_name(&name) && !settings.metadata_files {
        return Answer::error(404);
    }
    if target.query.get("meta").is_some() && settings.metadata_json {
        return match Box::pin(site.metadata(&id)).await {
            Ok(metadata) => {
                let mut answer = Answer::json(200, json::object(&metadata));
                answer.field("Cache-Control", "no-cache");
                answer
            }
            Err(absent) => Answer::error(status_of(absent)),
        };
    }
    let found = match site.open(&id, &name).await {
        // In boxes, here and below: what is seldom asked for must not make every connection larger.
        Err(Absent::NotFound) => match Box::pin(missing(site, settings, request, &target, &id, &name)).await {
            Ok(found) => found,
            Err(answer) => return answer,
        },
        other => match other {
            Ok(found) => found,
            Err(absent) => return Answer::error(status_of(absent)),
        },
    };
    let wants_name = target.query.get("download").is_some() && target.query.get("filename").is_none();
    let saved_as = if wants_name && !settings.filename_key.is_empty() {
        let metadata = Box::pin(site.metadata(&id)).await.unwrap_or_default();
        metadata.into_iter().find(|(key, _)| *key == settings.filename_key).map(|(_, value)| value)
    } else {
        None
    };
    let is_promised = found.source.is_promised();
    let answer = file::answer(settings, request, &target, &name, found, access, saved_as.as_deref());
    if is_promised && let Err(absent) = Box::pin(proven(site, request.method, &id, &answer)).await {
        return Answer::error(status_of(absent));
    }
    answer
}

/// Whether a file is there whose id said all that its answer needs: its first bytes have come, or a storage has said so.
async fn proven(site: &impl Site, method: Method, id: &FileId, answer: &Answer) -> Result<(), Absent> {
    if let (Body::File { source: Source::Remote(file), parts, .. }, Method::Get) = (&answer.body, method)
        && let Some(part) = parts.first().filter(|part| part.len > 0)
    {
        return file.begin(part.offset, part.len).await;
    }
    match site.cluster() {
        Some(cluster) => cluster.exists(id).await,
        None => Err(Absent::NotFound),
    }
}

/// The file is not on this host: the cluster is asked, or the client is sent on.
///
/// Differs from C: only storages that the trackers know are asked, and all that can have the file; the id names none.
#[allow(clippy::result_large_err)]
async fn missing(
    site: &impl Site,
    settings: &Settings,
    request: &Request<'_>,
    target: &Target<'_>,
    id: &FileId,
    name: &LogicName,
) -> Result<crate::source::Found, Answer> {
    if target.query.get("redirect").is_some() {
        // It was sent here by somebody who thought that it is here: it goes no further.
        let is_settled = settings.is_own(id.group) && is_settled(site, settings, request.now(), name);
        return Err(Answer::error(if is_settled { 404 } else { 400 }));
    }
    if settings.response_mode == ResponseMode::Redirect {
        match site.locate(id, request.peer).await {
            Ok(ip) if !site.is_this_host(ip) => return Err(redirect(settings, request, ip)),
            // The trackers name nobody else. What they know is a beat old: whoever can have it is asked.
            Ok(_) | Err(Absent::NotFound) => {}
            Err(absent) => return Err(Answer::error(status_of(absent))),
        }
    }
    site.fetch(id).await.map_err(|absent| Answer::error(status_of(absent)))
}

/// Whether a file of this group that is not here is nowhere: it came from here, or is too old to be on its way.
fn is_settled(site: &impl Site, settings: &Settings, now: i64, name: &LogicName) -> bool {
    let Some(fields) = name.fields() else { return true };
    let from_here = match fields.source {
        Uploader::Ip(ip) => site.is_this_host(IpAddr::V4(ip)),
        Uploader::Id(_) => false,
    };
    let created = i64::from(fields.created);
    let max_delay = i64::try_from(settings.sync_file_max_delay_secs).unwrap_or(i64::MAX);
    from_here || (created > 0 && now.saturating_sub(created) > max_delay)
}

/// 302 to another host, with the same scheme and everything that was asked.
///
/// Differs from C: the answer has a length, so clients follow it; a long URL is not cut.
#[must_use]
pub fn redirect(settings: &Settings, request: &Request<'_>, ip: IpAddr) -> Answer {
    let (scheme, usual, port) = if request.is_secure {
        ("https", 443, settings.redirect_tls_port)
    } else {
        ("http", 80, settings.redirect_port)
    };
    let port = if port == 0 { request.local_port } else { port };
    let host = match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    };
    let port = if port == usual { String::new() } else { format!(":{port}") };
    let uri = String::from_utf8_lossy(request.target);
    let mark = match (settings.marks_redirects, request.target.contains(&b'?')) {
        (false, _) => "",
        (true, false) => "?redirect=1",
        (true, true) => "&redirect=1",
    };
    let mut answer = Answer::new(302);
    answer.field("Location", format!("{scheme}://{host}{port}{uri}{mark}"));
    answer.field("Cache-Control", "no-cache");
    answer
}

/// The status for a file that cannot be had.
#[must_use]
pub const fn status_of(absent: Absent) -> u16 {
    match absent {
        Absent::NotFound => 404,
        Absent::Unreachable => 502,
        Absent::TimedOut => 504,
        Absent::Failed => 500,
        Absent::Busy => 503,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pure::fields::Fields;

    #[test]
    fn a_redirect_keeps_the_scheme_and_all_of_a_long_url() {
        let long = format!("/group1/M00/00/00/{}?filename=a%20b", "x".repeat(3000));
        for (ip, is_secure, local_port, ports, expected) in [
            ("10.0.0.1", false, 80, (0, 0), "http://10.0.0.1"),
            ("10.0.0.1", false, 8080, (0, 0), "http://10.0.0.1:8080"),
            ("10.0.0.1", false, 8080, (8888, 0), "http://10.0.0.1:8888"),
            ("10.0.0.1", true, 443, (8888, 0), "https://10.0.0.1"),
            ("10.0.0.1", true, 443, (8888, 8443), "https://10.0.0.1:8443"),
            ("2001:db8::1", true, 8443, (0, 0), "https://[2001:db8::1]:8443"),
        ] {
            let settings = Settings { redirect_port: ports.0, redirect_tls_port: ports.1, ..Settings::default() };
            let request = Request {
                method: Method::Get,
                target: long.as_bytes(),
                fields: Fields::default(),
                is_secure,
                local_port,
                peer: [10, 0, 0, 9].into(),
                now_us: 0,
            };
            let answer = redirect(&settings, &request, ip.parse().unwrap());
            let location = format!("{expected}{long}&redirect=1");
            assert_eq!((answer.status, answer.get("Location")), (302, Some(location.as_str())));
            assert!(answer.tells_len() && answer.body.is_empty());
        }
    }
}
