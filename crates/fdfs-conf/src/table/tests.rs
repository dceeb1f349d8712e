use super::*;
use crate::{ClientConf, HttpConf, MapLoader, ModFastdfsConf, StorageConf, TrackerConf};

/// A file that says what absent keys mean must mean the same, without a remark: so the documented defaults are true.
fn written_defaults_are_the_defaults<C: ConfFile + PartialEq + std::fmt::Debug>() {
    let simple = |key: &Key<C>| !matches!(key.rule, Rule::Custom { .. } | Rule::Ignored { .. });
    let mut text = String::new();
    for key in C::keys().iter().filter(|key| simple(key) && !key.default_text().is_empty()) {
        text.push_str(&format!("[{}]\n{} = {}\n", key.section.names()[0], key.name, key.default_text()));
    }
    let ini = Ini::read("f", &MapLoader::one("f", text), &Env::default()).unwrap();
    let reviewed: Reviewed<C> = review("f", &ini, &Env::default());
    assert_eq!(reviewed.findings, [], "{}", C::KIND);
    assert_eq!(reviewed.conf, defaults(), "{}", C::KIND);
}

#[test]
fn documented_defaults_are_true() {
    written_defaults_are_the_defaults::<TrackerConf>();
    written_defaults_are_the_defaults::<StorageConf>();
    written_defaults_are_the_defaults::<ClientConf>();
    written_defaults_are_the_defaults::<ModFastdfsConf>();
    written_defaults_are_the_defaults::<HttpConf>();
}

/// A key is read twice only in sections of its own, and every row says what is allowed and what it is for.
fn rows_are_complete<C: ConfFile>() {
    let keys = C::keys();
    for (index, key) in keys.iter().enumerate() {
        let same = |other: &&Key<C>| other.name == key.name && other.section == key.section;
        assert!(!keys[..index].iter().any(|other| same(&other)), "{}: {} stands there twice", C::KIND, key.name);
        assert!(!key.doc.is_empty(), "{}", key.name);
        let needs_allowed = !matches!(key.rule, Rule::Ignored { .. });
        assert!(!needs_allowed || !key.allowed_text().is_empty(), "{}: what is allowed for {}?", C::KIND, key.name);
    }
}

#[test]
fn tables_are_complete() {
    rows_are_complete::<TrackerConf>();
    rows_are_complete::<StorageConf>();
    rows_are_complete::<ClientConf>();
    rows_are_complete::<ModFastdfsConf>();
    rows_are_complete::<HttpConf>();
}
