"""Files for providers that only take URLs: copied into a folder that the user's web server publishes.

They have random names, and are removed when their job ends.
"""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path

from tasks.keep.staging import staged
from tasks.records.errors import BadInputError
from tasks.services.secrets import secret

#: The folder, and its public address.
VARIABLES = ("POLYDUB_PUBLIC_FOLDER", "POLYDUB_PUBLIC_URL")


def publish(path: Path) -> str:
    """Publish a file.

    Returns:
        Its public address.

    Raises:
        BadInputError: the folder cannot be written.
    """
    folder, url = Path(secret(VARIABLES[0])).expanduser(), secret(VARIABLES[1]).rstrip("/")
    name = f"{uuid.uuid4().hex}{path.suffix}"
    try:
        with staged(folder / name) as part:
            shutil.copyfile(path, part)
    except OSError as error:
        raise BadInputError(
            f"The public folder {folder} cannot be written: {error.strerror}.", f"Check {VARIABLES[0]}."
        ) from error
    return f"{url}/{name}"


def withdraw(url: str) -> None:
    """Remove a file that `publish` copied."""
    folder = Path(secret(VARIABLES[0])).expanduser()
    (folder / url.rpartition("/")[2]).unlink(missing_ok=True)
