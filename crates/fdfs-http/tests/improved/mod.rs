//! Recorded cases that are answered better, each with its reason (docs/differences.md), and records that are no requests.

/// What is told of such a case.
pub(crate) enum Other {
    /// A better answer.
    Better { status: u16, fields: Fields },
    /// What was recorded is no request to this program.
    NoRequest,
}

/// Fields that the better answer has.
type Fields = &'static [(&'static str, &'static str)];

/// File, begin of the title, status, fields.
const BETTER: &[(&str, &str, u16, Fields)] = &[
    // Dates are compared as dates.
    ("conditional", "If-Modified-Since later", 304, &[]),
    // Nothing is said of a file that is not there.
    ("conditional", "If-Modified-Since equal on a file whose data is missing", 404, &[]),
    // Names are safe in a header, and there is a form in UTF-8 (RFC 6266).
    (
        "filename",
        "filename, URL encoded UTF-8",
        200,
        &[("content-disposition", "attachment; filename=\"图片 1.jpg\"; filename*=UTF-8''%E5%9B%BE%E7%89%87%201.jpg")],
    ),
    (
        "filename",
        "filename with a quote",
        200,
        &[("content-disposition", "attachment; filename=\"a\\\"b.jpg\"; filename*=UTF-8''a%22b.jpg")],
    ),
    (
        "filename",
        "filename with CR LF",
        200,
        &[("content-disposition", "attachment; filename=\"aX-Injected: yesX-B: \"")],
    ),
    // Only storages that the trackers know are asked, never an address out of the id.
    ("missing", "source id in the file id, ids not known", 404, &[]),
    ("missing", "source host gives no answer to ARP", 404, &[]),
    ("missing", "source refuses the connection", 404, &[]),
    ("multigroup", "group_count=2: group9 not configured", 404, &[]),
    ("multigroup", "group_count=2: group2 file, missing", 404, &[]),
    ("nogroup", "url_have_group_name=false, other group's name", 404, &[]),
    ("nogroup", "url_have_group_name=false, file name of 100", 404, &[]),
    ("proxy", "proxied to the source named in the file id", 404, &[]),
    ("urls", "no group though url_have_group_name=true", 404, &[]),
    ("urls", "another group that does not exist", 404, &[]),
    ("urls", "upper case group", 404, &[]),
    // Ranges by the book (RFC 9110, 14).
    ("range", "0-0 (the end value 0", 206, &[("content-range", "bytes 0-0/1000"), ("content-length", "1")]),
    ("range", "unit not bytes", 200, &[("content-length", "1000")]),
    ("range", "two ranges, one bad", 206, &[("content-range", "bytes 0-4/1000")]),
    ("range", "six ranges", 206, &[("content-length", "524")]),
    ("range", "header value of 64 bytes", 206, &[("content-range", "bytes 1-9/1000")]),
    ("range", "If-Range with another date", 200, &[("content-length", "1000")]),
    ("range", "Range 1-0", 416, &[("content-range", "bytes */1000")]),
    ("range", "empty element", 206, &[("content-length", "198")]),
    // What is in the file has to be looked at first, and that is for the host that has it to do.
    ("redirect", "other group, with If-Modified-Since equal", 302, &[("content-length", "0")]),
    ("redirect", "query that makes the Location longer", 302, &[("content-length", "0")]),
    // The metadata are not a file for everybody.
    ("sync", "metadata file <id>-m is readable", 404, &[]),
    // Long URLs are no trouble.
    ("urls", "path + query of 511 characters", 200, &[]),
];

/// File, begin of the title.
const NO_REQUEST: &[(&str, &str)] = &[
    // Prose: the case is tested where files and sockets are real.
    ("missing", "nginx worker as user nobody"),
    ("missing", "the same with the trunk file of mode 600"),
    ("nogroup", "url_have_group_name=false, file name of 150"),
    ("sync", "appender file of 30000000 bytes"),
    ("sync", "the same, 1000 bytes at offset"),
    // Raw bytes of redirects that are recorded as requests, too.
    ("redirect", "raw answer"),
    // What nginx's directives do to an answer; with nginx in front they do it still.
    ("nginx_directives", ""),
];

/// What a case is, if it is not answered as recorded.
pub(crate) fn other(file: &str, title: &str) -> Option<Other> {
    let is = |have: &str, begin: &str| have == file && title.starts_with(begin);
    if NO_REQUEST.iter().any(|row| is(row.0, row.1)) {
        return Some(Other::NoRequest);
    }
    BETTER.iter().find(|row| is(row.0, row.1)).map(|row| Other::Better { status: row.2, fields: row.3 })
}
