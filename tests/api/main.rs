//! The APIs of real nodes over real HTTP.

mod hidden;
mod http;
mod measure;
mod owner;
mod passing;
mod protocol;
mod pushing;
mod reload;
mod site;
