"""The version of the package that is installed."""

from importlib.metadata import PackageNotFoundError, version

try:
    VERSION = version("gbm-diffusion")
except PackageNotFoundError:
    VERSION = "0+not-installed"
