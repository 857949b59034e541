//! Farthest-first selection against its definition.

use super::*;
use crate::kernels::hash::keyed_hash;

fn gap(a: &[f64], b: &[f64]) -> f64 {
    a.iter()
        .zip(b)
        .map(|(a, b)| (a - b) * (a - b))
        .sum::<f64>()
        .sqrt()
}

/// The distance of every row to the nearest centre.
fn nearest(pool: &Pool, centres: &[Vec<f64>]) -> Vec<f64> {
    let to = |row: usize| {
        let row = pool.row(row);
        centres
            .iter()
            .map(|c| gap(&row, c))
            .fold(f64::INFINITY, f64::min)
    };
    (0..pool.len()).map(to).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn every_pick_is_the_farthest_row_left(
        (pool, m) in (pools(), 0_usize..4), cut in cuts(), k in 0_usize..12, seed: u64,
    ) {
        let m = m.min(pool.len());
        let anchors = pool.vectors(0, m);
        let bits = pool.bits(&cut);
        let blocks = pool.blocks(&cut, &bits);
        for engine in engines() {
            let got = engine.k_center(&blocks, &anchors, k, seed, None, &Cancel::default()).unwrap();
            let picks = pool.places(&cut, &got);
            prop_assert_eq!(picks.len(), k.min(pool.available()));
            let mut centres: Vec<Vec<f64>> = (0..m).map(|row| pool.row(row)).collect();
            let mut taken = pool.closed.clone();
            for (&pick, &score) in picks.iter().zip(&got.score) {
                prop_assert!(!taken[pick], "picked twice, or excluded");
                let distances = nearest(&pool, &centres);
                if centres.is_empty() {
                    let tie = |row: usize| keyed_hash(pool.hash[row], seed);
                    let first = (0..pool.len()).filter(|&r| !taken[r]).map(tie).min();
                    prop_assert_eq!(Some(tie(pick)), first);
                    prop_assert_eq!(score.to_bits(), 0.0_f32.to_bits());
                } else {
                    let open = (0..pool.len()).filter(|&row| !taken[row]);
                    let farthest = open.map(|row| distances[row]).fold(0.0, f64::max);
                    prop_assert!(distances[pick] >= farthest - 1e-5 * (1.0 + farthest));
                    prop_assert!((f64::from(score) - distances[pick]).abs() < 1e-5 * (1.0 + farthest));
                }
                taken[pick] = true;
                centres.push(pool.row(pick));
            }
        }
    }

    #[test]
    fn threads_and_cuts_change_nothing(
        pool in pools(), cut in cuts(), k in 0_usize..20, seed: u64,
    ) {
        let anchors = pool.vectors(0, pool.len().min(2));
        let (whole_bits, bits) = (pool.bits(&[]), pool.bits(&cut));
        let (whole, blocks) = (pool.blocks(&[], &whole_bits), pool.blocks(&cut, &bits));
        for level in Level::all() {
            let [one, three] = [1, 3].map(|threads| Engine::new(threads, level).unwrap());
            let a = one.k_center(&whole, &anchors, k, seed, None, &Cancel::default()).unwrap();
            let b = three.k_center(&blocks, &anchors, k, seed, None, &Cancel::default()).unwrap();
            prop_assert_eq!(pool.places(&[], &a), pool.places(&cut, &b));
            prop_assert_eq!(a.score, b.score);
        }
    }
}

#[test]
fn duplicates_are_picked_by_keyed_hash_and_only_once() {
    let (rows, hash, bits) = ([1.0; 10], [3, 1, 4, 1, 5, 9, 2, 6, 5, 3], [0, 0]);
    let vectors = Vectors::new(Values::F32(&rows), 10, 1).unwrap();
    let blocks = [Block::new(vectors, &hash, &bits).unwrap()];
    let anchor = Vectors::new(Values::F32(&rows[..1]), 1, 1).unwrap();
    for engine in engines() {
        let got = engine
            .k_center(&blocks, &anchor, 99, 7, None, &Cancel::default())
            .unwrap();
        let random = engine
            .random_top_k(&blocks, 99, 7, &Cancel::default())
            .unwrap();
        assert_eq!(got, random);
        assert_eq!(got.row.len(), 10);
    }
}

#[test]
fn hostile_rows_and_anchors_do_no_harm() {
    let (rows, hash) = ([f32::NAN, f32::MAX, f32::MIN, f32::INFINITY, 0.0], [0; 5]);
    let vectors = Vectors::new(Values::F32(&rows), 5, 1).unwrap();
    let blocks = [Block::new(vectors, &hash, &[0]).unwrap()];
    let finite = Vectors::new(Values::F32(&rows[4..]), 1, 1).unwrap();
    for engine in engines() {
        let got = engine
            .k_center(&blocks, &finite, 9, 0, None, &Cancel::default())
            .unwrap();
        assert_eq!(got.row.len(), 5);
        assert!(got.score.iter().all(|score| score.is_finite()));
        assert!(
            engine
                .k_center(&blocks, &vectors, 1, 0, None, &Cancel::default())
                .is_err()
        );
    }
}
