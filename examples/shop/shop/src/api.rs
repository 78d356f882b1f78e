//! The HTTP interface.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shop_core::cart::Cart;
use shop_core::catalogue::Catalogue;
use shop_core::feed;
use shop_core::money::Cents;
use shop_core::pricing::PriceRules;
use shop_core::receipt::Receipt;
use shop_core::sales::{Sale, SalesRecorder};
use shop_core::search::SearchIndex;
use shop_core::shipping::{self, Parcel, TariffCarrier};

use crate::error::{ApiError, BoxError};
use crate::store::{Order, Store, User};

const HOME_PAGE: &str = "https://shop.example";
const SEARCH_LIMIT: usize = 20;
const FEED_LENGTH: i64 = 50;
const ORDERS_SHOWN: i64 = 10;
const CARRIER_PATIENCE: Duration = Duration::from_millis(500);

/// Makes a receipt code cost some fifteen milliseconds, see [`shop_core::receipt::seal`].
const SEAL_ROUNDS: u32 = 60_000;

/// What all requests share.
pub struct Shop {
    store: Store,
    catalogue: Catalogue,
    index: SearchIndex,
    rules: PriceRules,
    carriers: Vec<Arc<TariffCarrier>>,
    sales: SalesRecorder,
}

impl Shop {
    /// Loads the catalogue, which does not change while the shop is open.
    pub async fn open(store: Store, sales: SalesRecorder) -> Result<Shop, BoxError> {
        let catalogue = Catalogue::new(store.all_products().await?);
        let index = SearchIndex::build(catalogue.products());
        Ok(Shop {
            store,
            catalogue,
            index,
            rules: PriceRules::default(),
            carriers: shipping::contract_carriers(),
            sales,
        })
    }
}

pub fn router(shop: Arc<Shop>) -> Router {
    Router::new()
        .route("/health", get(health))
        .route("/products/{id}", get(product))
        .route("/search", get(search))
        .route("/users/{id}/orders", get(orders))
        .route("/checkout", post(checkout))
        .route("/feed", get(newest))
        .fallback(async || ApiError::not_found("page"))
        .method_not_allowed_fallback(async || {
            ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "method not allowed")
        })
        .with_state(shop)
}

type Shared = State<Arc<Shop>>;

async fn health(State(shop): Shared) -> Result<Json<Value>, ApiError> {
    shop.store.ping().await?;
    Ok(Json(json!({
        "status": "ok",
        "products": shop.catalogue.len(),
    })))
}

#[derive(Serialize)]
struct ProductView {
    id: i64,
    title: String,
    description: String,
    price: Cents,
    weight_grams: u32,
}

async fn product(
    State(shop): Shared,
    id: Result<Path<i64>, PathRejection>,
) -> Result<Json<ProductView>, ApiError> {
    let Path(id) = id?;
    let product = shop
        .store
        .product(id)
        .await?
        .ok_or_else(|| ApiError::not_found("product"))?;
    Ok(Json(ProductView {
        id: product.id,
        title: product.title,
        description: product.description,
        price: product.price,
        weight_grams: product.weight_grams,
    }))
}

#[derive(Deserialize)]
struct SearchQuery {
    q: String,
}

#[derive(Serialize)]
struct SearchView<'a> {
    total: usize,
    products: Vec<FoundView<'a>>,
}

#[derive(Serialize)]
struct FoundView<'a> {
    id: i64,
    title: &'a str,
    price: Cents,
    score: f32,
}

async fn search(
    State(shop): Shared,
    query: Result<Query<SearchQuery>, QueryRejection>,
) -> Result<Response, ApiError> {
    let Query(SearchQuery { q }) = query?;
    // A search takes a fraction of a millisecond: not worth a trip to another thread.
    let results = shop.index.search(&q, SEARCH_LIMIT);
    let products = results
        .hits
        .iter()
        .filter_map(|hit| {
            let product = shop.catalogue.get(hit.product_id)?;
            Some(FoundView {
                id: product.id,
                title: &product.title,
                price: product.price,
                score: hit.score,
            })
        })
        .collect();
    let view = SearchView {
        total: results.total,
        products,
    };
    Ok(Json(view).into_response())
}

#[derive(Serialize)]
struct OrdersView {
    user: User,
    orders: Vec<Order>,
}

async fn orders(
    State(shop): Shared,
    id: Result<Path<i64>, PathRejection>,
) -> Result<Json<OrdersView>, ApiError> {
    let Path(id) = id?;
    let user = shop
        .store
        .user(id)
        .await?
        .ok_or_else(|| ApiError::not_found("user"))?;
    let orders = shop.store.orders(id, ORDERS_SHOWN).await?;
    Ok(Json(OrdersView { user, orders }))
}

#[derive(Deserialize)]
struct CheckoutRequest {
    user_id: i64,
    lines: Cart,
    coupon: Option<String>,
}

async fn checkout(
    State(shop): Shared,
    request: Result<Json<CheckoutRequest>, JsonRejection>,
) -> Result<Response, ApiError> {
    let Json(request) = request?;
    let user = shop
        .store
        .user(request.user_id)
        .await?
        .ok_or_else(|| ApiError::not_found("user"))?;
    let coupon = request
        .coupon
        .map(|code| {
            shop.rules
                .coupon(&code)
                .ok_or_else(|| ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "no such coupon"))
        })
        .transpose()?;
    let quote = shop.rules.quote(&shop.catalogue, &request.lines, coupon)?;
    let parcel = Parcel {
        weight_grams: quote.weight_grams,
    };
    let shipping = shipping::cheapest(&shop.carriers, parcel, CARRIER_PATIENCE).await?;

    let order_id = shop
        .store
        .insert_order(user.id, &quote, shipping.price)
        .await?;
    for line in &quote.lines {
        let sale = Sale {
            product_id: line.product_id,
            quantity: line.quantity,
            amount: line.amount(),
        };
        // Figures may miss a sale; a customer must not wait for them.
        if !shop.sales.try_record(sale) {
            tracing::warn!(order_id, "sale not recorded");
        }
    }

    // So much hashing would hold up all other requests.
    let receipt = tokio::task::spawn_blocking(move || {
        Receipt::issue(order_id, user.id, quote, shipping, SEAL_ROUNDS)
    })
    .await?;
    Ok((StatusCode::CREATED, json_body(receipt.to_json()?)).into_response())
}

async fn newest(State(shop): Shared) -> Result<Response, ApiError> {
    let products = shop.store.newest_products(FEED_LENGTH).await?;
    Ok(json_body(feed::to_json(HOME_PAGE, &products)?).into_response())
}

/// A body that is JSON already.
fn json_body(bytes: Vec<u8>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], bytes)
}
