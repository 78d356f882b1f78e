//! Everything the shop asks of its database, SQLite or PostgreSQL.
//!
//! Both go through sqlx's `Any` driver: the statements are the same but for the schema, and
//! both understand `$1` placeholders.

use std::time::{Duration, SystemTime};

use serde::Serialize;
use shop_core::catalogue::{Product, TaxClass};
use shop_core::money::Cents;
use shop_core::pricing::Quote;
use sqlx::any::{AnyPoolOptions, AnyRow};
use sqlx::{AnyPool, Executor, Row};

const PRODUCT_COLUMNS: &str =
    "id, family, title, description, price, tax_class, weight_grams, created_at";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    fn of(url: &str) -> Dialect {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            Dialect::Postgres
        } else {
            Dialect::Sqlite
        }
    }
}

#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) pool: AnyPool,
    pub(crate) dialect: Dialect,
}

#[derive(Debug, Serialize)]
pub struct User {
    pub id: i64,
    pub name: String,
}

#[derive(Debug, PartialEq, Serialize)]
pub struct Order {
    pub id: i64,
    pub created_at: i64,
    pub total: Cents,
    pub lines: Vec<OrderLine>,
}

#[derive(Debug, PartialEq, Serialize)]
pub struct OrderLine {
    pub product_id: i64,
    pub title: String,
    pub quantity: i64,
    pub amount: Cents,
}

impl Store {
    pub async fn connect(url: &str, max_connections: u32) -> sqlx::Result<Store> {
        sqlx::any::install_default_drivers();
        let dialect = Dialect::of(url);
        let pool = AnyPoolOptions::new()
            .max_connections(max_connections)
            .acquire_timeout(Duration::from_secs(5))
            .after_connect(move |connection, _| {
                Box::pin(async move {
                    if dialect == Dialect::Sqlite {
                        // Readers go on while an order is written, and an order does not wait
                        // for the disk: a crash of the process loses none.
                        connection.execute("PRAGMA journal_mode = WAL").await?;
                        connection.execute("PRAGMA synchronous = NORMAL").await?;
                    }
                    Ok(())
                })
            })
            .connect(url)
            .await?;
        Ok(Store { pool, dialect })
    }

    pub async fn close(&self) {
        self.pool.close().await;
    }

    pub async fn ping(&self) -> sqlx::Result<()> {
        sqlx::query("SELECT 1").execute(&self.pool).await?;
        Ok(())
    }

    pub async fn product(&self, id: i64) -> sqlx::Result<Option<Product>> {
        let sql = format!("SELECT {PRODUCT_COLUMNS} FROM products WHERE id = $1");
        let row = sqlx::query(&sql)
            .bind(id)
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(product).transpose()
    }

    pub async fn all_products(&self) -> sqlx::Result<Vec<Product>> {
        let sql = format!("SELECT {PRODUCT_COLUMNS} FROM products ORDER BY id");
        let rows = sqlx::query(&sql).fetch_all(&self.pool).await?;
        rows.iter().map(product).collect()
    }

    pub async fn newest_products(&self, limit: i64) -> sqlx::Result<Vec<Product>> {
        let sql = format!(
            "SELECT {PRODUCT_COLUMNS} FROM products ORDER BY created_at DESC, id DESC LIMIT $1"
        );
        let rows = sqlx::query(&sql).bind(limit).fetch_all(&self.pool).await?;
        rows.iter().map(product).collect()
    }

    pub async fn user(&self, id: i64) -> sqlx::Result<Option<User>> {
        let row = sqlx::query("SELECT id, name FROM users WHERE id = $1")
            .bind(id)
            .fetch_optional(&self.pool)
            .await?;
        row.map(|row| {
            Ok(User {
                id: row.try_get("id")?,
                name: row.try_get("name")?,
            })
        })
        .transpose()
    }

    /// The latest orders of a user with their lines, newest first.
    pub async fn orders(&self, user_id: i64, limit: i64) -> sqlx::Result<Vec<Order>> {
        let rows = sqlx::query(
            "SELECT o.id, o.created_at, o.total, l.product_id, l.quantity, l.amount, p.title \
             FROM (SELECT id, created_at, total FROM orders \
                   WHERE user_id = $1 ORDER BY id DESC LIMIT $2) o \
             JOIN order_lines l ON l.order_id = o.id \
             JOIN products p ON p.id = l.product_id \
             ORDER BY o.id DESC, l.position",
        )
        .bind(user_id)
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;

        let mut orders: Vec<Order> = Vec::new();
        for row in &rows {
            let id = row.try_get("id")?;
            if orders.last().is_none_or(|order| order.id != id) {
                orders.push(Order {
                    id,
                    created_at: row.try_get("created_at")?,
                    total: Cents(row.try_get("total")?),
                    lines: Vec::new(),
                });
            }
            if let Some(order) = orders.last_mut() {
                order.lines.push(OrderLine {
                    product_id: row.try_get("product_id")?,
                    title: row.try_get("title")?,
                    quantity: row.try_get("quantity")?,
                    amount: Cents(row.try_get("amount")?),
                });
            }
        }
        Ok(orders)
    }

    /// Stores an order with all its lines, or nothing; returns its id.
    pub async fn insert_order(
        &self,
        user_id: i64,
        quote: &Quote,
        shipping: Cents,
    ) -> sqlx::Result<i64> {
        // The transaction begins with a write: SQLite lets a writer wait for another one, but
        // not a reader that turns writer.
        let mut transaction = self.pool.begin().await?;
        let row = sqlx::query(
            "INSERT INTO orders (user_id, created_at, total) VALUES ($1, $2, $3) RETURNING id",
        )
        .bind(user_id)
        .bind(unix_time())
        .bind((quote.total + shipping).0)
        .fetch_one(&mut *transaction)
        .await?;
        let order_id: i64 = row.try_get("id")?;

        let sql = format!(
            "INSERT INTO order_lines (order_id, position, product_id, quantity, amount) VALUES {}",
            placeholders(quote.lines.len(), 5)
        );
        let mut insert = sqlx::query(&sql);
        for (position, line) in quote.lines.iter().enumerate() {
            insert = insert
                .bind(order_id)
                .bind(position as i64)
                .bind(line.product_id)
                .bind(i64::from(line.quantity))
                .bind(line.amount().0);
        }
        insert.execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(order_id)
    }
}

/// `($1, $2), ($3, $4)` for two rows of two columns.
pub(crate) fn placeholders(rows: usize, columns: usize) -> String {
    let mut sql = String::with_capacity(rows * (columns * 6 + 4));
    for row in 0..rows {
        sql.push_str(if row == 0 { "(" } else { ", (" });
        for column in 0..columns {
            let separator = if column == 0 { "$" } else { ", $" };
            sql.push_str(separator);
            sql.push_str(&(row * columns + column + 1).to_string());
        }
        sql.push(')');
    }
    sql
}

fn product(row: &AnyRow) -> sqlx::Result<Product> {
    let tax_class: String = row.try_get("tax_class")?;
    Ok(Product {
        id: row.try_get("id")?,
        family: row.try_get("family")?,
        title: row.try_get("title")?,
        description: row.try_get("description")?,
        price: Cents(row.try_get("price")?),
        tax_class: TaxClass::from_name(&tax_class)
            .ok_or_else(|| sqlx::Error::Decode(format!("no tax class {tax_class}").into()))?,
        weight_grams: u32::try_from(row.try_get::<i64, _>("weight_grams")?)
            .map_err(|error| sqlx::Error::Decode(error.into()))?,
        created_at: row.try_get("created_at")?,
    })
}

fn unix_time() -> i64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.as_secs() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_placeholders_across_rows() {
        assert_eq!(placeholders(2, 3), "($1, $2, $3), ($4, $5, $6)");
        assert_eq!(placeholders(1, 1), "($1)");
    }

    #[test]
    fn tells_databases_apart_by_url() {
        assert_eq!(Dialect::of("postgres://localhost/shop"), Dialect::Postgres);
        assert_eq!(
            Dialect::of("postgresql://localhost/shop"),
            Dialect::Postgres
        );
        assert_eq!(Dialect::of("sqlite://shop.db"), Dialect::Sqlite);
    }
}
