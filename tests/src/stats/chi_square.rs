//! The chi-square test of evenness.

/// What the test says of counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChiSquare {
    /// Sum of `(observed - expected)^2 / expected`.
    pub statistic: f64,
    /// The probability of a sum at least as large if the values are even.
    pub p: f64,
}

/// Whether counts of equally likely values are as even as chance would have them.
///
/// # Panics
///
/// If there are fewer than two values.
pub fn chi_square_uniform(counts: &[u64]) -> ChiSquare {
    assert!(counts.len() > 1, "one value is always even");
    let expected = counts.iter().sum::<u64>() as f64 / counts.len() as f64;
    let off = |count: &u64| (*count as f64 - expected).powi(2) / expected;
    let statistic = counts.iter().map(off).sum();
    let freedom = (counts.len() - 1) as f64;
    ChiSquare { statistic, p: gamma_q(freedom / 2.0, statistic / 2.0) }
}

/// The upper regularised incomplete gamma function (Press et al., Numerical Recipes, 3rd edition,
/// 6.2).
fn gamma_q(a: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 1.0;
    }
    let front = (a * x.ln() - x - ln_gamma(a)).exp();
    if x < a + 1.0 { 1.0 - front * lower_series(a, x) } else { front * upper_fraction(a, x) }
}

fn lower_series(a: f64, x: f64) -> f64 {
    let (mut term, mut sum, mut n) = (1.0 / a, 1.0 / a, a);
    while term > sum * f64::EPSILON {
        n += 1.0;
        term *= x / n;
        sum += term;
    }
    sum
}

/// Lentz's evaluation of the continued fraction.
fn upper_fraction(a: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let mut b = x + 1.0 - a;
    let (mut c, mut d) = (1.0 / TINY, 1.0 / b);
    let mut h = d;
    for i in 1..10_000 {
        let an = -f64::from(i) * (f64::from(i) - a);
        b += 2.0;
        let away = |value: f64| if value.abs() < TINY { TINY } else { value };
        d = 1.0 / away(an * d + b);
        c = away(b + an / c);
        h *= d * c;
        if (d * c - 1.0).abs() < 1e-14 {
            break;
        }
    }
    h
}

/// Stirling's series, after moving the argument to where it is good to twelve digits.
fn ln_gamma(x: f64) -> f64 {
    let (mut x, mut shift) = (x, 0.0);
    while x < 10.0 {
        shift -= x.ln();
        x += 1.0;
    }
    let inverse = 1.0 / (x * x);
    let series = (1.0 / 12.0 - inverse * (1.0 / 360.0 - inverse * (1.0 / 1_260.0))) / x;
    shift + (x - 0.5) * x.ln() - x + 0.5 * std::f64::consts::TAU.ln() + series
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gamma_function_has_its_known_points() {
        assert!(ln_gamma(1.0).abs() < 1e-9);
        assert!((ln_gamma(5.0) - 24f64.ln()).abs() < 1e-9);
        assert!((ln_gamma(0.5) - std::f64::consts::PI.sqrt().ln()).abs() < 1e-9);
    }

    #[test]
    fn chi_square_has_its_known_points() {
        // From tables: freedom, statistic, probability.
        for (freedom, statistic, p) in [
            (1.0, 3.841, 0.05),
            (10.0, 18.307, 0.05),
            (10.0, 2.558, 0.99),
            (255.0, 293.248, 0.05),
            (255.0, 310.457, 0.01),
        ] {
            let found = gamma_q(freedom / 2.0, statistic / 2.0);
            assert!((found - p).abs() < 2e-4, "{freedom} {statistic}: {found}");
        }
    }

    #[test]
    fn counts_that_are_too_uneven_are_improbable() {
        assert_eq!(chi_square_uniform(&[100; 256]).p, 1.0);
        assert!(chi_square_uniform(&[110, 90, 100, 100]).p > 0.3);
        assert!(chi_square_uniform(&[150, 50, 100, 100]).p < 1e-9);
    }
}
