//! Line totals, discounts and tax.
//!
//! Discounts come off before tax, and tax is rounded per line: that is how it is printed on
//! the receipt, and the total has to be the sum of what is printed.

use std::fmt;

use serde::Serialize;

use crate::cart::Cart;
use crate::catalogue::{Catalogue, TaxClass};
use crate::money::Cents;

/// Lines of at least `quantity` pieces are `bps` basis points cheaper.
#[derive(Clone, Copy, Debug)]
pub struct VolumeTier {
    pub quantity: u32,
    pub bps: u32,
}

/// A discount on the whole order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coupon {
    Percent { bps: u32 },
    Amount(Cents),
}

/// The rules prices are made from.
#[derive(Clone, Debug)]
pub struct PriceRules {
    /// In ascending order of quantity.
    tiers: Vec<VolumeTier>,
    standard_tax_bps: u32,
    reduced_tax_bps: u32,
}

impl Default for PriceRules {
    fn default() -> PriceRules {
        PriceRules::new(
            vec![
                VolumeTier {
                    quantity: 10,
                    bps: 300,
                },
                VolumeTier {
                    quantity: 50,
                    bps: 700,
                },
                VolumeTier {
                    quantity: 200,
                    bps: 1_200,
                },
            ],
            2_000,
            700,
        )
    }
}

/// A priced line; `gross - discount + tax` is what it costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct QuoteLine {
    pub product_id: i64,
    pub title: String,
    pub quantity: u32,
    pub gross: Cents,
    pub discount: Cents,
    pub tax: Cents,
}

impl QuoteLine {
    /// What the customer pays for the line.
    pub fn amount(&self) -> Cents {
        self.gross - self.discount + self.tax
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Quote {
    pub lines: Vec<QuoteLine>,
    pub discount: Cents,
    pub tax: Cents,
    pub total: Cents,
    pub weight_grams: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PricingError {
    UnknownProduct { product_id: i64 },
    AmountTooLarge { product_id: i64 },
}

impl fmt::Display for PricingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PricingError::UnknownProduct { product_id } => {
                write!(f, "there is no product {product_id}")
            }
            PricingError::AmountTooLarge { product_id } => {
                write!(f, "the line of product {product_id} costs too much to bill")
            }
        }
    }
}

impl std::error::Error for PricingError {}

impl PriceRules {
    pub fn new(
        mut tiers: Vec<VolumeTier>,
        standard_tax_bps: u32,
        reduced_tax_bps: u32,
    ) -> PriceRules {
        tiers.sort_unstable_by_key(|tier| tier.quantity);
        PriceRules {
            tiers,
            standard_tax_bps,
            reduced_tax_bps,
        }
    }

    /// The coupon a customer typed, if there is one of that name.
    pub fn coupon(&self, code: &str) -> Option<Coupon> {
        match code {
            "WELCOME10" => Some(Coupon::Percent { bps: 1_000 }),
            "MINUS5" => Some(Coupon::Amount(Cents(500))),
            _ => None,
        }
    }

    pub fn quote(
        &self,
        catalogue: &Catalogue,
        cart: &Cart,
        coupon: Option<Coupon>,
    ) -> Result<Quote, PricingError> {
        let mut weight_grams = 0;
        let mut tax_rates = Vec::with_capacity(cart.lines().len());
        let mut lines = Vec::with_capacity(cart.lines().len());
        for line in cart.lines() {
            let product_id = line.product_id;
            let product = catalogue
                .get(product_id)
                .ok_or(PricingError::UnknownProduct { product_id })?;
            let gross = product
                .price
                .times(line.quantity)
                .ok_or(PricingError::AmountTooLarge { product_id })?;
            weight_grams += u64::from(product.weight_grams) * u64::from(line.quantity);
            tax_rates.push(self.tax_bps(product.tax_class));
            lines.push(QuoteLine {
                product_id,
                title: product.title.clone(),
                quantity: line.quantity,
                gross,
                discount: gross.share(self.volume_bps(line.quantity)),
                tax: Cents::ZERO,
            });
        }

        match coupon {
            Some(Coupon::Percent { bps }) => {
                for line in &mut lines {
                    line.discount += (line.gross - line.discount).share(bps);
                }
            }
            Some(Coupon::Amount(amount)) => {
                let subtotals: Vec<Cents> = lines
                    .iter()
                    .map(|line| line.gross - line.discount)
                    .collect();
                let amount = amount.min(subtotals.iter().copied().sum());
                for (line, part) in lines.iter_mut().zip(amount.spread(&subtotals)) {
                    line.discount += part;
                }
            }
            None => {}
        }

        for (line, bps) in lines.iter_mut().zip(tax_rates) {
            line.tax = (line.gross - line.discount).share(bps);
        }

        Ok(Quote {
            discount: lines.iter().map(|line| line.discount).sum(),
            tax: lines.iter().map(|line| line.tax).sum(),
            total: lines.iter().map(QuoteLine::amount).sum(),
            weight_grams,
            lines,
        })
    }

    fn volume_bps(&self, quantity: u32) -> u32 {
        self.tiers
            .iter()
            .rev()
            .find(|tier| quantity >= tier.quantity)
            .map_or(0, |tier| tier.bps)
    }

    fn tax_bps(&self, class: TaxClass) -> u32 {
        match class {
            TaxClass::Standard => self.standard_tax_bps,
            TaxClass::Reduced => self.reduced_tax_bps,
            TaxClass::Exempt => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cart::CartLine;
    use crate::catalogue::Product;

    fn product(id: i64, price: i64, tax_class: TaxClass) -> Product {
        Product {
            id,
            family: id,
            title: format!("Product {id}"),
            description: String::new(),
            price: Cents(price),
            tax_class,
            weight_grams: 250,
            created_at: 0,
        }
    }

    fn catalogue() -> Catalogue {
        Catalogue::new(vec![
            product(1, 1_000, TaxClass::Standard),
            product(2, 500, TaxClass::Reduced),
            product(3, 333, TaxClass::Exempt),
            product(4, i64::MAX, TaxClass::Exempt),
        ])
    }

    fn quote(lines: &[(i64, u32)], coupon: Option<Coupon>) -> Result<Quote, PricingError> {
        let lines = lines
            .iter()
            .map(|&(product_id, quantity)| CartLine {
                product_id,
                quantity,
            })
            .collect();
        let cart = Cart::new(lines).unwrap();
        PriceRules::default().quote(&catalogue(), &cart, coupon)
    }

    #[test]
    fn taxes_each_line_by_its_class() {
        let quote = quote(&[(1, 2), (2, 1), (3, 1)], None).unwrap();
        let taxes: Vec<Cents> = quote.lines.iter().map(|line| line.tax).collect();
        assert_eq!(taxes, [Cents(400), Cents(35), Cents(0)]);
        assert_eq!(quote.total, Cents(2_400 + 535 + 333));
        assert_eq!(quote.weight_grams, 1_000);
    }

    #[test]
    fn volume_discounts_start_at_their_tier() {
        assert_eq!(quote(&[(3, 9)], None).unwrap().discount, Cents(0));
        assert_eq!(quote(&[(3, 10)], None).unwrap().discount, Cents(100));
        assert_eq!(quote(&[(3, 50)], None).unwrap().discount, Cents(1_166));
    }

    #[test]
    fn percent_coupons_apply_after_the_volume_discount() {
        let coupon = Some(Coupon::Percent { bps: 1_000 });
        let quote = quote(&[(1, 10)], coupon).unwrap();
        assert_eq!(quote.discount, Cents(300 + 970));
        assert_eq!(quote.tax, Cents(1_746));
    }

    #[test]
    fn amount_coupons_are_spread_to_the_cent_and_never_exceed_the_order() {
        let coupon = Some(Coupon::Amount(Cents(500)));
        let spread = quote(&[(1, 1), (2, 1), (3, 1)], coupon).unwrap();
        assert_eq!(spread.discount, Cents(500));

        let free = quote(&[(3, 1)], coupon).unwrap();
        assert_eq!(free.discount, Cents(333));
        assert_eq!(free.total, Cents(0));
    }

    #[test]
    fn refuses_what_it_cannot_price() {
        assert_eq!(
            quote(&[(1, 1), (77, 1)], None),
            Err(PricingError::UnknownProduct { product_id: 77 })
        );
        assert_eq!(
            quote(&[(4, 2)], None),
            Err(PricingError::AmountTooLarge { product_id: 4 })
        );
    }
}
