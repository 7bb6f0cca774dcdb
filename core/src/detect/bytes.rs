//! Bounded looks at bytes around a position, shared by the detectors. Owns no state; touches nothing.

/// The byte at `at`, or 0 past the end: no text contains a NUL that any rule would accept.
pub(super) fn byte(bytes: &[u8], at: usize) -> u8 {
    bytes.get(at).copied().unwrap_or(0)
}

/// The byte before `at`, or 0 at the start.
pub(super) fn before(bytes: &[u8], at: usize) -> u8 {
    at.checked_sub(1).map_or(0, |at| byte(bytes, at))
}

/// Where the run of bytes accepted by `accept` that starts at `from` ends; looks at no more than `most` bytes.
pub(super) fn run_end(bytes: &[u8], from: usize, most: usize, accept: impl Fn(u8) -> bool) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    from + rest.iter().take(most).position(|b| !accept(*b)).unwrap_or(rest.len().min(most))
}

/// Up to `most` bytes that end at `at`.
pub(super) fn window_before(bytes: &[u8], at: usize, most: usize) -> &[u8] {
    bytes.get(at.saturating_sub(most)..at).unwrap_or_default()
}

/// `bytes[from..to]`, empty when out of range.
pub(super) fn part(bytes: &[u8], from: usize, to: usize) -> &[u8] {
    bytes.get(from..to.min(bytes.len())).unwrap_or_default()
}

/// Whether `needle` (lower case) occurs in `hay`, ignoring ASCII case. Only for short `hay`.
pub(super) fn contains_folded(hay: &[u8], needle: &[u8]) -> bool {
    hay.windows(needle.len().max(1)).any(|window| window.eq_ignore_ascii_case(needle))
}

/// Whether any of `needles` (lower case) occurs in `hay`, ignoring ASCII case. Only for short `hay`.
pub(super) fn contains_any_folded(hay: &[u8], needles: &[&str]) -> bool {
    needles.iter().any(|needle| contains_folded(hay, needle.as_bytes()))
}

/// Letters, digits and `_`.
pub(super) const fn is_word(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_'
}

/// Letters, digits, `_` and `-`: the alphabet of most tokens.
pub(super) const fn is_token(b: u8) -> bool {
    is_word(b) || b == b'-'
}

/// The alphabet of standard base64, padding included.
pub(super) const fn is_base64(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=')
}

/// How many different bytes occur.
pub(super) fn distinct(bytes: &[u8]) -> u32 {
    let mut seen = [0_u64; 4];
    for b in bytes {
        if let Some(word) = seen.get_mut(usize::from(b >> 6)) {
            *word |= 1 << (b & 63);
        }
    }
    seen.iter().map(|word| word.count_ones()).sum()
}
