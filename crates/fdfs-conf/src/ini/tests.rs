use fdfs_proto::Status;
use proptest::prelude::*;

use super::*;
use crate::{MapLoader, Severity};

const TOP: &str = "/etc/fdfs/top.conf";

fn env() -> Env {
    let local_ips = ["127.0.0.1", "192.168.3.7", "10.1.2.3", "1.2.3.4", "2001:db8::7"];
    Env { local_ips: local_ips.iter().map(|ip| ip.parse().unwrap()).collect(), host_name: "node1".to_owned() }
}

fn read_with(loader: &MapLoader) -> Result<Ini, ConfError> {
    Ini::read(TOP, loader, &env())
}

fn read(text: &str) -> Ini {
    read_with(&MapLoader::one(TOP, text)).unwrap()
}

fn error(text: &str) -> ConfError {
    read_with(&MapLoader::one(TOP, text)).unwrap_err()
}

/// The items as `[section]name=value`.
fn items(ini: &Ini) -> Vec<String> {
    let show = |item: &Item| match item.section.as_str() {
        "" => format!("{}={}", item.name, item.value),
        section => format!("[{section}]{}={}", item.name, item.value),
    };
    ini.items.iter().map(show).collect()
}

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    assert_eq!(items(&read(text)), expected, "{text}");
}

#[track_caller]
fn check_warns(text: &str, expected: &[&str], what: &str) {
    let ini = read(text);
    assert_eq!(items(&ini), expected, "{text}");
    let warns = |f: &Finding| f.severity == Severity::Warning && f.what.contains(what);
    assert!(ini.findings.iter().any(warns), "{text}: {:?}", ini.findings);
}

#[test]
fn lines_are_trimmed_and_split_at_the_first_equals_sign() {
    check(" a = b = c \r\n\tempty =\n=value\n", &["a=b = c", "empty=", "=value"]);
}

#[test]
fn only_a_hash_in_front_starts_a_comment() {
    check("# a = 1\n ; semi = 1\nb = 2 # text\n##include x\n# include y\n", &["; semi=1", "b=2 # text"]);
}

#[test]
fn quotes_stay_and_names_are_case_sensitive() {
    let ini = read("log_level = \"debug\"\nLog_Level = x\n");
    assert_eq!(ini.last("", "log_level").unwrap().value, "\"debug\"");
}

#[test]
fn a_line_without_equals_sign_is_ignored_with_a_note() {
    let ini = read("just text\na=1\n");
    assert_eq!(items(&ini), ["a=1"]);
    assert_eq!(ini.findings[0].severity, Severity::Note);
    assert_eq!(ini.findings[0].line, 1);
}

#[test]
fn sections_are_merged_and_empty_brackets_lead_back() {
    check("[s]\na=1\n[t]\nb=2\n[ s ]\nc=3\n[]\nd=4\n", &["[s]a=1", "[t]b=2", "[s]c=3", "d=4"]);
    assert!(read("[s]\na=1\n").last("", "a").is_none());
}

#[test]
fn the_last_of_repeated_keys_counts_and_lists_see_all() {
    let ini = read("a=0\na=2\n");
    assert_eq!(ini.last("", "a").unwrap().value, "2");
    assert_eq!(ini.all("", "a").map(|item| item.value.as_str()).collect::<Vec<_>>(), ["0", "2"]);
}

#[test]
fn long_names_and_values_are_cut_between_characters() {
    let ini = read(&format!("{}=1\nb={}\nc={}é\n", "n".repeat(64), "v".repeat(256), "v".repeat(254)));
    assert_eq!(ini.items[0].name.len(), NAME_MAX);
    assert_eq!(ini.items[1].value.len(), VALUE_MAX);
    assert_eq!(ini.items[2].value, "v".repeat(254));
    assert_eq!(ini.findings.iter().filter(|f| f.severity == Severity::Warning).count(), 3);
}

#[test]
fn bytes_that_are_not_utf8_are_replaced_with_a_warning() {
    let ini = read_with(&MapLoader::one(TOP, b"a=1\nb=x\xffy\n".as_slice())).unwrap();
    assert_eq!(items(&ini), ["a=1", "b=x\u{fffd}y"]);
    assert_eq!((ini.findings[0].severity, ini.findings[0].line), (Severity::Warning, 2));
}

#[test]
fn includes_are_relative_to_the_top_file_and_end_in_the_global_part() {
    let loader =
        MapLoader::one(TOP, "[s]\n#InClude sub/one.conf\na=1\n#include /abs.conf\n#include file:///abs.conf\n")
            .with("/etc/fdfs/sub/one.conf", "b=2\n[t]\n#include two.conf\nc=3\n")
            .with("/etc/fdfs/two.conf", "d=4\n")
            .with("/abs.conf", "e=5");
    let ini = read_with(&loader).unwrap();
    assert_eq!(items(&ini), ["b=2", "d=4", "c=3", "a=1", "e=5", "e=5"]);
    assert_eq!(ini.items[1].at.to_string(), "/etc/fdfs/two.conf:1");
    assert_eq!(ini.items[3].at.to_string(), "/etc/fdfs/top.conf:3");
}

#[test]
fn an_include_that_is_missing_stops_the_reading() {
    let error = error("a=1\n#include none.conf\n");
    assert_eq!((error.errno(), error.place().line), (2, 2));
    assert_eq!(error.to_string(), "/etc/fdfs/top.conf:2: cannot load /etc/fdfs/none.conf: No such file or directory");
}

#[test]
fn a_url_goes_to_the_loader_as_it_is() {
    let loader = |location: &str| match location {
        TOP => Ok(b"#include http://host/x.conf\n".to_vec()),
        "http://host/x.conf" => Err(crate::LoadError::no_urls()),
        other => panic!("{other}"),
    };
    let error = Ini::read(TOP, &loader, &env()).unwrap_err();
    assert_eq!(error.status(), Status::EOPNOTSUPP);
}

#[test]
fn files_that_include_themselves_are_refused() {
    let loader = MapLoader::one(TOP, "#include a.conf").with("/etc/fdfs/a.conf", "#include top.conf");
    assert_eq!(read_with(&loader).unwrap_err().status(), Status::ELOOP);
}

#[test]
fn includes_have_a_depth_and_a_count() {
    let mut loader = MapLoader::one(TOP, "#include 0.conf");
    for n in 0..INCLUDE_DEPTH_MAX {
        loader = loader.with(&format!("/etc/fdfs/{n}.conf"), format!("#include {}.conf", n + 1));
    }
    assert_eq!(read_with(&loader).unwrap_err().status(), Status::ELOOP);

    // Each file includes the next one twice: without a limit that would be 2^15 files.
    let mut loader = MapLoader::one(TOP, "#include 0.conf");
    for n in 0..15 {
        loader = loader.with(&format!("/etc/fdfs/{n}.conf"), format!("#include {0}.conf\n#include {0}.conf", n + 1));
    }
    let loader = loader.with("/etc/fdfs/15.conf", "");
    assert!(matches!(
        read_with(&loader),
        Err(ConfError::TooLarge { what: "included files", .. } | ConfError::Directive { .. })
    ));
}

#[test]
fn conditions_on_addresses() {
    for (list, holds) in [
        ("10.1.2.3", true),
        ("10.1.2.4", false),
        ("172.16.0.0/12, 10.0.0.0/8", true),
        ("10.1.2.0/24", true),
        ("192.168.3.4/30", true),
        ("2001:db8::/32", true),
        ("10.1.3.0/24", false),
        ("", false),
    ] {
        let text = format!("#@if %{{LOCAL_IP}} in [{list}]\na=1\n#@else\na=2\n#@endif\nb=3\n");
        check(&text, &[if holds { "a=1" } else { "a=2" }, "b=3"]);
    }
}

#[test]
fn networks_wider_or_narrower_than_allowed_never_match() {
    check_warns("#@if %{LOCAL_IP} in [10.0.0.0/7]\na=1\n#@endif\n", &[], "neither an address nor a network");
    check_warns("#@if %{LOCAL_IP} in [10.1.2.3/32]\na=1\n#@endif\n", &[], "neither an address nor a network");
}

#[test]
fn conditions_on_host_and_variables() {
    check("#@if %{LOCAL_HOST} in [node2, node1]\na=1\n#@endif\n", &["a=1"]);
    check("#@set ROLE = big\n#@if %{ROLE} in [small]\na=1\n#@else\na=2\n#@endif\n", &["a=2"]);
    check_warns("#@if %{NOBODY} in [x]\na=1\n#@endif\n", &[], "not set");
}

#[test]
fn conditions_read_only_so_many_items() {
    let list: Vec<String> = (0..IF_ITEMS_MAX).map(|n| format!("x{n}")).collect();
    check_warns(&format!("#@if %{{LOCAL_HOST}} in [{},node1]\na=1\n#@endif\n", list.join(",")), &[], "only 32 items");
}

#[test]
fn variables_are_expanded_only_where_a_function_says_so() {
    check(
        "#@set A = x\n#@set B = %{A}y\nplain = %{B}\n#@function REPLACE_VARS\npath = /d/%{B}/%{A}\nnext = %{A}\n",
        &["plain=%{B}", "path=/d/xy/x", "next=%{A}"],
    );
    check("#@function REPLACE_VARS\nhost = %{LOCAL_HOST}\n", &["host=node1"]);
    check_warns("#@function REPLACE_VARS\na = %{NONE}/b\n", &["a=%{NONE}/b"], "not set");
    check("#@function REPLACE_VARS\na = 50%{ and %{\n", &["a=50%{ and %{"]);
}

#[test]
fn set_in_an_included_file_works() {
    let loader = MapLoader::one(TOP, "\n\n#include v.conf\n#@function REPLACE_VARS\na=%{V}\n#@set V = late\n")
        .with("/etc/fdfs/v.conf", "#@set V = early\n");
    assert_eq!(items(&read_with(&loader).unwrap()), ["a=early"]);
}

#[test]
fn commands_are_never_executed() {
    check_warns("#@set A = x$(rm -rf /)y\n#@function REPLACE_VARS\na=%{A}\n", &["a=xy"], "not executed");
    check_warns("#@function SHELL_EXEC\na = date\n", &["a="], "SHELL_EXEC");
    check_warns("#@add_annotation F lib.so arg\na=1\n", &["a=1"], "plug-ins");
}

#[test]
fn addresses_of_this_host() {
    for (class, expected) in [
        ("inner", "192.168.3.7"),
        ("private[1]", "10.1.2.3"),
        ("private_10", "10.1.2.3"),
        ("outer", "1.2.3.4"),
        ("outer[1]", "2001:db8::7"),
        ("any", "192.168.3.7"),
    ] {
        check(&format!("#@function LOCAL_IP_GET\na = {class}\n"), &[&format!("a={expected}")]);
    }
    check_warns("#@function LOCAL_IP_GET\na = inner[9]\n", &["a="], "no address");
    check_warns("#@function LOCAL_IP_GET\na = middle\n", &["a="], "no address");
}

#[test]
fn repetitions() {
    check("#@for i from 0 to 2\npath{$i} = /d{$i}\n#@endfor\nb=1\n", &["path0=/d0", "path1=/d1", "path2=/d2", "b=1"]);
    check("#@for n from 5 to 1 step -2\na{$n}=\n#@endfor\n", &["a5=", "a3=", "a1="]);
    check("#@for i from 2 to 1\na=1\n#@endfor\n", &[]);
    check("#@if %{LOCAL_HOST} in [node1]\n#@for i from 1 to 1\na=1\n#@endfor\n#@endif\n", &["a=1"]);
    check("#@for i from 1 to 2\n#@if %{LOCAL_HOST} in [node{$i}]\na={$i}\n#@endif\n#@endfor\n", &["a=1"]);
}

#[test]
fn directives_that_cannot_be_carried_out() {
    for text in [
        "#@if %{LOCAL_IP} in [1.2.3.4]\na=1\n",
        "#@if LOCAL_IP in [1.2.3.4]\n#@endif\n",
        "#@if %{LOCAL_IP} in 1.2.3.4\n#@endif\n",
        "#@if %{A} in [1]\n#@if %{B} in [1]\n#@endif\n#@endif\n",
        "#@if %{LOCAL_HOST} in [x]\n#@else\n#@else\n#@endif\n",
        "#@for i from 1 to 3\na=1\n",
        "#@for i from 1 to 3 step 0\n#@endfor\n",
        "#@for i from one to 3\n#@endfor\n",
        "#@for i from 1 to 2\n#@for j from 1 to 2\n#@endfor\n#@endfor\n",
        "#@set NAME\n",
        "#include\n",
    ] {
        assert_eq!(error(text).errno(), 22, "{text}");
    }
}

#[test]
fn stray_directives_are_ignored_with_a_warning() {
    for word in ["else", "endif", "endfor", "whatever", "function NONE"] {
        check_warns(&format!("#@{word}\na=1\n"), &["a=1"], "ignored");
    }
    check_warns("#@function REPLACE_VARS\n[s]\na=%{LOCAL_HOST}\n", &["[s]a=%{LOCAL_HOST}"], "ignored");
}

#[test]
fn repetitions_have_limits() {
    let rounds = error("#@for i from 1 to 9223372036854775807\n#@endfor\n");
    assert!(matches!(rounds, ConfError::TooLarge { what: "rounds of #@for", .. }), "{rounds}");
    let lines = error(&format!("#@for i from 1 to 60000\n{}#@endfor\n", "a=1\n".repeat(9)));
    assert!(matches!(lines, ConfError::TooLarge { what: "lines", .. }), "{lines}");
    let bytes = error(&format!("#@for i from 1 to 60000\na={}\n#@endfor\n", "{$i}".repeat(200)));
    assert!(matches!(bytes, ConfError::TooLarge { what: "bytes made by #@for", .. }), "{bytes}");
}

#[test]
fn variables_cannot_grow_without_end() {
    let text = format!("#@set A = xx\n{}#@function REPLACE_VARS\na=%{{A}}\n", "#@set A = %{A}%{A}\n".repeat(60));
    assert_eq!(read(&text).items[0].value.len(), VALUE_MAX);
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
        let _ = read_with(&MapLoader::one(TOP, bytes));
    }

    #[test]
    fn any_directives_are_read_or_refused(words in proptest::collection::vec(
        prop_oneof![
            Just("#@if %{LOCAL_IP} in [1.2.3.4/24]"), Just("#@else"), Just("#@endif"), Just("#@for i from 1 to 3"),
            Just("#@endfor"), Just("#@set A = %{A}{$i}"), Just("#@function REPLACE_VARS"), Just("a{$i} = %{A}$("),
            Just("[s]"), Just("#include top.conf"), Just("#@function LOCAL_IP_GET"), Just("%{=$(}")
        ], 0..20)
    ) {
        let _ = read_with(&MapLoader::one(TOP, words.join("\n")));
    }
}
