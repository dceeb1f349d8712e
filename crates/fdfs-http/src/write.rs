//! Uploads and deletes: `POST`, `PUT` and `DELETE` behind a switch and a token, with answers in JSON.
//!
//! `POST /upload`, `POST /upload/GROUP` or `PUT` of the same: a form with a file, or the file itself as the body. The
//! arguments `ext`, `name` (both also as fields of the form), `group` and `appender=1` may stand in the query. `DELETE` of
//! a file's URL deletes it.

use std::io;
use std::sync::atomic::Ordering;

use fdfs_client::{ClientError, ExtName, FileId, GroupName, Metadata, Status, UploadOptions, ext_of_local_file};
use fdfs_proto::limits::META_VALUE_MAX;

use crate::handle::{not_allowed, refuse_target};
use crate::incoming::Incoming;
use crate::json;
use crate::multipart::{self, Form};
use crate::pure::answer::Answer;
use crate::pure::request::{Method, Request};
use crate::pure::settings::{Settings, Writes};
use crate::pure::target::{Target, TargetError};
use crate::pure::token::is_same;
use crate::server::Server;
use crate::site::remote::is_nobody_there;
use crate::site::{Cluster, Site};
use crate::upload::{self, Spool, UploadError};

/// The longest extension that a name which is too long keeps, in bytes, with its dot.
const NAME_EXT_MAX: usize = 16;
/// Where uploads go; a group may follow.
const UPLOAD_PATH: &[u8] = b"/upload";

/// Answers a request that changes something.
///
/// # Errors
/// What the connection gives: it must be closed then.
pub async fn handle<S: Site>(
    server: &Server<S>,
    settings: &Settings,
    request: &Request<'_>,
    body: &mut impl Incoming,
) -> io::Result<Answer> {
    let Some(cluster) = server.site.cluster() else {
        let mut answer =
            failure(405, "a tracker takes no uploads and no deletes: ask a storage or a gateway (fdfs http)");
        answer.field("Allow", "GET, HEAD, OPTIONS");
        return Ok(answer);
    };
    let Some(writes) = &settings.writes else { return Ok(not_allowed(settings)) };
    if !is_authorized(writes, request) {
        let mut answer = failure(401, "a token is needed: Authorization: Bearer TOKEN");
        answer.field("WWW-Authenticate", "Bearer");
        return Ok(answer);
    }
    let target = match Target::parse(request.target) {
        Ok(target) => target,
        Err(error) => return Ok(no_file(error)),
    };
    if request.method == Method::Delete {
        let id = match target.file(&settings.form) {
            Ok((id, _)) => id,
            Err(error) => return Ok(no_file(error)),
        };
        return Ok(match cluster.client.delete(&id).await {
            Ok(()) => Answer::json(200, format!("{{\"deleted\":{}}}\n", json::string(&id.to_string()))),
            Err(error) => refusal(cluster, Some(id.group), &error).await,
        });
    }
    let Some(wishes) = Wishes::of(&target) else {
        let mut answer = failure(405, "uploads go to /upload or /upload/GROUP");
        answer.field("Allow", "GET, HEAD, DELETE, OPTIONS");
        return Ok(answer);
    };
    let wishes = match wishes {
        Ok(wishes) => wishes,
        Err(what) => return Ok(failure(400, what)),
    };
    let group = wishes.group;
    match upload(cluster, writes, request, wishes, body).await {
        Ok(stored) => {
            server.stats.upload_bytes.fetch_add(stored.bytes, Ordering::Relaxed);
            Ok(stored.answer())
        }
        Err(UploadError::TooLarge) => {
            let mut answer = failure(413, "the file is too large");
            answer.closes = true;
            Ok(answer)
        }
        Err(UploadError::Body(e)) if e.kind() == io::ErrorKind::InvalidData => {
            let mut answer = failure(400, &format!("the body cannot be read: {e}"));
            answer.closes = true;
            Ok(answer)
        }
        Err(UploadError::Body(e)) => Err(e),
        Err(UploadError::Spool(e)) => {
            tracing::error!("http: an upload could not be kept: {e}");
            let mut answer = failure(507, "the file cannot be kept");
            answer.closes = true;
            Ok(answer)
        }
        Err(UploadError::Cluster(error)) => Ok(refusal(cluster, group, &error).await),
    }
}

fn is_authorized(writes: &Writes, request: &Request<'_>) -> bool {
    let given = request.fields.first("authorization").and_then(|value| {
        let (scheme, token) = value.split_at_checked(7)?;
        scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii())
    });
    given.is_some_and(|given| is_same(given, writes.token.as_bytes()))
}

/// What an upload wants.
#[derive(Debug, Default)]
struct Wishes {
    group: Option<GroupName>,
    ext: Option<ExtName>,
    name: Option<String>,
    is_appender: bool,
}

impl Wishes {
    /// What path and query say; `None` for a path that takes no uploads.
    fn of(target: &Target<'_>) -> Option<Result<Self, &'static str>> {
        let rest = target.path.strip_prefix(UPLOAD_PATH)?;
        let in_path = match rest {
            b"" | b"/" => None,
            [b'/', group @ ..] => Some(group),
            _ => return None,
        };
        let mut wishes = Self { is_appender: target.query.get("appender") == Some(b"1"), ..Self::default() };
        if let Some(group) = in_path.or_else(|| target.query.get("group")) {
            match GroupName::new(group) {
                Ok(group) => wishes.group = Some(group),
                Err(_) => return Some(Err("no group has such a name: at most 16 letters and digits")),
            }
        }
        for field in ["ext", "name"] {
            if let Some(value) = target.query.text(field)
                && !wishes.set(field, value)
            {
                return Some(Err("no extension: at most 6 letters and digits"));
            }
        }
        Some(Ok(wishes))
    }

    fn set(&mut self, field: &str, value: &str) -> bool {
        match field {
            "ext" => match value.trim_start_matches('.').parse() {
                Ok(ext) => self.ext = Some(ext),
                Err(_) => return false,
            },
            "name" => self.name = Some(kept_name(value)),
            _ => {}
        }
        true
    }

    fn options(&self, content_type: Option<&str>) -> UploadOptions {
        let of_name = self.name.as_ref().map(|name| ext_of_local_file(name.as_bytes())).filter(|ext| !ext.is_empty());
        let ext = self.ext.or(of_name).or_else(|| ext_of_type(content_type?)).unwrap_or_default();
        let mut options = UploadOptions::new().ext(ext).appender(self.is_appender);
        if let Some(group) = self.group {
            options = options.group(group);
        }
        if let Some(name) = &self.name {
            options = options.metadata(Metadata::new().with("filename", name.as_bytes()));
        }
        options
    }
}

/// A name as metadata can hold it: without control characters, and of a long one as much as there is room for, with its
/// extension.
fn kept_name(name: &str) -> String {
    let mut name: String = name.chars().filter(|char| !char.is_control()).collect();
    if name.len() <= META_VALUE_MAX {
        return name;
    }
    let ext = name.rfind('.').map(|at| name.split_off(at)).filter(|ext| ext.len() <= NAME_EXT_MAX).unwrap_or_default();
    let mut len = (META_VALUE_MAX - ext.len()).min(name.len());
    while !name.is_char_boundary(len) {
        len -= 1;
    }
    name.truncate(len);
    name + &ext
}

/// The extension that usual types have.
fn ext_of_type(content_type: &str) -> Option<ExtName> {
    let ext = match content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "image/jpeg" => "jpg",
        "image/png" => "png",
        "image/gif" => "gif",
        "image/webp" => "webp",
        "image/svg+xml" => "svg",
        "image/avif" => "avif",
        "video/mp4" => "mp4",
        "video/webm" => "webm",
        "audio/mpeg" => "mp3",
        "audio/ogg" => "ogg",
        "application/pdf" => "pdf",
        "application/json" => "json",
        "application/zip" => "zip",
        "application/gzip" => "gz",
        "text/plain" => "txt",
        "text/html" => "html",
        "text/css" => "css",
        "text/csv" => "csv",
        "text/javascript" | "application/javascript" => "js",
        "application/xml" | "text/xml" => "xml",
        _ => return None,
    };
    ext.parse().ok()
}

/// What was stored.
struct Stored {
    id: FileId,
    bytes: u64,
}

impl Stored {
    fn answer(&self) -> Answer {
        let (id, url) = (self.id.to_string(), format!("/{}", self.id));
        let text = format!("{{\"id\":{},\"url\":{},\"size\":{}}}\n", json::string(&id), json::string(&url), self.bytes);
        let mut answer = Answer::json(201, text);
        answer.field("Location", url);
        answer
    }
}

async fn upload(
    cluster: &Cluster,
    writes: &Writes,
    request: &Request<'_>,
    mut wishes: Wishes,
    body: &mut impl Incoming,
) -> Result<Stored, UploadError> {
    let content_type = request.fields.text("content-type");
    if content_type.is_some_and(multipart::is_form) {
        let what = "a form whose Content-Type names no boundary of 1 to 70 characters";
        let boundary = content_type.and_then(multipart::boundary).ok_or_else(|| UploadError::bad(what))?;
        return of_form(cluster, writes, wishes, Form::new(body, &boundary)).await;
    }
    // What curl says of a body when nobody has told it what it is.
    let content_type = content_type.filter(|kind| !kind.starts_with("application/x-www-form-urlencoded"));
    if wishes.name.is_none() {
        wishes.name = request.fields.text("x-file-name").map(kept_name);
    }
    let options = wishes.options(content_type);
    if let Some(bytes) = body.bytes_left() {
        if bytes > writes.bytes_max {
            return Err(UploadError::TooLarge);
        }
        let id = upload::straight(&cluster.client, body, bytes, &options).await?;
        return Ok(Stored { id, bytes });
    }
    let mut spool = Spool::default();
    loop {
        let piece = body.next_piece().await.map_err(UploadError::Body)?;
        if piece.is_empty() {
            break;
        }
        spool.add(&piece, writes.bytes_max)?;
    }
    let bytes = spool.len();
    Ok(Stored { id: spool.upload(&cluster.client, &options).await?, bytes })
}

async fn of_form<I: Incoming>(
    cluster: &Cluster,
    writes: &Writes,
    mut wishes: Wishes,
    mut form: Form<'_, I>,
) -> Result<Stored, UploadError> {
    let mut file: Option<(Spool, Option<String>)> = None;
    while let Some(part) = form.next_part().await.map_err(UploadError::Body)? {
        let Some(filename) = part.filename else {
            let value = form.value().await.map_err(UploadError::Body)?;
            if !wishes.set(&part.name, &value) {
                return Err(UploadError::bad("no extension: at most 6 letters and digits"));
            }
            continue;
        };
        if file.is_some() {
            return Err(UploadError::bad("more than one part has a filename"));
        }
        if wishes.name.is_none() && !filename.is_empty() {
            // Some browsers send the whole path.
            wishes.name = filename.rsplit(['/', '\\']).next().map(kept_name);
        }
        let mut spool = Spool::default();
        loop {
            let piece = form.next_bytes().await.map_err(UploadError::Body)?;
            if piece.is_empty() {
                break;
            }
            spool.add(&piece, writes.bytes_max)?;
        }
        file = Some((spool, part.content_type));
    }
    let (spool, content_type) = file.ok_or_else(|| UploadError::bad("no part has a filename"))?;
    let options = wishes.options(content_type.as_deref());
    let bytes = spool.len();
    Ok(Stored { id: spool.upload(&cluster.client, &options).await?, bytes })
}

fn failure(status: u16, what: &str) -> Answer {
    let mut answer = Answer::json(status, format!("{{\"error\":{}}}\n", json::string(what)));
    answer.field("Cache-Control", "no-cache");
    answer
}

/// The answer to a path that names no file.
fn no_file(error: TargetError) -> Answer {
    let mut answer = failure(refuse_target(error).status, &format!("the path of the URL: {error}"));
    answer.closes = true;
    answer
}

/// The answer when the cluster refuses what was asked of `group`, or of any.
async fn refusal(cluster: &Cluster, group: Option<GroupName>, error: &ClientError) -> Answer {
    let is_known = match group {
        Some(group) if is_nobody_there(error) => cluster.is_known(group).await,
        _ => true,
    };
    let (status, what) = refused(is_known, error);
    if status == 502 {
        tracing::warn!("http: {error}");
    }
    failure(status, what)
}

/// The status, and what is told: what is wrong inside is nobody's business outside.
fn refused(is_known: bool, error: &ClientError) -> (u16, &'static str) {
    match error.status() {
        _ if error.is_not_found() => (404, "there is no such file"),
        _ if !is_known => (404, "there is no such group"),
        Status::ENOSPC => (507, "no space is left"),
        Status::EINVAL => (400, "the cluster refuses"),
        Status::EACCES | Status::EPERM => (403, "the cluster does not allow it"),
        _ if is_nobody_there(error) => (502, "no storage can do it just now"),
        _ => (502, "the cluster does not answer"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extension_comes_from_the_wish_the_name_or_the_type() {
        let wishes = |target: &str| Wishes::of(&Target::parse(target.as_bytes()).unwrap());
        assert!(wishes("/uploads").is_none());
        assert!(wishes("/upload/no!group").unwrap().is_err());
        assert!(wishes("/upload?ext=toolongext").unwrap().is_err());
        let parsed = wishes("/upload/group1?name=a%20b.tar.gz").unwrap().unwrap();
        assert_eq!(parsed.group.unwrap().as_str(), "group1");
        let shown = format!("{:?}", parsed.options(Some("image/png")));
        assert!(shown.contains("tar.gz"), "{shown}");
        let shown = format!("{:?}", wishes("/upload").unwrap().unwrap().options(Some("image/png; x=y")));
        assert!(shown.contains("png"), "{shown}");
    }

    #[test]
    fn any_name_fits_the_metadata() {
        assert_eq!(kept_name("a b.txt"), "a b.txt");
        assert_eq!(kept_name("a\u{1}b\u{2}\n.txt"), "ab.txt");
        let long = kept_name(&format!("{}.jpeg", "\u{4f60}".repeat(200)));
        assert!(long.len() <= META_VALUE_MAX && long.len() > META_VALUE_MAX - 4, "{}", long.len());
        assert!(long.starts_with('\u{4f60}') && long.ends_with("\u{4f60}.jpeg"));
        assert_eq!(kept_name(&".x".repeat(300)).len(), META_VALUE_MAX);
        assert_eq!(kept_name(&format!("a.{}", "x".repeat(300))), "a");
    }
}
