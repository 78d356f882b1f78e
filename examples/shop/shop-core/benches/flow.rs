//! The asynchronous half: carrier inquiries and the sales worker.
//!
//! Both run on a current-thread runtime, where little but our own code is measured, and on a
//! multi-thread runtime, which adds the cost of waking other threads.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use shop_core::money::Cents;
use shop_core::sales::{self, Sale, SalesFigures};
use shop_core::shipping::{self, Parcel};
use tokio::runtime::{Builder, Runtime};

fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_time().build().unwrap()
}

fn multi_thread() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .unwrap()
}

fn shipping(c: &mut Criterion) {
    let carriers = shipping::contract_carriers();
    let parcel = Parcel {
        weight_grams: 2_300,
    };
    let patience = Duration::from_secs(1);
    let mut group = c.benchmark_group("shipping");
    group.throughput(Throughput::Elements(carriers.len() as u64));
    for (name, runtime) in [
        ("current_thread", current_thread()),
        ("multi_thread", multi_thread()),
    ] {
        group.bench_function(BenchmarkId::new("cheapest", name), |b| {
            b.to_async(&runtime).iter(|| async {
                shipping::cheapest(&carriers, black_box(parcel), patience)
                    .await
                    .unwrap()
            });
        });
    }
    group.finish();
}

/// Sends `count` sales through a channel with room for `capacity`.
async fn record(count: i64, capacity: usize) -> SalesFigures {
    let (recorder, worker) = sales::channel(capacity);
    let worker = tokio::spawn(worker.run());
    for number in 0..count {
        let sale = Sale {
            product_id: number % 20,
            quantity: 2,
            amount: Cents(995),
        };
        recorder.record(sale).await;
    }
    drop(recorder);
    worker.await.unwrap()
}

fn sales(c: &mut Criterion) {
    let count = 256;
    let mut group = c.benchmark_group("sales");
    group.throughput(Throughput::Elements(count as u64));
    let runtime = current_thread();
    for capacity in [8, 128] {
        group.bench_with_input(
            BenchmarkId::new("current_thread", capacity),
            &capacity,
            |b, &capacity| b.to_async(&runtime).iter(|| record(count, capacity)),
        );
    }
    let runtime = multi_thread();
    group.bench_with_input(
        BenchmarkId::new("multi_thread", 128),
        &128,
        |b, &capacity| b.to_async(&runtime).iter(|| record(count, capacity)),
    );
    group.finish();
}

criterion_group!(benches, shipping, sales);
criterion_main!(benches);
