//! Pages of lists: what every operation gives that gives several.

use std::ops::Deref;

use serde::{Deserialize, Serialize};

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[schemars(rename = "Page_of_{T}")]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Where the next page goes on; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl<T> From<Vec<T>> for Page<T> {
    /// The only page.
    fn from(items: Vec<T>) -> Self {
        Self { items, next: None }
    }
}

impl<T> Deref for Page<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.items
    }
}

impl<T> IntoIterator for Page<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.into_iter()
    }
}

impl<T: PartialEq, const N: usize> PartialEq<[T; N]> for Page<T> {
    fn eq(&self, other: &[T; N]) -> bool {
        self.items == other
    }
}

impl<'a, T> IntoIterator for &'a Page<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.iter()
    }
}
