//! A small shop: HTTP in front, SQLite or PostgreSQL behind.

mod api;
mod config;
mod error;
mod prepare;
mod store;
#[cfg(test)]
mod tests;

use std::process::ExitCode;
use std::sync::Arc;

use shop_core::sales;
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

use crate::config::Config;
use crate::error::BoxError;
use crate::prepare::Size;
use crate::store::Store;

const USAGE: &str = "\
usage: shop            serve on 127.0.0.1:$PORT (default 8080)
       shop prepare    re-create the database $DATABASE_URL
                       (default sqlite://shop.db?mode=rwc)";

const MAX_CONNECTIONS: u32 = 8;
const SALES_CAPACITY: usize = 1_024;

fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(std::io::stderr)
        .init();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match arguments[..] {
        [] => run(serve),
        ["prepare"] => run(prepare),
        ["--help" | "-h"] => {
            println!("{USAGE}");
            Ok(())
        }
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "shop failed");
            ExitCode::FAILURE
        }
    }
}

fn run<F: Future<Output = Result<(), BoxError>>>(
    command: impl FnOnce(Config) -> F,
) -> Result<(), BoxError> {
    let config = Config::from_env()?;
    // One thread is plenty for handlers that mostly wait for the database, and keeps the shop
    // within the single CPU it is given; what computes for long goes to blocking threads.
    Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(command(config))
}

async fn prepare(config: Config) -> Result<(), BoxError> {
    let store = Store::connect(&config.database_url, 1).await?;
    prepare::prepare(&store, Size::FULL).await?;
    store.close().await;
    Ok(())
}

async fn serve(config: Config) -> Result<(), BoxError> {
    let store = Store::connect(&config.database_url, MAX_CONNECTIONS).await?;
    let (recorder, worker) = sales::channel(SALES_CAPACITY);
    let worker = tokio::spawn(worker.run());
    let shop = Arc::new(api::Shop::open(store.clone(), recorder).await?);
    let listener = TcpListener::bind(config.address).await?;
    tracing::info!(address = %listener.local_addr()?, "the shop is open");

    axum::serve(listener, api::router(shop))
        .with_graceful_shutdown(stop_signal()?)
        .await?;

    // The router held the last recorder, so the worker ends once it has seen every sale.
    let figures = worker.await?;
    tracing::info!(
        products = figures.by_product.len(),
        revenue = %figures.revenue,
        "the shop is closed"
    );
    store.close().await;
    Ok(())
}

/// Completes at the first SIGTERM or SIGINT.
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("closing: no new requests");
    })
}
