//! Mutation of an event's bytes: what is left when somebody else's encoder, or a cut wire, has the last word.

use fastrand::Rng;

/// Invalid or odd UTF-8: a lone continuation, an overlong `/`, a surrogate, beyond Unicode, a byte order mark.
const ODD: [&[u8]; 7] = [b"\x80", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xff", b"\xef\xbb\xbf", b"\0"];

/// One to three changes.
pub(crate) fn mutate(mut bytes: Vec<u8>, rng: &mut Rng) -> Vec<u8> {
    for _ in 0..rng.u8(1..=3) {
        let at = rng.usize(..=bytes.len());
        match rng.u8(..7) {
            0 => bytes.truncate(at),
            1 if at < bytes.len() => bytes[at] ^= 1 << rng.u8(..8),
            2 => drop(bytes.splice(at..at, ODD[rng.usize(..ODD.len())].iter().copied())),
            3 => drop(bytes.splice(0..0, ODD[5].iter().copied())),
            4 => {
                // A slice twice: members of the same name, brackets that do not close.
                let to = (at + rng.usize(..64)).min(bytes.len());
                let slice = bytes[at..to].to_vec();
                drop(bytes.splice(at..at, slice));
            }
            5 => drop(bytes.drain(at..(at + rng.usize(..64)).min(bytes.len()))),
            _ => drop(bytes.splice(at..at, b"{}[]\",:\\0123456789 ".get(rng.usize(..18)..).unwrap_or_default().iter().take(1).copied())),
        }
    }
    bytes
}
