//! How wallets and the owner reach the node over HTTP.

pub mod view;
