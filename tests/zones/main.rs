//! Several zones in one node: what crosses from one to another, and what does not, whatever happens
//! to the ways.

mod apart;
mod bridge;
mod crossing;
mod faults;
mod onions;
mod prober;
mod relay;
mod waiting;
