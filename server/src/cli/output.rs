//! How results are shown: tables and colour for people, JSON for programs, errors on standard error.

use std::{
    io::{IsTerminal as _, Write as _},
    sync::atomic::{AtomicBool, Ordering},
};

use serde::Serialize;
use tenantry::{Error, Result};

/// Set once a line could not be written.
static UNREAD: AtomicBool = AtomicBool::new(false);

/// Where and how results go.
#[derive(Clone, Copy)]
pub struct Output {
    json: bool,
    colour: bool,
}

/// What a mark says.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Fine.
    Good,
    /// Worth a look.
    Doubtful,
    /// Not fine.
    Bad,
}

impl Output {
    /// JSON if asked for; colour on a terminal that wants it.
    pub fn new(json: bool) -> Self {
        let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self { json, colour: colour && !json }
    }

    /// Whether a program reads this.
    pub const fn is_json(self) -> bool {
        self.json
    }

    /// One line. A reader that has gone away is no reason to fail.
    pub fn line(self, text: &str) {
        if writeln!(std::io::stdout(), "{text}").is_err() {
            UNREAD.store(true, Ordering::Relaxed);
        }
    }

    /// Whether anybody still reads what is written.
    pub fn is_read(self) -> bool {
        !UNREAD.load(Ordering::Relaxed)
    }

    /// One value: JSON, or what `shown` makes of it.
    pub fn value<T: Serialize>(self, value: &T, shown: impl FnOnce(&T) -> String) -> Result<()> {
        if self.json {
            let text = serde_json::to_string(value).map_err(|_| Error::internal("a result could not be written"))?;
            self.line(&text);
        } else {
            self.line(&shown(value));
        }
        Ok(())
    }

    /// Several values: a JSON array, or a table.
    pub fn table<T: Serialize>(self, values: &[T], heads: &[&str], row: impl Fn(&T) -> Vec<String>) -> Result<()> {
        self.value(&values, |values| {
            if values.is_empty() {
                return "none".into();
            }
            let rows: Vec<Vec<String>> = values.iter().map(&row).collect();
            let heads: Vec<String> = heads.iter().map(|head| (*head).to_owned()).collect();
            let width = |column: usize| {
                let all = rows.iter().chain([&heads]);
                all.filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
            };
            let widths: Vec<usize> = (0..heads.len()).map(width).collect();
            let line = |row: &Vec<String>| {
                let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
                cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
            };
            let mut lines = vec![self.faint(&line(&heads))];
            lines.extend(rows.iter().map(line));
            lines.join("\n")
        })
    }

    /// The heads of rows that are printed one by one: for a terminal, since what is piped on is rows.
    pub fn head(self, heads: impl FnOnce() -> String) {
        if !self.json && std::io::stdout().is_terminal() {
            self.line(&self.faint(&heads()));
        }
    }

    fn faint(self, text: &str) -> String {
        if self.colour { format!("\u{1b}[2m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// A word with the colour of what it says.
    pub fn marked(self, mark: Mark, text: &str) -> String {
        let colour = match mark {
            Mark::Good => 32,
            Mark::Doubtful => 33,
            Mark::Bad => 31,
        };
        if self.colour { format!("\u{1b}[{colour}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// Something that is not as it was probably meant, on standard error.
    pub fn warning(self, text: &str) {
        let line =
            if self.json { serde_json::json!({ "warning": text }).to_string() } else { format!("warning: {text}") };
        let _ = writeln!(std::io::stderr(), "{line}");
    }

    /// An error, and the next step where there is one.
    pub fn error(self, error: &Error) {
        let mut stderr = std::io::stderr();
        let _ = if self.json {
            writeln!(stderr, "{}", serde_json::to_string(error).unwrap_or_default())
        } else {
            let help = error.help().map(|help| format!("\n  {help}")).unwrap_or_default();
            let (sentence, excerpt) = error.sentence_and_excerpt();
            let excerpt = excerpt.replace('\n', "\n  ");
            writeln!(stderr, "error: {sentence} ({}){excerpt}{help}", error.code())
        };
    }
}

/// A text of somebody else's in one line of a terminal: what would move the cursor, colour or turn the line is spelt out.
pub fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for symbol in text.chars() {
        let turns =
            matches!(symbol, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
        if symbol.is_control() || turns {
            plain.extend(symbol.escape_unicode());
        } else {
            plain.push(symbol);
        }
    }
    plain
}
