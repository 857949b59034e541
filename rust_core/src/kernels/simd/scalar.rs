//! The portable path: arrays of four, which compilers turn into whatever the target has.

use super::{Kernel, Simd};
use crate::kernels::half::{bf16_to_f32, f16_to_f32};
use std::array::from_fn;

/// No instruction set is assumed beyond the target's baseline.
#[derive(Debug, Clone, Copy)]
pub struct Scalar;

type V = [f32; 4];

#[inline(always)]
fn zip(a: V, b: V, f: impl Fn(f32, f32) -> f32) -> V {
    from_fn(|i| f(a[i], b[i]))
}

impl Simd for Scalar {
    type V = V;
    const LANES: usize = 4;
    const TILE: usize = 3;

    #[inline(always)]
    fn splat(self, x: f32) -> V {
        [x; 4]
    }

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> V {
        // SAFETY: the caller promises that four floats can be read.
        unsafe { from.cast::<V>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32, v: V) {
        // SAFETY: the caller promises that four floats can be written.
        unsafe { to.cast::<V>().write_unaligned(v) }
    }

    #[inline(always)]
    unsafe fn load_f16(self, from: *const u16) -> V {
        // SAFETY: the caller promises that four values can be read.
        let bits = unsafe { from.cast::<[u16; 4]>().read_unaligned() };
        bits.map(f16_to_f32)
    }

    #[inline(always)]
    unsafe fn load_bf16(self, from: *const u16) -> V {
        // SAFETY: the caller promises that four values can be read.
        let bits = unsafe { from.cast::<[u16; 4]>().read_unaligned() };
        bits.map(bf16_to_f32)
    }

    #[inline(always)]
    fn add(self, a: V, b: V) -> V {
        zip(a, b, |a, b| a + b)
    }

    #[inline(always)]
    fn sub(self, a: V, b: V) -> V {
        zip(a, b, |a, b| a - b)
    }

    #[inline(always)]
    fn mul(self, a: V, b: V) -> V {
        zip(a, b, |a, b| a * b)
    }

    #[inline(always)]
    fn div(self, a: V, b: V) -> V {
        zip(a, b, |a, b| a / b)
    }

    #[inline(always)]
    fn fma(self, a: V, b: V, c: V) -> V {
        // Not `mul_add`: without the instruction that is a call into libm, per lane.
        from_fn(|i| a[i] * b[i] + c[i])
    }

    #[inline(always)]
    fn max(self, a: V, b: V) -> V {
        zip(a, b, |a, b| if a > b { a } else { b })
    }

    #[inline(always)]
    fn min(self, a: V, b: V) -> V {
        zip(a, b, |a, b| if a < b { a } else { b })
    }

    #[inline(always)]
    fn select_gt(self, a: V, b: V, x: V, y: V) -> V {
        from_fn(|i| if a[i] > b[i] { x[i] } else { y[i] })
    }

    #[inline(always)]
    fn mask_gt(self, a: V, b: V) -> u32 {
        (0..Self::LANES).fold(0, |mask, i| mask | u32::from(a[i] > b[i]) << i)
    }

    #[inline(always)]
    fn round(self, x: V) -> V {
        // Adding and subtracting 1.5 * 2^23 leaves the nearest whole number, ties to even.
        const MAGIC: f32 = 12_582_912.0;
        x.map(|x| (x + MAGIC) - MAGIC)
    }

    #[inline(always)]
    fn pow2(self, n: V) -> V {
        n.map(|n| f32::from_bits(((n as i32 + 127) as u32) << 23))
    }

    #[inline(always)]
    fn split(self, x: V) -> (V, V) {
        let mantissa = x.map(|x| f32::from_bits((x.to_bits() & 0x007f_ffff) | 0x3f80_0000));
        let exponent = x.map(|x| ((x.to_bits() >> 23) as i32 - 127) as f32);
        (mantissa, exponent)
    }

    #[inline(always)]
    fn sums(self, v: [V; 4]) -> [f32; 4] {
        v.map(|v| (v[0] + v[2]) + (v[1] + v[3]))
    }

    #[inline(always)]
    fn prefetch(self, _from: *const u8) {}

    #[inline(never)]
    fn call<K: Kernel>(self, kernel: K) -> K::Output {
        kernel.run(self)
    }
}
