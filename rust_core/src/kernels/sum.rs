//! The sum of all values: no use in itself, but as fast as any pass over the vectors can be, and
//! so the yardstick of the benchmarks.

use super::Engine;
use super::block::rows_per_chunk;
use super::half::{bf16_to_f32, f16_to_f32};
use super::simd::{Kernel, Simd};
use super::vectors::{Values, Vectors};
use rayon::prelude::*;

struct Sum<'a>(Values<'a>);

impl Kernel for Sum<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> f64 {
        match self.0 {
            // SAFETY: `lanes` hands out pointers to `LANES` values.
            Values::F32(v) => lanes(s, v, |at| unsafe { s.load(at) }, |x| x),
            // SAFETY: as above.
            Values::F16(v) => lanes(s, v, |at| unsafe { s.load_f16(at) }, f16_to_f32),
            // SAFETY: as above.
            Values::Bf16(v) => lanes(s, v, |at| unsafe { s.load_bf16(at) }, bf16_to_f32),
        }
    }
}

#[inline(always)]
fn lanes<S: Simd, T: Copy>(
    s: S,
    values: &[T],
    load: impl Fn(*const T) -> S::V,
    one: impl Fn(T) -> f32,
) -> f64 {
    // Eight registers in flight hide the latency of an addition.
    let mut acc = [s.splat(0.0); 8];
    let mut groups = values.chunks_exact(8 * S::LANES);
    for group in groups.by_ref() {
        for (acc, part) in acc.iter_mut().zip(group.chunks_exact(S::LANES)) {
            *acc = s.add(*acc, load(part.as_ptr()));
        }
    }
    let [a, b, c, d, e, f, g, h] = acc;
    let sums = [s.sums([a, b, c, d]), s.sums([e, f, g, h])];
    let rest = groups.remainder().iter().map(|&x| f64::from(one(x)));
    sums.as_flattened()
        .iter()
        .map(|&x| f64::from(x))
        .sum::<f64>()
        + rest.sum::<f64>()
}

impl Engine {
    /// The sum of all values; the same whatever the number of threads.
    #[must_use]
    pub fn sum(&self, vectors: &Vectors<'_>) -> f64 {
        let size = (rows_per_chunk(vectors, 1) * vectors.dim()).max(1);
        let part = |values| self.level().run(Sum(values));
        let parts: Vec<f64> = self.install(|| match vectors.values() {
            Values::F32(v) => v.par_chunks(size).map(|v| part(Values::F32(v))).collect(),
            Values::F16(v) => v.par_chunks(size).map(|v| part(Values::F16(v))).collect(),
            Values::Bf16(v) => v.par_chunks(size).map(|v| part(Values::Bf16(v))).collect(),
        });
        parts.iter().sum()
    }
}
