//! Bounds on a policy text, found in one pass over its tokens before anything parses it, and bare names put into the
//! namespace on the way. Owns what a text may ask of parser, validator and evaluator, all of which recurse; touches only
//! `context_keys`.
//!
//! The depth found here is never below that of the syntax tree Cedar makes, so a text that passes fits the stack it is
//! compiled on ([`STACK`]), whoever compiles it and whenever: what `put` takes, a cold load takes.

use std::borrow::Cow;

use super::tokens::{Token, Tokens};
use crate::context_keys::NAMESPACE;

/// Deepest syntax tree of one policy: a chain of `||` or `&&` counts one per operator, a pair of brackets [`BRACKETS`].
pub const MAX_DEPTH: usize = 500;
/// What a pair of brackets adds to the depth: the parser descends through all its precedences for each.
const BRACKETS: usize = 8;
/// Deepest brackets, whatever is in them.
const MAX_NESTING: usize = 40;
/// Longest pattern of one `like`, in bytes of its text.
pub const MAX_PATTERN: usize = 1024;
/// All patterns of one text together, in bytes.
pub const MAX_PATTERNS: usize = 32 * 1024;
/// Most parts of one policy and of one text: names, brackets and operators, not the members of a list that is written out. What
/// validating costs grows with them, once for each kind of request a policy can match.
const MAX_POLICY_PARTS: usize = 4_000;
const MAX_PARTS: usize = 60_000;
/// Most `has` of one policy: the validator takes what they tell along from each to the next.
const MAX_HAS: usize = 128;
/// Longest identifier, in bytes.
const MAX_IDENTIFIER: usize = 256;
/// Most parts of a path after `has`: Cedar writes `has a.b.c` out as one test for each beginning of it.
const MAX_PATH: usize = 16;
/// The stack policies are compiled and, above [`SHALLOW`], judged on, in bytes. It is reserved, not used.
pub const STACK: usize = 64 * 1024 * 1024;
/// Up to this depth a policy is judged on the stack of whoever asks, if [`RED_ZONE`] is left of it.
pub const SHALLOW: usize = 64;
/// What must be left of a stack to judge shallow policies on it, in bytes.
pub const RED_ZONE: usize = 512 * 1024;

const ENTITY_TYPES: [&str; 7] = ["Account", "Project", "App", "Agent", "Session", "User", "Action"];

/// What a text asks for beyond the bounds, and where, in bytes.
#[derive(Debug, PartialEq, Eq)]
pub struct Beyond {
    pub at: usize,
    pub what: String,
    pub help: Option<&'static str>,
}

/// A text with its bare names put into the namespace, and where in the text as it was given something was put in.
#[derive(Debug)]
pub struct Qualified<'a> {
    pub text: Cow<'a, str>,
    bare: Vec<usize>,
}

impl Qualified<'_> {
    /// The byte of the given text that a byte of this one comes from.
    pub fn given(&self, at: usize) -> usize {
        let width = NAMESPACE.len() + 2;
        let mut shift = 0;
        for start in &self.bare {
            let begins = start + shift;
            if at <= begins {
                break;
            }
            if at < begins + width {
                return *start;
            }
            shift += width;
        }
        at - shift
    }
}

/// The text with `User::"x"` and `is User` written as `Guardrails::User::"x"` and `is Guardrails::User`. Refuses one that would cost
/// more than the bounds allow, saying where.
///
/// Names are rewritten here since the way over a parsed policy, Cedar's JSON form and back, takes time and memory that grow with
/// the square of its depth.
pub fn qualified(text: &str) -> Result<Qualified<'_>, Beyond> {
    let mut scan =
        Scan { tokens: Tokens::of(text), levels: vec![Level::default()], patterns: 0, parts: Parts::default() };
    let mut names = Names::default();
    let mut after_like = false;
    // Parts of the path after a `has`; none elsewhere.
    let mut path: Option<usize> = None;
    while let Some(token) = scan.tokens.next() {
        names.see(&token, scan.tokens.end());
        scan.part(&token)?;
        path = match (&token, path) {
            (Token::Word("has"), _) => Some(0),
            (Token::Word(_) | Token::Text(_), parts) => parts,
            (Token::Dot, Some(parts)) if parts < MAX_PATH => Some(parts + 1),
            (Token::Dot, Some(_)) => {
                return Err(scan.refuse(format!("a path after `has` has more than {MAX_PATH} parts")));
            }
            _ => None,
        };
        match token {
            Token::Text(pattern) if after_like => scan.pattern(pattern.len())?,
            Token::Open => {
                // An index or the arguments of a method follow what they belong to.
                scan.top(|level| level.rest += 1);
                scan.levels.push(Level::default());
                if scan.levels.len() > MAX_NESTING {
                    return Err(scan.refuse(format!("brackets are nested more than {MAX_NESTING} deep")));
                }
            }
            Token::Close => scan.close()?,
            Token::Or => scan.top(Level::or),
            Token::And | Token::Word("when" | "unless") => scan.top(Level::and),
            Token::Word("if") => scan.top(|level| level.ifs += 1),
            Token::Word("then" | "else" | "in" | "has" | "like" | "is") | Token::Operator | Token::Dot => {
                scan.top(|level| level.rest += 1);
            }
            Token::Word(word) if word.len() > MAX_IDENTIFIER => {
                return Err(scan.refuse(format!("a name is longer than {MAX_IDENTIFIER} bytes")));
            }
            Token::End => scan.end()?,
            Token::Comma => scan.top(Level::element),
            Token::Text(_) | Token::Word(_) | Token::Colons | Token::At | Token::Slot | Token::Other => {}
        }
        after_like = matches!(token, Token::Word("like"));
    }
    scan.end()?;
    names.end();
    Ok(names.put_into_the_namespace(text))
}

/// Where bare names of entity types stand.
#[derive(Default)]
struct Names {
    before: Before,
    bare: Vec<usize>,
}

/// What the tokens before this one may turn out to be.
#[derive(Clone, Copy, Default)]
enum Before {
    #[default]
    Nothing,
    Is,
    /// Two colons, which a name before it has taken for its own.
    Colons,
    /// A bare name that begins here, and whether it follows `is`.
    Name(usize, bool),
    /// The same, with two colons.
    NameColons(usize),
}

impl Names {
    /// `end` is where the token ends.
    fn see(&mut self, token: &Token<'_>, end: usize) {
        self.before = match (self.before, token) {
            (Before::NameColons(start), Token::Text(_)) => {
                self.bare.push(start);
                Before::Nothing
            }
            (Before::Name(start, _), Token::Colons) => Before::NameColons(start),
            (_, Token::Colons) => Before::Colons,
            (before, token) => {
                if let Before::Name(start, true) = before {
                    self.bare.push(start);
                }
                match (before, token) {
                    (Before::Colons | Before::NameColons(_), Token::Word(_)) => Before::Nothing,
                    (_, Token::Word("is")) => Before::Is,
                    (_, Token::Word(word)) if ENTITY_TYPES.contains(word) => {
                        Before::Name(end.saturating_sub(word.len()), matches!(before, Before::Is))
                    }
                    _ => Before::Nothing,
                }
            }
        };
    }

    fn end(&mut self) {
        self.see(&Token::End, 0);
    }

    fn put_into_the_namespace(self, text: &str) -> Qualified<'_> {
        if self.bare.is_empty() {
            return Qualified { text: Cow::Borrowed(text), bare: self.bare };
        }
        let mut out = String::with_capacity(text.len() + self.bare.len() * (NAMESPACE.len() + 2));
        let mut done = 0;
        for start in &self.bare {
            out.push_str(text.get(done..*start).unwrap_or_default());
            out.push_str(NAMESPACE);
            out.push_str("::");
            done = *start;
        }
        out.push_str(text.get(done..).unwrap_or_default());
        Qualified { text: Cow::Owned(out), bare: self.bare }
    }
}

/// One expression between brackets, commas or ends of policies, by precedence: each `||` is one deeper than the deepest of
/// what it joins, each `&&` likewise, and everything that binds closer counts one each.
#[derive(Default)]
struct Level {
    ifs: usize,
    ors: usize,
    /// Deepest side of an `||` so far.
    deepest_or: usize,
    ands: usize,
    /// Deepest side of an `&&` so far.
    deepest_and: usize,
    rest: usize,
    /// Deepest brackets in the present side.
    child: usize,
    /// Deepest element so far.
    deepest: usize,
}

impl Level {
    fn and(&mut self) {
        self.deepest_and = self.deepest_and.max(self.rest + self.child);
        self.ands += 1;
        (self.rest, self.child) = (0, 0);
    }

    fn or(&mut self) {
        self.and();
        self.ands -= 1;
        self.deepest_or = self.deepest_or.max(self.ands + self.deepest_and);
        self.ors += 1;
        (self.ands, self.deepest_and) = (0, 0);
    }

    fn depth(&self) -> usize {
        let side = self.ands + self.deepest_and.max(self.rest + self.child);
        // `if` takes whatever follows it as its last part.
        (self.ifs * 2 + self.ors + self.deepest_or.max(side)).max(self.deepest)
    }

    fn element(&mut self) {
        *self = Self { deepest: self.depth(), ..Self::default() };
    }
}

struct Scan<'a> {
    tokens: Tokens<'a>,
    levels: Vec<Level>,
    patterns: usize,
    parts: Parts,
}

/// How many parts there were so far.
#[derive(Default)]
struct Parts {
    of_text: usize,
    of_policy: usize,
    has: usize,
}

impl Scan<'_> {
    fn top(&mut self, change: impl FnOnce(&mut Level)) {
        if let Some(level) = self.levels.last_mut() {
            change(level);
        }
    }

    fn close(&mut self) -> Result<(), Beyond> {
        // One bracket too many is the parser's to name.
        if self.levels.len() > 1
            && let Some(closed) = self.levels.pop()
        {
            let depth = closed.depth() + BRACKETS;
            self.bounded(depth)?;
            self.top(|level| level.child = level.child.max(depth));
        }
        Ok(())
    }

    /// A policy ends, and with it whatever brackets it left open, which are the parser's to name.
    fn end(&mut self) -> Result<(), Beyond> {
        while self.levels.len() > 1 {
            self.close()?;
        }
        let depth = self.levels.last().map_or(0, Level::depth);
        self.bounded(depth)?;
        self.top(|level| *level = Level::default());
        Ok(())
    }

    fn bounded(&self, depth: usize) -> Result<(), Beyond> {
        if depth > MAX_DEPTH {
            let what = format!(
                "an expression is deeper than {MAX_DEPTH}: each `||` and `&&` of a chain counts 1, each pair of brackets {BRACKETS}"
            );
            let help = "write `[\"a\", \"b\"].contains(x)` for a chain of comparisons, or several policies";
            return Err(Beyond { help: Some(help), ..self.refuse(what) });
        }
        Ok(())
    }

    fn part(&mut self, token: &Token<'_>) -> Result<(), Beyond> {
        match token {
            Token::Text(_) | Token::Comma | Token::Colons | Token::At | Token::Slot | Token::Other => return Ok(()),
            Token::End => self.parts = Parts { of_text: self.parts.of_text, ..Parts::default() },
            Token::Word("has") => self.parts.has += 1,
            _ => {}
        }
        self.parts.of_text += 1;
        self.parts.of_policy += 1;
        if self.parts.of_policy > MAX_POLICY_PARTS || self.parts.has > MAX_HAS {
            let what = format!(
                "a policy has more than {MAX_POLICY_PARTS} names, brackets and operators, or {MAX_HAS} times `has`"
            );
            return Err(Beyond { help: Some("split it into several policies"), ..self.refuse(what) });
        }
        if self.parts.of_text > MAX_PARTS {
            let what = format!("a text has more than {MAX_PARTS} names, brackets and operators");
            return Err(Beyond { help: Some("split it into several texts"), ..self.refuse(what) });
        }
        Ok(())
    }

    fn pattern(&mut self, length: usize) -> Result<(), Beyond> {
        self.patterns += length;
        if length > MAX_PATTERN {
            return Err(self.refuse(format!("a pattern of `like` is longer than {MAX_PATTERN} bytes")));
        }
        if self.patterns > MAX_PATTERNS {
            return Err(self.refuse(format!("the patterns of `like` are longer than {MAX_PATTERNS} bytes together")));
        }
        Ok(())
    }

    /// At the last token.
    fn refuse(&self, what: String) -> Beyond {
        Beyond { at: self.tokens.start(), what, help: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn when(condition: &str) -> String {
        format!("forbid (principal, action, resource) when {{ {condition} }};")
    }

    #[test]
    fn what_people_write_passes() {
        let chain = vec!["context.tool_name == \"x\""; 450].join(" || ");
        let long_list = format!("[{}].contains(context.tool_name)", vec!["\"name\""; 20_000].join(", "));
        let many = when("context.tool_name == \"x\"").repeat(3_000);
        for text in [
            when(&chain),
            when(&long_list),
            many,
            when(&format!("{}true{}", "(".repeat(30), ")".repeat(30))),
            when("context has a && context.a like \"*))))((((*\" // )))) ((("),
            "@id(\"a\") permit (principal, action, resource) when { true } unless { false };".to_owned(),
        ] {
            assert!(qualified(&text).is_ok(), "{}", text.get(..60).unwrap_or(&text));
        }
    }

    #[test]
    fn brackets_and_operators_inside_texts_and_comments_count_for_nothing() {
        let noise = "([{&&||".repeat(2_000);
        assert!(qualified(&when(&format!("context.tool_name == \"{noise}\\\"{noise}\" // {noise}\n"))).is_ok());
    }

    #[test]
    fn bare_names_are_put_into_the_namespace_and_nothing_else_is() {
        for (text, expected) in [
            ("principal == User::\"x\"", "principal == Guardrails::User::\"x\""),
            ("principal is User", "principal is Guardrails::User"),
            ("principal is User in Project::\"p\")", "principal is Guardrails::User in Guardrails::Project::\"p\")"),
            ("User // c\n :: \"x\"", "Guardrails::User // c\n :: \"x\""),
            ("Guardrails::User::\"x\"", "Guardrails::User::\"x\""),
            ("is Guardrails::User", "is Guardrails::User"),
            ("Other::User::\"x\" User::Other::\"x\"", "Other::User::\"x\" User::Other::\"x\""),
            ("context.User == \"User::\" && {User: 1}", "context.User == \"User::\" && {User: 1}"),
            (
                "[User::\"a\", Agent::\"b\"] // User::\"c\"",
                "[Guardrails::User::\"a\", Guardrails::Agent::\"b\"] // User::\"c\"",
            ),
            ("Users::\"x\" is Users", "Users::\"x\" is Users"),
        ] {
            let qualified = qualified(text).unwrap();
            assert_eq!(qualified.text, expected);
            // Every byte that was not put in stands for itself.
            let mut given = expected.char_indices().map(|(at, _)| qualified.given(at)).collect::<Vec<_>>();
            given.dedup();
            assert_eq!(given, text.char_indices().map(|(at, _)| at).collect::<Vec<_>>(), "{text}");
        }
    }
}
