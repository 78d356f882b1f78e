//! Requests through the whole service, against a database in memory.
//!
//! With `TEST_DATABASE_URL` set the same tests run against that database; its tables are
//! dropped, and the tests take turns.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use serde_json::{Value, json};
use shop_core::sales::{self, SalesWorker};
use tokio::sync::{Mutex, MutexGuard};
use tower::ServiceExt;

use crate::api::{self, Shop};
use crate::prepare::{self, Size};
use crate::store::Store;

const SIZE: Size = Size {
    products: 300,
    users: 5,
};

static TURN: Mutex<()> = Mutex::const_new(());

struct TestShop {
    router: Router,
    worker: SalesWorker,
    store: Store,
    _turn: Option<MutexGuard<'static, ()>>,
}

impl TestShop {
    async fn open() -> TestShop {
        let (url, turn) = match std::env::var("TEST_DATABASE_URL") {
            Ok(url) => (url, Some(TURN.lock().await)),
            Err(_) => ("sqlite::memory:".to_owned(), None),
        };
        // A database in memory lives and dies with its one connection.
        let store = Store::connect(&url, 1).await.unwrap();
        prepare::prepare(&store, SIZE).await.unwrap();
        let (recorder, worker) = sales::channel(100);
        let shop = Shop::open(store.clone(), recorder).await.unwrap();
        TestShop {
            router: api::router(Arc::new(shop)),
            worker,
            store,
            _turn: turn,
        }
    }

    async fn send(&self, request: Request<Body>) -> (StatusCode, Value) {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/json");
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }

    async fn get(&self, path: &str) -> (StatusCode, Value) {
        let request = Request::get(path).body(Body::empty()).unwrap();
        self.send(request).await
    }

    async fn checkout(&self, body: Value) -> (StatusCode, Value) {
        let request = Request::post("/checkout")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string()))
            .unwrap();
        self.send(request).await
    }
}

#[tokio::test]
async fn health_counts_the_products() {
    let shop = TestShop::open().await;
    let expected = json!({ "status": "ok", "products": 300 });
    assert_eq!(shop.get("/health").await, (StatusCode::OK, expected));
}

#[tokio::test]
async fn products_are_found_by_id() {
    let shop = TestShop::open().await;
    let (status, body) = shop.get("/products/17").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(body["id"], 17);
    assert_eq!(
        shop.get("/products/301").await,
        (StatusCode::NOT_FOUND, json!({ "error": "no such product" }))
    );
    assert_eq!(shop.get("/products/x").await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn search_finds_products_with_all_words() {
    let shop = TestShop::open().await;
    let (status, body) = shop.get("/search?q=home%20light").await;
    assert_eq!(status, StatusCode::OK);
    let products = body["products"].as_array().unwrap();
    assert!(!products.is_empty() && products.len() <= 20);
    assert!(body["total"].as_u64().unwrap() >= products.len() as u64);
    for product in products {
        let (_, details) = shop.get(&format!("/products/{}", product["id"])).await;
        let description = details["description"].as_str().unwrap();
        assert!(description.contains("home") && description.contains("light"));
    }

    assert_eq!(
        shop.get("/search?q=unheard-of").await.1,
        json!({ "total": 0, "products": [] })
    );
    assert_eq!(shop.get("/search").await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn orders_come_newest_first_with_their_lines() {
    let shop = TestShop::open().await;
    let (status, body) = shop.get("/users/2/orders").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(body["user"], json!({ "id": 2, "name": "Customer 2" }));

    let orders = body["orders"].as_array().unwrap();
    let ids: Vec<i64> = orders.iter().map(|o| o["id"].as_i64().unwrap()).collect();
    assert_eq!(ids, [47, 42, 37, 32, 27, 22, 17, 12, 7, 2]);
    for order in orders {
        let lines = order["lines"].as_array().unwrap();
        assert_eq!(lines.len(), 4);
        let total: i64 = lines.iter().map(|l| l["amount"].as_i64().unwrap()).sum();
        assert_eq!(order["total"], total);
        for line in lines {
            let (_, product) = shop.get(&format!("/products/{}", line["product_id"])).await;
            assert_eq!(line["title"], product["title"]);
        }
    }

    assert_eq!(
        shop.get("/users/6/orders").await,
        (StatusCode::NOT_FOUND, json!({ "error": "no such user" }))
    );
}

#[tokio::test]
async fn a_checkout_stores_the_order_and_records_the_sales() {
    let shop = TestShop::open().await;
    let (status, receipt) = shop
        .checkout(json!({
            "user_id": 3,
            "lines": [
                { "product_id": 5, "quantity": 2 },
                { "product_id": 9, "quantity": 12 },
            ],
            "coupon": "WELCOME10",
        }))
        .await;
    assert_eq!(status, StatusCode::CREATED, "{receipt}");
    assert_eq!(receipt["order_id"], 51);
    assert_eq!(receipt["code"].as_str().unwrap().len(), 8);

    let (_, body) = shop.get("/users/3/orders").await;
    let order = &body["orders"][0];
    assert_eq!(order["id"], receipt["order_id"]);
    assert_eq!(order["total"], receipt["total"]);
    assert_eq!(order["lines"][1]["product_id"], 9);
    assert_eq!(order["lines"][1]["quantity"], 12);

    let TestShop { router, worker, .. } = shop;
    drop(router);
    let figures = worker.run().await;
    assert_eq!(figures.by_product[&9].pieces, 12);
}

#[tokio::test]
async fn a_checkout_that_cannot_be_filled_is_refused() {
    let shop = TestShop::open().await;
    let line = json!([{ "product_id": 1, "quantity": 1 }]);
    let cases = [
        (
            json!({ "user_id": 6, "lines": line }),
            StatusCode::NOT_FOUND,
        ),
        (
            json!({ "user_id": 1, "lines": [] }),
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        (
            json!({ "user_id": 1, "lines": [{ "product_id": 301, "quantity": 1 }] }),
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        (
            json!({ "user_id": 1, "lines": line, "coupon": "FREE" }),
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
    ];
    for (body, expected) in cases {
        let (status, answer) = shop.checkout(body).await;
        assert_eq!(status, expected, "{answer}");
        assert!(answer["error"].is_string());
    }
}

#[tokio::test]
async fn the_feed_starts_with_the_newest_product() {
    let shop = TestShop::open().await;
    let (status, body) = shop.get("/feed").await;
    assert_eq!(status, StatusCode::OK);
    let items = body["items"].as_array().unwrap();
    assert_eq!(items.len(), 50);
    assert_eq!(items[0]["id"], 300);
    assert_eq!(items[49]["id"], 251);
}

#[tokio::test]
async fn errors_of_the_router_are_json_too() {
    let shop = TestShop::open().await;
    assert_eq!(shop.get("/nowhere").await.0, StatusCode::NOT_FOUND);
    assert_eq!(
        shop.get("/checkout").await.0,
        StatusCode::METHOD_NOT_ALLOWED
    );
}

#[tokio::test]
async fn preparing_again_starts_afresh() {
    let shop = TestShop::open().await;
    let before = shop.store.orders(1, 100).await.unwrap();
    let order = json!({ "user_id": 1, "lines": [{ "product_id": 1, "quantity": 1 }] });
    shop.checkout(order).await;
    assert_ne!(shop.store.orders(1, 100).await.unwrap(), before);
    prepare::prepare(&shop.store, SIZE).await.unwrap();
    assert_eq!(shop.store.orders(1, 100).await.unwrap(), before);
}
