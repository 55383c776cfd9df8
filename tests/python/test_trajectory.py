"""Trajectory files in the readers that researchers use.

The files come from `cargo test --test trajectory --test trajectory_kill`; OTTOFLOW_TRAJECTORIES names their folder
(target/test-trajectories). Every value in them is a formula of its place: see tests/trajectory/sample.rs.
"""

import os
from pathlib import Path

import h5py
import numpy
import pytest
import xarray
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkIOHDF import vtkHDFReader

FOLDER = Path(os.environ["OTTOFLOW_TRAJECTORIES"])
CELLS = {
    "1d-f64.h5": (7,),
    "2d-f64.h5": (5, 4),
    "2d-f32.h5": (5, 4),
    "3d-f64.h5": (6, 5, 4),
    "2d-f64-open-ended.h5": (5, 4),
    "2d-f64-killed.h5": (24, 20),
}
AXES = "xyz"


@pytest.fixture(params=CELLS)
def file(request):
    path = FOLDER / request.param
    assert path.exists(), f"{path} is missing: run cargo test --test trajectory --test trajectory_kill first"
    return path


def field_names(file):
    dimension = len(CELLS[file.name])
    vectors = [f"{name}_{axis}" for name in ("connection", "velocity") for axis in AXES[:dimension]]
    return ["density", "potential", "discriminator", *vectors]


def expected_field(file, number, frame):
    """Shape (z, y, x) without missing axes."""
    shape = tuple(reversed(CELLS[file.name]))
    index = numpy.indices(shape)[::-1]
    weights = (1 / 4096, 1 / 64, 1 / 8)
    return 100 * number + frame + sum(weight * i for weight, i in zip(weights, index))


def frame_count(file):
    with h5py.File(file) as opened:
        return opened["time"].shape[0]


def test_all_frames_are_there(file):
    if "killed" in file.name:
        assert frame_count(file) >= 5
    else:
        assert frame_count(file) == 6


def test_h5py_reads_every_value(file):
    with h5py.File(file) as opened:
        frames = frame_count(file)
        assert numpy.array_equal(opened["time"], 0.25 * numpy.arange(frames))
        for number, name in enumerate(field_names(file)):
            assert opened[name].dtype == ("f4" if "f32" in file.name else "f8")
            for frame in range(frames):
                assert numpy.array_equal(opened[name][frame], expected_field(file, number, frame))
        assert numpy.array_equal(opened["target"], expected_field(file, 9, 0))
        for number, name in enumerate(["divergence", "mass", "ratio_min"]):
            assert opened[name].dtype == "f8"
            assert numpy.array_equal(opened[name], number + numpy.arange(frames) / 3)
        steps = opened["steps"]
        assert list(steps) == ["time", "step", "divergence", "iterations"]
        assert numpy.array_equal(steps["iterations"][: 2 * frames], numpy.arange(2 * frames))


def test_the_scenario_and_status_are_plain_text(file):
    with h5py.File(file) as opened:
        attributes = dict(opened.attrs)
    assert attributes["format"] == "ottoflow"
    assert attributes["format_version"] == 1
    assert attributes["title"] == "Täst of trajectories"
    assert attributes["scenario"] == 'title = "Täst"\n[grid]\ncells = [7]\n'
    assert attributes["precision"] == ("f32" if "f32" in file.name else "f64")
    assert attributes["status"] == ("interrupted" if "killed" in file.name else "complete")
    for name in ("program_version", "backend", "device", "created"):
        assert isinstance(attributes[name], str) and attributes[name]


def test_members_keep_the_order_in_which_they_were_made(file):
    axes = list(AXES[: len(CELLS[file.name])])
    with h5py.File(file) as opened:
        expected = ["time", *axes, *field_names(file), "target", "divergence", "mass", "ratio_min", "steps", "VTKHDF"]
        assert list(opened) == expected
        assert list(opened.attrs)[:3] == ["format", "format_version", "title"]


def test_scales_are_attached_on_every_axis_of_every_root_array(file):
    axes = ["time", *reversed(AXES[: len(CELLS[file.name])])]
    with h5py.File(file) as opened:
        for name in ("time", *axes):
            assert opened[name].is_scale
        for name, dataset in opened.items():
            if not isinstance(dataset, h5py.Dataset) or dataset.is_scale:
                continue
            expected = axes[1:] if name == "target" else axes[: dataset.ndim]
            found = []
            for dimension in dataset.dims:
                assert len(dimension) == 1
                found.append(dimension[0].name.strip("/"))
            assert found == expected, name
            assert dataset.attrs["long_name"]


def test_files_keep_to_the_1_10_format_and_to_plain_filters(file):
    with file.open("rb") as opened:
        start = opened.read(12)
    superblock_version, open_marks = start[8], start[11]
    assert superblock_version == 3
    assert open_marks == 0
    with h5py.File(file) as opened:
        assert opened["density"].compression == "gzip"
        assert opened["density"].compression_opts == 1
        assert opened["density"].shuffle
        assert opened["density"].chunks[0] == 1


def test_xarray_shows_dimensions_coordinates_and_attributes(file):
    cells = CELLS[file.name]
    axes = ("time", *reversed(AXES[: len(cells)]))
    with xarray.open_dataset(file, engine="h5netcdf") as dataset:
        assert dataset["density"].dims == axes
        assert dataset["target"].dims == axes[1:]
        assert dataset["divergence"].dims == ("time",)
        assert set(dataset.coords) == set(axes)
        assert dataset["time"].dtype == "float64"
        assert dataset["time"].attrs["units"] == "1"
        assert dataset["density"].attrs["long_name"] == "density ρ"
        assert dataset.attrs["title"] == "Täst of trajectories"
        assert dataset.attrs["status"] in ("complete", "interrupted")
        for index, (axis, count) in enumerate(zip(AXES, cells)):
            lower, upper = -1 - index, 2
            centers = lower + (numpy.arange(count) + 0.5) * (upper - lower) / count
            assert numpy.allclose(dataset[axis], centers, rtol=0, atol=1e-15)
            assert dataset[axis].attrs["lower"] == lower
            assert dataset[axis].attrs["boundary"] == ("no-flux", "periodic")[index % 2]
        assert numpy.array_equal(dataset["density"].sel(time=0.5), expected_field(file, 0, 2))


def test_xarray_opens_the_steps_as_a_group(file):
    with xarray.open_dataset(file, engine="h5netcdf", group="steps") as steps:
        assert steps["iterations"].dims == ("time",)
        assert float(steps["iterations"].sel(time=0.5)) == 4


def test_paraview_reader_shows_each_frame_as_cell_data(file):
    cells = CELLS[file.name]
    reader = vtkHDFReader()
    reader.SetFileName(str(file))
    reader.UpdateInformation()
    frames = frame_count(file)
    assert reader.GetNumberOfSteps() == frames
    for frame in range(frames):
        reader.SetStep(frame)
        reader.Update()
        assert reader.GetTimeValue() == 0.25 * frame
        image = reader.GetOutputDataObject(0)
        extent = [0] * 6
        extent[1 : 2 * len(cells) : 2] = cells
        assert image.GetExtent() == tuple(extent)
        assert image.GetOrigin() == tuple((-1.0, -2.0, -3.0)[i] if i < len(cells) else 0.0 for i in range(3))
        for axis, count in enumerate(cells):
            assert image.GetSpacing()[axis] == pytest.approx((3 + axis) / count, rel=1e-15)
        with h5py.File(file) as opened:
            for name in field_names(file):
                found = vtk_to_numpy(image.GetCellData().GetArray(name))
                assert numpy.array_equal(found, opened[name][frame].ravel()), (name, frame)


def test_paraview_data_are_links_and_not_copies(file):
    with h5py.File(file) as opened:
        for name in field_names(file):
            assert opened[f"VTKHDF/CellData/{name}"] == opened[name]
        assert opened["VTKHDF/Steps/Values"] == opened["time"]
