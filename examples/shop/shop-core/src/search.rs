//! Full-text search over the catalogue: an inverted index held in memory.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

use crate::catalogue::Product;

/// A word in the title says more about a product than one in the description.
const TITLE_WEIGHT: u16 = 4;
const DESCRIPTION_WEIGHT: u16 = 1;

/// One document of a word's list.
#[derive(Clone, Copy, Debug)]
struct Posting {
    /// Position of the product in the index.
    document: u32,
    /// Weighted number of occurrences.
    weight: u16,
}

#[derive(Clone, Copy, Debug)]
struct Document {
    product_id: i64,
    family: i64,
    words: u32,
}

/// Maps words to the products that contain them.
#[derive(Debug, Default)]
pub struct SearchIndex {
    documents: Vec<Document>,
    /// Lists are in ascending order of document, which is what makes merging them linear.
    postings: HashMap<String, Vec<Posting>>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    pub product_id: i64,
    pub family: i64,
    pub score: f32,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct SearchResults {
    /// Families that match, including those beyond the limit.
    pub total: usize,
    /// The best variant of each of the best families, best first.
    pub hits: Vec<Hit>,
}

impl SearchIndex {
    pub fn build(products: &[Product]) -> SearchIndex {
        let mut index = SearchIndex::default();
        for product in products {
            index.insert(product);
        }
        index
    }

    fn insert(&mut self, product: &Product) {
        let document = u32::try_from(self.documents.len()).expect("fewer than 2^32 products");
        let mut words = 0;
        let fields = [
            (&product.title, TITLE_WEIGHT),
            (&product.description, DESCRIPTION_WEIGHT),
        ];
        for (text, weight) in fields {
            for word in tokens(text) {
                words += 1;
                let list = self.postings.entry(word).or_default();
                match list.last_mut() {
                    Some(last) if last.document == document => {
                        last.weight = last.weight.saturating_add(weight);
                    }
                    _ => list.push(Posting { document, weight }),
                }
            }
        }
        self.documents.push(Document {
            product_id: product.id,
            family: product.family,
            words,
        });
    }

    /// Finds the products that contain every word of `query`, best first.
    ///
    /// Of several matching variants of one family only the best is reported.
    pub fn search(&self, query: &str, limit: usize) -> SearchResults {
        let mut lists = Vec::new();
        let mut seen = HashSet::new();
        for word in tokens(query) {
            let Some(list) = self.postings.get(&word) else {
                return SearchResults::default();
            };
            if seen.insert(word) {
                lists.push(list.as_slice());
            }
        }
        // The rarest word first keeps the candidates few.
        lists.sort_by_key(|list| list.len());

        let Some((rarest, others)) = lists.split_first() else {
            return SearchResults::default();
        };
        let rarity = self.rarity(rarest);
        let mut candidates: Vec<(u32, f32)> = rarest
            .iter()
            .map(|posting| (posting.document, f32::from(posting.weight) * rarity))
            .collect();
        for list in others {
            intersect(&mut candidates, list, self.rarity(list));
        }

        collapse_variants(self.rank(&candidates), limit)
    }

    /// Inverse document frequency: what a word that few products contain is worth.
    fn rarity(&self, list: &[Posting]) -> f32 {
        (1.0 + self.documents.len() as f32 / list.len() as f32).ln()
    }

    fn rank(&self, candidates: &[(u32, f32)]) -> Vec<Hit> {
        let mut hits: Vec<Hit> = candidates
            .iter()
            .map(|&(document, score)| {
                let document = self.documents[document as usize];
                Hit {
                    product_id: document.product_id,
                    family: document.family,
                    // Short texts that contain the words are about them.
                    score: score / (document.words as f32).sqrt(),
                }
            })
            .collect();
        hits.sort_unstable_by(by_rank);
        hits
    }
}

/// Higher scores first; ids decide ties, so that the order is always the same.
fn by_rank(a: &Hit, b: &Hit) -> Ordering {
    b.score
        .total_cmp(&a.score)
        .then(a.product_id.cmp(&b.product_id))
}

/// Keeps the candidates that are in `list` too and adds to their scores.
fn intersect(candidates: &mut Vec<(u32, f32)>, list: &[Posting], rarity: f32) {
    let mut rest = list;
    candidates.retain_mut(|(document, score)| {
        let skipped = rest
            .iter()
            .take_while(|posting| posting.document < *document)
            .count();
        rest = &rest[skipped..];
        match rest.first() {
            Some(posting) if posting.document == *document => {
                *score += f32::from(posting.weight) * rarity;
                true
            }
            _ => false,
        }
    });
}

/// Keeps the first, hence best, hit of each family.
fn collapse_variants(ranked: Vec<Hit>, limit: usize) -> SearchResults {
    let mut families = HashSet::with_capacity(ranked.len());
    let mut hits = Vec::with_capacity(limit.min(ranked.len()));
    for hit in ranked {
        if families.insert(hit.family) && hits.len() < limit {
            hits.push(hit);
        }
    }
    SearchResults {
        total: families.len(),
        hits,
    }
}

/// Lower-case words of at least two characters.
fn tokens(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| word.chars().nth(1).is_some())
        .map(str::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::TaxClass;
    use crate::money::Cents;
    use crate::sample;

    fn product(id: i64, family: i64, title: &str, description: &str) -> Product {
        Product {
            id,
            family,
            title: title.to_owned(),
            description: description.to_owned(),
            price: Cents(100),
            tax_class: TaxClass::Standard,
            weight_grams: 1,
            created_at: 0,
        }
    }

    fn index() -> SearchIndex {
        SearchIndex::build(&[
            product(1, 1, "Oak table", "a table for a small kitchen"),
            product(2, 2, "Oak chair", "goes with the table"),
            product(3, 3, "Steel lamp", "bright light for the kitchen"),
            product(4, 2, "Oak chair, dark", "goes with the table"),
        ])
    }

    fn ids(query: &str) -> Vec<i64> {
        let results = index().search(query, 10);
        results.hits.iter().map(|hit| hit.product_id).collect()
    }

    #[test]
    fn every_word_has_to_match() {
        assert_eq!(ids("kitchen lamp"), [3]);
        assert_eq!(ids("kitchen chair"), [0; 0]);
        assert_eq!(ids("lamp unheard-of"), [0; 0]);
        assert_eq!(ids(""), [0; 0]);
        assert_eq!(ids("- !"), [0; 0]);
    }

    #[test]
    fn words_are_compared_without_case_and_counted_once() {
        assert_eq!(ids("LAMP, Kitchen"), [3]);
        assert_eq!(index().search("oak oak", 10), index().search("oak", 10));
    }

    #[test]
    fn titles_count_more_than_descriptions() {
        assert_eq!(ids("table"), [1, 2]);
    }

    #[test]
    fn only_the_best_variant_of_a_family_is_reported() {
        let results = index().search("oak chair", 10);
        assert_eq!(results.total, 1);
        assert_eq!(results.hits[0].product_id, 2);
    }

    #[test]
    fn the_limit_cuts_the_hits_but_not_the_total() {
        let results = index().search("oak", 1);
        assert_eq!(results.total, 2);
        assert_eq!(results.hits.len(), 1);
    }

    /// Compares the index with a search that reads every product.
    #[test]
    fn finds_what_a_scan_finds() {
        let products = sample::products(400);
        let index = SearchIndex::build(&products);
        for query in ["oak", "oak light", "sturdy light", "sturdy home quiet"] {
            let words: Vec<&str> = query.split(' ').collect();
            let expected: HashSet<i64> = products
                .iter()
                .filter(|product| {
                    let text: Vec<String> = tokens(&product.title)
                        .chain(tokens(&product.description))
                        .collect();
                    words.iter().all(|word| text.iter().any(|t| t == word))
                })
                .map(|product| product.family)
                .collect();
            let results = index.search(query, usize::MAX);
            let found: HashSet<i64> = results.hits.iter().map(|hit| hit.family).collect();
            assert!(!expected.is_empty(), "{query}");
            assert_eq!(found, expected, "{query}");
            assert_eq!(results.total, expected.len(), "{query}");
            assert!(results.hits.is_sorted_by(|a, b| by_rank(a, b).is_lt()));
        }
    }
}
