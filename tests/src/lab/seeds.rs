use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Seeds from one on, and before another one; written `FROM..TO`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Seeds(pub Range<u64>);

/// Why text does not name seeds.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum SeedsError {
    /// Not two numbers with two dots between them.
    #[error("seeds are `{0}`, but must be FROM..TO, as 0..8")]
    Form(String),
    /// None, or backwards.
    #[error("seeds {0} are none")]
    None(String),
}

impl FromStr for Seeds {
    type Err = SeedsError;

    fn from_str(text: &str) -> Result<Self, SeedsError> {
        let form = || SeedsError::Form(text.to_owned());
        let (from, to) = text.split_once("..").ok_or_else(form)?;
        let number = |text: &str| text.trim().parse::<u64>().map_err(|_| form());
        let range = number(from)?..number(to)?;
        if range.is_empty() { Err(SeedsError::None(text.to_owned())) } else { Ok(Self(range)) }
    }
}

impl TryFrom<String> for Seeds {
    type Error = SeedsError;

    fn try_from(text: String) -> Result<Self, SeedsError> {
        text.parse()
    }
}

impl From<Seeds> for String {
    fn from(seeds: Seeds) -> Self {
        seeds.to_string()
    }
}

impl fmt::Display for Seeds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.0.start, self.0.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_two_numbers_and_some() {
        assert_eq!("3..5".parse(), Ok(Seeds(3..5)));
        assert_eq!(Seeds(3..5).to_string(), "3..5");
        assert!(matches!("3".parse::<Seeds>(), Err(SeedsError::Form(_))));
        assert!(matches!("a..5".parse::<Seeds>(), Err(SeedsError::Form(_))));
        assert!(matches!("5..5".parse::<Seeds>(), Err(SeedsError::None(_))));
    }
}
