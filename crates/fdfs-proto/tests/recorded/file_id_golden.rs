//! File ids against names that the reference V6.16.1 made or was asked for: it is the judge.
//! A failure shows the row.
use std::collections::BTreeMap;

use fdfs_proto::ExtName;
use fdfs_proto::file_id::{FileId, FormattedExt, Kind, LogicName, NewKind, NewName, Source, TrunkPart};

const TABLE: &str = include_str!("../golden/file_id.tsv");

/// The rows, each a map from column to cell.
fn rows() -> Vec<BTreeMap<&'static str, &'static str>> {
    let mut lines = TABLE.lines().filter(|line| !line.starts_with('#'));
    let columns: Vec<&str> = lines.next().unwrap().split('\t').collect();
    lines
        .map(|line| {
            let cells: Vec<&str> = line.split('\t').collect();
            assert_eq!(cells.len(), columns.len(), "{line}");
            columns.iter().copied().zip(cells).collect()
        })
        .collect()
}

fn kind_text(kind: Kind) -> &'static str {
    match kind {
        Kind::Regular => "regular",
        Kind::Appender => "appender",
        Kind::Slave => "slave",
        Kind::Trunk => "trunk",
    }
}

fn name_of(row: &BTreeMap<&str, &str>) -> LogicName {
    let id: FileId = row["file_id"].parse().unwrap_or_else(|e| panic!("{row:?}: {e}"));
    assert_eq!(id.to_string(), row["file_id"], "{row:?}");
    id.logic_name().unwrap_or_else(|e| panic!("{row:?}: {e}"))
}

#[test]
fn names_say_what_the_reference_says() {
    let rows = rows();
    for row in &rows {
        let name = name_of(row);
        assert_eq!(kind_text(name.kind()), row["kind"], "{row:?}");
        let fields = name.fields();
        let told = [
            ("source", fields.map(|f| f.source.to_string())),
            ("created", fields.map(|f| f.created.to_string())),
            ("size_word_hex", fields.map(|f| format!("{:016x}", f.size_word.0))),
            ("crc32_hex", fields.map(|f| format!("{:08x}", f.crc32))),
            ("size", fields.map(|f| f.size_word.size().to_string())),
            ("trunk", name.trunk_part().map(|t| format!("{},{},{}", t.id, t.offset, t.alloc_size))),
        ];
        for (column, told) in told {
            assert_eq!(told.as_deref().unwrap_or("-"), row[column], "{column} of {row:?}");
        }
        if row["ext"] != "-" {
            assert_eq!(FormattedExt::of(&name).unwrap().as_str(), row["ext"], "{row:?}");
        }
    }
    println!("{0} of {0} rows", rows.len());
    assert!(rows.len() > 200);
}

#[test]
fn fields_encode_back_to_the_same_text() {
    let mut count = 0;
    for row in rows() {
        let name = name_of(&row);
        let Some(fields) = name.fields() else { continue };
        // Names that were written by hand may set the bits of the 27th character that belong to no byte.
        if row["seen_in"] == "made-up" {
            continue;
        }
        let mut text = fields.to_chars().to_vec();
        if let Some(part) = name.trunk_part() {
            text.extend(part.to_chars());
        }
        assert!(name.file_name().as_bytes().starts_with(&text), "{row:?}");
        count += 1;
    }
    assert!(count > 200, "{count}");
}

/// From the cells alone, without reading the name, the same name comes out again.
#[test]
fn names_are_made_again_from_what_they_say() {
    let mut count = 0;
    for row in rows() {
        let word = u64::from_str_radix(row["size_word_hex"], 16).unwrap_or(0);
        if row["ext"] == "-" || row["seen_in"] == "made-up" {
            continue;
        }
        let path = row["file_id"].split('/').map(|part| u8::from_str_radix(part.trim_start_matches('M'), 16));
        let path: Vec<u8> = path.skip(1).take(3).map(Result::unwrap).collect();
        let kind = match row["kind"] {
            "regular" => NewKind::Regular,
            "appender" => NewKind::Appender,
            "trunk" => {
                let part: Vec<u32> = row["trunk"].split(',').map(|n| n.parse().unwrap()).collect();
                NewKind::Trunk(TrunkPart { id: part[0], offset: part[1], alloc_size: part[2] })
            }
            other => panic!("{other}: {row:?}"),
        };
        let source = match row["source"].parse() {
            Ok(id) => Source::Id(id),
            Err(_) => Source::Ip(row["source"].parse().unwrap()),
        };
        let (digits, ext) = row["ext"].split_once('.').unwrap_or((row["ext"], ""));
        let random_digits = digits.parse().unwrap_or(0);
        // A slave whose name has 60 characters reads as a trunk file; its last seven were not made from digits.
        if !digits.bytes().all(|b| b.is_ascii_digit()) {
            continue;
        }
        let new = NewName {
            store_path_index: path[0],
            high: path[1],
            low: path[2],
            source,
            created: row["created"].parse().unwrap(),
            size: row["size"].parse().unwrap(),
            crc32: u32::from_str_radix(row["crc32_hex"], 16).unwrap(),
            kind,
            random: (word >> 32) as u32,
            ext: FormattedExt::new(&ext.parse::<ExtName>().unwrap(), random_digits),
        };
        let (_, expected) = row["file_id"].split_once('/').unwrap();
        assert_eq!(new.build().as_str(), expected, "{row:?}");
        count += 1;
    }
    println!("{count} names made again");
    assert!(count > 150, "{count}");
}
