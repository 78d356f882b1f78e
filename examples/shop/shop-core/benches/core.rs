//! The synchronous half: carts, prices, search, serialisation, stock lists.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use shop_core::cart::Cart;
use shop_core::catalogue::Catalogue;
use shop_core::money::Cents;
use shop_core::pricing::{Coupon, PriceRules};
use shop_core::search::SearchIndex;
use shop_core::{feed, receipt, sample, stock};

const CATALOGUE_SIZE: usize = 2_000;

fn cart(c: &mut Criterion) {
    let json = serde_json::to_string(sample::cart(12, CATALOGUE_SIZE, 1).lines()).unwrap();
    let mut group = c.benchmark_group("cart");
    group.throughput(Throughput::Bytes(json.len() as u64));
    group.bench_function("parse", |b| {
        b.iter(|| serde_json::from_str::<Cart>(black_box(&json)).unwrap());
    });
    group.finish();
}

fn pricing(c: &mut Criterion) {
    let catalogue = Catalogue::new(sample::products(CATALOGUE_SIZE));
    let rules = PriceRules::default();
    let mut group = c.benchmark_group("pricing");
    for lines in [3, 40] {
        let cart = sample::cart(lines, CATALOGUE_SIZE, 2);
        group.throughput(Throughput::Elements(lines as u64));
        group.bench_with_input(BenchmarkId::new("plain", lines), &cart, |b, cart| {
            b.iter(|| rules.quote(&catalogue, black_box(cart), None).unwrap());
        });
    }

    let cart = sample::cart(40, CATALOGUE_SIZE, 3);
    let coupon = Some(Coupon::Amount(Cents(1_000)));
    group.bench_with_input(BenchmarkId::new("coupon", 40), &cart, |b, cart| {
        b.iter(|| rules.quote(&catalogue, black_box(cart), coupon).unwrap());
    });
    group.finish();
}

fn search(c: &mut Criterion) {
    let products = sample::products(CATALOGUE_SIZE);
    let index = SearchIndex::build(&products);
    let mut group = c.benchmark_group("search");
    for (words, query) in [(1, "modern"), (2, "home light"), (3, "sturdy home light")] {
        group.bench_with_input(BenchmarkId::new("words", words), query, |b, query| {
            b.iter(|| index.search(black_box(query), 20));
        });
    }

    let few = &products[..100];
    group.throughput(Throughput::Elements(few.len() as u64));
    group.bench_function("build", |b| {
        b.iter(|| SearchIndex::build(black_box(few)));
    });
    group.finish();
}

fn output(c: &mut Criterion) {
    let products = sample::products(40);
    let home = "https://shop.example";
    let bytes = feed::to_json(home, &products).unwrap().len();
    let mut group = c.benchmark_group("output");
    group.throughput(Throughput::Bytes(bytes as u64));
    group.bench_function("feed", |b| {
        b.iter(|| feed::to_json(home, black_box(&products)).unwrap());
    });

    let rounds = 64;
    group.throughput(Throughput::Elements(u64::from(rounds)));
    group.bench_function("seal", |b| {
        b.iter(|| receipt::seal(black_box(b"order 1, user 7, total 4711"), rounds));
    });
    group.finish();
}

fn warehouse(c: &mut Criterion) {
    let list: String = (0..40)
        .map(|number| format!("{},{};", number * 7_919 % 1_000, number * 31 % 97))
        .collect();
    let mut group = c.benchmark_group("stock");
    group.throughput(Throughput::Bytes(list.len() as u64));
    group.bench_function("pieces", |b| {
        b.iter(|| stock::pieces(black_box(list.as_bytes())).unwrap());
    });
    group.finish();
}

criterion_group!(benches, cart, pricing, search, output, warehouse);
criterion_main!(benches);
