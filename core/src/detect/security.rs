//! Finds characters that people cannot see. Owns which scripts need which of them; touches nothing.
//!
//! Joiners, variation selectors and direction marks are everyday letters of emoji, Persian, Hindi, Thai or Hebrew:
//! what counts is a mark where its script has no use for it.

/// What was seen so far, over all places.
#[derive(Default)]
pub(super) struct Unseen {
    letters: u64,
    non_ascii: u64,
    weak: u64,
    strong: u64,
}

const SOFT_HYPHEN: char = '\u{AD}';
const FLAG: char = '\u{1F3F4}';
const CANCEL_TAG: char = '\u{E007F}';

impl Unseen {
    /// Adds one text.
    pub(super) fn scan(&mut self, text: &str) {
        if text.is_ascii() {
            self.letters += text.len() as u64;
            return;
        }
        let mut counts = Counts::default();
        let (mut two_back, mut previous) = ('\0', '\0');
        let mut letters = text.char_indices().peekable();
        let mut in_flag = false;
        while let Some((at, letter)) = letters.next() {
            self.letters += 1;
            self.non_ascii += u64::from(!letter.is_ascii());
            if !letter.is_ascii() {
                counts.right_to_left |= is_right_to_left(letter);
                let next = letters.peek().map_or('\0', |(_, next)| *next);
                if letter == FLAG {
                    in_flag = true;
                } else if !is_tag(letter) {
                    in_flag = false;
                }
                counts.judge(letter, at == 0, [two_back, previous, next], in_flag);
                if letter == CANCEL_TAG {
                    in_flag = false;
                }
            } else {
                in_flag = false;
            }
            (two_back, previous) = (previous, letter);
        }
        counts.settle(self);
    }

    pub(super) const fn has_non_ascii(&self) -> bool {
        self.non_ascii > 0
    }

    /// The share of characters beyond ASCII, in percent; any at all is at least one.
    pub(super) fn non_ascii_score(&self) -> i64 {
        if self.non_ascii == 0 {
            return 0;
        }
        i64::try_from((self.non_ascii * 100 / self.letters.max(1)).max(1)).unwrap_or(100)
    }

    /// 0 when nothing is hidden; 90 and more for marks that only serve to hide or to reorder.
    pub(super) fn score(&self) -> i64 {
        let score = match (self.strong, self.weak) {
            (0, 0) => 0,
            (0, weak) => 30 + weak.min(5) * 10,
            (strong, weak) => 89 + (strong + weak).min(11),
        };
        i64::try_from(score).unwrap_or(100)
    }
}

#[derive(Default)]
struct Counts {
    weak: u64,
    strong: u64,
    /// Embeddings, isolates and direction marks: harmless once the text has letters that run right to left.
    direction: u64,
    marks: u64,
    /// U+2068 and U+2069, which translation libraries put around every inserted value.
    isolates: u64,
    right_to_left: bool,
}

impl Counts {
    fn judge(&mut self, letter: char, first: bool, [two_back, previous, next]: [char; 3], in_flag: bool) {
        match letter {
            '\u{200B}' if !(breaks_without_spaces(previous) || breaks_without_spaces(next)) => self.weak += 1,
            '\u{2060}'..='\u{2064}' | '\u{180E}' | '\u{17B4}' | '\u{17B5}' | '\u{FFF9}'..='\u{FFFB}' => self.weak += 1,
            '\u{FEFF}' if !first => self.weak += 1,
            '\u{200C}' if !joins(previous) => self.weak += 1,
            '\u{200D}' if !(joins(previous) || is_pictographic(previous)) => self.weak += 1,
            '\u{034F}' if previous.is_ascii() => self.weak += 1,
            SOFT_HYPHEN if previous == SOFT_HYPHEN || two_back == SOFT_HYPHEN => self.weak += 1,
            '\u{3164}' | '\u{FFA0}' => self.weak += 1,
            '\u{115F}' | '\u{1160}' if !(is_jamo(previous) || is_jamo(next)) => self.weak += 1,
            '\u{202D}' | '\u{202E}' => self.strong += 1,
            '\u{202A}'..='\u{202C}' | '\u{2066}' | '\u{2067}' => self.direction += 1,
            '\u{200E}' | '\u{200F}' | '\u{061C}' => self.marks += 1,
            '\u{2068}' | '\u{2069}' => self.isolates += 1,
            '\u{206A}'..='\u{206F}' | '\u{1D173}'..='\u{1D17A}' => self.strong += 1,
            '\u{FE00}'..='\u{FE0F}' if previous.is_ascii_alphabetic() || previous == ' ' || is_selector(previous) => {
                // A run of selectors spells out bytes.
                if is_selector(previous) { self.strong += 1 } else { self.weak += 1 }
            }
            '\u{E0100}'..='\u{E01EF}' if !is_ideograph(previous) => self.strong += 1,
            _ if is_tag(letter) && !in_flag => self.strong += 1,
            _ => {}
        }
    }

    fn settle(self, unseen: &mut Unseen) {
        unseen.weak += self.weak;
        unseen.strong += self.strong;
        if !self.right_to_left {
            unseen.weak += self.marks;
            if self.direction > 0 {
                unseen.strong += self.direction + self.isolates;
            } else if self.isolates % 2 == 1 {
                unseen.weak += self.isolates;
            }
        }
    }
}

const fn is_tag(letter: char) -> bool {
    matches!(letter, '\u{E0000}'..='\u{E007F}')
}

const fn is_selector(letter: char) -> bool {
    matches!(letter, '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}')
}

const fn is_jamo(letter: char) -> bool {
    matches!(letter, '\u{1100}'..='\u{11FF}' | '\u{A960}'..='\u{A97F}' | '\u{D7B0}'..='\u{D7FF}')
}

const fn is_ideograph(letter: char) -> bool {
    matches!(letter, '\u{2E80}'..='\u{2FDF}' | '\u{3400}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFF}')
}

const fn is_right_to_left(letter: char) -> bool {
    matches!(letter, '\u{0590}'..='\u{061B}' | '\u{061D}'..='\u{08FF}' | '\u{FB1D}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFE}' | '\u{10800}'..='\u{10FFF}' | '\u{1E800}'..='\u{1EFFF}')
}

/// Scripts whose letters join or break by an invisible mark: Arabic, Syriac, Mongolian and the Indic family.
const fn joins(letter: char) -> bool {
    matches!(letter, '\u{0600}'..='\u{08FF}' | '\u{0900}'..='\u{0DFF}' | '\u{0E00}'..='\u{0FFF}' | '\u{1000}'..='\u{109F}' | '\u{1780}'..='\u{18AF}' | '\u{A840}'..='\u{ABFF}' | '\u{FB50}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFE}' | '\u{11000}'..='\u{11FFF}')
}

/// Scripts that mark word ends with an invisible break, since they write no spaces.
const fn breaks_without_spaces(letter: char) -> bool {
    matches!(letter, '\u{0E00}'..='\u{0FFF}' | '\u{1000}'..='\u{109F}' | '\u{1780}'..='\u{17FF}' | '\u{1900}'..='\u{1AFF}' | '\u{3040}'..='\u{30FF}')
        || is_ideograph(letter)
}

/// What a joiner may follow inside an emoji: pictures, skin tones, selector 16, keycaps.
const fn is_pictographic(letter: char) -> bool {
    matches!(letter, '\u{2190}'..='\u{2BFF}' | '\u{3030}' | '\u{303D}' | '\u{FE0F}' | '\u{1F000}'..='\u{1FAFF}')
}
