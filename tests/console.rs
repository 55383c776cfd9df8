//! Numbers, durations, tables and status lines as people read them.

use std::time::Duration;

use ottoflow::output::console::{Alignment, Status, Table, duration, number, status_line};

#[test]
fn numbers_have_four_significant_digits() {
    let expected = [
        (0.0, "0"),
        (-0.0, "0"),
        (1.0, "1"),
        (-2.5, "-2.5"),
        (0.238, "0.238"),
        (0.1 + 0.2, "0.3"),
        (7.0912, "7.091"),
        (495.34, "495.3"),
        (999.96, "1000"),
        (12345.6, "12346"),
        (99999.7, "1e5"),
        (927_412.3, "9.274e5"),
        (1e12, "1e12"),
        (0.001234, "0.001234"),
        (0.00099996, "0.001"),
        (0.00012345, "1.234e-4"),
        (-1e-300, "-1e-300"),
        (5e-324, "4.941e-324"),
        (f64::MAX, "1.798e308"),
        (f64::INFINITY, "inf"),
        (f64::NEG_INFINITY, "-inf"),
        (f64::NAN, "NaN"),
    ];
    for (value, text) in expected {
        assert_eq!(number(value), text);
    }
}

#[test]
fn durations_have_the_units_people_use() {
    let expected = [
        (0.0, "0 s"),
        (0.4249, "0.42 s"),
        (9.44, "9.44 s"),
        (12.3, "12 s"),
        (59.6, "1 min 00 s"),
        (185.0, "3 min 05 s"),
        (3599.9, "1 h 00 min"),
        (7440.0, "2 h 04 min"),
        (360_000.0, "100 h 00 min"),
    ];
    for (seconds, text) in expected {
        assert_eq!(duration(Duration::from_secs_f64(seconds)), text);
    }
}

#[test]
fn columns_line_up_where_characters_are_wide_or_combined() {
    let mut table = Table::new(&[
        ("name", Alignment::Left),
        ("‖A‖", Alignment::Right),
        ("note", Alignment::Left),
    ]);
    table.row(["流".into(), "1".into(), "two columns wide".into()]);
    table.row(["e\u{301}".into(), "12.5".into()]);
    assert_eq!(
        table.to_string(),
        "name   ‖A‖  note\n\
         ────  ────  ────────────────\n\
         流       1  two columns wide\n\
         e\u{301}     12.5\n"
    );
}

#[test]
fn a_status_says_what_is_known_and_no_more() {
    let status = Status {
        time: 0.0,
        step: 1e-7,
        steps: 0,
        divergence: f64::NAN,
        rate: None,
        fraction: 0.0,
    };
    assert_eq!(
        status_line(&status, 2.0, Duration::from_secs(5)),
        "t = 0 of 2 (0 %), Δt = 1e-7, J = NaN, 0 steps"
    );
    let status = Status {
        time: 1.99,
        fraction: f64::NAN,
        rate: Some(-0.5),
        ..status
    };
    assert_eq!(
        status_line(&status, 2.0, Duration::from_secs(5)),
        "t = 1.99 of 2 (0 %), Δt = 1e-7, J = NaN, rate -0.5, 0 steps"
    );
}
