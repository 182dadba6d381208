//! The test of Kolmogorov and Smirnov.

/// What the test says of two samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KolmogorovSmirnov {
    /// The largest distance between both empirical distributions, 0 to 1.
    pub distance: f64,
    /// The probability of such a distance between samples of one distribution.
    pub p: f64,
}

/// Compares two samples; sorts them.
///
/// The probability is asymptotic, with Stephens' correction for finite samples (Press et al.,
/// Numerical Recipes, 3rd edition, 14.3.3).
///
/// # Panics
///
/// If a sample is empty.
pub fn two_sample_ks<T: Ord>(first: &mut [T], second: &mut [T]) -> KolmogorovSmirnov {
    assert!(!first.is_empty() && !second.is_empty(), "nothing to compare");
    first.sort_unstable();
    second.sort_unstable();
    let (n, m) = (first.len() as f64, second.len() as f64);
    let (mut i, mut j, mut distance) = (0, 0, 0.0_f64);
    while let (Some(a), Some(b)) = (first.get(i), second.get(j)) {
        // Equal values are passed on both sides before the distance is taken.
        let value = a.min(b);
        let (before_i, before_j) = (i, j);
        i += first[before_i..].iter().take_while(|x| *x == value).count();
        j += second[before_j..].iter().take_while(|x| *x == value).count();
        distance = distance.max((i as f64 / n - j as f64 / m).abs());
    }
    let root = (n * m / (n + m)).sqrt();
    KolmogorovSmirnov { distance, p: exceeded((root + 0.12 + 0.11 / root) * distance) }
}

/// The probability that Kolmogorov's distribution exceeds `x`.
fn exceeded(x: f64) -> f64 {
    // Below this the series converges slowly, and the answer is 1 to eight digits.
    if x < 0.25 {
        return 1.0;
    }
    let term = |k: i32| {
        let k = f64::from(k);
        (-2.0 * k * k * x * x).exp()
    };
    let sum: f64 = (1..=40).map(|k| if k % 2 == 1 { term(k) } else { -term(k) }).sum();
    (2.0 * sum).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kolmogorovs_distribution_has_its_known_points() {
        // The usual critical values of the test.
        for (x, p) in [(1.2239, 0.10), (1.3581, 0.05), (1.6276, 0.01), (1.9495, 0.001)] {
            assert!((exceeded(x) - p).abs() < 1e-4, "{x}");
        }
        assert_eq!(exceeded(0.0), 1.0);
        assert!(exceeded(10.0) < 1e-80);
    }

    #[test]
    fn the_distance_is_the_largest_step() {
        let ks = two_sample_ks(&mut [1, 2, 3, 4], &mut [3, 4, 5, 6]);
        assert_eq!(ks.distance, 0.5);
        let ks = two_sample_ks(&mut [1; 50], &mut [2; 50]);
        assert_eq!(ks.distance, 1.0);
        assert!(ks.p < 1e-10);
        let ks = two_sample_ks(&mut [1, 1, 2, 2], &mut [1, 2]);
        assert_eq!((ks.distance, ks.p), (0.0, 1.0));
    }
}
