//! Sales figures, kept up to date in the background.
//!
//! Checkouts hand their sales to one worker through a bounded channel: no lock is shared
//! between requests, and a worker that falls behind cannot make memory grow.

use std::collections::HashMap;

use tokio::sync::mpsc;

use crate::money::Cents;

/// How many sales the worker takes from the channel at once.
const BATCH: usize = 64;

#[derive(Clone, Copy, Debug)]
pub struct Sale {
    pub product_id: i64,
    pub quantity: u32,
    pub amount: Cents,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProductSales {
    pub pieces: u64,
    pub revenue: Cents,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SalesFigures {
    pub by_product: HashMap<i64, ProductSales>,
    pub revenue: Cents,
}

impl SalesFigures {
    fn add(&mut self, sale: Sale) {
        let product = self.by_product.entry(sale.product_id).or_default();
        product.pieces += u64::from(sale.quantity);
        product.revenue += sale.amount;
        self.revenue += sale.amount;
    }
}

/// The end of the channel that checkouts hold.
#[derive(Clone, Debug)]
pub struct SalesRecorder {
    sender: mpsc::Sender<Sale>,
}

/// The end of the channel that the worker holds.
#[derive(Debug)]
pub struct SalesWorker {
    receiver: mpsc::Receiver<Sale>,
}

/// A recorder and its worker, with room for `capacity` sales in between.
pub fn channel(capacity: usize) -> (SalesRecorder, SalesWorker) {
    let (sender, receiver) = mpsc::channel(capacity);
    (SalesRecorder { sender }, SalesWorker { receiver })
}

impl SalesRecorder {
    /// Waits for room; returns whether there still is a worker.
    pub async fn record(&self, sale: Sale) -> bool {
        self.sender.send(sale).await.is_ok()
    }

    /// Never waits; returns whether there was room and a worker.
    pub fn try_record(&self, sale: Sale) -> bool {
        self.sender.try_send(sale).is_ok()
    }
}

impl SalesWorker {
    /// Adds up sales until every recorder is gone.
    pub async fn run(mut self) -> SalesFigures {
        let mut figures = SalesFigures::default();
        let mut batch = Vec::with_capacity(BATCH);
        while self.receiver.recv_many(&mut batch, BATCH).await > 0 {
            for sale in batch.drain(..) {
                figures.add(sale);
            }
        }
        figures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sale(product_id: i64, quantity: u32, amount: i64) -> Sale {
        Sale {
            product_id,
            quantity,
            amount: Cents(amount),
        }
    }

    #[tokio::test]
    async fn adds_up_what_all_recorders_sent() {
        let (recorder, worker) = channel(2);
        let worker = tokio::spawn(worker.run());
        let senders: Vec<_> = (0..4)
            .map(|product_id| {
                let recorder = recorder.clone();
                tokio::spawn(async move {
                    for _ in 0..100 {
                        assert!(recorder.record(sale(product_id % 2, 3, 250)).await);
                    }
                })
            })
            .collect();
        drop(recorder);
        for sender in senders {
            sender.await.unwrap();
        }

        let figures = worker.await.unwrap();
        assert_eq!(figures.revenue, Cents(100_000));
        let expected = ProductSales {
            pieces: 600,
            revenue: Cents(50_000),
        };
        assert_eq!(
            figures.by_product,
            HashMap::from([(0, expected), (1, expected)])
        );
    }

    #[tokio::test]
    async fn a_full_channel_is_reported() {
        let (recorder, worker) = channel(1);
        assert!(recorder.try_record(sale(1, 1, 100)));
        assert!(!recorder.try_record(sale(1, 1, 100)));
        drop(worker);
        assert!(!recorder.record(sale(1, 1, 100)).await);
    }
}
