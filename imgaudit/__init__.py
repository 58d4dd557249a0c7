"""imgaudit: what is in a container image of a Go service, what it weighs and whether it can run.

>>> import imgaudit
>>> image = imgaudit.inspect("docker-archive:app.tar")
>>> image.size.rootfs, image.base.family, image.binaries[0].go.version
"""

__version__ = "0.1.0"
