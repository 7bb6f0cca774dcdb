//! Masks secrets in names that are kept: of tools, servers, files, models. Touches nothing.

use std::borrow::Cow;

use super::secrets;

/// No secret has fewer bytes: most names are told from one by their length alone.
const SHORTEST: usize = 12;

/// A name as it may be written down: each secret in it is `[KIND]`.
///
/// Policies read names as they are, and they feed no key about content.
#[must_use]
pub fn masked(name: &str) -> Cow<'_, str> {
    if name.len() < SHORTEST {
        return Cow::Borrowed(name);
    }
    let mut hits = Vec::new();
    secrets::scan(name, None, &mut hits);
    if hits.is_empty() {
        return Cow::Borrowed(name);
    }
    let mut out = String::with_capacity(name.len());
    let mut done = 0;
    for hit in hits {
        if hit.start >= done {
            out.push_str(name.get(done..hit.start).unwrap_or_default());
            out.push('[');
            out.push_str(&hit.kind.to_ascii_uppercase());
            out.push(']');
        }
        done = done.max(hit.end);
    }
    out.push_str(name.get(done..).unwrap_or_default());
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_secrets_are_masked() {
        let token = ["ghp", "_a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"].concat();
        assert_eq!(masked(&token), "[GITHUB_TOKEN]");
        assert_eq!(masked(&format!("https://h/sse?t={token}&x=1")), "https://h/sse?t=[GITHUB_TOKEN]&x=1");
        for name in ["search", "mcp__files__read_text_file", "claude-sonnet-4-5-20250929", "password", ""] {
            assert_eq!(masked(name), name);
        }
    }
}
