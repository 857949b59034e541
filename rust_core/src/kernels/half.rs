//! The two 16-bit float formats, bit by bit.

/// IEEE half precision to single; exact.
#[inline(always)]
#[must_use]
pub fn f16_to_f32(half: u16) -> f32 {
    let sign = u32::from(half & 0x8000) << 16;
    let rest = u32::from(half & 0x7fff) << 13;
    // Read with the wider exponent's bias the value is 2^112 too small, subnormals included.
    let scaled = (f32::from_bits(rest) * f32::from_bits(0x7780_0000)).to_bits();
    let special = rest | 0x7f80_0000;
    let bits = if half & 0x7c00 == 0x7c00 {
        special
    } else {
        scaled
    };
    f32::from_bits(bits | sign)
}

/// bfloat16 to single; exact.
#[inline(always)]
#[must_use]
pub fn bf16_to_f32(half: u16) -> f32 {
    f32::from_bits(u32::from(half) << 16)
}

/// Single to bfloat16, to the nearest, ties to even; NaN stays NaN.
#[inline(always)]
#[must_use]
pub fn f32_to_bf16(x: f32) -> u16 {
    let bits = x.to_bits();
    if x.is_nan() {
        return (bits >> 16) as u16 | 0x0040;
    }
    let to_even = 0x7fff + ((bits >> 16) & 1);
    ((bits + to_even) >> 16) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_half_widens_as_the_half_crate_says() {
        for bits in 0..=u16::MAX {
            let (ours, theirs) = (f16_to_f32(bits), half::f16::from_bits(bits).to_f32());
            assert!(ours.to_bits() == theirs.to_bits() || ours.is_nan() && theirs.is_nan());
            let (ours, theirs) = (bf16_to_f32(bits), half::bf16::from_bits(bits).to_f32());
            assert!(ours.to_bits() == theirs.to_bits() || ours.is_nan() && theirs.is_nan());
        }
    }

    #[test]
    fn narrowing_to_bf16_rounds_to_nearest_even() {
        for step in 0..=u16::MAX {
            for low in [0_u32, 1, 0x7fff, 0x8000, 0x8001, 0xffff] {
                let x = f32::from_bits((u32::from(step) << 16) | low);
                let (ours, theirs) = (f32_to_bf16(x), half::bf16::from_f32(x));
                if x.is_nan() {
                    assert!(bf16_to_f32(ours).is_nan());
                } else {
                    assert_eq!(ours, theirs.to_bits());
                }
            }
        }
    }
}
