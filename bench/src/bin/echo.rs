//! The least a server can do, to hold ours against: axum reads JSON and sends it back. Prints its address.

use std::error::Error;

use axum::{Router, body::Bytes, http::StatusCode, routing::post};

async fn echo(body: Bytes) -> Result<Vec<u8>, StatusCode> {
    let value: serde_json::Value = serde_json::from_slice(&body).map_err(|_| StatusCode::BAD_REQUEST)?;
    serde_json::to_vec(&value).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}

fn main() -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
        println!("http://{}", listener.local_addr()?);
        axum::serve(listener, Router::new().route("/", post(echo))).await?;
        Ok(())
    })
}
