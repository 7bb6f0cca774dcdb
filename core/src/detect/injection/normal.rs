//! The view of a text that phrases are looked for in: lower case, single blanks, look-alikes folded, invisible
//! characters gone. Owns the folding tables; touches nothing.

/// What else about the writing calls for another look.
pub(super) struct Writing {
    /// Letter by letter, as in `i g n o r e`.
    pub(super) spaced_out: bool,
    /// Turned around by a mark, so that it is stored backwards and shown forwards.
    pub(super) reversed: bool,
}

/// Fills `view`.
pub(super) fn view(text: &str, view: &mut Vec<u8>) -> Writing {
    let mut reversed = false;
    view.clear();
    view.reserve(text.len());
    let mut singles = 0_usize;
    // Length of the word being written; a word of one letter followed by a gap is a single.
    let mut word = 0_usize;
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(&b) = bytes.get(at) {
        if b < 0x80 {
            let class = FOLD.get(usize::from(b)).copied().unwrap_or(b' ');
            if class.is_ascii_lowercase() {
                word += 1;
                view.push(class);
            } else {
                singles += usize::from(word == 1);
                word = 0;
                punctuation(b, class, bytes.get(at + 1).copied().unwrap_or(0), view, &mut word);
            }
            at += 1;
            continue;
        }
        let Some(letter) = text.get(at..).and_then(|rest| rest.chars().next()) else { break };
        at += letter.len_utf8();
        reversed |= letter == '\u{202E}';
        match fold(letter) {
            Folded::Gone => {}
            Folded::Blank => {
                singles += usize::from(word == 1);
                word = 0;
                blank(b' ', view);
            }
            Folded::Letter(b) => {
                word += usize::from(b.is_ascii_lowercase());
                view.push(b);
            }
        }
    }
    Writing { spaced_out: singles >= 10, reversed }
}

/// Keeps only what was written letter by letter, without the gaps.
pub(super) fn squash(view: &mut Vec<u8>) {
    let mut out = Vec::new();
    let mut spelled = Vec::new();
    for word in view.split(|b| !b.is_ascii_lowercase() && *b != OTHER).filter(|word| !word.is_empty()) {
        if let [letter] = word {
            spelled.push(*letter);
            continue;
        }
        flush(&mut spelled, &mut out);
    }
    flush(&mut spelled, &mut out);
    *view = out;
}

/// A few single letters in a row are a list or a formula, not a word.
fn flush(spelled: &mut Vec<u8>, out: &mut Vec<u8>) {
    if spelled.len() >= 6 {
        out.append(spelled);
        out.push(b' ');
    }
    spelled.clear();
}

fn blank(b: u8, view: &mut Vec<u8>) {
    match view.last_mut() {
        Some(last) if *last == b' ' => *last = if b == b'\n' { b'\n' } else { b' ' },
        Some(b'\n') | None => {}
        _ => view.push(b),
    }
}

/// Blanks collapse; digits and signs that stand for letters do so only next to letters.
fn punctuation(b: u8, class: u8, next: u8, view: &mut Vec<u8>, word: &mut usize) {
    if class == b' ' {
        blank(if b == b'\n' { b'\n' } else { b' ' }, view);
        return;
    }
    let stands_for = match b {
        b'0' => b'o',
        b'1' => b'i',
        b'3' => b'e',
        b'4' | b'@' => b'a',
        b'5' | b'$' => b's',
        b'7' => b't',
        _ => 0,
    };
    let by_letter = view.last().is_some_and(u8::is_ascii_lowercase) || next.is_ascii_alphabetic();
    if stands_for != 0 && by_letter {
        // Not a word of its own: `v1.0` must not look like letters written one by one.
        *word = 2;
        view.push(stands_for);
    } else {
        view.push(class);
    }
}

/// Lower case for letters, blank for control characters and blanks, everything else itself.
static FOLD: [u8; 128] = {
    let mut table = [0_u8; 128];
    let mut at = 0_u8;
    while at < 128 {
        let folded = if at <= b' ' || at == 0x7F { b' ' } else { at.to_ascii_lowercase() };
        #[allow(clippy::indexing_slicing)] // evaluated by the compiler, which checks the bound
        {
            table[at as usize] = folded;
        }
        at += 1;
    }
    table
};

enum Folded {
    Gone,
    Blank,
    Letter(u8),
}

/// A letter that stands for no Latin one: part of a word, equal to nothing.
const OTHER: u8 = 0xFF;

fn fold(letter: char) -> Folded {
    let code = u32::from(letter);
    let latin = |base: u8, offset: u32| Folded::Letter(base + u8::try_from(offset).unwrap_or(0));
    match letter {
        '\u{AD}'
        | '\u{200B}'..='\u{200F}'
        | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}'
        | '\u{FEFF}'
        | '\u{180E}'
        | '\u{FE00}'..='\u{FE0F}'
        | '\u{0300}'..='\u{036F}'
        | '\u{E0000}'..='\u{E001F}'
        | '\u{E0080}'..='\u{E01EF}'
        | '\u{20D0}'..='\u{20FF}'
        | '\u{115F}'
        | '\u{1160}'
        | '\u{3164}'
        | '\u{FFA0}'
        | '\u{17B4}'
        | '\u{17B5}' => Folded::Gone,
        // Tag characters mirror ASCII: hidden text is read like any other.
        '\u{E0020}'..='\u{E007E}' => {
            u8::try_from(code - 0xE0000).map_or(Folded::Gone, |b| Folded::Letter(b.to_ascii_lowercase()))
        }
        '\u{A0}'
        | '\u{1680}'
        | '\u{2000}'..='\u{200A}'
        | '\u{2028}'
        | '\u{2029}'
        | '\u{202F}'
        | '\u{205F}'
        | '\u{3000}'
        | '\u{85}' => Folded::Blank,
        '\u{2018}' | '\u{2019}' | '\u{201B}' => Folded::Letter(b'\''),
        '\u{201C}' | '\u{201D}' | '\u{201E}' | '\u{AB}' | '\u{BB}' => Folded::Letter(b'"'),
        '\u{2010}'..='\u{2015}' => Folded::Letter(b'-'),
        // Full width.
        '\u{FF21}'..='\u{FF3A}' => latin(b'a', code - 0xFF21),
        '\u{FF41}'..='\u{FF5A}' => latin(b'a', code - 0xFF41),
        // Mathematical alphabets repeat A–Z, a–z.
        '\u{1D400}'..='\u{1D6A3}' => latin(b'a', (code - 0x1D400) % 26),
        // Circled, parenthesised, squared and regional letters.
        '\u{24B6}'..='\u{24CF}' => latin(b'a', code - 0x24B6),
        '\u{24D0}'..='\u{24E9}' => latin(b'a', code - 0x24D0),
        '\u{249C}'..='\u{24B5}' => latin(b'a', code - 0x249C),
        '\u{1F130}'..='\u{1F149}' => latin(b'a', code - 0x1F130),
        '\u{1F150}'..='\u{1F169}' => latin(b'a', code - 0x1F150),
        '\u{1F170}'..='\u{1F189}' => latin(b'a', code - 0x1F170),
        '\u{1F1E6}'..='\u{1F1FF}' => latin(b'a', code - 0x1F1E6),
        _ => match look_alike(letter) {
            Some(b) => Folded::Letter(b),
            None if letter.is_alphanumeric() => Folded::Letter(OTHER),
            None => Folded::Letter(b'*'),
        },
    }
}

/// Accents, Cyrillic, Greek and small capitals that read as Latin letters.
fn look_alike(letter: char) -> Option<u8> {
    Some(match letter {
        'À'..='Å' | 'à'..='å' | 'Ā'..='ą' | 'ǎ' | 'а' | 'А' | 'α' | 'Α' | 'ɑ' | 'ᴀ' | 'ª' | 'ạ' | 'ả' => {
            b'a'
        }
        'В' | 'в' | 'β' | 'Β' | 'ʙ' | 'Ь' | 'ь' | 'ƅ' | 'ḃ' => b'b',
        'Ç' | 'ç' | 'Ć'..='č' | 'с' | 'С' | 'ϲ' | 'ᴄ' | 'ƈ' => b'c',
        'Ď'..='đ' | 'ԁ' | 'ᴅ' | 'ɗ' | 'ḍ' => b'd',
        'È'..='Ë' | 'è'..='ë' | 'Ē'..='ě' | 'е' | 'Е' | 'ё' | 'Ё' | 'ε' | 'Ε' | 'ᴇ' | 'є' | 'ẹ' | 'ҽ' => {
            b'e'
        }
        'ƒ' | 'ꜰ' | 'ϝ' => b'f',
        'Ĝ'..='ģ' | 'ɡ' | 'ɢ' | 'ց' | 'ԍ' => b'g',
        'Ĥ'..='ħ' | 'һ' | 'Н' | 'н' | 'Η' | 'ʜ' | 'հ' => b'h',
        'Ì'..='Ï' | 'ì'..='ï' | 'Ĩ'..='ı' | 'і' | 'І' | 'ї' | 'Ї' | 'ι' | 'Ι' | 'ɪ' | 'ị' | 'ӏ' => b'i',
        'Ĵ' | 'ĵ' | 'ј' | 'Ј' | 'ᴊ' | 'ϳ' => b'j',
        'Ķ' | 'ķ' | 'к' | 'К' | 'κ' | 'Κ' | 'ᴋ' => b'k',
        'Ĺ'..='ł' | 'ʟ' | 'ⅼ' | 'Ӏ' => b'l',
        'м' | 'М' | 'Μ' | 'ᴍ' | 'ṃ' => b'm',
        'Ñ' | 'ñ' | 'Ń'..='ŋ' | 'Ν' | 'ɴ' | 'п' | 'ո' | 'η' => b'n',
        'Ò'..='Ö' | 'ò'..='ö' | 'Ø' | 'ø' | 'Ō'..='ő' | 'о' | 'О' | 'ο' | 'Ο' | 'ᴏ' | 'σ' | 'օ' | 'ọ' => {
            b'o'
        }
        'р' | 'Р' | 'ρ' | 'Ρ' | 'ᴘ' => b'p',
        'ԛ' | 'զ' => b'q',
        'Ŕ'..='ř' | 'г' | 'ʀ' | 'ɾ' => b'r',
        'Ś'..='š' | 'ѕ' | 'Ѕ' | 'ꜱ' | 'ß' | 'ș' | 'ṣ' => b's',
        'Ţ'..='ŧ' | 'т' | 'Т' | 'Τ' | 'τ' | 'ᴛ' | 'ț' => b't',
        'Ù'..='Ü' | 'ù'..='ü' | 'Ũ'..='ų' | 'υ' | 'ᴜ' | 'ս' | 'ụ' => b'u',
        'ν' | 'ѵ' | 'ᴠ' => b'v',
        'Ŵ' | 'ŵ' | 'ω' | 'ԝ' | 'ᴡ' | 'ш' => b'w',
        'х' | 'Х' | 'χ' | 'Χ' => b'x',
        'Ý' | 'ý' | 'ÿ' | 'Ŷ'..='Ÿ' | 'у' | 'У' | 'Υ' | 'γ' | 'ʏ' => b'y',
        'Ź'..='ž' | 'Ζ' | 'ᴢ' => b'z',
        _ => return None,
    })
}
