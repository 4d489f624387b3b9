//! Structure-aware mutation: an event as AWS sends it, with its members taken out, doubled, moved, exchanged for those of
//! other events, and filled with what a forger would write. Then, now and then, the bytes themselves.
//!
//! Everything follows from the seed, so that an event that did harm can be made again.

use fastrand::Rng;
use serde_json::{Map, Value, json};

use crate::{bytes, words};

/// Marks a place that is nested so deep only when the event is text already: a value of that depth could not be dropped.
const NEST: &str = "\u{1}nest ";

/// What events are made of.
pub(crate) struct Stock {
    /// Whole events, as they arrive when nobody means harm.
    pub(crate) events: Vec<Value>,
    /// Ids, names and accounts that mean something to the warden or to somebody else.
    pub(crate) words: Vec<String>,
    /// The places that are read.
    pub(crate) read: &'static [&'static str],
}

impl Stock {
    /// The event of a seed.
    pub(crate) fn event(&self, seed: u64) -> Vec<u8> {
        let rng = &mut Rng::with_seed(seed);
        let mut event = self.any(rng).clone();
        for _ in 0..rng.u8(..5) {
            self.mutate(&mut event, rng);
        }
        let text = nested(event.to_string());
        if rng.u8(..5) == 0 { bytes::mutate(text.into_bytes(), rng) } else { text.into_bytes() }
    }

    /// One of the events as it is.
    pub(crate) fn any(&self, rng: &mut Rng) -> &Value {
        &self.events[rng.usize(..self.events.len())]
    }

    fn mutate(&self, event: &mut Value, rng: &mut Rng) {
        if rng.bool() {
            return self.change(self.place(event, rng), rng);
        }
        // What it is to be exchanged with, or moved to, is chosen from the event as it was.
        let (here, there) = (part(&mut event.clone(), rng).clone(), part(&mut self.any(rng).clone(), rng).clone());
        match part(event, rng) {
            Value::Object(members) => self.change_members(members, here, there, rng),
            Value::Array(items) => change_items(items, here, there, rng),
            leaf => self.change(leaf, rng),
        }
    }

    /// One of the places that are read, or any.
    fn place<'a>(&self, event: &'a mut Value, rng: &mut Rng) -> &'a mut Value {
        let pointer = self.read[rng.usize(..self.read.len())];
        if event.pointer(pointer).is_some() { event.pointer_mut(pointer).unwrap() } else { part(event, rng) }
    }

    /// Puts something else in the place of a value.
    fn change(&self, value: &mut Value, rng: &mut Rng) {
        *value = match (rng.u8(..12), &*value) {
            (0..4, Value::String(text)) => json!(words::alike(text, rng)),
            (4, Value::String(text)) => serde_json::from_str(text).unwrap_or_else(|_| json!([text])),
            (0..6, _) => json!(self.word(rng)),
            (6, _) => json!(words::alike(self.word(rng), rng)),
            (7, _) => json!((0..rng.usize(2..30)).map(|_| self.word(rng)).collect::<Vec<_>>().join([" ", ",", "", "\n"][rng.usize(..4)])),
            (8, other) => json!(other.to_string()),
            (9, other) => [json!([other]), json!({"content": other}), json!({"a": [other, other]})][rng.usize(..3)].clone(),
            (10, _) => json!(format!("{NEST}{}", 10_usize.pow(rng.u32(..5)))),
            _ => words::edge(rng),
        };
    }

    fn change_members(&self, members: &mut Map<String, Value>, here: Value, there: Value, rng: &mut Rng) {
        let keys: Vec<String> = members.keys().cloned().collect();
        let Some(key) = rng.choice(&keys).cloned() else {
            members.insert(self.word(rng).to_owned(), there);
            return;
        };
        match rng.u8(..7) {
            0 => drop(members.remove(&key)),
            1 => drop(members.insert(key, here)),
            2 => drop(members.insert(key, there)),
            3 => drop(members.insert(words::alike(&key, rng), here)),
            4 => {
                // Moved to a name that looks the same, or to another's.
                let value = members.remove(&key).unwrap_or_default();
                members.insert(rng.choice(&keys).map_or(key, |other| words::alike(other, rng)), value);
            }
            5 => {
                let other = rng.choice(&keys).unwrap();
                let (one, two) = (members.get(&key).cloned().unwrap(), members.get(other).cloned().unwrap());
                members.insert(key, two);
                members.insert(other.clone(), one);
            }
            _ => self.change(members.get_mut(&key).unwrap(), rng),
        }
    }

    fn word(&self, rng: &mut Rng) -> &str {
        &self.words[rng.usize(..self.words.len())]
    }
}

fn change_items(items: &mut Vec<Value>, here: Value, there: Value, rng: &mut Rng) {
    match rng.u8(..4) {
        0 => drop(items.pop()),
        1 => items.push(here),
        2 => items.push(there),
        _ => {
            // As many as a batch may hold, and more.
            let one = items.first().cloned().unwrap_or(here);
            items.extend(std::iter::repeat_n(one, rng.usize(1..12)));
        }
    }
}

/// Any part of an event, each as likely as the other.
fn part<'a>(event: &'a mut Value, rng: &mut Rng) -> &'a mut Value {
    let mut left = rng.usize(..count(event));
    nth(event, &mut left).unwrap()
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Object(members) => members.values().map(count).sum(),
        Value::Array(items) => items.iter().map(count).sum::<usize>(),
        _ => 0,
    }
}

fn nth<'a>(value: &'a mut Value, left: &mut usize) -> Option<&'a mut Value> {
    if *left == 0 {
        return Some(value);
    }
    *left -= 1;
    match value {
        Value::Object(members) => members.values_mut().find_map(|inner| nth(inner, left)),
        Value::Array(items) => items.iter_mut().find_map(|inner| nth(inner, left)),
        _ => None,
    }
}

/// The event's text with its marked places nested.
fn nested(text: String) -> String {
    let mark = json!(NEST).to_string();
    let mark = mark.trim_end_matches('"');
    let Some((before, rest)) = text.split_once(mark) else { return text };
    let Some((depth, after)) = rest.split_once('"') else { return text };
    let depth: usize = depth.parse().unwrap_or(1);
    nested(format!("{before}{}{}{after}", "[".repeat(depth), "]".repeat(depth)))
}
