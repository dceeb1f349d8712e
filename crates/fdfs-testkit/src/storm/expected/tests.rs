use super::super::history::{Content, Kind};
use super::*;

const DONE: Option<Outcome> = Some(Outcome::Done(Vec::new()));

fn file(events: Vec<Event>) -> File {
    let id = "group1/M00/00/00/Ck4BDGsAECCECKaAAAAAAKaEx8Y457.log".parse().unwrap();
    let content = Some(Content { seed: 1, len: 4 });
    File { id, kind: Kind::Appender, content, storage: 0, created: Duration::ZERO, events }
}

fn event(secs: u64, storage: usize, change: Change, outcome: Option<Outcome>) -> Event {
    let is_known = matches!(outcome, Some(Outcome::Done(_) | Outcome::Refused(_)));
    let ended = is_known.then(|| Duration::from_secs(secs + 1));
    Event { change, client: 0, storage, begun: Duration::from_secs(secs), ended, outcome }
}

fn unknown() -> Option<Outcome> {
    Some(Outcome::Unknown("timed out".into()))
}

#[test]
fn only_an_acknowledged_delete_must_stay() {
    let presence = |outcomes: &[Option<Outcome>]| {
        let events = outcomes.iter().zip(0..).map(|(outcome, i)| event(i, 1, Change::Delete, outcome.clone()));
        Expected::of(&file(events.collect())).presence
    };
    assert_eq!(presence(&[]), Presence::Must);
    assert_eq!(presence(&[Some(Outcome::Refused(2))]), Presence::Must);
    assert_eq!(presence(&[unknown()]), Presence::Either);
    assert_eq!(presence(&[None]), Presence::Either);
    assert_eq!(presence(&[DONE, unknown()]), Presence::MustNot);
    assert_eq!(presence(&[unknown(), DONE]), Presence::MustNot);
}

#[test]
fn changes_at_one_storage_one_after_the_other_are_known() {
    let more = Content { seed: 2, len: 3 };
    let events = vec![
        event(0, 0, Change::Append(more), DONE),
        event(1, 0, Change::Truncate(6), DONE),
        event(2, 1, Change::Append(more), Some(Outcome::Refused(2))),
        event(3, 0, Change::Modify(5, more), DONE),
    ];
    let (old, new) = (Content { seed: 1, len: 4 }.bytes(), more.bytes());
    let want = [&old[..], &new[..1], &new].concat();
    assert_eq!(Expected::of(&file(events.clone())).content, Some(want));
    // Elsewhere, at the same time, or perhaps: then only agreement is asked.
    for (secs, storage, outcome) in [(4, 1, DONE), (3, 0, DONE), (4, 0, unknown())] {
        let events = [events.clone(), vec![event(secs, storage, Change::Truncate(0), outcome)]].concat();
        assert_eq!(Expected::of(&file(events)).content, None, "{secs} {storage}");
    }
}

#[test]
fn metadata_are_followed_on_their_own() {
    let metadata = |text: &[u8], merges| Change::Metadata { text: text.to_vec(), merges };
    let events = vec![
        event(0, 2, metadata(b"a\x021", false), DONE),
        event(1, 2, metadata(b"b\x022", true), DONE),
        event(1, 0, Change::Append(Content { seed: 2, len: 3 }), DONE),
    ];
    let expected = Expected::of(&file(events.clone()));
    assert_eq!(expected.metadata.as_deref(), Some(&b"a\x021\x01b\x022"[..]));
    assert_eq!(expected.content.map(|bytes| bytes.len()), Some(7));
    let events = [events, vec![event(2, 1, metadata(b"a\x023", false), DONE)]].concat();
    assert_eq!(Expected::of(&file(events)).metadata, None);
}
