//! Which frames of a trajectory are worth showing, and the axis on which times are shown.

use super::scale::{Scale, short};

/// The times span more than this, and are spread over it evenly in ln t: the axis is logarithmic.
const LOGARITHMIC_SPAN: f64 = 1e3;

/// The axis for the times: logarithmic when they spread over more than three decades, from the first positive one.
pub(super) fn time_scale(times: &[f64]) -> Scale {
    let first = times.first().copied().unwrap_or(0.0);
    let last = times.last().copied().unwrap_or(1.0);
    let positive: Vec<f64> = times.iter().copied().filter(|&time| time > 0.0).collect();
    match (positive.first(), positive.get(positive.len() / 2)) {
        // Times at even distances have their median at half of the end, however many decades they span.
        (Some(&start), Some(&median)) if last > LOGARITHMIC_SPAN * start && median < 0.1 * last => {
            Scale::logarithmic(start, last)
        }
        _ if last > first => Scale::linear(first, last),
        _ => Scale::linear(first, first + 1.0),
    }
}

/// Weight of the time axis against that of J in the choice of frames: long waits show little that is new.
const TIME_WEIGHT: f64 = 0.5;

/// At most `count` frames, the first and the last among them, that are evenly spread along the curve of J over the
/// time axis: both slow and sudden changes get their share.
pub(super) fn choose(times: &[f64], divergence: &[f64], count: usize) -> Vec<usize> {
    let frames = times.len();
    if frames <= count {
        return (0..frames).collect();
    }
    let scale = time_scale(times);
    let highest = divergence
        .iter()
        .copied()
        .filter(|value| value.is_finite())
        .fold(f64::MIN_POSITIVE, f64::max);
    let mut length = vec![0.0; frames];
    for frame in 1..frames {
        let place = |frame: usize| {
            scale
                .fraction(times[frame])
                .map_or(0.0, |share| share.clamp(0.0, 1.0))
        };
        let change = (divergence[frame] - divergence[frame - 1]).abs() / highest;
        let change = if change.is_finite() { change } else { 0.0 };
        length[frame] =
            length[frame - 1] + TIME_WEIGHT * (place(frame) - place(frame - 1)).abs() + change;
    }
    let total = length[frames - 1];
    let mut chosen = vec![0];
    for i in 1..count {
        let goal = total * i as f64 / (count - 1) as f64;
        let nearest = (0..frames)
            .min_by(|&a, &b| {
                (length[a] - goal)
                    .abs()
                    .total_cmp(&(length[b] - goal).abs())
            })
            .unwrap_or(0);
        // Distinct frames, and room for those still to come.
        let earliest = chosen[i - 1] + 1;
        let latest = frames - (count - i);
        chosen.push(if i == count - 1 {
            frames - 1
        } else {
            nearest.clamp(earliest, latest)
        });
    }
    chosen
}

/// `t = 0.25`.
pub(super) fn time_label(time: f64) -> String {
    format!("t = {}", short(time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chosen_frames_are_distinct_and_contain_both_ends() {
        let times: Vec<f64> = (0..40).map(|i| f64::from(i) * 0.1).collect();
        for divergence in [
            vec![0.0; 40],
            vec![f64::NAN; 40],
            times.iter().map(|t| (-9.0 * t).exp()).collect(),
        ] {
            for count in [2, 5, 7, 39, 40, 50] {
                let chosen = choose(&times, &divergence, count);
                assert_eq!(chosen.len(), count.min(40));
                assert!(chosen.is_sorted_by(|a, b| a < b));
                assert_eq!((chosen[0], chosen[chosen.len() - 1]), (0, 39));
            }
        }
    }

    #[test]
    fn a_sudden_change_gets_several_frames() {
        let times: Vec<f64> = (0..=1000).map(|i| f64::from(i) * 0.01).collect();
        let divergence: Vec<f64> = times.iter().map(|t| (-20.0 * t).exp()).collect();
        let early = choose(&times, &divergence, 7)
            .iter()
            .filter(|&&frame| times[frame] < 0.2)
            .count();
        assert!(early >= 3, "{early}");
    }

    #[test]
    fn only_times_spread_over_decades_get_a_logarithmic_axis() {
        let even: Vec<f64> = (0..=2000).map(|i| f64::from(i) * 1e-3).collect();
        let decades: Vec<f64> = (-6..=6).map(|i| 10f64.powi(i)).collect();
        assert_eq!(time_scale(&even), Scale::linear(0.0, 2.0));
        assert_eq!(time_scale(&decades), Scale::logarithmic(1e-6, 1e6));
    }
}
