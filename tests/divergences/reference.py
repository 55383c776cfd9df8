"""Writes reference.csv: the functions of the five divergences at 120 digits, rounded to f64.

    python tests/divergences/reference.py > tests/divergences/reference.csv     (needs mpmath)

Columns: function, divergence, argument, value. Values beyond the range of f64 are left out.
"""

from mpmath import exp, expm1, log, log1p, mp, mpf, sqrt

mp.dps = 400

LN_2 = log(2)
ONE = mpf(1)

# f as a function of r, f', psi, psi' and the inverse of psi: the definitions, at so many digits that no care is needed.
DIVERGENCES = {
    "jensen-shannon": (
        lambda r: r * log(2 * r / (1 + r)) + log(2 / (1 + r)),
        lambda r: LN_2 + log(r / (1 + r)),
        lambda r: log(1 + r),
        lambda r: 1 / (1 + r),
        lambda w: expm1(w),
    ),
    "kl": (lambda r: r * log(r) - r + 1, lambda r: log(r), lambda r: r, lambda r: ONE, lambda w: w),
    "reverse-kl": (lambda r: r - 1 - log(r), lambda r: 1 - 1 / r, lambda r: log(r), lambda r: 1 / r, lambda w: exp(w)),
    "chi-squared": (lambda r: (r - 1) ** 2, lambda r: 2 * (r - 1), lambda r: r * r, lambda r: 2 * r, lambda w: sqrt(w)),
    "hellinger": (
        lambda r: (sqrt(r) - 1) ** 2,
        lambda r: 1 - 1 / sqrt(r),
        lambda r: sqrt(r),
        lambda r: 1 / (2 * sqrt(r)),
        lambda w: w * w,
    ),
}


def magnitudes():
    """Near 0, around the seams at 1/2, 1, 36 and 800, and out to the tails."""
    yield from (float(f"{digit}e-{power}") for power, digit in [(300, 3), (150, 7), (17, 1.3), (16, 1.1), (15, 3.7), (12, 2.1), (8, 1.7),
                (8, 1), (5, 4.3), (4, 1.9), (3, 7.7), (2, 3.1), (1, 1.23)])
    yield from [0.3, 0.346573, 0.5, 0.69, 0.7, 0.881, 0.999, 1 - 2**-53, 1.0, 1 + 2**-52, 1.001, 1.3, 2.0, 3.3, 5.7, 9.1, 13.7, 20.3, 29.9,
                35.9, 36.7, 37.3, 44.1, 52.0, 87.0, 88.9, 103.3, 150.7, 233.3, 345.6, 354.1, 372.5, 400.0, 511.7, 600.3, 699.0, 700.0]


def ratios():
    yield from [1.0, 0.0, 1e-300, 1e-60, 1e-17, 1e-8, 0.1, 0.3, 0.49, 0.5, 0.51, 0.9, 0.99999, 1 - 1e-12, 1 - 2**-53, 1 + 2**-52, 1 + 1e-12,
                1.00001, 1.1, 1.4, 1.42, 1.9, 2.0, 2.9, 3.1, 10.0, 1e8, 1e17, 1e60, 1e150, 1e300]


def kirchhoffs():
    yield from [1e-300, 1e-60, 3e-17, 1e-8, 0.01, 0.3, 0.69, 0.7, 0.9, 1 - 2**-53, 1.0, 1 + 2**-52, 1.1, 1.9, 2.1, 7.7, 20.0, 36.0, 37.0, 45.0, 300.0,
                699.0]


def emit(function, divergence, argument, value):
    largest, smallest = mpf(2) ** 1023, mpf(2) ** -1021
    if value == 0 or smallest < abs(value) < largest:
        print(f"{function},{divergence},{argument!r},{float(value)!r}")


def main():
    print("function,divergence,argument,value")
    signed = [0.0] + [sign * m for m in magnitudes() for sign in (1, -1)]
    for name, (f, variation, psi, slope, inverse) in DIVERGENCES.items():
        for number in signed:
            r = exp(mpf(number))
            emit("integrand", name, number, f(r))
            emit("integrand_per_mass", name, number, f(r) / r)
            emit("first_variation", name, number, variation(r))
            emit("kirchhoff", name, number, psi(r))
        for number in ratios():
            r = mpf(number)
            if number > 0 or name not in ("reverse-kl", "hellinger"):
                emit("slope_from_ratio", name, number, slope(r))
            if number > 0 or name != "reverse-kl":
                emit("kirchhoff_from_ratio", name, number, psi(r))
        for number in kirchhoffs():
            for w in [number, -number] if name == "reverse-kl" else [number]:
                r = inverse(mpf(w))
                emit("log_ratio", name, w, log(r))
                emit("slope", name, w, slope(r))
                emit("log_slope", name, w, log(slope(r)))


main()
