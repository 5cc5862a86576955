"""Write the edited picture: decode, paint and encode at the same time; what holds no edit is copied.

It is made stretch by stretch: each is drawn and encoded as if there were no other, and kept where there is a shelf.
What a shelf knows already is neither decoded nor drawn.
"""

from __future__ import annotations

from lipsync_engine import VERSION
from lipsync_engine.draw.film import film_of, frames_of
from lipsync_engine.draw.stretches import divided
from lipsync_engine.draw.studio import Studio
from lipsync_engine.draw.task import Corrections, Rendering, Task
from lipsync_engine.faces.track import Progress
from lipsync_engine.media import video
from lipsync_engine.media.splice import SpliceWriter
from lipsync_engine.media.stretches import stretches_of
from lipsync_engine.plan.edit import Score
from lipsync_engine.plan.person import Person

__all__ = ["Corrections", "Rendering", "Task", "render"]


def render(task: Task, scores: list[tuple[Person, Score]], progress: Progress | None = None) -> Rendering:
    """Write the edited picture, same frames and times as the source.

    Args:
        task: what to write, and where.
        scores: each person and the edit of that person.
        progress: called with (share done, message).

    Raises:
        MediaError: the picture cannot be decoded, or the earlier render is not one of this title.
    """
    facts = video.probe(task.picture)
    done = Rendering()
    film = film_of(task, facts, done.notes)
    runs = [part for run in film.runs for part in stretches_of(run, task.bounds, task.times_s)]
    stretches = divided(runs, scores, f"{VERSION} {task.device} {film.encoder.settings}")
    studio = Studio(task, facts, scores, stretches, done, progress)
    with SpliceWriter(task.out, film.facts, film.layout, film.encoder, film.base) as writer:
        studio.write(film, writer)
    total = len(film.layout.pts)
    if task.prior:
        done.fresh = frames_of(film.runs, total)
    done.stretches, done.copied = stretches, total - sum(stretch.frames for stretch in stretches)
    done.frames = total
    return done
