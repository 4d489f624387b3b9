//! Edits of an event: its values are replaced, moved, repeated, renamed and removed, and then its bytes are changed.

use proptest::{collection::vec, option, prelude::*, sample::*};
use serde_json::{Map, Value, json};

/// Characters that look like those of ids, or that are invisible.
const LOOKALIKES: [char; 12] = ['а', 'е', 'о', 'с', '\u{2010}', '０', '：', '\u{200d}', '\u{feff}', '\u{202e}', '\0', ' '];
/// Invalid and unusual UTF-8, and pieces of JSON.
const PIECES: [&[u8]; 10] = [b"", b"\x80", b"\xc0\xaf", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\0", b"{", b"]", b"\"", b",\"id\":"];

#[derive(Debug, Clone)]
pub(crate) struct Edits {
    event: Index,
    /// Each with its place.
    values: Vec<(Index, Edit)>,
    /// A place in the bytes, the number of bytes that are removed there, and the new ones.
    bytes: Option<(Index, usize, Vec<u8>)>,
}

#[derive(Debug, Clone)]
enum Edit {
    Put(Value),
    /// An id or a name that exists, perhaps with another character in it.
    PutWord(Index, Option<(Index, char)>),
    /// The value of a place in another event.
    PutFrom(Index, Index),
    /// Renames or removes a member.
    Member(Index, Option<&'static str>),
    /// Repeats the first item.
    Repeat(usize),
}

pub(crate) fn edits() -> impl Strategy<Value = Edits> {
    let value = prop_oneof![
        select(vec![Value::Null, json!({}), json!([]), json!(true), json!(-1), json!(u64::MAX), json!(5e-324), json!("")]),
        "\\PC{0,20}".prop_map(|text| json!(text)),
        (select(vec!["a", "é", "vpce-", "vpce-svc-0", "\\\""]), 1usize..4_000).prop_map(|(unit, times)| json!(unit.repeat(times))),
    ];
    let lookalike = option::weighted(0.3, (any::<Index>(), select(LOOKALIKES.to_vec())));
    let name = option::of(select(vec!["id", "Sns", "detail", "ownerId"]));
    let edit = prop_oneof![
        2 => value.prop_map(Edit::Put),
        4 => (any::<Index>(), lookalike).prop_map(|(word, change)| Edit::PutWord(word, change)),
        2 => (any::<Index>(), any::<Index>()).prop_map(|(event, place)| Edit::PutFrom(event, place)),
        2 => (any::<Index>(), name).prop_map(|(member, name)| Edit::Member(member, name)),
        1 => (1usize..12).prop_map(Edit::Repeat),
    ];
    let nested = select(vec![10, 127, 1_000, 100_000]).prop_map(|depth| [[b'['].repeat(depth), [b']'].repeat(depth)].concat());
    let new = prop_oneof![3 => select(PIECES.to_vec()).prop_map(<[u8]>::to_vec), 1 => nested];
    let bytes = (any::<Index>(), select(vec![0, 1, 40, usize::MAX]), new);
    (any::<Index>(), vec((any::<Index>(), edit), 0..4), option::weighted(0.2, bytes)).prop_map(|(event, values, bytes)| Edits {
        event,
        values,
        bytes,
    })
}

impl Edits {
    /// One of the events, edited. `words` are ids and names that exist.
    pub(crate) fn apply(&self, events: &[Value], words: &[String]) -> Vec<u8> {
        let event = self.apply_to(self.event.get(events).clone(), events, words);
        let mut bytes = event.to_string().into_bytes();
        if let Some((at, removed, new)) = &self.bytes {
            let at = at.index(bytes.len() + 1);
            drop(bytes.splice(at..at.saturating_add(*removed).min(bytes.len()), new.iter().copied()));
        }
        bytes
    }

    /// A value with its edits, without those of the bytes.
    pub(crate) fn apply_to(&self, mut value: Value, events: &[Value], words: &[String]) -> Value {
        for (place, edit) in &self.values {
            match (edit, find(&mut value, *place)) {
                (Edit::Put(new), place) => *place = new.clone(),
                (Edit::PutWord(word, change), place) => {
                    let mut word: Vec<char> = word.get(words).chars().collect();
                    change.iter().for_each(|(at, lookalike)| *at.get_mut(&mut word) = *lookalike);
                    *place = json!(String::from_iter(word));
                }
                (Edit::PutFrom(event, from), place) => *place = find(&mut event.get(events).clone(), *from).take(),
                (Edit::Member(member, name), Value::Object(map)) => {
                    let content = remove(map, member);
                    map.extend(name.map(|name| (name.to_owned(), content)));
                }
                (Edit::Repeat(times), Value::Array(items)) => items.extend(vec![items.first().cloned().unwrap_or_default(); *times]),
                (Edit::Member(..) | Edit::Repeat(_), place) => *place = Value::Null,
            }
        }
        value
    }
}

fn remove(map: &mut Map<String, Value>, member: &Index) -> Value {
    let key = map.keys().nth(member.index(map.len().max(1))).cloned();
    key.and_then(|key| map.remove(&key)).unwrap_or_default()
}

/// One of the values in an event, the event itself included.
fn find(event: &mut Value, place: Index) -> &mut Value {
    let mut all = Vec::new();
    places(event, String::new(), &mut all);
    event.pointer_mut(place.get::<String>(&all)).unwrap()
}

fn places(event: &Value, at: String, found: &mut Vec<String>) {
    match event {
        Value::Object(map) => map.iter().for_each(|(key, inner)| places(inner, format!("{at}/{key}"), found)),
        Value::Array(items) => items.iter().enumerate().for_each(|(n, inner)| places(inner, format!("{at}/{n}"), found)),
        _ => {}
    }
    found.push(at);
}
