//! Settings from the environment.

use std::env::{self, VarError};
use std::net::{Ipv4Addr, SocketAddr};

use crate::error::BoxError;

const DEFAULT_DATABASE_URL: &str = "sqlite://shop.db?mode=rwc";
const DEFAULT_PORT: u16 = 8080;

#[derive(Clone, Debug)]
pub struct Config {
    pub database_url: String,
    pub address: SocketAddr,
}

impl Config {
    pub fn from_env() -> Result<Config, BoxError> {
        let database_url =
            variable("DATABASE_URL")?.unwrap_or_else(|| DEFAULT_DATABASE_URL.to_owned());
        let port = match variable("PORT")? {
            Some(port) => port
                .parse()
                .map_err(|_| format!("PORT is not a port number: {port}"))?,
            None => DEFAULT_PORT,
        };
        Ok(Config {
            database_url,
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        })
    }
}

fn variable(name: &str) -> Result<Option<String>, BoxError> {
    match env::var(name) {
        Ok(value) => Ok(Some(value)),
        Err(VarError::NotPresent) => Ok(None),
        Err(error) => Err(format!("{name}: {error}").into()),
    }
}
