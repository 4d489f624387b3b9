//! What a forger writes: ids of others, ids that only look like ids, and values at the edges of their kinds.

use fastrand::Rng;
use serde_json::{Number, Value, json};

/// Pairs of a character and another that reads the same.
const ALIKE: [(char, char); 12] = [
    ('a', 'а'),
    ('e', 'е'),
    ('o', 'о'),
    ('c', 'с'),
    ('p', 'р'),
    ('v', 'ν'),
    ('-', '\u{2010}'),
    ('-', '\u{2212}'),
    ('0', '０'),
    ('1', '１'),
    (':', '：'),
    ('/', '\u{2215}'),
];

/// What is not seen, or turns what is seen around.
const UNSEEN: [char; 9] = ['\u{200d}', '\u{200b}', '\u{feff}', '\u{202e}', '\u{2066}', '\0', '\n', ' ', '\u{ad}'];

/// A text that reads like this one, or nearly.
pub(crate) fn alike(text: &str, rng: &mut Rng) -> String {
    let at = rng.usize(..=text.chars().count());
    let put_in = |c: char| text.chars().take(at).chain([c]).chain(text.chars().skip(at)).collect();
    match rng.u8(..8) {
        0 | 1 => {
            let (from, to) = ALIKE[rng.usize(..ALIKE.len())];
            text.replace(from, &to.to_string())
        }
        2 => put_in(UNSEEN[rng.usize(..UNSEEN.len())]),
        3 => format!("{text}{}", UNSEEN[rng.usize(..UNSEEN.len())]),
        4 => text.to_uppercase(),
        5 => put_in(char::from(b"0123456789abcdef-:./"[rng.usize(..20)])),
        6 => text.chars().take(at).chain(text.chars().skip(at + 1)).collect(),
        _ => format!("{}{text}", UNSEEN[rng.usize(..UNSEEN.len())]),
    }
}

/// A value of any kind, at its edge.
pub(crate) fn edge(rng: &mut Rng) -> Value {
    match rng.u8(..14) {
        0 => Value::Null,
        1 => json!(rng.bool()),
        2 => json!(0),
        3 => json!(-1),
        4 => json!(u64::MAX),
        5 => json!(i64::MIN),
        6 => Number::from_f64(f64::MAX).map_or(Value::Null, Value::Number),
        7 => Number::from_f64(5e-324).map_or(Value::Null, Value::Number),
        8 => json!(""),
        9 => json!([]),
        10 => json!({}),
        11 => json!([{"tag": 1, "content": {}}]),
        12 => json!(rng.i64(..)),
        _ => long(rng),
    }
}

/// A text of up to 20,000 times the same.
fn long(rng: &mut Rng) -> Value {
    let unit = ["a", "é", "𝒗", "vpce-", "vpce-svc-0", "\\\""][rng.usize(..6)];
    // Mostly short: the long ones cost the most time and find the least.
    let times = 10_usize.pow(rng.u32(..5)) * rng.usize(1..=2) / if rng.u8(..20) == 0 { 1 } else { 10 };
    Value::String(unit.repeat(times.clamp(1, 20_000)))
}
