"""Makes the data files of the scenarios: motor.png and points.csv. Needs numpy and Pillow; the result does not depend on when it is run."""

from pathlib import Path

import numpy as np
from PIL import Image

FOLDER = Path(__file__).parent
SIZE = 96


def motor():
    """An O with a dot and an arrow head: the cycle of an Otto motor, white on dark grey."""
    axis = (np.arange(4 * SIZE) + 0.5) / (2 * SIZE) - 1.0
    x, y = np.meshgrid(axis, -axis)
    radius = np.hypot(x, y)
    ring = np.abs(radius - 0.62) < 0.11
    dot = np.hypot(x, y) < 0.16
    gap = (np.abs(y) < 0.16) & (x > 0.3)
    head = (x > 0.35) & (x < 0.91) & (y < 0.02) & (y > -0.3) & (np.abs(x - 0.62) < (y + 0.3) * 0.9)
    shape = ((ring & ~gap) | dot | head).astype(float)
    grey = shape.reshape(SIZE, 4, SIZE, 4).mean(axis=(1, 3))
    # Black would be density 0, which no target may have.
    Image.fromarray(np.round(8 + 247 * grey).astype(np.uint8), mode="L").save(FOLDER / "motor.png")


def points():
    """300 points around a spiral."""
    random = np.random.default_rng(7)
    turn = np.sqrt(random.uniform(0.05, 1.0, 300))
    angle = 2.5 * np.pi * turn
    spiral = 3.0 * np.stack([turn * np.cos(angle), turn * np.sin(angle)], axis=1)
    noisy = spiral + random.normal(scale=0.15, size=spiral.shape)
    np.savetxt(FOLDER / "points.csv", noisy, fmt="%.4f", delimiter=",", header="x,y", comments="")


motor()
points()
