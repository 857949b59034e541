//! Draws over gradient embeddings against gradients that are written out.

use super::*;

/// The gradients of the rows in double precision: `(p - e) x~'`, flattened.
fn gradient(row: &[f64], weights: &[f32], bias: &[f32]) -> Vec<f64> {
    let of_class = |(weights, &bias): (&[f32], &f32)| {
        let products = weights.iter().zip(row).map(|(&w, x)| f64::from(w) * x);
        products.sum::<f64>() + f64::from(bias)
    };
    let logits: Vec<f64> = weights
        .chunks_exact(row.len())
        .zip(bias)
        .map(of_class)
        .collect();
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let total: f64 = logits.iter().map(|z| (z - largest).exp()).sum();
    let label = logits.iter().position(|&z| z >= largest).unwrap();
    let factor = |class: usize| {
        (logits[class] - largest).exp() / total - f64::from(u8::from(class == label))
    };
    let of = |class: usize| {
        row.iter()
            .chain(&[1.0])
            .map(move |x| factor(class) * x)
            .collect::<Vec<_>>()
    };
    (0..bias.len()).flat_map(of).collect()
}

fn squared(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

/// Heads without ties between classes, where the label would be a matter of rounding.
fn heads() -> impl Strategy<Value = (Pool, Vec<f32>, Vec<f32>)> {
    (pools(), 1_usize..12, any::<u32>()).prop_map(|(pool, classes, seed)| {
        let number = |i: usize| {
            (((i as u32 + 1).wrapping_mul(2_654_435_761) ^ seed) >> 8) as f32 / 1.7e7 - 0.5
        };
        let weights = (0..classes * pool.dim).map(number).collect();
        let bias = (0..classes)
            .map(|class| number(class + 7_777) + class as f32 / 7.0)
            .collect();
        (pool, weights, bias)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn scores_are_squared_distances_of_gradients(
        (pool, weights, bias) in heads(), cut in cuts(), k in 0_usize..12, m in 0_usize..4, origin: bool, seed: u64,
    ) {
        let head = Head::new(&weights, &bias, pool.dim).unwrap();
        let gradients: Vec<Vec<f64>> = (0..pool.len()).map(|row| gradient(&pool.row(row), &weights, &bias)).collect();
        let norm = |row: usize| gradients[row].iter().map(|x| x * x).sum::<f64>();
        let m = m.min(pool.len());
        let bits = pool.bits(&cut);
        let blocks = pool.blocks(&cut, &bits);
        for engine in engines() {
            let start = Start { anchors: pool.vectors(0, m), origin };
            let got = engine.badge(&blocks, &head, start, k, seed, &Cancel::default()).unwrap();
            let picks = pool.places(&cut, &got);
            prop_assert_eq!(picks.len(), k.min(pool.available()));
            let mut centres: Vec<Vec<f64>> = gradients[..m].to_vec();
            if origin {
                centres.push(vec![0.0; (pool.dim + 1) * bias.len()]);
            }
            let mut taken = pool.closed.clone();
            for (&pick, &score) in picks.iter().zip(&got.score) {
                prop_assert!(!taken[pick], "picked twice, or excluded");
                let open: Vec<usize> = (0..pool.len()).filter(|&row| !taken[row]).collect();
                let longest = open.iter().map(|&row| norm(row)).fold(0.0, f64::max);
                let nearest = |row: usize| centres.iter().map(|c| squared(&gradients[row], c)).fold(f64::INFINITY, f64::min);
                let want = if centres.is_empty() {
                    prop_assert!(norm(pick) >= longest * (1.0 - 1e-4));
                    norm(pick)
                } else {
                    nearest(pick)
                };
                prop_assert!((f64::from(score) - want).abs() <= 1e-4 * (1e-3 * longest + want), "{score} {want}");
                taken[pick] = true;
                centres.push(gradients[pick].clone());
            }
        }
    }

    #[test]
    fn threads_and_cuts_change_nothing(
        (pool, weights, bias) in heads(), cut in cuts(), k in 0_usize..20, origin: bool, seed: u64,
    ) {
        let head = Head::new(&weights, &bias, pool.dim).unwrap();
        let (whole_bits, bits) = (pool.bits(&[]), pool.bits(&cut));
        let (whole, blocks) = (pool.blocks(&[], &whole_bits), pool.blocks(&cut, &bits));
        let start = Start { anchors: pool.vectors(0, pool.len().min(2)), origin };
        for level in Level::all() {
            let [one, three] = [1, 3].map(|threads| Engine::new(threads, level).unwrap());
            let a = one.badge(&whole, &head, start, k, seed, &Cancel::default()).unwrap();
            let b = three.badge(&blocks, &head, start, k, seed, &Cancel::default()).unwrap();
            prop_assert_eq!(pool.places(&[], &a), pool.places(&cut, &b));
            prop_assert_eq!(a.score, b.score);
        }
    }
}

#[test]
fn rows_without_a_gradient_follow_by_keyed_hash_and_only_once() {
    let (rows, hash, bits) = ([1.0; 10], [3, 1, 4, 1, 5, 9, 2, 6, 5, 3], [0, 0]);
    let vectors = Vectors::new(Values::F32(&rows), 10, 1).unwrap();
    let blocks = [Block::new(vectors, &hash, &bits).unwrap()];
    // One class: every gradient is zero.
    let head = Head::new(&[1.0], &[0.0], 1).unwrap();
    for engine in engines() {
        let none = Vectors::new(Values::F32(&[]), 0, 1).unwrap();
        for (anchors, origin) in [(none, false), (none, true), (vectors, false)] {
            let start = Start { anchors, origin };
            let got = engine
                .badge(&blocks, &head, start, 99, 7, &Cancel::default())
                .unwrap();
            let random = engine
                .random_top_k(&blocks, 99, 7, &Cancel::default())
                .unwrap();
            assert_eq!(got, random);
        }
    }
}

/// A pick is drawn with a chance in proportion to its squared distance: 4000 draws between rows of
/// which one has four times the other's. A fair draw fails this once in a million.
#[test]
fn chances_are_in_proportion_to_squared_distances() {
    let head = Head::new(&[0.0, 0.0], &[0.0, 0.0], 1).unwrap();
    // |g|^2 = |q|^2 (x^2 + 1) = (x^2 + 1) / 2.
    let (rows, bits) = ([1.0, 7.0_f32.sqrt()], [0]);
    let vectors = Vectors::new(Values::F32(&rows), 2, 1).unwrap();
    let none = Vectors::new(Values::F32(&[]), 0, 1).unwrap();
    let start = Start {
        anchors: none,
        origin: true,
    };
    let engine = Engine::new(1, Level::detect()).unwrap();
    let first = (0..4000_u64).filter(|&seed| {
        let hash = [11, 12];
        let blocks = [Block::new(vectors, &hash, &bits).unwrap()];
        let got = engine
            .badge(&blocks, &head, start, 1, seed, &Cancel::default())
            .unwrap();
        got.row == [0]
    });
    let (share, spread) = (
        first.count() as f64 / 4000.0,
        (0.2 * 0.8 / 4000.0_f64).sqrt(),
    );
    assert!((share - 0.2).abs() < 4.9 * spread, "{share}");
}

#[test]
fn hostile_rows_and_anchors_do_no_harm() {
    let (rows, hash) = ([f32::NAN, f32::MAX, f32::MIN, f32::INFINITY, 0.0], [0; 5]);
    let vectors = Vectors::new(Values::F32(&rows), 5, 1).unwrap();
    let blocks = [Block::new(vectors, &hash, &[0]).unwrap()];
    let head = Head::new(&[1.0, -1e-30, 0.5], &[0.0; 3], 1).unwrap();
    let finite = Vectors::new(Values::F32(&rows[4..]), 1, 1).unwrap();
    for engine in engines() {
        let start = |anchors| Start {
            anchors,
            origin: false,
        };
        let run = |anchors| engine.badge(&blocks, &head, start(anchors), 9, 0, &Cancel::default());
        let got = run(finite).unwrap();
        assert_eq!(got.row.len(), 5);
        assert!(got.score.iter().all(|score| score.is_finite()));
        assert!(run(vectors).is_err());
    }
}
