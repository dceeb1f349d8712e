use super::*;
use crate::{Env, MapLoader};

fn parse(text: &str) -> Result<crate::Parsed<HttpConf>, crate::ConfError> {
    HttpConf::parse("/c/http.conf", &MapLoader::one("/c/http.conf", text), &Env::default())
}

const MIME: &str = "http.mime_types_filename = mime.types\nhttp.default_content_type = application/octet-stream\n";

#[test]
fn mime_types_are_needed_unless_nothing_uses_them() {
    assert_eq!(parse("").unwrap_err().errno(), 22);
    let conf = parse(MIME).unwrap().conf;
    assert_eq!(conf.mime_types_filename.as_deref(), Some("/c/mime.types"));
    assert_eq!((conf.server_port, conf.anti_steal_token_ttl_secs, conf.multi_range_enabled), (80, 600, true));
    assert!(parse("http.disabled = 1\nhttp.server_port=0\n").is_ok());
    assert!(parse("http.need_find_content_type=0\nhttp.multi_range.enabled=0\n").is_ok());
}

#[test]
fn bad_values_are_refused() {
    for text in [
        "http.server_port = 0\n",
        "http.anti_steal.token_ttl = 0\n",
        "http.anti_steal.check_token = 1\n",
        "http.default_content_type =\n",
    ] {
        assert_eq!(parse(&format!("{MIME}{text}")).unwrap_err().errno(), 22, "{text}");
    }
    let long = format!("{MIME}http.default_content_type = {}\n", "x".repeat(64));
    assert_eq!(parse(&long).unwrap_err().errno(), 22);
    let conf = parse(&format!("{MIME}http.mime_types_filename = http://host/m\n")).unwrap().conf;
    assert_eq!(conf.mime_types_filename.as_deref(), Some("http://host/m"));
}
