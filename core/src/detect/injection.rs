//! Scores attempts to give a model new orders: overrides, prompt extraction, personas, orders hidden in data. Owns the
//! grammar around the trigger words; touches nothing.
//!
//! Trigger words alone mean little ("ignore my previous email"), so a verb has to meet an object that belongs to a
//! model (instructions, system prompt), and who is told to do so, and whether it is quoted, weighs in.

mod normal;
mod phrases;

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use memchr::memmem;

use super::bytes::{before, byte, part, window_before};
use phrases::{Group, PHRASES, Rule};

/// What was found so far, over all places: the worst place counts.
#[derive(Default)]
pub(super) struct Attack {
    injection: f32,
    jailbreak: f32,
    worst: f32,
    group: Option<Group>,
    view: Vec<u8>,
}

/// The scores of a whole call.
pub(super) struct Verdict {
    pub(super) injection: i64,
    pub(super) jailbreak: i64,
    pub(super) kind: Option<&'static str>,
}

static AUTOMATON: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    AhoCorasick::builder()
        .match_kind(MatchKind::Standard)
        .kind(Some(AhoCorasickKind::DFA))
        .build(PHRASES.iter().map(|(phrase, _)| phrase))
        .ok()
});

/// From here on a finding is worth naming.
const WORTH_NAMING: f32 = 0.495;

/// How sure each group makes us, from 0 to 1.
#[derive(Default)]
struct Evidence {
    overriding: f32,
    extraction: f32,
    persona: f32,
    indirect: f32,
}

impl Evidence {
    fn add(&mut self, group: Group, weight: f32) {
        let slot = match group {
            Group::Override => &mut self.overriding,
            Group::Extraction => &mut self.extraction,
            Group::Persona => &mut self.persona,
            Group::Indirect => &mut self.indirect,
        };
        *slot = either(*slot, weight);
    }
}

/// The chance that at least one of two independent signs is right.
fn either(a: f32, b: f32) -> f32 {
    1.0 - (1.0 - a) * (1.0 - b)
}

/// Measured on development data: ordinary role play stays below 0.6, so what reaches 0.7 is meant to block.
fn stretch(chance: f32) -> f32 {
    match chance {
        ..=0.6 => chance,
        ..=0.7 => 0.6 + (chance - 0.6) * 2.2,
        _ => 0.82 + (chance - 0.7) * 0.6,
    }
}

impl Attack {
    /// Adds one text. `is_data` says that nobody who may give orders wrote it.
    pub(super) fn scan(&mut self, text: &str, is_data: bool) {
        let Some(automaton) = &*AUTOMATON else { return };
        let writing = normal::view(text, &mut self.view);
        let mut evidence = Evidence::default();
        weigh(automaton, &self.view, is_data, &mut evidence);
        if writing.reversed {
            self.view.reverse();
            weigh(automaton, &self.view, is_data, &mut evidence);
            self.view.reverse();
        }
        if writing.spaced_out {
            normal::squash(&mut self.view);
            if phrases::SQUASHED.iter().any(|phrase| memmem::find(&self.view, phrase.as_bytes()).is_some()) {
                evidence.overriding = either(evidence.overriding, 0.9);
            }
        }
        self.judge(&evidence, is_data);
    }

    fn judge(&mut self, evidence: &Evidence, is_data: bool) {
        let Evidence { overriding, extraction, persona, indirect } = *evidence;
        // Data has no business overriding anything: the same words weigh more there.
        let overriding = if is_data && overriding > 0.5 { either(overriding, 0.3) } else { overriding };
        let injection = either(either(overriding, extraction), either(indirect, persona * 0.25));
        let jailbreak = stretch(either(persona, overriding * 0.45));
        self.injection = self.injection.max(injection);
        self.jailbreak = self.jailbreak.max(jailbreak);
        let groups = [
            (overriding, Group::Override),
            (extraction, Group::Extraction),
            (persona, Group::Persona),
            (indirect, Group::Indirect),
        ];
        for (weight, group) in groups {
            if weight > self.worst {
                (self.worst, self.group) = (weight, Some(group));
            }
        }
    }

    /// The scores so far.
    pub(super) fn verdict(&self) -> Verdict {
        let found = self.injection >= WORTH_NAMING || self.jailbreak >= WORTH_NAMING;
        Verdict {
            injection: percent(self.injection),
            jailbreak: percent(self.jailbreak),
            kind: self.group.filter(|_| found).map(Group::name),
        }
    }
}

/// Adds what the phrases of one view say.
fn weigh(automaton: &AhoCorasick, view: &[u8], is_data: bool, evidence: &mut Evidence) {
    let mut seen = [0_u64; 8];
    for found in automaton.find_overlapping_iter(view) {
        let index = found.pattern().as_usize();
        let (start, end) = (found.start(), found.end());
        let Some((phrase, rule)) = PHRASES.get(index) else { continue };
        if starts_inside_word(view, start) || (!rule.is_stem() && ends_inside_word(view, end, phrase)) {
            continue;
        }
        // A phrase counts once, verbs as often as they find an object.
        let slot = seen.get_mut(index / 64);
        let bit = 1_u64 << (index % 64);
        match *rule {
            Rule::Verb => evidence.overriding = evidence.overriding.max(overriding(view, start, end)),
            Rule::Object => evidence.extraction = evidence.extraction.max(extraction(view, start, end)),
            Rule::Say { group, weight } | Rule::Stem { group, weight } => {
                if let Some(word) = slot.filter(|word| **word & bit == 0) {
                    *word |= bit;
                    evidence.add(group, f32::from(weight) / 100.0);
                }
            }
            Rule::Turn { weight } => {
                if let Some(word) = slot.filter(|word| **word & bit == 0 && starts_line(view, start)) {
                    *word |= bit;
                    evidence.add(Group::Indirect, f32::from(weight) / 100.0 * if is_data { 1.0 } else { 0.6 });
                }
            }
            Rule::Data { weight } => {
                if let Some(word) = slot.filter(|word| **word & bit == 0) {
                    *word |= bit;
                    evidence.add(Group::Indirect, f32::from(weight) / 100.0 * if is_data { 1.0 } else { 0.35 });
                }
            }
        }
    }
}

fn percent(chance: f32) -> i64 {
    // INVARIANT: chances lie between 0 and 1, so the cast cannot truncate.
    #[allow(clippy::cast_possible_truncation)]
    let score = (chance * 100.0).round() as i64;
    score.clamp(0, 100)
}

const fn is_letter(b: u8) -> bool {
    b.is_ascii_lowercase() || b.is_ascii_digit() || b >= 0x80
}

fn starts_inside_word(view: &[u8], start: usize) -> bool {
    is_letter(byte(view, start)) && is_letter(before(view, start))
}

fn ends_inside_word(view: &[u8], end: usize, phrase: &str) -> bool {
    phrase.as_bytes().last().is_some_and(|last| is_letter(*last)) && is_letter(byte(view, end))
}

fn starts_line(view: &[u8], start: usize) -> bool {
    matches!(before(view, start), 0 | b'\n' | b'"' | b'}' | b']' | b'#' | b'>')
        || window_before(view, start, 2) == b"\\n"
}

fn words(text: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    text.split(|b| !is_letter(*b)).filter(|word| !word.is_empty())
}

/// How sure the verb at `start..end` is an order to drop the model's instructions.
fn overriding(view: &[u8], start: usize, end: usize) -> f32 {
    let (mut when, mut all, mut the) = (false, false, false);
    let mut weight: f32 = 0.0;
    for word in words(part(view, end, end + 96)).take(9) {
        match word {
            b"previous" | b"prior" | b"above" | b"earlier" | b"preceding" | b"foregoing" | b"your" | b"ur"
            | b"original" | b"initial" | b"existing" | b"past" | b"former" | b"before" | b"previously" | b"system"
            | b"built" | b"vorherigen" | b"bisherigen" | b"anteriores" | b"precedentes" => when = true,
            b"all" | b"any" | b"every" | b"everything" | b"anything" | b"whatever" | b"alle" | b"alles" | b"todas"
            | b"toutes" => {
                all = true;
            }
            b"the" | b"these" | b"those" | b"said" => the = true,
            _ => {}
        }
        let found = match word {
            b"instructions" | b"instruction" | b"prompt" | b"prompts" | b"directives" | b"directive"
            | b"directions" | b"programming" | b"orders" | b"guidelines" | b"guardrails" | b"safeguards"
            | b"anweisungen" | b"instrucciones" | b"istruzioni" | b"consignes" | b"instructs" => match (when, all, the)
            {
                (true, ..) => 0.85,
                (_, true, _) => 0.82,
                (_, _, true) => 0.6,
                _ => 0.45,
            },
            b"rules" | b"rule" | b"restrictions" | b"constraints" | b"policies" | b"policy" | b"training"
            | b"limitations" | b"filters" | b"safety" | b"ethics" | b"protocols" | b"commands" | b"command"
            | b"regulations" => match (when, all) {
                (true, _) => 0.82,
                (_, true) => 0.6,
                _ => 0.3,
            },
            b"context" | b"conversation" | b"conversations" | b"assignments" | b"tasks" | b"task" | b"information"
            | b"statements" | b"texts" | b"text" | b"messages" | b"inputs" | b"input" | b"knowledge" | b"told" => {
                match (when, all) {
                    (true, true) => 0.82,
                    (true, _) | (_, true) => 0.5,
                    _ => 0.0,
                }
            }
            _ => 0.0,
        };
        weight = weight.max(found);
        if found > 0.0 {
            break;
        }
    }
    // `ignore the above and …`, `forget everything before`
    if weight == 0.0 && when && (all || the) {
        let tail = part(view, end, end + 40);
        let aimed = [
            "the above",
            "everything above",
            "all the above",
            "everything before",
            "everything prior",
            "all of the above",
        ];
        if aimed.iter().any(|phrase| memmem::find(tail, phrase.as_bytes()).is_some()) {
            weight = if memmem::find(tail, b" and ").is_some() || memmem::find(tail, b"instead").is_some() {
                0.82
            } else {
                0.6
            };
        }
    }
    if weight == 0.0 { 0.0 } else { weight * addressed(view, start) }
}

/// Who is told to: 1 for an order, less for reports, questions and quotations.
fn addressed(view: &[u8], start: usize) -> f32 {
    let mut near = window_before(view, start, 64);
    // Only the sentence of the verb counts, except for what announces a quotation.
    let quoted = matches!(near.iter().rev().find(|b| **b != b' '), Some(b'"' | b'\'' | b'`'));
    if quoted {
        let teaches = [
            "phrase",
            "example",
            "such as",
            "e.g",
            "like",
            "explain",
            "mean",
            "called",
            "known as",
            "say",
            "attack",
            "injection",
            "contains",
            "detect",
            "translate",
            "string",
            "sentence",
            "instructions like",
        ];
        return if teaches.iter().any(|word| memmem::find(near, word.as_bytes()).is_some()) { 0.6 } else { 1.0 };
    }
    if let Some(stop) = near.iter().rposition(|b| matches!(b, b'.' | b'!' | b'?' | b'\n')) {
        near = near.get(stop + 1..).unwrap_or_default();
    }
    let mut last = words(near).rev();
    let (one, two, three, four) = (last.next(), last.next(), last.next(), last.next());
    let recent = [one, two, three, four];
    let has = |word: &[u8]| recent.contains(&Some(word));
    match one {
        Some(b"not" | b"never" | b"t" | b"don" | b"dont" | b"cannot" | b"won" | b"no") => 0.15,
        Some(b"to") => {
            if has(b"you") || has(b"must") || has(b"need") || has(b"want") || has(b"ai") || has(b"assistant") {
                if has(b"how") || has(b"trick") || has(b"tricks") || has(b"get") || has(b"if") { 0.6 } else { 1.0 }
            } else {
                0.65
            }
        }
        Some(
            b"i" | b"we" | b"they" | b"he" | b"she" | b"it" | b"users" | b"attackers" | b"models" | b"people"
            | b"would" | b"could",
        ) => 0.5,
        _ if has(b"not") || has(b"never") => 0.3,
        _ => 1.0,
    }
}

/// How sure the words before the object at `start` ask for it to be shown.
fn extraction(view: &[u8], start: usize, end: usize) -> f32 {
    let mut near = window_before(view, start, 72);
    if let Some(stop) = near.iter().rposition(|b| matches!(b, b'.' | b'!' | b'?')) {
        near = near.get(stop + 1..).unwrap_or_default();
    }
    let (mut weight, mut owned, mut distant): (f32, bool, bool) = (0.0, false, false);
    // The object itself may name its owner.
    owned |= words(part(view, start, end)).any(|word| word == b"your");
    for (distance, word) in words(near).rev().take(9).enumerate() {
        match word {
            b"your" | b"ur" | b"you" | b"initial" | b"hidden" | b"secret" | b"entire" | b"full" | b"exact"
            | b"verbatim" => owned = true,
            b"a" | b"an" | b"my" | b"our" | b"good" | b"custom" if distance < 2 => return 0.0,
            b"not" | b"never" | b"don" | b"dont" | b"prevent" | b"avoid" | b"without" | b"protect" | b"refuse" => {
                distant = true
            }
            b"how" | b"if" | b"whether" | b"could" | b"attackers" | b"users" | b"they" | b"why" => {
                distant |= weight > 0.0
            }
            b"reveal" | b"print" | b"repeat" | b"dump" | b"leak" | b"disclose" | b"expose" | b"output" | b"recite"
            | b"echo" | b"divulge" | b"regurgitate" | b"extract" => weight = weight.max(0.74),
            b"show" | b"display" | b"tell" | b"give" | b"share" | b"provide" | b"write" | b"list" | b"copy"
            | b"return" | b"send" | b"translate" | b"summarize" | b"paste" | b"type" | b"say" | b"spell"
            | b"encode" | b"state" => weight = weight.max(0.6),
            b"what" | b"whats" | b"describe" | b"explain" => weight = weight.max(0.45),
            _ => {}
        }
    }
    let scale = if distant { 0.4 } else { 1.0 };
    scale * if owned && weight > 0.0 { either(weight, 0.32) } else { weight * 0.7 }
}
