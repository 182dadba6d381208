use std::fmt;

/// A scalar modulo the order of secp256k1, 32 bytes big-endian: the kernel offset of a
/// transaction.
///
/// Offsets are public; the arithmetic here is not constant-time and must not see secrets.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct BlindingFactor(pub [u8; 32]);

/// The order of the curve, as four 64-bit limbs, least significant first.
const ORDER: Limbs =
    [0xbfd2_5e8c_d036_4141, 0xbaae_dce6_af48_a03b, 0xffff_ffff_ffff_fffe, 0xffff_ffff_ffff_ffff];

type Limbs = [u64; 4];

impl BlindingFactor {
    /// The neutral element: no offset.
    pub const ZERO: Self = Self([0; 32]);

    /// Whether the bytes are a number below the order of the curve.
    pub fn is_canonical(&self) -> bool {
        less(&self.limbs(), &ORDER)
    }

    /// `self + other` modulo the order. Both must be canonical.
    pub(crate) fn plus(&self, other: &Self) -> Self {
        let (sum, carry) = add(&self.limbs(), &other.limbs());
        let reduced = if carry || !less(&sum, &ORDER) { sub(&sum, &ORDER) } else { sum };
        Self::from_limbs(&reduced)
    }

    /// `self - other` modulo the order. Both must be canonical.
    pub(crate) fn minus(&self, other: &Self) -> Self {
        let (a, b) = (self.limbs(), other.limbs());
        let difference = sub(&a, &b);
        let reduced = if less(&a, &b) { add(&difference, &ORDER).0 } else { difference };
        Self::from_limbs(&reduced)
    }

    fn limbs(&self) -> Limbs {
        let mut limbs = [0; 4];
        for (limb, bytes) in limbs.iter_mut().rev().zip(self.0.as_chunks::<8>().0) {
            *limb = u64::from_be_bytes(*bytes);
        }
        limbs
    }

    fn from_limbs(limbs: &Limbs) -> Self {
        let mut bytes = [0; 32];
        for (chunk, limb) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(limbs.iter().rev()) {
            *chunk = limb.to_be_bytes();
        }
        Self(bytes)
    }
}

fn less(a: &Limbs, b: &Limbs) -> bool {
    a.iter().rev().lt(b.iter().rev())
}

fn add(a: &Limbs, b: &Limbs) -> (Limbs, bool) {
    let mut sum = [0; 4];
    let mut carry = false;
    for i in 0..4 {
        let (partial, first) = a[i].overflowing_add(b[i]);
        let (total, second) = partial.overflowing_add(carry.into());
        sum[i] = total;
        carry = first || second;
    }
    (sum, carry)
}

/// `a - b` modulo 2^256.
fn sub(a: &Limbs, b: &Limbs) -> Limbs {
    let mut difference = [0; 4];
    let mut borrow = false;
    for i in 0..4 {
        let (partial, first) = a[i].overflowing_sub(b[i]);
        let (total, second) = partial.overflowing_sub(borrow.into());
        difference[i] = total;
        borrow = first || second;
    }
    difference
}

impl fmt::Display for BlindingFactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for BlindingFactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlindingFactor({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scalar(low: u64) -> BlindingFactor {
        BlindingFactor::from_limbs(&[low, 0, 0, 0])
    }

    #[test]
    fn order_is_not_canonical_and_its_predecessor_is() {
        let order = BlindingFactor::from_limbs(&ORDER);
        let minus_one = BlindingFactor::ZERO.minus(&scalar(1));
        assert!(!order.is_canonical());
        assert!(minus_one.is_canonical());
        assert_eq!(minus_one.plus(&scalar(1)), BlindingFactor::ZERO);
        assert_eq!(minus_one.plus(&minus_one), BlindingFactor::ZERO.minus(&scalar(2)));
    }

    #[test]
    fn carries_run_through_all_limbs() {
        let all_ones = BlindingFactor::from_limbs(&[u64::MAX, u64::MAX, 0, 0]);
        let sum = all_ones.plus(&scalar(1));
        assert_eq!(sum, BlindingFactor::from_limbs(&[0, 0, 1, 0]));
        assert_eq!(sum.minus(&scalar(1)), all_ones);
    }
}
