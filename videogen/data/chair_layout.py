"""How the rendered chairs of Aubry et al. (CVPR 2014) lie on the disk: names of files, elevations and azimuths."""

ELEVATIONS = ("020", "030")
# fmt: off
AZIMUTHS = (
    "000", "011", "023", "034", "046", "058", "069", "081", "092", "104", "116", "127", "139", "150", "162", "174",
    "185", "197", "209", "220", "232", "243", "255", "267", "278", "290", "301", "313", "325", "336", "348",
)
# fmt: on
VIEW_NAME = r"image_\d+_p(?P<elevation>\d+)_t(?P<angle>\d+)_r\d+\.png"
NAMES_FILE = "all_chair_names.mat"  # folder_names and instance_names, cell arrays of strings
SUBSET_FILE = "reduced_set1.mat"  # selected, numbers from 1 into folder_names


def view_names() -> list[str]:
    """The 62 files of a chair in order. The second elevation begins at 032: the archive has no 031."""
    return [
        f"image_{32 * row + column:03d}_p{elevation}_t{azimuth}_r096.png"
        for row, elevation in enumerate(ELEVATIONS)
        for column, azimuth in enumerate(AZIMUTHS)
    ]
