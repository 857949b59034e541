//! Top-k against a full sort.

use super::*;
use crate::kernels::hash::keyed_hash;

fn naive(pool: &Pool, scores: &[f32], k: usize, seed: u64) -> Vec<usize> {
    let mut open: Vec<usize> = (0..pool.len()).filter(|&i| !pool.closed[i]).collect();
    open.sort_by(|&a, &b| {
        let tie = |i: usize| (keyed_hash(pool.hash[i], seed), i);
        scores[b]
            .partial_cmp(&scores[a])
            .unwrap()
            .then(tie(a).cmp(&tie(b)))
    });
    open.truncate(k);
    open
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn agrees_with_a_full_sort(
        (pool, codes) in pools().prop_flat_map(|p| {
            let codes = prop::collection::vec(0_u8..6, p.len());
            (Just(p), codes)
        }),
        cut in cuts(), k in 0_usize..80, seed: u64,
    ) {
        let values = [0.0, -0.0, 1.0, -1.0, f32::INFINITY, f32::NEG_INFINITY];
        let scores: Vec<f32> = codes.iter().map(|&code| values[usize::from(code)]).collect();
        let bits = pool.bits(&cut);
        let blocks = pool.blocks(&cut, &bits);
        let parts: Vec<&[f32]> = pool.spans(&cut).iter().map(|&(a, b)| &scores[a..b]).collect();
        let want = naive(&pool, &scores, k, seed);
        let uniform = naive(&pool, &vec![0.0; pool.len()], k, seed);
        for engine in engines() {
            let got = engine.top_k(&parts, &blocks, k, seed, &Cancel::default()).unwrap();
            prop_assert_eq!(pool.places(&cut, &got), want.clone());
            let got = engine.random_top_k(&blocks, k, seed, &Cancel::default()).unwrap();
            prop_assert_eq!(pool.places(&cut, &got), uniform.clone());
        }
    }
}

#[test]
fn long_streams_are_pruned_without_loss() {
    let n = 100_000;
    let hash: Vec<u64> = (0..n as u64).map(|i| i / 2).collect();
    let scores: Vec<f32> = (0..n).map(|i| ((i * 7919) % 1009) as f32).collect();
    let (vectors, bits) = (
        Vectors::new(Values::F32(&[]), n, 0).unwrap(),
        vec![0; n / 8],
    );
    let blocks = [Block::new(vectors, &hash, &bits).unwrap()];
    let pool = Pool {
        dim: 0,
        rows: Vec::new(),
        halves: Vec::new(),
        format: Format::F32,
        hash: hash.clone(),
        closed: vec![false; n],
    };
    for (k, engine) in [1, 100, 5000].into_iter().zip(engines()) {
        let got = engine
            .top_k(&[&scores], &blocks, k, 9, &Cancel::default())
            .unwrap();
        assert_eq!(pool.places(&[], &got), naive(&pool, &scores, k, 9));
    }
}

#[test]
fn refuses_nan_and_says_where() {
    let vectors = Vectors::new(Values::F32(&[]), 2, 0).unwrap();
    let blocks = [Block::new(vectors, &[0, 1], &[0]).unwrap()];
    for engine in engines() {
        let got = engine.top_k(&[&[1.0, f32::NAN]], &blocks, 1, 0, &Cancel::default());
        let what = "scores of a block";
        assert_eq!(got, Err(Error::NotFinite { what, position: 1 }));
        assert!(
            engine
                .top_k(&[], &blocks, 1, 0, &Cancel::default())
                .is_err()
        );
        assert!(
            engine
                .top_k(&[&[1.0]], &blocks, 1, 0, &Cancel::default())
                .is_err()
        );
    }
}

#[test]
fn refuses_a_pool_without_threads() {
    assert!(Engine::new(0, Level::detect()).is_err());
    assert!(Engine::new(usize::MAX, Level::detect()).is_err());
    assert!(Level::by_name("mmx").is_err());
    assert!(Measure::by_name("guess").is_err());
}
