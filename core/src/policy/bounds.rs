//! Bounds on a policy text, found in one pass over its tokens before anything parses it, and bare names put into the
//! namespace on the way. Owns what a text may ask of parser, validator and evaluator, all of which recurse; touches only
//! `context_keys` and `error`.
//!
//! The depth found here is never below that of the syntax tree Cedar makes, so a text that passes fits the stack it is
//! compiled on ([`STACK`]), whoever compiles it and whenever: what `put` takes, a cold load takes.

use std::borrow::Cow;

use crate::{
    context_keys::NAMESPACE,
    error::{Error, Result},
};

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

/// The text with `User::"x"` and `is User` written as `Guardrails::User::"x"` and `is Guardrails::User`. Refuses one that would cost
/// more than the bounds allow, naming the line.
///
/// Names are rewritten here since the way over a parsed policy, Cedar's JSON form and back, takes time and memory that grow with
/// the square of its depth.
pub fn qualified(text: &str) -> Result<Cow<'_, str>> {
    let mut scan = Scan { text, at: 0, line: 1, levels: vec![Level::default()], patterns: 0, parts: Parts::default() };
    let mut names = Names::default();
    let mut after_like = false;
    // Parts of the path after a `has`; none elsewhere.
    let mut path: Option<usize> = None;
    while let Some(token) = scan.next() {
        names.see(&token, scan.at);
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
            Token::Text(length) if after_like => scan.pattern(length)?,
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
            Token::Text(_) | Token::Word(_) | Token::Colons | Token::Other => {}
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

    fn put_into_the_namespace(self, text: &str) -> Cow<'_, str> {
        if self.bare.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut out = String::with_capacity(text.len() + self.bare.len() * (NAMESPACE.len() + 2));
        let mut done = 0;
        for start in self.bare {
            out.push_str(text.get(done..start).unwrap_or_default());
            out.push_str(NAMESPACE);
            out.push_str("::");
            done = start;
        }
        out.push_str(text.get(done..).unwrap_or_default());
        Cow::Owned(out)
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

enum Token<'a> {
    /// A text in quotes, with its length.
    Text(usize),
    Word(&'a str),
    Open,
    Close,
    Or,
    And,
    Comma,
    /// `;`
    End,
    Operator,
    Dot,
    /// `::`: a name of several parts is one name.
    Colons,
    /// Digits, and whatever the parser will refuse.
    Other,
}

struct Scan<'a> {
    text: &'a str,
    at: usize,
    line: usize,
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

impl<'a> Scan<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Takes `length` bytes and counts their lines.
    fn take(&mut self, length: usize) -> &'a str {
        let taken = self.rest().get(..length).unwrap_or_default();
        self.line += taken.bytes().filter(|byte| *byte == b'\n').count();
        self.at += length.max(1);
        taken
    }

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            let rest = self.rest();
            let blank = rest.len() - rest.trim_start().len();
            if blank > 0 {
                self.take(blank);
            } else if rest.starts_with("//") {
                self.take(rest.find(['\n', '\r']).unwrap_or(rest.len()));
            } else {
                break;
            }
        }
        let rest = self.rest();
        let first = rest.chars().next()?;
        let two = rest.get(..2).unwrap_or_default();
        let (length, token) = match (first, two) {
            ('"', _) => {
                let length = quoted(rest);
                (length, Token::Text(length.saturating_sub(2)))
            }
            ('(' | '[' | '{', _) => (1, Token::Open),
            (')' | ']' | '}', _) => (1, Token::Close),
            (',', _) => (1, Token::Comma),
            (';', _) => (1, Token::End),
            (_, "||") => (2, Token::Or),
            (_, "&&") => (2, Token::And),
            (_, "::") => (2, Token::Colons),
            (_, "==" | "!=" | "<=" | ">=") => (2, Token::Operator),
            ('.', _) => (1, Token::Dot),
            ('!' | '-' | '+' | '*' | '<' | '>' | '/' | '%', _) => (1, Token::Operator),
            ('_' | 'a'..='z' | 'A'..='Z', _) => {
                let length = rest.find(|letter: char| letter != '_' && !letter.is_ascii_alphanumeric());
                let word = rest.get(..length.unwrap_or(rest.len())).unwrap_or_default();
                (word.len(), Token::Word(word))
            }
            _ => (first.len_utf8(), Token::Other),
        };
        self.take(length);
        Some(token)
    }

    fn top(&mut self, change: impl FnOnce(&mut Level)) {
        if let Some(level) = self.levels.last_mut() {
            change(level);
        }
    }

    fn close(&mut self) -> Result<()> {
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
    fn end(&mut self) -> Result<()> {
        while self.levels.len() > 1 {
            self.close()?;
        }
        let depth = self.levels.last().map_or(0, Level::depth);
        self.bounded(depth)?;
        self.top(|level| *level = Level::default());
        Ok(())
    }

    fn bounded(&self, depth: usize) -> Result<()> {
        if depth > MAX_DEPTH {
            return Err(self.refuse(format!(
                "an expression is deeper than {MAX_DEPTH}: each `||` and `&&` of a chain counts 1, each pair of brackets {BRACKETS}"
            ))
            .with_help("write `[\"a\", \"b\"].contains(x)` for a chain of comparisons, or several policies"));
        }
        Ok(())
    }

    fn part(&mut self, token: &Token<'_>) -> Result<()> {
        match token {
            Token::Text(_) | Token::Comma | Token::Colons | Token::Other => return Ok(()),
            Token::End => self.parts = Parts { of_text: self.parts.of_text, ..Parts::default() },
            Token::Word("has") => self.parts.has += 1,
            _ => {}
        }
        self.parts.of_text += 1;
        self.parts.of_policy += 1;
        if self.parts.of_policy > MAX_POLICY_PARTS || self.parts.has > MAX_HAS {
            return Err(self
                .refuse(format!(
                    "a policy has more than {MAX_POLICY_PARTS} names, brackets and operators, or {MAX_HAS} times `has`"
                ))
                .with_help("split it into several policies"));
        }
        if self.parts.of_text > MAX_PARTS {
            return Err(self
                .refuse(format!("a text has more than {MAX_PARTS} names, brackets and operators"))
                .with_help("split it into several texts"));
        }
        Ok(())
    }

    fn pattern(&mut self, length: usize) -> Result<()> {
        self.patterns += length;
        if length > MAX_PATTERN {
            return Err(self.refuse(format!("a pattern of `like` is longer than {MAX_PATTERN} bytes")));
        }
        if self.patterns > MAX_PATTERNS {
            return Err(self.refuse(format!("the patterns of `like` are longer than {MAX_PATTERNS} bytes together")));
        }
        Ok(())
    }

    fn refuse(&self, what: String) -> Error {
        Error::invalid("policy_too_complex", format!("line {}: {what}", self.line))
    }
}

/// The length of the text in quotes that begins here, quotes included; all there is when it does not end.
fn quoted(rest: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in rest.bytes().enumerate().skip(1) {
        match byte {
            b'"' if !escaped => return at + 1,
            b'\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    rest.len()
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
            assert_eq!(qualified(text).unwrap(), expected);
        }
    }
}
