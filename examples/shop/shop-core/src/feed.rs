//! The JSON feed of new products.

use serde::{Serialize, Serializer};

use crate::catalogue::Product;
use crate::money::Cents;

#[derive(Serialize)]
struct Feed<'a> {
    title: &'a str,
    home_page_url: &'a str,
    items: Vec<Item<'a>>,
}

#[derive(Serialize)]
struct Item<'a> {
    id: i64,
    url: String,
    title: &'a str,
    summary: &'a str,
    #[serde(serialize_with = "decimal")]
    price: Cents,
    date_published: i64,
}

/// Readers of the feed expect a decimal and must not parse it as a float, hence a string.
fn decimal<S: Serializer>(amount: &Cents, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(amount)
}

/// Serialises `products`, in the order given.
pub fn to_json(home_page_url: &str, products: &[Product]) -> serde_json::Result<Vec<u8>> {
    let feed = Feed {
        title: "New in the shop",
        home_page_url,
        items: products
            .iter()
            .map(|product| Item {
                id: product.id,
                url: format!("{home_page_url}/products/{}", product.id),
                title: &product.title,
                summary: &product.description,
                price: product.price,
                date_published: product.created_at,
            })
            .collect(),
    };
    serde_json::to_vec(&feed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn lists_products_with_decimal_prices_and_links() {
        let mut products = sample::products(3);
        products[0].price = Cents(1_205);
        let json = to_json("https://shop.test", &products).unwrap();
        let feed: serde_json::Value = serde_json::from_slice(&json).unwrap();
        assert_eq!(feed["items"].as_array().unwrap().len(), 3);
        assert_eq!(feed["items"][0]["price"], "12.05");
        assert_eq!(feed["items"][2]["url"], "https://shop.test/products/3");
    }
}
