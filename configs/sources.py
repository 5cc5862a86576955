"""Titles from elsewhere: from which hosts and buckets they may come, and how large and slow they may be."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator


class SourceSettings(BaseModel):
    """What the operator allows; nothing by default, for clients and for the command line alike.

    Attributes:
        allow: hosts and buckets, separated by spaces: ``media.example.org`` (HTTPS), ``*.example.org``,
            ``media.example.org:8443``, ``http://nas.local:8080`` (that port, without encryption), ``s3://bucket`` or
            ``s3://bucket/prefix``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    allow: str = Field("", description="hosts and buckets that titles may come from, separated by spaces")
    private: bool = Field(False, description="also hosts of this machine and its network")
    largest_gb: float = Field(50.0, gt=0, le=10_000, description="maximum size of a title")
    within_s: float = Field(6 * 3600.0, gt=0, description="maximum time to fetch one")
    wait_s: float = Field(30.0, gt=0, le=3600, description="maximum time without a byte")
    yt_dlp: bool = Field(False, description="ask an installed yt-dlp for the video of an allowed page")

    @field_validator("allow", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        return " ".join(map(str, value)) if isinstance(value, list | tuple) else value
