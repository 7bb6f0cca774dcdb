//! What somebody probably meant by a word that is not known. Owns the measure of likeness; touches nothing.

/// Longest word that is compared: the work grows with the square of it, and nothing of ours is longer.
const LONGEST: usize = 128;
/// Most characters of a word that are repeated.
const SHOWN: usize = 64;

/// The known word that is most like `word`, for a message that refuses it. None where nothing is like it.
#[must_use]
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let (folded, letters) = (fold(word), word.chars().count());
    if letters == 0 || letters > LONGEST {
        return None;
    }
    let most = (letters / 3).max(1);
    let near = known.into_iter().filter_map(|candidate| {
        let apart = distance(&folded, &fold(candidate));
        (apart <= most).then_some((apart, candidate))
    });
    // The first of several in the alphabet, so that every language and run says the same.
    near.min().map(|(_, candidate)| candidate)
}

/// A word that somebody sent, as a message may repeat it: short, and without what steers a terminal.
#[must_use]
pub fn shown(word: &str) -> String {
    let mut letters = word.chars();
    let mut out: String = letters.by_ref().take(SHOWN).flat_map(char::escape_debug).collect();
    if letters.next().is_some() {
        out.push('…');
    }
    out
}

/// The known name that `name` is most probably a slip of: the same words written another way (`toolName`), or each a letter
/// or two off (`tool_nmae`). Strict, since what it finds is refused: `event_id` is no slip of `agent_id`.
#[must_use]
pub fn slip_of<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if name.is_empty() || name.chars().count() > LONGEST {
        return None;
    }
    let joined = fold(name);
    let parts = words(name);
    let near = known.into_iter().filter(|candidate| *candidate != name).filter_map(|candidate| {
        let other = fold(candidate);
        if joined == other {
            return Some((0, candidate));
        }
        let others = words(candidate);
        if parts.len() == others.len() {
            let apart = parts.iter().zip(&others).map(|(one, other)| slip(one, other, parts.len() > 1));
            return Some((apart.sum::<Option<usize>>().filter(|apart| *apart <= 3)?, candidate));
        }
        // A boundary at another place, and a letter off.
        let apart = distance(&joined, &other);
        (apart == 1 && other.chars().count() >= 8).then_some((apart, candidate))
    });
    near.min().map(|(_, candidate)| candidate)
}

/// How far one word is from another, if it is a slip of it. What stands alone must be longer to be taken for one: `rule` is not
/// `role`, `factor` not `actor`.
fn slip(one: &str, other: &str, among_others: bool) -> Option<usize> {
    let apart = distance(one, other);
    let (length, shorter) = (other.chars().count(), one.chars().count().min(other.chars().count()));
    let same_start = one.chars().next() == other.chars().next();
    let most = match length {
        0..=2 => usize::from(is_swapped(one, other)),
        3 | 4 if !among_others => usize::from(is_swapped(one, other)),
        3 => usize::from(shorter > 1 && same_start),
        4..=7 => usize::from(among_others || same_start || is_swapped(one, other)),
        _ => 2,
    };
    (apart <= most).then_some(apart)
}

/// Whether the two are the same but for one pair of neighbours.
fn is_swapped(one: &str, other: &str) -> bool {
    one.chars().count() == other.chars().count() && distance(one, other) == 1 && {
        let differ = one.chars().zip(other.chars()).filter(|(one, other)| one != other).count();
        differ == 2
    }
}

/// Without case and separators.
fn fold(name: &str) -> String {
    name.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The words of a name, in small letters: `toolName`, `tool-name` and `tool_name` have the same two.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before_small = false;
    for letter in name.chars() {
        let begins = letter.is_uppercase() && before_small;
        before_small = letter.is_lowercase();
        if !letter.is_alphanumeric() || begins {
            words.push(String::new());
        }
        if let (Some(word), true) = (words.last_mut(), letter.is_alphanumeric()) {
            word.extend(letter.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Letters to add, leave out, change, or swap with their neighbour (optimal string alignment).
fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    if one.len().abs_diff(other.len()) > LONGEST || one.len().max(other.len()) > 2 * LONGEST {
        return usize::MAX;
    }
    let at = |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX / 2);
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    for (row, letter) in one.iter().enumerate() {
        let mut next = vec![row + 1];
        for (column, counterpart) in other.iter().enumerate() {
            let change = at(&last, column) + usize::from(letter != counterpart);
            let mut least = change.min(at(&last, column + 1) + 1).min(at(&next, column) + 1);
            let swapped =
                row > 0 && column > 0 && one.get(row - 1) == Some(counterpart) && other.get(column - 1) == Some(letter);
            if swapped {
                least = least.min(at(&before_last, column - 1) + 1);
            }
            next.push(least);
        }
        before_last = std::mem::replace(&mut last, next);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context_keys::ContextKey;

    fn key(name: &str) -> Option<&'static str> {
        slip_of(name, ContextKey::ALL.iter().map(|key| key.name()))
    }

    #[test]
    fn slips_of_keys_are_found() {
        for (slip, meant) in [
            ("tool_nmae", "tool_name"),
            ("tool_nam", "tool_name"),
            ("tol_name", "tool_name"),
            ("toolName", "tool_name"),
            ("ToolName", "tool_name"),
            ("toolname", "tool_name"),
            ("tool-name", "tool_name"),
            ("TOOL_NAME", "tool_name"),
            ("toolnmae", "tool_name"),
            ("tenant_teir", "tenant_tier"),
            ("tennant_tier", "tenant_tier"),
            ("injction_score", "injection_score"),
            ("jailbrake_score", "jailbreak_score"),
            ("secret_type", "secret_types"),
            ("secret_detected", "secrets_detected"),
            ("piidetected", "pii_detected"),
            ("pii_detcted", "pii_detected"),
            ("user_rol", "user_role"),
            ("regoin", "region"),
            ("reqion", "region"),
            ("paht", "path"),
            ("Role", "role"),
            ("timestmap", "timestamp"),
            ("mcp_servr", "mcp_server"),
            ("agentId", "agent_id"),
            ("agnet_id", "agent_id"),
            ("agent_di", "agent_id"),
        ] {
            assert_eq!(key(slip), Some(meant), "{slip}");
        }
    }

    #[test]
    fn names_of_an_apps_own_are_no_slips() {
        for name in [
            "department",
            "team",
            "event_id",
            "parent_id",
            "patient_id",
            "client_id",
            "order_id",
            "customer_id",
            "rule",
            "roles",
            "code",
            "paths",
            "plane",
            "factor",
            "reason",
            "amount",
            "env",
            "locale",
            "user",
            "user_id",
            "tier",
            "score",
            "risk",
            "owner",
            "channel",
            "feature_flag",
            "is_internal",
            "ticket_count",
            "purpose",
            "labels",
            "a",
            "x",
            "",
            "tool",
            "model",
            "cost_center",
            "country",
            "risk_score",
            "request_kind",
            "ünïcode",
        ] {
            assert_eq!(key(name), None, "{name}");
        }
    }

    #[test]
    fn the_nearest_of_a_list_is_told_and_nothing_far_away() {
        let known = ["tools:read", "tools:write", "tenant:read", "tenant:manage"];
        for (word, expected) in [
            ("tool:read", Some("tools:read")),
            ("tools:raed", Some("tools:read")),
            ("tenant:mange", Some("tenant:manage")),
            ("TOOLS:READ", Some("tools:read")),
            ("tools.write", Some("tools:write")),
            ("banana", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, known), expected, "{word}");
        }
        assert_eq!(nearest(&"x".repeat(100_000), known), None);
    }
}
