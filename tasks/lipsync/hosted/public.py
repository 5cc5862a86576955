"""Files for providers that take addresses only: laid into a folder that a web server of the user's serves.

They have names that cannot be guessed, and go when their job is over.
"""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path

from tasks.keep.staging import staged
from tasks.records.errors import BadInputError
from tasks.services.secrets import secret

#: The folder, and the address under which the internet sees it.
VARIABLES = ("POLYDUB_PUBLIC_FOLDER", "POLYDUB_PUBLIC_URL")


def publish(path: Path) -> str:
    """Copy a file there.

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
    """Remove what `publish` laid there."""
    folder = Path(secret(VARIABLES[0])).expanduser()
    (folder / url.rpartition("/")[2]).unlink(missing_ok=True)
