//! Where in a policy's text something stands, and how that is told: the name of the policy, line, column, and the line with a
//! caret below it. Owns the words of places; touches only `error`. Runs when something is refused, and not before.

use std::fmt::{Display, Write as _};

use super::tokens::{Token, Tokens};
use crate::error::{Error, Location};

/// Most characters of a line that are shown, and how many of them before the place.
const SHOWN: usize = 100;
const BEFORE: usize = 60;
/// Most bytes of what parser and validator say, and of what they say they expected.
const SAID: usize = 600;
const LABEL: usize = 160;

/// A text, and the name it is put under.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    pub name: &'a str,
    pub text: &'a str,
}

/// What to look for in one policy of a text.
#[derive(Clone, Copy)]
pub enum Spot<'a> {
    /// Where the policy begins.
    Start,
    /// `@name`
    Annotation(&'a str),
    /// `Action::"id"`
    Action(&'a str),
    /// `context.name`, `context["name"]` or `context has name`
    Key(&'a str),
}

impl Source<'_> {
    /// The refusal of what stands at byte `at`. `label` is written beside the caret.
    pub fn refuse(&self, code: &'static str, at: usize, what: impl Display, label: Option<&str>) -> Error {
        let before = self.text.get(..self.text.floor_char_boundary(at)).unwrap_or(self.text);
        let begins = before.rfind('\n').map_or(0, |end| end + 1);
        let column = before.get(begins..).map_or(0, |start| start.chars().count());
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let shown = self.text.get(begins..).and_then(|rest| rest.lines().next()).unwrap_or_default();
        // The validator writes out whole types.
        let what = what.to_string();
        let what = what.get(..what.floor_char_boundary(SAID)).unwrap_or_default();
        let mut message = format!("policy `{}` at line {line}, column {}: {what}", self.name, column + 1);
        // What follows the first end of a line is the excerpt.
        message = message.replace('\n', " ");
        excerpt(&mut message, line, shown, column, label);
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Error::invalid(code, message).with_location(Location {
            policy: self.name.to_owned(),
            line: number(line),
            column: number(column + 1),
        })
    }

    /// The refusal of what stands at `spot` of the policy that is number `rule` of the text.
    pub fn refuse_spot(&self, code: &'static str, rule: usize, spot: Spot<'_>, what: impl Display) -> Error {
        self.refuse(code, self.find(rule, spot), what, None)
    }

    /// The first byte of a spot; of the policy where it is written in another way, of the text where there is no such policy.
    fn find(&self, rule: usize, spot: Spot<'_>) -> usize {
        self.spot(rule, spot).or_else(|| self.spot(rule, Spot::Start)).unwrap_or(0)
    }

    /// The first `=` that stands alone at or behind a byte: the parser tells of the expression it is in.
    pub fn lone_equals(&self, from: usize) -> Option<usize> {
        let mut tokens = Tokens::of(self.text);
        while tokens.next().is_some() {
            if tokens.start() >= from && self.text.get(tokens.start()..tokens.end()) == Some("=") {
                return Some(tokens.start());
            }
        }
        None
    }

    /// The first byte of a template's slot; of the text where there is none.
    pub fn slot(&self) -> usize {
        let mut tokens = Tokens::of(self.text);
        while let Some(token) = tokens.next() {
            if token == Token::Slot {
                return tokens.start();
            }
        }
        0
    }

    fn spot(&self, rule: usize, spot: Spot<'_>) -> Option<usize> {
        let mut tokens = Tokens::of(self.text);
        let mut number = 0;
        // The two tokens before, with where the first of them begins.
        let mut before: [Option<Token<'_>>; 2] = [None, None];
        while let Some(token) = tokens.next() {
            if number == rule {
                let found = match (before, token, spot) {
                    (_, _, Spot::Start) => true,
                    ([_, Some(Token::At)], Token::Word(word), Spot::Annotation(name)) => word == name,
                    ([Some(Token::Word("Action")), Some(Token::Colons)], Token::Text(text), Spot::Action(id)) => {
                        text == id
                    }
                    (
                        [Some(Token::Word("context")), Some(Token::Dot | Token::Open | Token::Word("has"))],
                        Token::Word(word) | Token::Text(word),
                        Spot::Key(name),
                    ) => word == name,
                    _ => false,
                };
                if found {
                    return Some(tokens.start());
                }
            }
            if token == Token::End {
                number += 1;
            }
            before = [before[1], Some(token)];
        }
        None
    }
}

/// The line, and a caret below the character it is about.
fn excerpt(message: &mut String, line: usize, shown: &str, column: usize, label: Option<&str>) {
    let from = column.saturating_sub(BEFORE);
    let cut = if from > 0 { "…" } else { "" };
    let rest = shown.chars().count() > from + SHOWN;
    let text: String = shown.chars().skip(from).take(SHOWN).map(visible).collect();
    let margin = " ".repeat(line.to_string().len());
    let indent = " ".repeat(column - from + usize::from(from > 0));
    let _ = write!(message, "\n{line} | {cut}{text}{}\n{margin} | {indent}^", if rest { "…" } else { "" });
    if let Some(label) = label {
        let end = label.floor_char_boundary(LABEL);
        let dots = if end < label.len() { "…" } else { "" };
        let _ = write!(message, " {}{dots}", label.get(..end).unwrap_or_default());
    }
}

/// What shows as one column: a text is outside data, and must not steer the terminal or log it is shown in.
fn visible(letter: char) -> char {
    match letter {
        '\t' => ' ',
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' => '\u{fffd}',
        _ if letter.is_control() => '\u{fffd}',
        _ => letter,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "// a\npermit (principal, action, resource);\n@id(\"x\")\nforbid (principal, action == Action::\"fly\", resource)\n\twhen { context has team && context.team == \"ü\" && context[\"tool_nmae\"] == \"x\" };\n";

    fn told(spot: Spot<'_>, rule: usize) -> (u32, u32, String) {
        let error = Source { name: "p", text: TEXT }.refuse_spot("policy_invalid", rule, spot, "no");
        let location = error.location().unwrap().clone();
        (location.line, location.column, error.message().to_owned())
    }

    #[test]
    fn each_spot_is_found_in_its_own_policy() {
        for (spot, rule, line, column) in [
            (Spot::Start, 0, 2, 1),
            (Spot::Start, 1, 3, 1),
            (Spot::Annotation("id"), 1, 3, 2),
            (Spot::Annotation("id"), 0, 2, 1),
            (Spot::Action("fly"), 1, 4, 38),
            (Spot::Key("team"), 1, 5, 21),
            (Spot::Key("tool_nmae"), 1, 5, 60),
            (Spot::Key("unknown"), 1, 3, 1),
            (Spot::Start, 7, 1, 1),
        ] {
            let (at, of, message) = told(spot, rule);
            assert_eq!((at, of), (line, column), "{message}");
        }
    }

    #[test]
    fn the_caret_stands_below_the_character_also_after_wide_letters_and_tabs() {
        let (_, _, message) = told(Spot::Key("tool_nmae"), 1);
        let lines: Vec<&str> = message.lines().collect();
        assert_eq!(lines[0], "policy `p` at line 5, column 60: no");
        let caret = lines[2].chars().position(|letter| letter == '^').unwrap();
        assert_eq!(lines[1].chars().skip(caret).take(11).collect::<String>(), "\"tool_nmae\"");
    }

    #[test]
    fn long_lines_are_cut_around_the_place_and_nothing_steers_a_terminal() {
        let text = format!("{}\u{1b}[31m\u{202e}@{}", "x".repeat(5_000), "y".repeat(5_000));
        let at = text.find('@').unwrap();
        let error = Source { name: "p", text: &text }.refuse("policy_syntax", at, "no", Some(&"l".repeat(1_000)));
        let lines: Vec<&str> = error.message().lines().collect();
        assert!(lines.iter().all(|line| line.chars().count() < 300), "{lines:?}");
        let caret = lines[2].chars().position(|letter| letter == '^').unwrap();
        assert_eq!(lines[1].chars().nth(caret), Some('@'));
        assert!(!error.message().contains(['\u{1b}', '\u{202e}']));
        assert!(
            Source { name: "p", text: "" }.refuse("policy_empty", 99, "no", None).message().ends_with("1 | \n  | ^")
        );
    }
}
