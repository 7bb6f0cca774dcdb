//! What model calls cost. Owns the price book; touches only `api` and `error`.
//!
//! Prices are the providers' list prices in millionths of a US dollar per million tokens, as published in November 2026. A
//! model is found by the longest name its own begins with, so that dated releases share the price of their family. What is
//! not in the book costs 0 and says so.

use crate::{
    api::ModelContext,
    error::{Error, Result},
};

/// Most tokens of one kind in one report.
const MAX_TOKENS: i64 = 1_000_000_000;
const MAX_MODEL: usize = 256;
const MILLION: i128 = 1_000_000;

/// Per million tokens: input, output, read from the cache, written to it, written to the one-hour cache.
struct Price {
    model: &'static str,
    micros: [i64; 5],
}

const fn price(model: &'static str, micros: [i64; 5]) -> Price {
    Price { model, micros }
}

const BOOK: &[Price] = &[
    price("claude-haiku-4", [1_000_000, 5_000_000, 100_000, 1_250_000, 2_000_000]),
    price("claude-opus-4", [5_000_000, 25_000_000, 500_000, 6_250_000, 10_000_000]),
    price("claude-sonnet-4", [3_000_000, 15_000_000, 300_000, 3_750_000, 6_000_000]),
    price("gemini-2.5-flash", [300_000, 2_500_000, 75_000, 300_000, 300_000]),
    price("gemini-2.5-pro", [1_250_000, 10_000_000, 312_500, 1_250_000, 1_250_000]),
    price("gpt-4.1", [2_000_000, 8_000_000, 500_000, 2_000_000, 2_000_000]),
    price("gpt-4.1-mini", [400_000, 1_600_000, 100_000, 400_000, 400_000]),
    price("gpt-4o", [2_500_000, 10_000_000, 1_250_000, 2_500_000, 2_500_000]),
    price("gpt-4o-mini", [150_000, 600_000, 75_000, 150_000, 150_000]),
    price("gpt-5", [1_250_000, 10_000_000, 125_000, 1_250_000, 1_250_000]),
    price("gpt-5-mini", [250_000, 2_000_000, 25_000, 250_000, 250_000]),
    price("o3", [2_000_000, 8_000_000, 500_000, 2_000_000, 2_000_000]),
];

/// What a model call comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cost {
    /// The model, trimmed and in lower case.
    pub model: String,
    /// Millionths of a US dollar, rounded up: what was used is never free.
    pub micros: i64,
    /// Whether the book has a price for it.
    pub priced: bool,
}

/// Whether a guard call says what its model call used, kind by kind, and of which model.
#[must_use]
pub fn reports_usage(model: &ModelContext) -> bool {
    // Tokens of a model that is not named have no price, and are no reason to refuse the call.
    let named = model.model.as_ref().is_some_and(|name| !name.trim().is_empty());
    named && counts(model).iter().any(|count| *count > 0)
}

fn counts(model: &ModelContext) -> [i64; 5] {
    [
        model.input_tokens,
        model.output_tokens,
        model.cache_read_tokens,
        model.cache_write_tokens,
        model.cache_write_1h_tokens,
    ]
    .map(Option::unwrap_or_default)
}

/// Refuses what no model call used.
///
/// # Errors
/// `usage_invalid` for counts below 0 or above 1,000,000,000, and for a name beyond 256 bytes.
pub fn check(model: &ModelContext) -> Result<()> {
    if model.model.as_ref().is_some_and(|name| name.len() > MAX_MODEL) {
        return Err(Error::invalid("usage_invalid", "`model.model` has at most 256 bytes"));
    }
    if counts(model).iter().any(|count| !(0..=MAX_TOKENS).contains(count)) {
        return Err(Error::invalid("usage_invalid", "a count of tokens is 0 to 1,000,000,000"));
    }
    Ok(())
}

/// Prices a model call that is reported.
///
/// # Errors
/// `usage_invalid` without a model, and as [`check`].
pub fn cost(model: &ModelContext) -> Result<Cost> {
    check(model)?;
    let cost = cost_of(model);
    if cost.model.is_empty() {
        return Err(Error::invalid("usage_invalid", "`model.model` names the model"));
    }
    Ok(cost)
}

/// Prices a model call that was [checked](check); one without a name is in no book.
#[must_use]
pub fn cost_of(model: &ModelContext) -> Cost {
    let name = model.model.as_deref().unwrap_or_default().trim().to_lowercase();
    let counts = counts(model);
    // Gateways name the provider before the model.
    let bare = name.rsplit('/').next().unwrap_or_default();
    let found = BOOK.iter().filter(|price| bare.starts_with(price.model)).max_by_key(|price| price.model.len());
    let Some(price) = found else { return Cost { model: name, micros: 0, priced: false } };
    let total: i128 =
        counts.iter().zip(&price.micros).map(|(count, micros)| i128::from(*count) * i128::from(*micros)).sum();
    let micros = i64::try_from((total + MILLION - 1) / MILLION).unwrap_or(i64::MAX);
    Cost { model: name, micros, priced: true }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(model: &str, input: i64, output: i64) -> ModelContext {
        ModelContext {
            model: Some(model.into()),
            input_tokens: Some(input),
            output_tokens: Some(output),
            ..ModelContext::default()
        }
    }

    #[test]
    fn the_longest_name_decides_and_dated_releases_share_it() {
        assert_eq!(cost(&used("gpt-4o", 1_000, 100)).unwrap().micros, 3_500);
        assert_eq!(cost(&used(" OpenAI/GPT-4o-mini-2024-07-18 ", 1_000, 100)).unwrap().micros, 210);
        assert_eq!(cost(&used("claude-sonnet-4-5", 1_200, 340)).unwrap().micros, 8_700);
        assert_eq!(cost(&used("gpt-4o", 1, 0)).unwrap().micros, 3, "rounded up");
    }

    #[test]
    fn what_is_not_in_the_book_says_so_and_nonsense_is_refused() {
        let unknown = cost(&used("llama-at-home", 1_000, 1_000)).unwrap();
        assert_eq!((unknown.micros, unknown.priced), (0, false));
        for bad in [used("", 1, 1), used("gpt-4o", -1, 0), used("gpt-4o", 0, MAX_TOKENS + 1)] {
            assert_eq!(cost(&bad).unwrap_err().code(), "usage_invalid");
        }
        assert!(cost(&used("claude-opus-4", MAX_TOKENS, MAX_TOKENS)).unwrap().micros > 0);
        assert!(!reports_usage(&ModelContext { tokens_used: Some(9), ..ModelContext::default() }));
        assert!(!reports_usage(&ModelContext { model: None, ..used("", 9, 9) }) && reports_usage(&used("x", 0, 9)));
    }
}
