//! Tests of the public API: lock files, pages, routes, and the server with and without real clients.
#![allow(missing_docs, clippy::disallowed_methods)]

mod clients;
mod go_graph;
mod go_lock;
mod http;
mod npm_lock;
mod packaging;
mod python_files;
mod python_lock;
mod python_walk;
mod random;
mod route;
mod server;
mod simple;
mod uv_client;
mod uv_index;
mod uv_walk;
mod uv_workspace;
