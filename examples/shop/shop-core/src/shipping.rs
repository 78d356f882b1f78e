//! Asks all carriers for a price at once and takes the cheapest.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::task::JoinSet;
use tokio::time;

use crate::money::Cents;

#[derive(Clone, Copy, Debug)]
pub struct Parcel {
    pub weight_grams: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ShippingQuote {
    pub carrier: &'static str,
    pub price: Cents,
}

/// No carrier took the parcel in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoCarrier;

impl fmt::Display for NoCarrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no carrier takes the parcel")
    }
}

impl std::error::Error for NoCarrier {}

pub trait Carrier: Send + Sync + 'static {
    /// The price for a parcel, or `None` when the carrier does not take it.
    fn quote(&self, parcel: Parcel) -> impl Future<Output = Option<ShippingQuote>> + Send;
}

/// A carrier whose tariff is known, so that nobody has to be asked.
#[derive(Clone, Debug)]
pub struct TariffCarrier {
    pub name: &'static str,
    pub base: Cents,
    pub per_kilogram: Cents,
    pub max_grams: u64,
}

impl Carrier for TariffCarrier {
    async fn quote(&self, parcel: Parcel) -> Option<ShippingQuote> {
        if parcel.weight_grams > self.max_grams {
            return None;
        }
        let kilograms = u32::try_from(parcel.weight_grams.div_ceil(1_000)).ok()?;
        Some(ShippingQuote {
            carrier: self.name,
            price: self.base + self.per_kilogram.times(kilograms)?,
        })
    }
}

/// The carriers the shop has a contract with.
pub fn contract_carriers() -> Vec<Arc<TariffCarrier>> {
    [
        ("Snail", 390, 60, 5_000),
        ("Parcel & Son", 490, 45, 31_500),
        ("Night Express", 990, 80, 70_000),
        ("Pallet Line", 4_900, 12, u64::MAX),
    ]
    .into_iter()
    .map(|(name, base, per_kilogram, max_grams)| {
        Arc::new(TariffCarrier {
            name,
            base: Cents(base),
            per_kilogram: Cents(per_kilogram),
            max_grams,
        })
    })
    .collect()
}

/// Asks every carrier in a task of its own and returns the lowest price.
///
/// A carrier that fails, refuses or exceeds `patience` does not spoil the others' quotes.
pub async fn cheapest<C: Carrier>(
    carriers: &[Arc<C>],
    parcel: Parcel,
    patience: Duration,
) -> Result<ShippingQuote, NoCarrier> {
    let mut inquiries = JoinSet::new();
    for carrier in carriers {
        let carrier = Arc::clone(carrier);
        inquiries.spawn(async move {
            time::timeout(patience, carrier.quote(parcel))
                .await
                .ok()
                .flatten()
        });
    }

    let mut best: Option<ShippingQuote> = None;
    while let Some(inquiry) = inquiries.join_next().await {
        let Ok(Some(quote)) = inquiry else { continue };
        // Tasks finish in any order; the name keeps the answer the same when prices tie.
        let better = best
            .as_ref()
            .is_none_or(|best| (quote.price, quote.carrier) < (best.price, best.carrier));
        if better {
            best = Some(quote);
        }
    }
    best.ok_or(NoCarrier)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(5);

    /// A carrier that needs a while.
    struct SlowCarrier {
        delay: Duration,
        price: Cents,
    }

    impl Carrier for SlowCarrier {
        async fn quote(&self, _: Parcel) -> Option<ShippingQuote> {
            time::sleep(self.delay).await;
            Some(ShippingQuote {
                carrier: "Slow",
                price: self.price,
            })
        }
    }

    async fn contract(weight_grams: u64) -> ShippingQuote {
        cheapest(&contract_carriers(), Parcel { weight_grams }, PATIENCE)
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn the_cheapest_carrier_that_takes_the_parcel_wins() {
        assert_eq!(contract(800).await.carrier, "Snail");
        assert_eq!(contract(8_000).await.carrier, "Parcel & Son");
        assert_eq!(contract(90_000).await.carrier, "Pallet Line");
    }

    #[tokio::test]
    async fn started_kilograms_count() {
        assert_eq!(contract(1_000).await.price, Cents(450));
        assert_eq!(contract(1_001).await.price, Cents(510));
    }

    #[tokio::test]
    async fn late_quotes_are_ignored() {
        let carriers = [
            Arc::new(SlowCarrier {
                delay: Duration::from_secs(60),
                price: Cents(1),
            }),
            Arc::new(SlowCarrier {
                delay: Duration::ZERO,
                price: Cents(2),
            }),
        ];
        let parcel = Parcel { weight_grams: 1 };
        let patience = Duration::from_millis(200);
        let quote = cheapest(&carriers, parcel, patience).await.unwrap();
        assert_eq!(quote.price, Cents(2));
        let late = cheapest(&carriers[..1], parcel, patience).await;
        assert_eq!(late, Err(NoCarrier));
    }
}
