//! The products on offer, kept in memory.

use std::collections::HashMap;

use crate::money::Cents;

/// Which tax rate applies to a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaxClass {
    Standard,
    Reduced,
    Exempt,
}

impl TaxClass {
    /// The name used in storage.
    pub fn as_str(self) -> &'static str {
        match self {
            TaxClass::Standard => "standard",
            TaxClass::Reduced => "reduced",
            TaxClass::Exempt => "exempt",
        }
    }

    pub fn from_name(name: &str) -> Option<TaxClass> {
        match name {
            "standard" => Some(TaxClass::Standard),
            "reduced" => Some(TaxClass::Reduced),
            "exempt" => Some(TaxClass::Exempt),
            _ => None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    pub id: i64,
    /// Variants of one design (sizes, colours) share a family.
    pub family: i64,
    pub title: String,
    pub description: String,
    pub price: Cents,
    pub tax_class: TaxClass,
    pub weight_grams: u32,
    /// Seconds since the Unix epoch.
    pub created_at: i64,
}

/// All products, by id.
#[derive(Debug, Default)]
pub struct Catalogue {
    products: Vec<Product>,
    positions: HashMap<i64, usize>,
}

impl Catalogue {
    /// When an id occurs twice, the later product wins.
    pub fn new(products: Vec<Product>) -> Catalogue {
        let positions = products
            .iter()
            .enumerate()
            .map(|(position, product)| (product.id, position))
            .collect();
        Catalogue {
            products,
            positions,
        }
    }

    pub fn get(&self, id: i64) -> Option<&Product> {
        self.positions
            .get(&id)
            .map(|&position| &self.products[position])
    }

    pub fn products(&self) -> &[Product] {
        &self.products
    }

    pub fn len(&self) -> usize {
        self.products.len()
    }

    pub fn is_empty(&self) -> bool {
        self.products.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn finds_products_by_id() {
        let catalogue = Catalogue::new(sample::products(50));
        assert_eq!(catalogue.len(), 50);
        assert_eq!(catalogue.get(7).map(|product| product.id), Some(7));
        assert!(catalogue.get(51).is_none());
    }

    #[test]
    fn tax_classes_survive_storage() {
        for class in [TaxClass::Standard, TaxClass::Reduced, TaxClass::Exempt] {
            assert_eq!(TaxClass::from_name(class.as_str()), Some(class));
        }
        assert_eq!(TaxClass::from_name("luxury"), None);
    }
}
