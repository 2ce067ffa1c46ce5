"""All tests of an installation, in the order of a user's steps: what is there, building on it, the README's service."""

# Each registers its tests.
import contents  # noqa: F401  pylint: disable=unused-import
import outside  # noqa: F401  pylint: disable=unused-import
import project  # noqa: F401  pylint: disable=unused-import
import readme  # noqa: F401  pylint: disable=unused-import
import service_page  # noqa: F401  pylint: disable=unused-import
from tap import run

run()
