//! Money as a whole number of cents.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub};

use serde::{Deserialize, Serialize};

/// Basis points in a whole: 10 000 bps are 100 %.
const BPS_PER_WHOLE: i128 = 10_000;

/// An amount in cents.
///
/// Carts are bounded in lines and quantities, so sums of amounts stay far from `i64::MAX`;
/// only products of two factors go through `i128`.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Cents(pub i64);

impl Cents {
    pub const ZERO: Cents = Cents(0);

    /// The amount `quantity` times, or `None` when it does not fit.
    pub fn times(self, quantity: u32) -> Option<Cents> {
        self.0.checked_mul(i64::from(quantity)).map(Cents)
    }

    /// The share of `bps` basis points, half a cent rounded away from zero.
    pub fn share(self, bps: u32) -> Cents {
        let scaled = i128::from(self.0) * i128::from(bps);
        let half = if scaled < 0 {
            -BPS_PER_WHOLE / 2
        } else {
            BPS_PER_WHOLE / 2
        };
        Cents(((scaled + half) / BPS_PER_WHOLE) as i64)
    }

    /// Splits the amount in proportion to `weights` without losing a cent.
    ///
    /// Every part is rounded down first; the cents left over go to the parts that lost the
    /// largest fractions (largest remainder method), earlier parts first on a tie.
    /// Weights must not be negative; if all of them are zero the result is all zero.
    pub fn spread(self, weights: &[Cents]) -> Vec<Cents> {
        let total: i128 = weights.iter().map(|weight| i128::from(weight.0)).sum();
        if total == 0 {
            return vec![Cents::ZERO; weights.len()];
        }

        let mut parts = Vec::with_capacity(weights.len());
        let mut remainders = Vec::with_capacity(weights.len());
        for (position, weight) in weights.iter().enumerate() {
            let scaled = i128::from(self.0) * i128::from(weight.0);
            parts.push(Cents(scaled.div_euclid(total) as i64));
            remainders.push((scaled.rem_euclid(total), position));
        }

        let handed_out: Cents = parts.iter().copied().sum();
        let left = (self - handed_out).0 as usize;
        remainders.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        for &(_, position) in remainders.iter().take(left) {
            parts[position] += Cents(1);
        }
        parts
    }
}

impl Add for Cents {
    type Output = Cents;

    fn add(self, other: Cents) -> Cents {
        Cents(self.0 + other.0)
    }
}

impl AddAssign for Cents {
    fn add_assign(&mut self, other: Cents) {
        self.0 += other.0;
    }
}

impl Sub for Cents {
    type Output = Cents;

    fn sub(self, other: Cents) -> Cents {
        Cents(self.0 - other.0)
    }
}

impl Sum for Cents {
    fn sum<I: Iterator<Item = Cents>>(amounts: I) -> Cents {
        amounts.fold(Cents::ZERO, Add::add)
    }
}

/// Writes `12.34`, without a currency sign.
impl fmt::Display for Cents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let cents = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:02}", cents / 100, cents % 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn share_rounds_half_away_from_zero() {
        assert_eq!(Cents(150).share(100), Cents(2));
        assert_eq!(Cents(149).share(100), Cents(1));
        assert_eq!(Cents(-150).share(100), Cents(-2));
        assert_eq!(Cents(12_345).share(10_000), Cents(12_345));
    }

    #[test]
    fn times_reports_overflow() {
        assert_eq!(Cents(250).times(4), Some(Cents(1_000)));
        assert_eq!(Cents(i64::MAX).times(2), None);
    }

    #[test]
    fn spread_loses_no_cent() {
        let weights = [Cents(333), Cents(333), Cents(334)];
        assert_eq!(
            Cents(100).spread(&weights),
            [Cents(33), Cents(33), Cents(34)]
        );

        let weights: Vec<Cents> = (1..=37).map(|n| Cents(n * 17)).collect();
        let parts = Cents(1_001).spread(&weights);
        assert_eq!(parts.into_iter().sum::<Cents>(), Cents(1_001));
    }

    #[test]
    fn spread_prefers_the_largest_remainder_then_the_earlier_part() {
        assert_eq!(Cents(1).spread(&[Cents(1), Cents(2)]), [Cents(0), Cents(1)]);
        assert_eq!(Cents(1).spread(&[Cents(5), Cents(5)]), [Cents(1), Cents(0)]);
        assert_eq!(Cents(9).spread(&[Cents(0), Cents(0)]), [Cents(0), Cents(0)]);
    }

    #[test]
    fn displays_as_a_decimal() {
        assert_eq!(Cents(1_234).to_string(), "12.34");
        assert_eq!(Cents(-5).to_string(), "-0.05");
    }
}
