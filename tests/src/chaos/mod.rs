//! Random scenarios by the thousand, judged by the invariants, and shrunk when they fail.
//!
//! A [`Scenario`] is a plain list: nodes, links, transactions and timed steps. [`generate`] draws
//! one from a seed, [`Scenario::run`] plays it in virtual time and judges it, [`shrink`] finds a
//! smaller one that fails in the same way. A scenario can be written to a text file and read back.
//!
//! ```
//! use scape_tests::chaos::{Size, generate};
//!
//! let size = Size { nodes: 5, minutes: 2 };
//! let scenario = generate(1, size);
//! assert_eq!(scenario.to_string().parse(), Ok(scenario.clone()));
//! let outcome = scenario.run();
//! assert_eq!(outcome.breach, None);
//! ```

mod generate;
mod hunt;
mod met;
mod play;
mod scenario;
mod shrink;
mod text;
mod zones;

pub use generate::{Size, generate};
pub use hunt::{Hunt, Progress, hunt};
pub use met::{Hidden, Met};
pub use play::Outcome;
pub use scenario::{Action, NodePlan, Role, Scenario, Step};
pub use shrink::shrink;
pub use text::ParseError;
