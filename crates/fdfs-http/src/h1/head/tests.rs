use super::*;
use proptest::prelude::*;

fn status(text: &str) -> u16 {
    Head::parse(text.as_bytes()).map_or_else(HeadError::status, |_| 200)
}

#[test]
fn usual_requests_are_read() {
    let text = "GET /a?b=c HTTP/1.1\r\nHost: x:80\r\nUser-Agent:  curl \r\nrange: bytes=0-1\r\n\r\n";
    assert_eq!(end_of(text.as_bytes(), 0), Some(text.len()));
    assert_eq!(end_of(&text.as_bytes()[..text.len() - 1], 0), None);
    let head = Head::parse(text.as_bytes()).unwrap();
    assert_eq!((head.method, head.target), (Method::Get, &b"/a?b=c"[..]));
    assert_eq!(head.fields.first("USER-AGENT"), Some(&b"curl"[..]));
    assert_eq!(head.fields.text("Range"), Some("bytes=0-1"));
    assert!(head.is_11 && head.keeps_alive && !head.expects_continue);
    assert_eq!(head.framing, Framing::Length(0));
    let head = Head::parse(b"GET /a  HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").unwrap();
    assert!(!head.is_11 && head.keeps_alive, "as the module passes requests on");
    let head = Head::parse(b"GET /a HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n").unwrap();
    assert!(!head.keeps_alive, "who wants both wants an end (RFC 9112, 9.3)");
    let head = Head::parse(b"GET http://host:80/a HTTP/1.1\r\nHost: host\r\nConnection: x, close\r\n\r\n").unwrap();
    assert_eq!(head.target, b"/a");
    assert!(!head.keeps_alive);
}

/// Smuggling and other tricks: what two programs could read in two ways.
#[test]
fn tricks_are_refused() {
    for (text, expected) in [
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
        ("GET / HTTP/1.1\nHost: a\n\n\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\0\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nNo colon\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\n: empty\r\n\r\n", 400),
        ("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400),
        ("GET / http/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
        ("GET /\r\nHost: a\r\n\r\n", 400),
        ("GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /\u{7f} HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("(GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1 1\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999999999999999\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n", 501),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \u{b}chunked\r\n\r\n", 400),
        ("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\n\r\n", 417),
    ] {
        assert_eq!(status(text), expected, "{text:?}");
    }
    let long = "a".repeat(TARGET_BYTES_MAX);
    assert_eq!(status(&format!("GET /{long} HTTP/1.1\r\nHost: a\r\n\r\n")), 414);
    assert_eq!(status(&format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "A: b\r\n".repeat(FIELDS_MAX))), 431);
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Head::parse(&bytes);
    }

    #[test]
    fn near_requests_are_read_or_refused(text in "(GET|POST) /[a-z%?=]{0,9} HTTP/1\\.[01]\r\n([A-Za-z-]{1,9}:[ -~]{0,9}\r\n){0,4}\r\n") {
        if let Ok(head) = Head::parse(text.as_bytes()) {
            prop_assert!(head.target.starts_with(b"/"));
        }
    }

    #[test]
    fn the_end_is_found_however_the_bytes_come(text in "[a\r\n]{0,40}", seen in 0usize..40) {
        let all = end_of(text.as_bytes(), 0);
        if let Some(all) = all && seen < all {
            prop_assert_eq!(end_of(text.as_bytes(), seen), Some(all));
        }
    }
}
