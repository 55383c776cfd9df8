//! Where the laws are tried: the same numbers in every run.

/// Evenly distributed in [0, 1): the finaliser of SplitMix64.
pub fn uniform(index: u64) -> f64 {
    let mut z = (index + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Log-ratios: 0, 4000 evenly in ±`limit`, 4000 from ±1e-300 upwards, and both sides of every seam.
pub fn log_ratios(limit: f64) -> Vec<f64> {
    let mut all = vec![0.0];
    for index in 0..2000 {
        let even = limit * uniform(index);
        let small = 10_f64.powf(-300.0 * uniform(2000 + index).powi(3)) * 3.0;
        all.extend([even, -even, small, -small]);
    }
    for seam in [0.25, 0.5, 1.0, 2.0, 36.0, 700.0] {
        let beside = [
            seam * (1.0 - f64::EPSILON),
            seam,
            seam * (1.0 + f64::EPSILON),
        ];
        for value in beside.into_iter().filter(|value| *value <= limit) {
            all.extend([value, -value]);
        }
    }
    all
}

/// Pairs of log-ratios: far apart, near, and very near each other.
pub fn pairs(limit: f64) -> Vec<(f64, f64)> {
    let pair = |index: u64| {
        let first = limit * (2.0 * uniform(3 * index) - 1.0);
        let distance = 2.0 * uniform(3 * index + 1) - 1.0;
        let second = match index % 3 {
            0 => limit * distance,
            1 => first + distance,
            _ => first + distance * 10_f64.powf(-12.0 * uniform(3 * index + 2)),
        };
        (first, second.clamp(-limit, limit))
    };
    (0..6000).map(pair).collect()
}
