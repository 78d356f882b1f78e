//! Deterministic sample data for the seed of the database, the tests and the benchmarks.

use crate::cart::{Cart, CartLine};
use crate::catalogue::{Product, TaxClass};
use crate::money::Cents;

/// Creation time of the first sample product, 2024-01-01 00:00 UTC.
const EPOCH: i64 = 1_704_067_200;

const MATERIALS: [&str; 16] = [
    "Oak", "Steel", "Linen", "Walnut", "Cotton", "Glass", "Copper", "Wool", "Bamboo", "Leather",
    "Marble", "Pine", "Brass", "Cork", "Ceramic", "Felt",
];
const KINDS: [&str; 32] = [
    "lamp", "table", "chair", "shelf", "rug", "mug", "vase", "desk", "stool", "clock", "mirror",
    "tray", "basket", "blanket", "pillow", "bowl", "kettle", "frame", "bench", "cabinet", "plate",
    "candle", "curtain", "drawer", "ladder", "mat", "pan", "rack", "screen", "sofa", "teapot",
    "tumbler",
];
const VARIANTS: [&str; 8] = [
    "black", "white", "green", "amber", "grey", "red", "blue", "sand",
];
/// Common words come first; [`Rng::skewed`] picks them more often.
const WORDS: [&str; 64] = [
    "home",
    "light",
    "sturdy",
    "modern",
    "simple",
    "handmade",
    "quiet",
    "warm",
    "classic",
    "small",
    "large",
    "soft",
    "bright",
    "durable",
    "compact",
    "garden",
    "kitchen",
    "office",
    "bedroom",
    "hallway",
    "balcony",
    "elegant",
    "rustic",
    "natural",
    "recycled",
    "washable",
    "folding",
    "stackable",
    "painted",
    "polished",
    "woven",
    "carved",
    "curved",
    "round",
    "square",
    "slim",
    "tall",
    "low",
    "heavy",
    "feathery",
    "smooth",
    "rough",
    "matte",
    "glossy",
    "striped",
    "plain",
    "patterned",
    "vintage",
    "nordic",
    "coastal",
    "alpine",
    "urban",
    "portable",
    "adjustable",
    "reversible",
    "scented",
    "insulated",
    "padded",
    "hollow",
    "solid",
    "waxed",
    "oiled",
    "dyed",
    "bleached",
];
const DESCRIPTION_WORDS: usize = 12;

/// SplitMix64: tiny, fast, and the same everywhere.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Rng {
        Rng(seed)
    }

    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`, which must not be zero.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next_u64() % bound
    }

    /// A number below `bound` with small ones more likely, as words of a language are.
    fn skewed(&mut self, bound: u64) -> u64 {
        let one = self.below(bound);
        let other = self.below(bound);
        one * other / bound
    }

    fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(words.len() as u64) as usize]
    }
}

/// The first `count` products of the sample catalogue, with ids from 1.
pub fn products(count: usize) -> Vec<Product> {
    let mut rng = Rng::new(0x5409);
    let mut products = Vec::with_capacity(count + VARIANTS.len());
    let mut family = 0;
    while products.len() < count {
        family += 1;
        push_family(&mut products, family, &mut rng);
    }
    products.truncate(count);
    products
}

/// One to three variants that differ in their titles and prices only.
fn push_family(products: &mut Vec<Product>, family: i64, rng: &mut Rng) {
    let title = format!("{} {}", rng.pick(&MATERIALS), rng.pick(&KINDS));
    let mut description = String::new();
    for place in 0..DESCRIPTION_WORDS {
        if place > 0 {
            description.push(' ');
        }
        description.push_str(WORDS[rng.skewed(WORDS.len() as u64) as usize]);
    }
    let price = 499 + 10 * rng.below(2_000) as i64;
    let weight_grams = 100 + 50 * rng.below(60) as u32;
    let tax_class = match rng.below(10) {
        0 => TaxClass::Exempt,
        1..=3 => TaxClass::Reduced,
        _ => TaxClass::Standard,
    };
    for variant in 0..1 + rng.below(3) {
        let id = products.len() as i64 + 1;
        products.push(Product {
            id,
            family,
            title: format!("{title}, {}", rng.pick(&VARIANTS)),
            description: description.clone(),
            price: Cents(price + 50 * variant as i64),
            tax_class,
            weight_grams,
            created_at: EPOCH + 600 * id,
        });
    }
}

/// A cart of `lines` different products out of `products` with ids from 1.
///
/// # Panics
///
/// Panics if that is not a valid cart, or if there are fewer products than lines.
pub fn cart(lines: usize, products: usize, seed: u64) -> Cart {
    assert!(lines <= products);
    let mut rng = Rng::new(seed);
    let first = rng.below(products as u64);
    // Neighbours are different products whatever the number of lines.
    let lines = (0..lines as u64)
        .map(|line| CartLine {
            product_id: ((first + line) % products as u64) as i64 + 1,
            quantity: 1 + rng.below(12) as u32,
        })
        .collect();
    Cart::new(lines).expect("a valid sample cart")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_deterministic_and_a_prefix_of_a_larger_sample() {
        assert_eq!(products(300)[..100], products(100));
        assert_eq!(cart(5, 100, 1), cart(5, 100, 1));
        assert_ne!(cart(5, 100, 1), cart(5, 100, 2));
    }

    #[test]
    fn numbers_products_from_one() {
        let ids: Vec<i64> = products(20).iter().map(|product| product.id).collect();
        assert_eq!(ids, (1..=20).collect::<Vec<i64>>());
    }
}
