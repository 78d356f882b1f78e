//! Receipts, and the short code printed on them.

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::money::Cents;
use crate::pricing::{Quote, QuoteLine};
use crate::shipping::ShippingQuote;

/// Crockford's base 32: no letters that look like digits, codes get typed by hand.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const CODE_LENGTH: usize = 8;

/// What a customer gets after an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Receipt {
    pub order_id: i64,
    pub user_id: i64,
    pub lines: Vec<QuoteLine>,
    pub discount: Cents,
    pub tax: Cents,
    pub shipping: ShippingQuote,
    pub total: Cents,
    pub code: String,
}

impl Receipt {
    /// Makes the receipt of an order and seals it, which is expensive by design.
    pub fn issue(
        order_id: i64,
        user_id: i64,
        quote: Quote,
        shipping: ShippingQuote,
        rounds: u32,
    ) -> Receipt {
        let mut receipt = Receipt {
            order_id,
            user_id,
            total: quote.total + shipping.price,
            lines: quote.lines,
            discount: quote.discount,
            tax: quote.tax,
            shipping,
            code: String::new(),
        };
        receipt.code = seal(&receipt.canonical(), rounds);
        receipt
    }

    pub fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(self)
    }

    /// The facts that the code vouches for, in a form that never changes.
    fn canonical(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(32 + 24 * self.lines.len());
        let mut put = |number: i64| bytes.extend_from_slice(&number.to_be_bytes());
        put(self.order_id);
        put(self.user_id);
        for line in &self.lines {
            put(line.product_id);
            put(i64::from(line.quantity));
            put(line.amount().0);
        }
        put(self.shipping.price.0);
        put(self.total.0);
        bytes
    }
}

/// A code of eight characters for `bytes`.
///
/// Forty bits are short enough to type, and too few to be safe behind one fast hash.
/// Repeating the hash makes each guess cost what a whole receipt costs.
pub fn seal(bytes: &[u8], rounds: u32) -> String {
    let mut digest = Sha256::digest(bytes);
    for _ in 0..rounds {
        digest = Sha256::digest(digest);
    }
    let mut bits = digest[..CODE_LENGTH * 5 / 8]
        .iter()
        .fold(0_u64, |bits, &byte| bits << 8 | u64::from(byte));
    let mut code = [0; CODE_LENGTH];
    for place in code.iter_mut().rev() {
        *place = ALPHABET[(bits & 31) as usize];
        bits >>= 5;
    }
    code.iter().copied().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Catalogue;
    use crate::pricing::PriceRules;
    use crate::sample;

    fn receipt(order_id: i64) -> Receipt {
        let catalogue = Catalogue::new(sample::products(20));
        let quote = PriceRules::default()
            .quote(&catalogue, &sample::cart(4, 20, 1), None)
            .unwrap();
        let shipping = ShippingQuote {
            carrier: "Snail",
            price: Cents(490),
        };
        Receipt::issue(order_id, 7, quote, shipping, 10)
    }

    #[test]
    fn totals_include_shipping() {
        let receipt = receipt(1);
        let lines: Cents = receipt.lines.iter().map(QuoteLine::amount).sum();
        assert_eq!(receipt.total, lines + Cents(490));
    }

    #[test]
    fn codes_depend_on_the_order_and_the_rounds() {
        assert_eq!(receipt(1).code, receipt(1).code);
        assert_ne!(receipt(1).code, receipt(2).code);
        assert_ne!(seal(b"order", 1), seal(b"order", 2));
    }

    #[test]
    fn a_code_is_the_start_of_the_digest_in_base_32() {
        // SHA-256 of nothing starts with e3b0c44298.
        assert_eq!(seal(b"", 0), "WERC8GMR");
    }

    #[test]
    fn serialises_amounts_as_cents() {
        let receipt = receipt(3);
        let json: serde_json::Value = serde_json::from_slice(&receipt.to_json().unwrap()).unwrap();
        assert_eq!(json["total"], receipt.total.0);
        assert_eq!(json["shipping"]["carrier"], "Snail");
        assert_eq!(json["lines"].as_array().unwrap().len(), 4);
    }
}
