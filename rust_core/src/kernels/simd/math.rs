//! Exponential and logarithm, lane by lane, for the ranges that a softmax needs.
//!
//! Range reduction by Cody and Waite ("Software Manual for the Elementary Functions", 1980) with
//! the minimax polynomials of the Cephes library (Moshier, `expf` and `logf`). Own code rather than libm,
//! because libm does not vectorise and differs between platforms.

use super::Simd;

/// Arguments below this are taken as this: its exponential, 1e-38, is still a normal number.
pub(crate) const LOWEST: f32 = -87.0;

const LOG2_E: f32 = std::f32::consts::LOG2_E;
const LN_2_HIGH: f32 = 355.0 / 512.0;
const LN_2_LOW: f32 = -2.121_944_4e-4;

/// `e^x` for `x <= 0`, within 2 ulp on `[-87, 0]`; below, `e^-87`.
#[inline(always)]
pub(crate) fn exp<S: Simd>(s: S, x: S::V) -> S::V {
    let x = s.max(x, s.splat(LOWEST));
    let n = s.round(s.mul(x, s.splat(LOG2_E)));
    let r = s.fma(n, s.splat(-LN_2_HIGH), x);
    let r = s.fma(n, s.splat(-LN_2_LOW), r);
    let mut p = s.splat(1.987_569_1e-4);
    for c in [
        1.398_199_9e-3,
        8.333_452e-3,
        4.166_579_6e-2,
        1.666_666_5e-1,
        0.5,
    ] {
        p = s.fma(p, r, s.splat(c));
    }
    let p = s.fma(p, s.mul(r, r), r);
    s.mul(s.add(p, s.splat(1.0)), s.pow2(n))
}

/// `ln x` for `x` in `[1, 1e30]`, within 2 ulp.
#[inline(always)]
pub(crate) fn ln<S: Simd>(s: S, x: S::V) -> S::V {
    let (m, e) = s.split(x);
    // Centre the mantissa on 1: [1, 2) becomes [sqrt(1/2), sqrt(2)).
    let root = s.splat(std::f32::consts::SQRT_2);
    let e = s.select_gt(m, root, s.add(e, s.splat(1.0)), e);
    let m = s.select_gt(m, root, s.mul(m, s.splat(0.5)), m);
    let r = s.sub(m, s.splat(1.0));
    let mut p = s.splat(7.037_683_6e-2);
    for c in [
        -1.151_461e-1,
        1.167_699_9e-1,
        -1.242_014_1e-1,
        1.424_932_3e-1,
        -1.666_805_8e-1,
        2.000_071_5e-1,
        -2.499_999_4e-1,
        3.333_333e-1,
    ] {
        p = s.fma(p, r, s.splat(c));
    }
    let z = s.mul(r, r);
    let y = s.mul(s.mul(p, r), z);
    let y = s.fma(e, s.splat(LN_2_LOW), y);
    let y = s.fma(z, s.splat(-0.5), y);
    s.fma(e, s.splat(LN_2_HIGH), s.add(r, y))
}

/// `ln(1 + x)` for `x` in `[0, 1e30]`, relative error below 1e-6 however small `x` is.
///
/// The rounding error of `1 + x` is divided out again (Goldberg 1991, theorem 4).
#[inline(always)]
pub(crate) fn ln_1p<S: Simd>(s: S, x: S::V) -> S::V {
    let one = s.splat(1.0);
    let u = s.add(one, x);
    let gap = s.sub(u, one);
    // Where 1 + x rounds to 1 the quotient is 0 / 0; there ln(1 + x) is x.
    let scaled = s.mul(ln(s, u), s.div(x, s.max(gap, s.splat(1e-30))));
    s.select_gt(u, one, scaled, x)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::simd::{Kernel, Level};

    struct Apply<'a>(&'a mut [f32], Which);

    #[derive(Clone, Copy)]
    enum Which {
        Exp,
        Ln,
        Ln1p,
    }

    impl Kernel for Apply<'_> {
        type Output = ();
        #[inline(always)]
        fn run<S: Simd>(self, s: S) {
            for chunk in self.0.chunks_exact_mut(S::LANES) {
                // SAFETY: the chunk holds exactly `LANES` floats.
                unsafe {
                    let x = s.load(chunk.as_ptr());
                    let y = match self.1 {
                        Which::Exp => exp(s, x),
                        Which::Ln => ln(s, x),
                        Which::Ln1p => ln_1p(s, x),
                    };
                    s.store(chunk.as_mut_ptr(), y);
                }
            }
        }
    }

    fn worst_ulp(which: Which, inputs: &[f32], oracle: impl Fn(f64) -> f64) -> f64 {
        let mut worst = 0.0_f64;
        for level in Level::all() {
            let mut out = inputs.to_vec();
            level.run(Apply(&mut out, which));
            for (&x, &y) in inputs.iter().zip(&out) {
                let want = oracle(f64::from(x));
                let ulp = f64::from(f32::EPSILON) * want.abs().max(1e-38) / 2.0;
                worst = worst.max((f64::from(y) - want).abs() / ulp / 2.0);
            }
        }
        worst
    }

    #[test]
    fn exp_is_within_two_ulp_of_double_precision() {
        let inputs: Vec<f32> = (0..87_000 * 16).map(|i| -(i as f32) / 16_000.0).collect();
        assert!(worst_ulp(Which::Exp, &inputs, f64::exp) < 2.0);
    }

    #[test]
    fn ln_is_within_two_ulp_of_double_precision() {
        let inputs: Vec<f32> = (0..16_000).map(|i| 1.0 + (i as f32) * 0.07).collect();
        assert!(worst_ulp(Which::Ln, &inputs[16..], f64::ln) < 2.0);
    }

    #[test]
    fn ln_1p_keeps_its_digits_near_zero() {
        let inputs: Vec<f32> = (0..16_000)
            .map(|i| 10_f32.powf(-30.0 + i as f32 * 0.002))
            .collect();
        assert!(worst_ulp(Which::Ln1p, &inputs, f64::ln_1p) < 8.0);
    }
}
