use super::*;
use crate::{Env, MapLoader};

fn parse(text: &str) -> Result<crate::Parsed<ModFastdfsConf>, crate::ConfError> {
    let http = "http.mime_types_filename=mime.types\nhttp.default_content_type = a/b\n";
    let loader = MapLoader::one("/c/mod.conf", format!("{text}\n#include http.conf\n")).with("/c/http.conf", http);
    ModFastdfsConf::parse("/c/mod.conf", &loader, &Env::default())
}

#[test]
fn one_group_of_the_global_part() {
    let conf = parse("base_path=/tmp\ngroup_name=group1\nstore_path_count=2\nstore_path1=/b\n").unwrap().conf;
    assert_eq!(conf.groups.len(), 1);
    assert_eq!(conf.groups[0].storage_server_port, 23000);
    assert_eq!(conf.groups[0].store_paths[0].path.to_str(), Some("/tmp"));
    assert_eq!((conf.connect_timeout_secs, conf.network_timeout_secs), (10, 30));
    assert_eq!(conf.storage_ids_filename.as_deref(), Some("/c/storage_ids.conf"));
    assert_eq!(conf.http.mime_types_filename.as_deref(), Some("/c/mime.types"));
    assert!(!conf.has_group_count && conf.http.multi_range_enabled);
}

#[test]
fn several_groups_in_sections() {
    let text = "group_count=2\nurl_have_group_name=1\n[group1]\ngroup_name=g1\nstore_path0=/a\n\
                [group2]\ngroup_name=g2\nstorage_server_port=23001\nstore_path0=/b\n";
    let parsed = parse(text).unwrap();
    assert_eq!(parsed.findings, []);
    let names: Vec<(&str, u16)> =
        parsed.conf.groups.iter().map(|g| (g.group_name.as_str(), g.storage_server_port)).collect();
    assert_eq!(names, [("g1", 23000), ("g2", 23001)]);
}

#[test]
fn what_is_missing_and_what_is_wrong() {
    for (text, errno) in [
        ("group_name=g\n", 2),
        ("base_path=/tmp\n", 2),
        ("base_path=/tmp\ngroup_name=\n", 22),
        ("base_path=/tmp\ngroup_name=g\nload_fdfs_parameters_from_tracker=1\n", 2),
        ("base_path=/tmp\ngroup_name=g\ngroup_count=-1\n", 22),
        ("group_count=1\n[group1]\ngroup_name=g1\nstore_path0=/a\n", 2),
        ("group_count=1\nurl_have_group_name=1\n[group1]\ngroup_name=g1\n", 2),
        ("base_path=/tmp\ngroup_name=g\nflv_extension=toolong\n", 22),
    ] {
        assert_eq!(parse(text).unwrap_err().errno(), errno, "{text}");
    }
}

#[test]
fn only_the_exact_word_redirects() {
    let mode = |word: &str| {
        parse(&format!("base_path=/tmp\ngroup_name=g\nresponse_mode={word}\n")).unwrap().conf.response_mode
    };
    assert_eq!(
        (mode("redirect"), mode("Redirect"), mode("x")),
        (ResponseMode::Redirect, ResponseMode::Proxy, ResponseMode::Proxy)
    );
}
