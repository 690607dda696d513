#!/usr/bin/env python3
"""Prints the constants of src/num/elementary.h as C hexadecimal doubles, with the error that each polynomial has.

Each polynomial interpolates its function at Chebyshev nodes, in 80 digits, and is within a small factor of the best
of its degree. Functions come from their power series, so nothing beyond Python is needed: python3 tools/elementary_fit.py
"""
from decimal import Decimal as D, getcontext

getcontext().prec = 80


def arctan_inverse(n):
    """atan(1/n) by its series."""
    total, power, k = D(0), D(1) / n, 0
    while power > D(10) ** -85:
        total += (power if k % 2 == 0 else -power) / (2 * k + 1)
        power /= n * n
        k += 1
    return total


PI = 16 * arctan_inverse(5) - 4 * arctan_inverse(239)      # Machin
LN2 = D(2).ln()


def series(terms):
    """A function of x from its Taylor coefficients, summed until they no longer matter."""
    coefficient = [terms(k) for k in range(60)]

    def value(x):
        total = D(0)
        for c in reversed(coefficient):
            total = total * x + c
        return total
    return value


def factorial(n):
    product = D(1)
    for i in range(2, n + 1):
        product *= i
    return product


def cosine(x):
    total, term, k = D(0), D(1), 0
    while abs(term) > D(10) ** -85:
        total += term
        k += 2
        term *= -x * x / (k * (k - 1))
    return total


def interpolate(f, low, high, degree):
    """Coefficients, lowest first, of the polynomial through f at the Chebyshev nodes of [low, high]."""
    n = degree + 1
    node = [(low + high) / 2 + (high - low) / 2 * cosine(PI * (2 * i + 1) / (2 * n)) for i in range(n)]
    # Newton's divided differences, then multiplied out
    divided = [f(x) for x in node]
    for level in range(1, n):
        for i in range(n - 1, level - 1, -1):
            divided[i] = (divided[i] - divided[i - 1]) / (node[i] - node[i - level])
    poly = [divided[-1]]
    for i in range(n - 2, -1, -1):
        shifted = [D(0)] + poly
        for k, c in enumerate(poly):
            shifted[k] -= node[i] * c
        shifted[0] += divided[i]
        poly = shifted
    return poly


def show(name, what, f, low, high, degree, weight):
    """weight(x): what an error of the polynomial is multiplied with, relative to the whole result."""
    poly = [float(c) for c in interpolate(f, low, high, degree)]
    worst = D(0)
    for i in range(2001):
        x = low + (high - low) * i / 2000
        value = D(0)
        for c in reversed(poly):
            value = value * x + D(c)
        worst = max(worst, abs((value - f(x)) * weight(x)))
    print(f"// {what}: relative error of the whole {float(worst):.1e} = 2^{float(worst.ln() / LN2):.1f}")
    for k, c in enumerate(poly):
        print(f"#define {name}_{k:<2d}  {float.hex(c)}")


def head(x, bits):
    """x cut to so many significant bits, so that its products with small whole numbers are exact."""
    scale = 1
    while x * scale < 2 ** (bits - 1):
        scale *= 2
    return float(D(int(x * scale)) / scale)


ln2_high = head(LN2, 42)
print(f"#define LN2_HIGH  {float.hex(ln2_high)}")
print(f"#define LN2_LOW   {float.hex(float(LN2 - D(ln2_high)))}")
print(f"#define LN2_INVERSE  {float.hex(float(1 / LN2))}")

half = LN2 / 2 * (1 + D(2) ** -20)
show("EXP", "(exp(r) - 1 - r) / r^2 on |r| <= ln(2)/2", series(lambda k: 1 / factorial(k + 2)), -half, half, 10,
     lambda r: r * r / r.exp())

s = (D(2).sqrt() - 1) / (D(2).sqrt() + 1)
show("LOG", "(2 atanh(s) - 2 s) / s^3 in z = s^2, s = (m - 1)/(m + 1), m within a factor sqrt(2) of 1",
     series(lambda k: D(2) / (2 * k + 3)), D(0), s * s * (1 + D(2) ** -20), 7, lambda z: z / 2)

turn = lambda k, first: (-1) ** k * (2 * PI) ** (2 * k + first) / factorial(2 * k + first)
eighth = D(1) / 64
show("SIN", "sin(2 pi r) / r in z = r^2, |r| <= 1/8", series(lambda k: turn(k, 1)), D(0), eighth, 7,
     lambda z: 1 / (2 * PI))
show("COS", "cos(2 pi r) in z = r^2, |r| <= 1/8", series(lambda k: turn(k, 0)), D(0), eighth, 7, lambda z: D(1))
