//! Cards, IBANs and phone numbers: which runs of digits are one. Owns the brand and country tables; touches nothing.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use super::super::bytes::*;

/// The end of the card number that starts at `start`, if there is one.
pub(super) fn card(bytes: &[u8], start: usize) -> Option<usize> {
    // Part of a longer number or of a decimal fraction.
    if matches!(before(bytes, start), b'-' | b'.' | b'+')
        && start.checked_sub(2).is_some_and(|at| byte(bytes, at).is_ascii_digit())
        || before(bytes, start) == b'+'
    {
        return None;
    }
    let mut digits = [0_u8; 19];
    let (mut count, mut at, mut separator, mut group, mut regular) = (0, start, None, 0, true);
    let mut best = None;
    loop {
        let b = byte(bytes, at);
        if b.is_ascii_digit() {
            let Some(slot) = digits.get_mut(count) else { break };
            *slot = b - b'0';
            count += 1;
            group += 1;
            at += 1;
            let next = byte(bytes, at);
            if next.is_ascii_digit() {
                continue;
            }
            // A group ends here; it may be where the card ends.
            let whole = digits.get(..count).unwrap_or_default();
            if !is_word(next) && count >= 13 && regular && is_card(whole) && !joins(bytes, at) {
                best = Some(at);
            }
            // Groups of one or two digits are columns or dates, not a card's.
            regular &= group >= 3;
            group = 0;
        } else if matches!(b, b' ' | b'-')
            && separator.is_none_or(|first| first == b)
            && byte(bytes, at + 1).is_ascii_digit()
        {
            separator = Some(b);
            at += 1;
        } else {
            break;
        }
    }
    best
}

/// `1234.5`, `1234-5`: the number goes on behind a sign.
fn joins(bytes: &[u8], at: usize) -> bool {
    matches!(byte(bytes, at), b'.' | b'-') && byte(bytes, at + 1).is_ascii_digit()
}

fn is_card(digits: &[u8]) -> bool {
    is_brand(digits) && luhn(digits)
}

fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, digit)| {
            let digit = u32::from(*digit);
            if at % 2 == 0 { digit } else { digit * 2 - if digit > 4 { 9 } else { 0 } }
        })
        .sum();
    sum.is_multiple_of(10)
}

fn is_brand(digits: &[u8]) -> bool {
    let prefix = digits.iter().take(4).fold(0_u32, |value, digit| value * 10 + u32::from(*digit));
    let length = digits.len();
    match prefix {
        4000..=4999 => matches!(length, 13 | 16 | 19),
        5100..=5599 | 2221..=2720 => length == 16,
        3400..=3499 | 3700..=3799 => length == 15,
        6011 | 6440..=6599 | 6200..=6299 | 8100..=8199 | 6000..=6010 | 2200..=2204 => (16..=19).contains(&length),
        3000..=3059 | 3090..=3099 | 3600..=3699 | 3800..=3999 => (14..=16).contains(&length),
        3500..=3599 => (16..=19).contains(&length),
        2131 | 1800 => length == 15,
        5018 | 5020 | 5038 | 5893 | 6304 | 6759 | 6761..=6763 => (13..=19).contains(&length),
        _ => false,
    }
}

/// Country and length, from the IBAN registry.
const IBAN_LENGTHS: &[(&[u8; 2], usize)] = &[
    (b"AD", 24),
    (b"AE", 23),
    (b"AL", 28),
    (b"AT", 20),
    (b"AZ", 28),
    (b"BA", 20),
    (b"BE", 16),
    (b"BG", 22),
    (b"BH", 22),
    (b"BI", 27),
    (b"BR", 29),
    (b"BY", 28),
    (b"CH", 21),
    (b"CR", 22),
    (b"CY", 28),
    (b"CZ", 24),
    (b"DE", 22),
    (b"DJ", 27),
    (b"DK", 18),
    (b"DO", 28),
    (b"EE", 20),
    (b"EG", 29),
    (b"ES", 24),
    (b"FI", 18),
    (b"FK", 18),
    (b"FO", 18),
    (b"FR", 27),
    (b"GB", 22),
    (b"GE", 22),
    (b"GI", 23),
    (b"GL", 18),
    (b"GR", 27),
    (b"GT", 28),
    (b"HR", 21),
    (b"HU", 28),
    (b"IE", 22),
    (b"IL", 23),
    (b"IQ", 23),
    (b"IS", 26),
    (b"IT", 27),
    (b"JO", 30),
    (b"KW", 30),
    (b"KZ", 20),
    (b"LB", 28),
    (b"LC", 32),
    (b"LI", 21),
    (b"LT", 20),
    (b"LU", 20),
    (b"LV", 21),
    (b"LY", 25),
    (b"MC", 27),
    (b"MD", 24),
    (b"ME", 22),
    (b"MK", 19),
    (b"MN", 20),
    (b"MR", 27),
    (b"MT", 31),
    (b"MU", 30),
    (b"NI", 28),
    (b"NL", 18),
    (b"NO", 15),
    (b"OM", 23),
    (b"PK", 24),
    (b"PL", 28),
    (b"PS", 29),
    (b"PT", 25),
    (b"QA", 29),
    (b"RO", 24),
    (b"RS", 22),
    (b"RU", 33),
    (b"SA", 24),
    (b"SC", 31),
    (b"SD", 18),
    (b"SE", 24),
    (b"SI", 19),
    (b"SK", 24),
    (b"SM", 27),
    (b"SO", 23),
    (b"ST", 25),
    (b"SV", 28),
    (b"TL", 23),
    (b"TN", 24),
    (b"TR", 26),
    (b"UA", 29),
    (b"VA", 22),
    (b"VG", 24),
    (b"XK", 20),
    (b"YE", 30),
];

/// The IBAN whose check digits start at `digits`.
pub(super) fn iban(bytes: &[u8], digits: usize) -> Option<(usize, usize)> {
    let start = digits.checked_sub(2)?;
    let country = part(bytes, start, digits);
    if !country.iter().all(u8::is_ascii_uppercase) || is_word(before(bytes, start)) {
        return None;
    }
    let (_, length) = IBAN_LENGTHS.iter().find(|(known, _)| known.as_slice() == country)?;
    let mut at = start;
    let (mut taken, mut head, mut rest) = (0, 0_u32, 0_u32);
    while taken < *length {
        let b = byte(bytes, at);
        if matches!(b, b' ' | b'-') && taken > 3 && byte(bytes, at + 1).is_ascii_alphanumeric() {
            at += 1;
            continue;
        }
        let value = match b {
            b'0'..=b'9' => u32::from(b - b'0'),
            b'A'..=b'Z' => u32::from(b - b'A') + 10,
            _ => return None,
        };
        // The first four characters are moved to the end before the check.
        let part = if taken < 4 { &mut head } else { &mut rest };
        *part = if value > 9 { (*part * 100 + value) % 97 } else { (*part * 10 + value) % 97 };
        taken += 1;
        at += 1;
    }
    // The moved part has two letters of two digits each and two digits: six decimal places.
    let whole = (rest * (1_000_000 % 97) + head) % 97;
    (whole == 1 && !is_word(byte(bytes, at))).then_some((start, at))
}

/// The IPv6 address that has a digit at `digit`.
pub(super) fn ip_v6(bytes: &[u8], digit: usize) -> Option<(usize, usize)> {
    let belongs = |b: u8| b.is_ascii_hexdigit() || b == b':';
    // Most digits stand nowhere near a colon: look no further than one group before searching the whole form.
    if byte(bytes, run_end(bytes, digit, 4, |b| b.is_ascii_hexdigit())) != b':' {
        return None;
    }
    let start = digit - window_before(bytes, digit, 40).iter().rev().take_while(|b| belongs(**b)).count();
    let end = run_end(bytes, digit, 40, belongs);
    let address: std::net::Ipv6Addr = std::str::from_utf8(part(bytes, start, end)).ok()?.parse().ok()?;
    let is_long = end - start >= 10 && address.segments().iter().filter(|group| **group != 0).count() >= 3;
    (is_long && !is_word(before(bytes, start)) && !is_word(byte(bytes, end))).then_some((start, end))
}

/// The phone number whose first digit is at `digit`: international with `+`, US by form, others only when announced.
pub(super) fn phone(bytes: &[u8], digit: usize) -> Option<(usize, usize)> {
    match before(bytes, digit) {
        b'+' if !is_word(before(bytes, digit - 1)) => return international(bytes, digit - 1, digit),
        b'(' if !is_word(before(bytes, digit - 1)) => {
            if let Some(end) = us(bytes, digit) {
                return Some((digit - 1, end));
            }
            return announced(bytes, digit).map(|end| (digit - 1, end));
        }
        // `2024-555-123-4567` is no phone; `tel:555-123-4567` and `phone=…` still are.
        b'-' | b'.' | b'/' | b'_' | b'$' | b'#' if is_word(before(bytes, digit - 1)) => return None,
        b if is_word(b) || b == b'+' => return None,
        _ => {}
    }
    us(bytes, digit).or_else(|| announced(bytes, digit)).map(|end| (digit, end))
}

/// Reads digits with single separators; returns how many, where they end and how many groups there were.
fn grouped(bytes: &[u8], start: usize, most: usize) -> (usize, usize, usize) {
    let (mut count, mut at, mut end, mut groups) = (0, start, start, 0);
    let mut fresh = true;
    while count <= most {
        let b = byte(bytes, at);
        if b.is_ascii_digit() {
            groups += usize::from(fresh);
            fresh = false;
            count += 1;
            at += 1;
            end = at;
        } else {
            // One separator, or a bracket with its blank: `+44 (0) 20`, `+1 (212) 555`.
            let gap = run_end(bytes, at, 2, |b| matches!(b, b' ' | b'-' | b'.' | b'(' | b')' | b'/'));
            if gap == at || !byte(bytes, gap).is_ascii_digit() || fresh {
                break;
            }
            fresh = true;
            at = gap;
        }
    }
    (count, end, groups)
}

fn ends_number(bytes: &[u8], end: usize) -> bool {
    let next = byte(bytes, end);
    let extension = matches!(next, b'x' | b'X') && byte(bytes, end + 1).is_ascii_digit();
    (!is_word(next) || extension)
        && !(matches!(next, b'-' | b'.' | b'/' | b':' | b',') && byte(bytes, end + 1).is_ascii_digit())
}

fn international(bytes: &[u8], plus: usize, digit: usize) -> Option<(usize, usize)> {
    let (count, end, _) = grouped(bytes, digit, 15);
    (byte(bytes, digit) != b'0' && (8..=15).contains(&count) && ends_number(bytes, end)).then_some((plus, end))
}

/// `(ddd) ddd-dddd`, `ddd-ddd-dddd`, `ddd.ddd.dddd`, each with an optional leading `1`.
fn us(bytes: &[u8], digit: usize) -> Option<usize> {
    let mut at = digit;
    if byte(bytes, at) == b'1' && matches!(byte(bytes, at + 1), b'-' | b'.' | b' ') {
        at += 2;
        if byte(bytes, at) == b'(' {
            at += 1;
        }
    }
    let digits = |from: usize, count: usize| {
        part(bytes, from, from + count).iter().filter(|b| b.is_ascii_digit()).count() == count
    };
    if !digits(at, 3) || !matches!(byte(bytes, at), b'2'..=b'9') {
        return None;
    }
    let bracket = before(bytes, at) == b'(';
    at += 3;
    let separator = byte(bytes, at);
    if bracket {
        if separator != b')' {
            return None;
        }
        at += 1;
        if matches!(byte(bytes, at), b' ' | b'-' | b'.') {
            at += 1;
        }
    } else if matches!(separator, b'-' | b'.') {
        at += 1;
    } else {
        return None;
    }
    let middle = byte(bytes, at + 3);
    let same = if bracket { matches!(middle, b'-' | b'.' | b' ') } else { middle == separator };
    if !digits(at, 3) || !same || !digits(at + 4, 4) {
        return None;
    }
    ends_number(bytes, at + 8).then_some(at + 8)
}

/// Announcements of a phone number, as one automaton: they are looked for before every run of digits.
static ANNOUNCEMENTS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .kind(Some(AhoCorasickKind::DFA))
        .build([
            "phone",
            "mobile",
            "cell",
            "call me",
            "call us",
            "call at",
            "tel:",
            "tel.",
            "tel ",
            "telephone",
            "whatsapp",
            "fax",
            "telefon",
            "handy",
            "móvil",
            "numéro",
            "text me",
            "sms",
            "reach",
            "contact",
            "answering at",
            "messages to",
            "rufen",
            "appel",
            "llam",
            "numero",
        ])
        .ok()
});

/// National forms differ too much to be told from ids, unless the text just said that a phone number follows.
fn announced(bytes: &[u8], digit: usize) -> Option<usize> {
    let (count, end, groups) = grouped(bytes, digit, 13);
    let first = byte(bytes, digit);
    // Without a trunk zero or a gap only the bare ten digits of a US number are likely.
    let likely = match groups {
        1 => (first == b'0' && (9..=12).contains(&count)) || (count == 10 && first >= b'2'),
        2..=6 => (8..=13).contains(&count) || (count == 7 && groups == 2),
        _ => false,
    };
    let is_announced = || announces_phone(window_before(bytes, digit, 64));
    (likely && ends_number(bytes, end) && is_announced()).then_some(end)
}

/// Whether a text announces a phone number.
pub(super) fn announces_phone(text: &[u8]) -> bool {
    ANNOUNCEMENTS.as_ref().is_some_and(|words| words.is_match(text))
}

/// Words that sound like a phone and are none.
const OTHER_PHONES: &[&str] =
    &["headphone", "earphone", "microphone", "saxophone", "xylophone", "gramophone", "megaphone", "automobile"];

/// Whether a field of this name holds a phone number: `phone`, `mobileNumber`, `home_tel`, but not `phone_number_id`.
pub(super) fn names_phone(name: &str) -> bool {
    let name = name.as_bytes();
    let starts = |at: usize| {
        let (b, last) = (byte(name, at), before(name, at));
        b.is_ascii_alphabetic()
            && (!last.is_ascii_alphabetic() || (b.is_ascii_uppercase() && last.is_ascii_lowercase()))
    };
    let words = (0..name.len()).filter(|at| starts(*at));
    let word = |at: usize| {
        let more =
            |b: u8| b.is_ascii_lowercase() || (b.is_ascii_uppercase() && byte(name, at + 1).is_ascii_uppercase());
        part(name, at, run_end(name, at + 1, 24, more))
    };
    let is_one = |word: &[u8], known: &[&str]| known.iter().any(|known| word.eq_ignore_ascii_case(known.as_bytes()));
    let (mut is_phone, mut last): (bool, &[u8]) = (false, &[]);
    for at in words {
        last = word(at);
        is_phone = is_phone
            || (contains_any_folded(last, &["phone", "mobile", "telefon", "whatsapp", "msisdn"])
                && !contains_any_folded(last, OTHER_PHONES))
            || is_one(last, &["tel", "telephone", "cell", "fax", "handy", "sms", "gsm", "phones"]);
    }
    is_phone && !is_one(last, &["id", "ids", "count", "type", "model", "code", "length", "version", "app", "price"])
}

/// The whole text when it has the form of a phone number, for a field that holds one.
pub(super) fn whole_phone(bytes: &[u8]) -> Option<(usize, usize)> {
    let trimmed = bytes.trim_ascii();
    let start = run_end(bytes, 0, usize::MAX, |b| b.is_ascii_whitespace());
    let is_part = |b: &u8| b.is_ascii_digit() || matches!(b, b' ' | b'-' | b'.' | b'(' | b')' | b'+' | b'/');
    let digits = trimmed.iter().filter(|b| b.is_ascii_digit()).count();
    (trimmed.len() <= 32 && trimmed.iter().all(is_part) && (7..=15).contains(&digits))
        .then_some((start, start + trimmed.len()))
}
