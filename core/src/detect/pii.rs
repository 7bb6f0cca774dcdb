//! Finds structured personal data by form and checksum: cards, IBANs, social security numbers, emails, phones, IPs.
//! Owns the rules; touches nothing. Names and street addresses need a model and are out of reach here.

mod numbers;

use memchr::memchr_iter;

use super::{
    Hit,
    bytes::{before, byte, contains_any_folded, is_word, part, run_end, window_before},
};
use crate::api::Severity;

/// Adds all personal data in `text`. `hint` is the name of the argument that `text` is the value of.
pub(super) fn scan(text: &str, hint: Option<&str>, hits: &mut Vec<Hit>) {
    let bytes = text.as_bytes();
    emails(text, hits);
    // Nothing numeric of ours is shorter than an IP address.
    if bytes.iter().filter(|b| b.is_ascii_digit()).count() < 4 {
        return;
    }
    let emails_found = hits.len();
    let (mut at, mut email) = (0, 0);
    while let Some(offset) = bytes.get(at..).and_then(|rest| rest.iter().position(u8::is_ascii_digit)) {
        let start = at + offset;
        if let Some(hit) = numeric(bytes, start, hint) {
            at = hit.end.max(start + 1);
            while hits.get(email).is_some_and(|email| email.end <= hit.start) && email < emails_found {
                email += 1;
            }
            // A number inside an email address is part of the address.
            let inside = hits.get(email).is_some_and(|found| email < emails_found && found.start < hit.end);
            if !inside {
                hits.push(hit);
            }
        } else {
            at = run_end(bytes, start, usize::MAX, |b| b.is_ascii_digit());
        }
    }
    if hits.is_empty()
        && hint.is_some_and(numbers::names_phone)
        && let Some((start, end)) = numbers::whole_phone(bytes)
    {
        hits.push(hit("phone", start, end));
    }
    if emails_found > 0 && hits.len() > emails_found {
        hits.sort_unstable_by_key(|hit| hit.start);
    }
}

fn hit(kind: &'static str, start: usize, end: usize) -> Hit {
    Hit { kind, start, end, counted: true }
}

/// The strictest rule first: what has a checksum cannot be a phone number.
fn numeric(bytes: &[u8], start: usize, hint: Option<&str>) -> Option<Hit> {
    if let Some((from, end)) = numbers::iban(bytes, start) {
        return Some(hit("iban", from, end));
    }
    if let Some((from, end)) = numbers::ip_v6(bytes, start) {
        return Some(hit("ip_address", from, end));
    }
    let inside_word = is_word(before(bytes, start));
    if !inside_word {
        if let Some(end) = numbers::card(bytes, start) {
            return Some(hit("credit_card", start, end));
        }
        if let Some(end) = ssn(bytes, start, hint) {
            return Some(hit("ssn", start, end));
        }
        if let Some(end) = ip_address(bytes, start) {
            return Some(hit("ip_address", start, end));
        }
    }
    numbers::phone(bytes, start).map(|(from, end)| hit("phone", from, end))
}

/// Whether a name says that its value is personal data.
pub(super) fn announces(name: &str) -> bool {
    names_ssn(name) || numbers::names_phone(name) || numbers::announces_phone(name.as_bytes())
}

/// Whether an argument's name announces a social security number.
pub(super) fn names_ssn(name: &str) -> bool {
    let bytes = name.as_bytes();
    let stands = |at: usize| {
        // `className`, `business_number` and `assn` have the letters, and nothing of it.
        let ends_a_word = before(bytes, at).is_ascii_lowercase() && byte(bytes, at).is_ascii_lowercase();
        let (vowel, goes_on) = (b"aeiou".contains(&before(bytes, at)), is_word(byte(bytes, at + 3)));
        part(bytes, at, at + 3).eq_ignore_ascii_case(b"ssn")
            && !(ends_a_word && vowel && goes_on)
            && !part(bytes, at.saturating_sub(1), at + 3).eq_ignore_ascii_case(b"assn")
    };
    (0..bytes.len()).any(stands)
        || contains_any_folded(bytes, &["social_security", "social security", "socialsecurity"])
}

fn ssn(bytes: &[u8], start: usize, hint: Option<&str>) -> Option<usize> {
    let digits_until = run_end(bytes, start, 10, |b| b.is_ascii_digit());
    let (end, group, serial) = match digits_until - start {
        3 => {
            let separator = byte(bytes, start + 3);
            if !matches!(separator, b'-' | b' ') || byte(bytes, start + 6) != separator {
                return None;
            }
            (start + 11, part(bytes, start + 4, start + 6), part(bytes, start + 7, start + 11))
        }
        9 => {
            let near = window_before(bytes, start, 32);
            let announced = hint.is_some_and(names_ssn)
                || contains_any_folded(near, &["ssn", "social security", "social_security"]);
            if !announced {
                return None;
            }
            (start + 9, part(bytes, start + 3, start + 5), part(bytes, start + 5, start + 9))
        }
        _ => return None,
    };
    let area = part(bytes, start, start + 3);
    let numeric = [area, group, serial].iter().all(|digits| digits.iter().all(u8::is_ascii_digit));
    let shaped = group.len() == 2 && serial.len() == 4 && numeric;
    let issued = !matches!(area, b"000" | b"666" | [b'9', ..]) && group != b"00" && serial != b"0000";
    let (last, next) = (before(bytes, start), byte(bytes, end));
    let goes_on = is_word(next) || (matches!(next, b'-' | b'.') && byte(bytes, end + 1).is_ascii_digit());
    let comes_from = matches!(last, b'-' | b'.' | b'/' | b'+') && is_word(before(bytes, start - 1));
    (shaped && issued && !goes_on && !comes_from).then_some(end)
}

fn ip_address(bytes: &[u8], start: usize) -> Option<usize> {
    let mut octets = [0_u16; 4];
    let mut at = start;
    for (index, octet) in octets.iter_mut().enumerate() {
        if index > 0 {
            if byte(bytes, at) != b'.' {
                return None;
            }
            at += 1;
        }
        let end = run_end(bytes, at, 4, |b| b.is_ascii_digit());
        let digits = part(bytes, at, end);
        if !(1..=3).contains(&digits.len()) || (digits.len() > 1 && digits.starts_with(b"0")) {
            return None;
        }
        *octet = digits.iter().fold(0, |value, digit| value * 10 + u16::from(digit - b'0'));
        if *octet > 255 {
            return None;
        }
        at = end;
    }
    let next = byte(bytes, at);
    let goes_on = is_word(next) || (matches!(next, b'.' | b'-') && is_word(byte(bytes, at + 1)));
    let [first, .., last] = octets;
    // `10.0.0.0/24` is a network, nobody's address.
    let is_network = last == 0 && next == b'/' && byte(bytes, at + 1).is_ascii_digit();
    if goes_on || is_network || matches!(before(bytes, start), b'.' | b'-' | b'+') || matches!(first, 0 | 127 | 255) {
        return None;
    }
    let near = window_before(bytes, start, 24);
    let word_before = near.strip_suffix(b" ").unwrap_or(near);
    if word_before.ends_with(b"v")
        || contains_any_folded(near, &["version", "release", "build", "chrome/", "firefox/", "section", "==", "oid"])
    {
        return None;
    }
    // `1.2.3.4` numbers headings and releases more often than hosts.
    let is_outline = octets.iter().all(|octet| *octet < 10);
    (!is_outline || contains_any_folded(near, &["ip", "addr", "host", "server", "dns", "ping", "://"])).then_some(at)
}

const fn is_local(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'%' | b'+' | b'-' | b'\'')
}

fn emails(text: &str, hits: &mut Vec<Hit>) {
    let bytes = text.as_bytes();
    for sign in memchr_iter(b'@', bytes) {
        let local = window_before(bytes, sign, 64);
        let length = local.iter().rev().take_while(|b| is_local(**b)).count();
        let mut start = sign - length;
        while start < sign && matches!(byte(bytes, start), b'.' | b'\'' | b'-' | b'%') {
            start += 1;
        }
        let mut end = run_end(bytes, sign + 1, 253, |b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'));
        while end > sign + 1 && matches!(before(bytes, end), b'.' | b'-') {
            end -= 1;
        }
        let domain = part(bytes, sign + 1, end);
        let Some(dot) = memchr::memrchr(b'.', domain) else { continue };
        let top = domain.get(dot + 1..).unwrap_or_default();
        let proper = start < sign
            && dot > 0
            && !domain.starts_with(b".")
            && (2..=24).contains(&top.len())
            && top.iter().all(u8::is_ascii_alphabetic)
            && before(bytes, sign) != b'.'
            && !domain.windows(2).any(|pair| pair == b"..");
        // `user:password@host` belongs to the secrets detector, `pkg@file.png` and `git@host:path` to nobody.
        let is_git = part(bytes, start, sign) == b"git";
        let is_file = ["png", "jpg", "jpeg", "svg", "gif", "webp", "js", "ts", "css", "md", "json", "html"]
            .iter()
            .any(|extension| top.eq_ignore_ascii_case(extension.as_bytes()));
        let in_url = before(bytes, start) == b':'
            && !bytes.get(..start).unwrap_or_default().ends_with(b"mailto:")
            && contains_any_folded(since_blank(window_before(bytes, start, 48)), &["://"]);
        if proper && !is_git && !is_file && !in_url {
            hits.push(hit("email", start, end));
        }
    }
}

/// What stands behind the last blank: a URL ends there.
fn since_blank(bytes: &[u8]) -> &[u8] {
    let ends = |b: &u8| b.is_ascii_whitespace() || matches!(b, b',' | b';' | b'"' | b'\'' | b'<' | b'>');
    bytes.rsplit(ends).next().unwrap_or_default()
}

/// The readable name and the weight of a kind.
pub(super) fn describe(kind: &str) -> (&'static str, Severity) {
    match kind {
        "credit_card" => ("credit card number", Severity::High),
        "ssn" => ("US social security number", Severity::High),
        "iban" => ("bank account number (IBAN)", Severity::High),
        "email" => ("email address", Severity::Medium),
        "phone" => ("phone number", Severity::Medium),
        "ip_address" => ("IP address", Severity::Low),
        _ => ("personal data", Severity::Medium),
    }
}
