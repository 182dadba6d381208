//! Statistics: whether two recordings can be told apart.
//!
//! - [`two_sample_ks`]: whether two samples come from one distribution, whatever it is.
//! - [`chi_square_uniform`]: whether values fall evenly.
//! - [`Classifier`]: how well a machine tells two kinds of observation apart.
//!
//! Probabilities are of a result at least as extreme if there is no difference; small ones are
//! suspicious. None of it draws random numbers.

mod chi_square;
mod ks;
mod logistic;

pub use chi_square::{ChiSquare, chi_square_uniform};
pub use ks::{KolmogorovSmirnov, two_sample_ks};
pub use logistic::{Classifier, accuracy_of_split};
