//! Everything the shop knows that needs neither a socket nor a database.

pub mod cart;
pub mod catalogue;
pub mod feed;
pub mod money;
pub mod pricing;
pub mod receipt;
pub mod sales;
pub mod sample;
pub mod search;
pub mod shipping;
pub mod stock;
