//! A policy text as tokens, each where it stands. Owns what Cedar takes for a text, a name, a bracket or a comment; touches
//! nothing. Never fails: what is no token is one character of [`Token::Other`], and the parser's to name.

/// One token of a policy text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token<'a> {
    /// What stands between quotes, as it is written.
    Text(&'a str),
    /// A name, or a word of the language.
    Word(&'a str),
    /// `(`, `[` or `{`
    Open,
    /// `)`, `]` or `}`
    Close,
    /// `||`
    Or,
    /// `&&`
    And,
    /// `,`
    Comma,
    /// `;`
    End,
    /// What compares or computes.
    Operator,
    /// `.`
    Dot,
    /// `::`: a name of several parts is one name.
    Colons,
    /// `@`
    At,
    /// `?`
    Slot,
    /// Digits, and whatever the parser will refuse.
    Other,
}

/// The tokens of a text, one after the other.
pub struct Tokens<'a> {
    text: &'a str,
    start: usize,
    end: usize,
}

impl<'a> Tokens<'a> {
    /// Begins at the start of `text`.
    pub const fn of(text: &'a str) -> Self {
        Self { text, start: 0, end: 0 }
    }

    /// Where the last token begins, in bytes.
    pub const fn start(&self) -> usize {
        self.start
    }

    /// Where the last token ends.
    pub const fn end(&self) -> usize {
        self.end
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.end..).unwrap_or_default()
    }

    fn skip_blanks(&mut self) {
        loop {
            let rest = self.rest();
            let blank = rest.len() - rest.trim_start().len();
            let comment = if rest.starts_with("//") { rest.find(['\n', '\r']).unwrap_or(rest.len()) } else { 0 };
            match blank.max(comment) {
                0 => return,
                length => self.end += length,
            }
        }
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        self.skip_blanks();
        self.start = self.end;
        let rest = self.rest();
        let first = rest.chars().next()?;
        let two = rest.get(..2).unwrap_or_default();
        let (length, token) = match (first, two) {
            ('"', _) => {
                let length = quoted(rest);
                let closed = length > 1 && rest.get(length - 1..length) == Some("\"");
                let inside = rest.get(1..if closed { length - 1 } else { length }).unwrap_or_default();
                (length, Token::Text(inside))
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
            ('@', _) => (1, Token::At),
            ('?', _) => (1, Token::Slot),
            ('!' | '-' | '+' | '*' | '<' | '>' | '/' | '%', _) => (1, Token::Operator),
            ('_' | 'a'..='z' | 'A'..='Z', _) => {
                let length = rest.find(|letter: char| letter != '_' && !letter.is_ascii_alphanumeric());
                let word = rest.get(..length.unwrap_or(rest.len())).unwrap_or_default();
                (word.len(), Token::Word(word))
            }
            _ => (first.len_utf8(), Token::Other),
        };
        self.end += length.max(1);
        Some(token)
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

    #[test]
    fn every_token_stands_where_it_is_said_to() {
        let text =
            "@id(\"a\\\"b\") // \"x\"\n permit(principal == ?principal, \u{fc} User::\"ann\") when { a.b >= 1 };\"open";
        let mut tokens = Tokens::of(text);
        let mut seen = Vec::new();
        while let Some(token) = tokens.next() {
            let stands = &text[tokens.start()..tokens.end()];
            match token {
                Token::Word(word) => assert_eq!(stands, word),
                Token::Text(inside) => assert!(stands.trim_matches('"') == inside || inside == "a\\\"b", "{stands}"),
                _ => assert!(!stands.is_empty()),
            }
            seen.push(token);
        }
        assert_eq!(tokens.end(), text.len());
        assert_eq!(seen.first(), Some(&Token::At));
        assert!(
            seen.contains(&Token::Text("a\\\"b")) && seen.contains(&Token::Slot) && seen.contains(&Token::Text("open"))
        );
        assert!(!seen.contains(&Token::Text("x")), "comments are no tokens");
    }
}
