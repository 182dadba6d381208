//! Logistic regression.

/// Tells two kinds of observation apart by a weighted sum of their features.
#[derive(Debug, Clone)]
pub struct Classifier<const N: usize> {
    mean: [f64; N],
    scale: [f64; N],
    weights: [f64; N],
    bias: f64,
}

impl<const N: usize> Classifier<N> {
    const ROUNDS: usize = 300;
    const RATE: f64 = 0.5;

    /// Learns from observations of known kind: features are standardised, then the likelihood is
    /// climbed for a fixed number of rounds.
    ///
    /// # Panics
    ///
    /// If there are no observations.
    pub fn learn(observations: &[([f64; N], bool)]) -> Self {
        assert!(!observations.is_empty(), "nothing to learn from");
        let count = observations.len() as f64;
        let mean_of = |value: &dyn Fn(&[f64; N]) -> f64| {
            observations.iter().map(|(features, _)| value(features)).sum::<f64>() / count
        };
        let mean = std::array::from_fn(|i| mean_of(&|features| features[i]));
        let deviation = |i: usize| mean_of(&|features| (features[i] - mean[i]).powi(2)).sqrt();
        let scale = std::array::from_fn(|i| deviation(i).max(1e-9));
        let mut learned = Self { mean, scale, weights: [0.0; N], bias: 0.0 };
        let standard: Vec<_> = observations
            .iter()
            .map(|(features, kind)| (learned.standard(features), *kind))
            .collect();
        (0..Self::ROUNDS).for_each(|_| learned.climb(&standard));
        learned
    }

    fn climb(&mut self, observations: &[([f64; N], bool)]) {
        let mut slope = [0.0; N];
        let mut bias = 0.0;
        for (features, kind) in observations {
            let off = f64::from(u8::from(*kind)) - sigmoid(self.sum(features));
            bias += off;
            slope.iter_mut().zip(features).for_each(|(slope, feature)| *slope += off * feature);
        }
        let step = Self::RATE / observations.len() as f64;
        self.bias += step * bias;
        self.weights.iter_mut().zip(slope).for_each(|(weight, slope)| *weight += step * slope);
    }

    fn standard(&self, features: &[f64; N]) -> [f64; N] {
        std::array::from_fn(|i| (features[i] - self.mean[i]) / self.scale[i])
    }

    fn sum(&self, standard: &[f64; N]) -> f64 {
        self.bias + self.weights.iter().zip(standard).map(|(w, x)| w * x).sum::<f64>()
    }

    /// Which kind an observation seems to be.
    pub fn classify(&self, features: &[f64; N]) -> bool {
        self.sum(&self.standard(features)) > 0.0
    }

    /// The share of observations whose kind is told right.
    pub fn accuracy(&self, observations: &[([f64; N], bool)]) -> f64 {
        let right = observations.iter().filter(|(features, kind)| self.classify(features) == *kind);
        right.count() as f64 / observations.len() as f64
    }
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Learns from every other observation and gives the accuracy on the rest: 0.5 is guessing, if both
/// kinds are equally frequent.
///
/// # Panics
///
/// If there are fewer than two observations.
pub fn accuracy_of_split<const N: usize>(observations: &[([f64; N], bool)]) -> f64 {
    let half = |of: usize| -> Vec<_> { observations.iter().skip(of).step_by(2).copied().collect() };
    Classifier::learn(&half(0)).accuracy(&half(1))
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha12Rng;

    use super::*;

    /// Two kinds, of which the one is this much further along; the second feature says nothing.
    fn observations(apart: f64) -> Vec<([f64; 2], bool)> {
        let mut rng = ChaCha12Rng::from_seed([1; 32]);
        let mut one = |index: u32| {
            let kind = index % 4 < 2;
            let at = rng.random::<f64>() + if kind { apart } else { 0.0 };
            ([100.0 + at, rng.random()], kind)
        };
        (0..4_000).map(&mut one).collect()
    }

    #[test]
    fn what_differs_is_learned_and_what_does_not_is_not() {
        assert!(accuracy_of_split(&observations(1.0)) > 0.98);
        let partly = accuracy_of_split(&observations(0.5));
        assert!((0.72..0.78).contains(&partly), "an even overlap of half: {partly}");
        let nothing = accuracy_of_split(&observations(0.0));
        assert!((nothing - 0.5).abs() < 0.03, "{nothing}");
    }
}
