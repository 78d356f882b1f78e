//! What a customer wants to buy.

use std::collections::HashMap;
use std::fmt;

use serde::{Deserialize, Serialize};

pub const MAX_LINES: usize = 100;
pub const MAX_QUANTITY: u32 = 1_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CartLine {
    pub product_id: i64,
    pub quantity: u32,
}

/// A cart that is known to be valid: not empty, one line per product, quantities in range.
///
/// Deserialisation goes through [`Cart::new`], so there is no way around the checks.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<CartLine>")]
pub struct Cart {
    lines: Vec<CartLine>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CartError {
    Empty,
    TooManyLines,
    QuantityOutOfRange { product_id: i64 },
}

impl fmt::Display for CartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CartError::Empty => write!(
                f,
                "the cart is empty: put at least one product and at most {MAX_LINES} into it"
            ),
            CartError::TooManyLines => {
                write!(
                    f,
                    "the cart has more than {MAX_LINES} lines: split it into several orders of at most {MAX_LINES} each"
                )
            }
            CartError::QuantityOutOfRange { product_id } => write!(
                f,
                "the quantity of product {product_id} is not between 1 and {MAX_QUANTITY}: ask for product {product_id} by phone"
            ),
        }
    }
}

impl std::error::Error for CartError {}

impl Cart {
    /// Merges lines of the same product, keeping the order of first mention.
    pub fn new(lines: Vec<CartLine>) -> Result<Cart, CartError> {
        if lines.is_empty() {
            return Err(CartError::Empty);
        }

        let mut merged: Vec<CartLine> = Vec::with_capacity(lines.len().min(MAX_LINES));
        let mut positions = HashMap::with_capacity(lines.len().min(MAX_LINES));
        for line in lines {
            let position = *positions.entry(line.product_id).or_insert(merged.len());
            let earlier = merged.get(position).map_or(0, |earlier| earlier.quantity);
            let quantity = earlier.saturating_add(line.quantity);
            // A line of zero is an error even where it would be merged into a valid one.
            if line.quantity == 0 || quantity > MAX_QUANTITY {
                return Err(CartError::QuantityOutOfRange {
                    product_id: line.product_id,
                });
            }
            if position < merged.len() {
                merged[position].quantity = quantity;
            } else if merged.len() < MAX_LINES {
                merged.push(line);
            } else {
                return Err(CartError::TooManyLines);
            }
        }
        Ok(Cart { lines: merged })
    }

    pub fn lines(&self) -> &[CartLine] {
        &self.lines
    }
}

impl TryFrom<Vec<CartLine>> for Cart {
    type Error = CartError;

    fn try_from(lines: Vec<CartLine>) -> Result<Cart, CartError> {
        Cart::new(lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(product_id: i64, quantity: u32) -> CartLine {
        CartLine {
            product_id,
            quantity,
        }
    }

    #[test]
    fn merges_lines_of_the_same_product() {
        let cart = Cart::new(vec![line(3, 1), line(1, 2), line(3, 4)]).unwrap();
        assert_eq!(cart.lines(), [line(3, 5), line(1, 2)]);
    }

    #[test]
    fn refuses_invalid_carts() {
        assert_eq!(Cart::new(vec![]), Err(CartError::Empty));
        for quantity in [0, MAX_QUANTITY + 1] {
            assert_eq!(
                Cart::new(vec![line(1, 1), line(9, quantity)]),
                Err(CartError::QuantityOutOfRange { product_id: 9 })
            );
        }
        assert_eq!(
            Cart::new(vec![line(1, MAX_QUANTITY), line(1, 1)]),
            Err(CartError::QuantityOutOfRange { product_id: 1 })
        );

        let full: Vec<CartLine> = (0..MAX_LINES as i64).map(|id| line(id, 1)).collect();
        assert!(Cart::new(full.clone()).is_ok());
        let too_many = full.into_iter().chain([line(-1, 1)]).collect();
        assert_eq!(Cart::new(too_many), Err(CartError::TooManyLines));
    }

    #[test]
    fn deserialisation_checks_too() {
        let cart: Cart = serde_json::from_str(r#"[{"product_id": 4, "quantity": 2}]"#).unwrap();
        assert_eq!(cart.lines(), [line(4, 2)]);

        let error = serde_json::from_str::<Cart>("[]").unwrap_err();
        assert!(error.to_string().contains("the cart is empty"));
    }
}
